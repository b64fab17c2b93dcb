//! A table asked for the rows of some keys, in one scan: the requests are made for groups of keys.
//!
//! Several columns are no cross product: keys that have all values but one in common are a group, whose last column is
//! asked for as a list. A request stands for its own keys alone: rows of others, which a server that folds case may send
//! again, are dropped. Which of the columns are asked for is a matter of calls; rows of too many keys do no harm.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tidegate_remote::pushdown::{Alternative, CannotAsk, MAX_ALTERNATIVES};
use tidegate_remote::{CompareOp, Predicate, Scalar};
use tidegate_spec::{Endpoint, Operator};

use super::asking::{Asked, Asking, Refused, Unaskable, needed};
use super::filters::{Question, Trust, all, is_echo, is_required, parts};
use super::missing::Unmet;
use super::requests::{key, keyed};
use crate::cost::is_list;
use crate::pushdown::in_list;

/// Distinct values that a column is taken to have that is not its table's key.
const DISTINCT: u64 = 50;

/// What a column of a table's rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The table's own, by its place.
    Column(usize),
    /// The partition.
    Partition,
}

/// Keys of rows: the rows whose columns have the values of one of them are wanted, and others do no harm.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Places among the table's columns, each once.
    pub(crate) columns: Vec<usize>,
    /// Each once.
    pub(crate) keys: Vec<RowKey>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct RowKey {
    /// A value for each of the columns.
    pub(crate) values: Vec<Scalar>,
    /// Code of the partition that its rows are in; `None` for any.
    pub(crate) partition: Option<Arc<str>>,
}

/// Keys that have all values in common but those of one column.
struct Group {
    partition: Option<Arc<str>>,
    equal: Vec<(usize, Scalar)>,
    listed: Option<(usize, Vec<Scalar>)>,
}

/// An endpoint that can be asked for the keys, by these of their columns.
struct Candidate {
    endpoint: usize,
    columns: Vec<usize>,
    requests: Vec<(Group, Vec<Alternative>)>,
}

impl Candidate {
    fn alternatives(&self) -> impl Iterator<Item = &Alternative> {
        self.requests.iter().flat_map(|(_, alternatives)| alternatives)
    }

    /// Keys that differ in the columns that are asked by.
    fn keys(&self) -> u64 {
        let of_group = |(group, _): &(Group, _)| group.listed.as_ref().map_or(1, |(_, values)| values.len() as u64);
        self.requests.iter().map(of_group).sum()
    }
}

impl Asking {
    /// What this column of the output is.
    pub(crate) fn field(&self, output: usize) -> Option<Field> {
        let place = *self.wanted.get(output)?;
        Some(if place < self.table.columns.len() { Field::Column(place) } else { Field::Partition })
    }

    /// Its name in SQL.
    pub(crate) fn field_name(&self, field: Field) -> &str {
        let place = match field {
            Field::Column(place) => place,
            Field::Partition => self.table.columns.len(),
        };
        self.schema.fields().get(place).map_or("?", |field| field.name())
    }

    /// Whether an endpoint could be asked by keys of these columns, or of the partition: for one that lacks filters,
    /// whether these could be the ones.
    pub(crate) fn takes_keys(&self, columns: &[usize], by_partition: bool) -> bool {
        let question = Question::new(&self.table, &self.filters, self.trust());
        let wanted = needed(&self.wanted_columns(), &question);
        let takes_key = |endpoint, column| columns.contains(&column) && takes(endpoint, column);
        let asked: Vec<_> =
            self.askable(&wanted).map(|(index, endpoint)| (endpoint, question.ask(index, &wanted))).collect();
        if !self.pushdown && asked.iter().any(|(_, asked)| asked.is_ok()) {
            return false;
        }
        asked.iter().any(|(endpoint, asked)| match asked {
            Ok(_) => by_partition || columns.iter().any(|&column| takes(endpoint, column)),
            Err(CannotAsk::Missing(filters)) => filters.iter().all(|filter| takes_key(endpoint, filter.column)),
            Err(CannotAsk::TooMany { .. }) => false,
        })
    }

    /// The scan of the rows of these keys with the fewest expected calls.
    ///
    /// # Errors
    /// No endpoint can be asked for just them.
    pub(crate) fn plan_keyed(self: &Arc<Self>, keys: &Keys) -> Result<Asked, Unaskable> {
        let question = Question::new(&self.table, &self.filters, self.trust());
        let keys = self.possible(keys, &question);
        let asking = self.reaching(&keys);
        let reaches_nothing = asking.reach.as_ref().is_some_and(|reach| reach.codes().is_empty());
        if keys.keys.is_empty() || question.never || reaches_nothing {
            return Ok(Asked::Nothing);
        }
        let needed = needed(&asking.wanted_columns(), &question);
        let mut candidates = Vec::new();
        let mut refused = Refused::default();
        for (index, endpoint) in asking.askable(&needed) {
            if asking.is_strict && endpoint.eventual {
                refused.lagging = Some(index);
                continue;
            }
            for columns in asking.choices(endpoint, &keys, &needed) {
                match asking.candidate(&question, index, &needed, &keys, &columns) {
                    Ok(candidate) => candidates.extend(candidate),
                    Err(CannotAsk::Missing(filters)) => refused.unmet.push(Unmet { endpoint: index, filters }),
                    Err(refusal @ CannotAsk::TooMany { .. }) => refused.too_many = Some(refusal),
                }
            }
        }
        match asking.best(candidates, keys.keys.len() as u64) {
            Some((candidate, calls)) => asking.keyed_scan(&question, candidate, calls, needed),
            None => Err(asking.refusal(&question, &needed, refused)),
        }
    }

    /// The values that the filters let a column of the table have; none where these leave it open.
    pub(crate) fn values_wanted(&self, wanted: usize) -> Vec<Scalar> {
        let question = Question::new(&self.table, &self.filters, self.trust());
        let parts = question.wanted().map(parts).unwrap_or_default();
        let found = parts.iter().filter_map(values_of).find(|(column, _)| *column == wanted);
        found.map(|(_, values)| values.to_vec()).unwrap_or_default()
    }

    /// The keys that the filters let be.
    fn possible(&self, keys: &Keys, question: &Question) -> Keys {
        let known = question.wanted().map(parts).unwrap_or_default();
        let known: Vec<_> = known.iter().filter_map(values_of).collect();
        let is_possible = |key: &&RowKey| {
            let mut values = keys.columns.iter().zip(&key.values);
            values.all(|(column, value)| known.iter().all(|(of, list)| of != column || list.contains(value)))
        };
        Keys { columns: keys.columns.clone(), keys: keys.keys.iter().filter(is_possible).cloned().collect() }
    }

    /// The same in no more than the keys' partitions.
    fn reaching(self: &Arc<Self>, keys: &Keys) -> Arc<Self> {
        let codes: Option<HashSet<&str>> = keys.keys.iter().map(|key| key.partition.as_deref()).collect();
        let (Some(reach), Some(codes)) = (&self.reach, codes) else { return Arc::clone(self) };
        let reach = reach.kept(|place| reach.codes().get(place).is_some_and(|code| codes.contains(code.as_ref())));
        Arc::new(Self { reach: Some(reach), ..Self::clone(self) })
    }

    /// Sets of columns that the endpoint may be asked by: those that it cannot do without, with each of the others, and
    /// with all of them.
    fn choices(&self, endpoint: &Endpoint, keys: &Keys, needed: &[usize]) -> Vec<Vec<usize>> {
        let is_needed =
            |column: usize| is_required(endpoint, column) || (is_echo(&self.table, column) && needed.contains(&column));
        let by_partition = keys.keys.first().is_some_and(|key| key.partition.is_some());
        let taken: Vec<usize> = keys.columns.iter().copied().filter(|&column| takes(endpoint, column)).collect();
        let (must, may): (Vec<usize>, Vec<usize>) = taken.iter().copied().partition(|&column| is_needed(column));
        let mut choices = Vec::new();
        if !must.is_empty() || by_partition {
            choices.push(must.clone());
        }
        if self.trust() != Trust::Nothing {
            choices.extend(may.iter().map(|&column| [must.as_slice(), &[column]].concat()));
            if may.len() > 1 {
                choices.push(taken);
            }
        }
        choices
    }

    /// What the endpoint is asked for the keys by these of their columns; `None` where that would not narrow it.
    fn candidate(
        &self,
        question: &Question,
        endpoint: usize,
        needed: &[usize],
        keys: &Keys,
        columns: &[usize],
    ) -> Result<Option<Candidate>, CannotAsk> {
        let Some(declared) = self.table.endpoints.get(endpoint) else { return Ok(None) };
        let wanted = question.wanted().map(parts).unwrap_or_default();
        // What the keys say of a column is no more than the filters let pass.
        let said = |part: &&Predicate| !values_of(part).is_some_and(|(column, _)| columns.contains(&column));
        let wanted: Vec<Predicate> = wanted.iter().filter(said).cloned().collect();
        let mut requests = Vec::new();
        let mut count = 0;
        let mut groups: VecDeque<Group> = groups(declared, keys, columns).into();
        while let Some(group) = groups.pop_front() {
            let wanted = all(group.predicates().chain(wanted.iter().cloned()).collect());
            let alternatives = question.alternatives(endpoint, needed, wanted.as_ref())?;
            if !alternatives.iter().all(|alternative| carries(alternative, columns)) {
                // A list that one request has no room for may fit in two.
                let Some((first, second)) = group.halved() else { return Ok(None) };
                groups.push_front(second);
                groups.push_front(first);
                continue;
            }
            count += alternatives.len();
            if count > MAX_ALTERNATIVES {
                return Err(CannotAsk::TooMany { alternatives: keys.keys.len(), columns: columns.to_vec() });
            }
            requests.push((group, alternatives));
        }
        Ok(Some(Candidate { endpoint, columns: columns.to_vec(), requests }))
    }

    /// The candidate with the fewest expected calls, and their number.
    ///
    /// Of several columns the one with the most distinct values among the keys is likely the one that tells most rows apart.
    fn best(&self, mut candidates: Vec<Candidate>, keys: u64) -> Option<(Candidate, u64)> {
        let cost = |candidate: &Candidate| {
            let endpoint = &self.table.endpoints[candidate.endpoint];
            let calls = self.calls_of(endpoint, candidate, keys);
            let by = (candidate.alternatives().count(), Reverse(candidate.columns.len()), Reverse(candidate.keys()));
            (calls, endpoint.eventual, is_list(endpoint), by)
        };
        let costs: Vec<_> = candidates.iter().map(cost).collect();
        let (best, (calls, ..)) = costs.into_iter().enumerate().min_by_key(|(_, cost)| *cost)?;
        let candidate = candidates.swap_remove(best);
        let in_one = candidate.requests.iter().all(|(group, _)| group.partition.is_some());
        Some((candidate, if in_one { calls } else { calls.saturating_mul(self.parts()) }))
    }

    /// Calls that the candidate is expected to take, in each partition.
    ///
    /// The requests together return no more rows than there are. Of keys that are not the table's own each is taken to
    /// have one of [`DISTINCT`] parts of them.
    fn calls_of(&self, endpoint: &Endpoint, candidate: &Candidate, keys: u64) -> u64 {
        let lists: Vec<&Endpoint> = self.table.endpoints.iter().filter(|endpoint| is_list(endpoint)).collect();
        let requests = candidate.alternatives().count() as u64;
        let pushed = candidate.alternatives().next().and_then(|first| first.pushed.predicate.as_ref());
        let mut rows = self.known.rows(&self.table, &lists, pushed, None);
        let in_all = |column: &usize| lists.iter().all(|endpoint| is_required(endpoint, *column));
        let of_keys = pushed.and_then(|pushed| self.known.rows_of_keys(&self.table, pushed, candidate.keys()));
        if let Some(of_keys) = of_keys.filter(|_| rows.most.is_none()) {
            rows.expected = of_keys.div_ceil(requests.max(1));
        } else if rows.most.is_none() && !candidate.columns.iter().any(in_all) {
            // A filter that is left to do here sends no fewer rows.
            let is_key =
                |part: &&Predicate| values_of(part).is_some_and(|(column, _)| candidate.columns.contains(&column));
            let others = pushed.map(parts).unwrap_or_default().iter().filter(|part| !is_key(part)).cloned();
            let without = all(others.collect());
            let whole = self.known.rows(&self.table, &lists, without.as_ref(), None).expected;
            let of_keys = whole.saturating_mul(candidate.keys().max(keys)).div_ceil(DISTINCT).min(whole);
            rows.expected = of_keys.div_ceil(requests.max(1));
        }
        self.known.paged(endpoint).calls(&rows, None).expected.saturating_mul(requests)
    }

    fn keyed_scan(
        self: &Arc<Self>,
        question: &Question,
        candidate: Candidate,
        calls: u64,
        needed: Vec<usize>,
    ) -> Result<Asked, Unaskable> {
        let split = question.split(candidate.endpoint, candidate.alternatives().cloned().collect());
        let scan = self.scan(candidate.endpoint, split, needed, |common, _| {
            let segments = candidate.requests.iter().flat_map(|(group, alternatives)| {
                alternatives.iter().map(move |alternative| {
                    let keys = group.keys(alternative);
                    let keys = keys.iter().filter_map(|values| key(common, values)).collect();
                    keyed(common, alternative, keys, group.partition.as_deref().map(str::to_owned))
                })
            });
            segments.collect()
        });
        let scan = scan.map_err(|error| Unaskable::for_good(error.into()))?;
        Ok(Asked::Scan(Box::new(scan.expecting(calls))))
    }
}

impl Group {
    /// Goes before other conditions: of two for one place the first is sent.
    fn predicates(&self) -> impl Iterator<Item = Predicate> {
        let equal = self.equal.iter().map(|(column, value)| in_list(*column, vec![value.clone()], false));
        equal.chain(self.listed.iter().map(|(column, values)| in_list(*column, values.clone(), false)))
    }

    /// The group in two, of half of its list each.
    fn halved(self) -> Option<(Self, Self)> {
        let (column, mut values) = self.listed.filter(|(_, values)| values.len() > 1)?;
        let rest = values.split_off(values.len() / 2);
        let (partition, equal) = (self.partition.clone(), self.equal.clone());
        Some((
            Self { partition: self.partition, equal: self.equal, listed: Some((column, values)) },
            Self { partition, equal, listed: Some((column, rest)) },
        ))
    }

    /// The values that rows of one of its requests have.
    fn keys(&self, alternative: &Alternative) -> Vec<(usize, Vec<Scalar>)> {
        let mut keys = alternative.keys.clone();
        let own = self.equal.iter().map(|(column, value)| (*column, vec![value.clone()])).chain(self.listed.clone());
        for (column, values) in own {
            if !keys.iter().any(|(of, _)| *of == column) {
                keys.push((column, values));
            }
        }
        keys
    }
}

/// The keys by these of their columns, those of one request or more together.
fn groups(endpoint: &Endpoint, keys: &Keys, columns: &[usize]) -> Vec<Group> {
    let places: Vec<usize> =
        columns.iter().filter_map(|column| keys.columns.iter().position(|of| of == column)).collect();
    let listed = most_values(endpoint, keys, &places);
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for key in &keys.keys {
        let equal: Vec<(usize, Scalar)> = places
            .iter()
            .filter(|place| Some(**place) != listed)
            .map(|&place| (keys.columns[place], key.values[place].clone()))
            .collect();
        let name = format!("{:?} {equal:?}", key.partition);
        let group = *known.entry(name.clone()).or_insert_with(|| {
            groups.push(Group { partition: key.partition.clone(), equal, listed: None });
            groups.len() - 1
        });
        let Some(place) = listed else { continue };
        let value = &key.values[place];
        if seen.insert(format!("{name} {value:?}")) {
            let list = groups[group].listed.get_or_insert_with(|| (keys.columns[place], Vec::new()));
            list.1.push(value.clone());
        }
    }
    groups
}

/// The place of the column with the most values, of those that the endpoint takes a list of or that are divided anyway.
fn most_values(endpoint: &Endpoint, keys: &Keys, places: &[usize]) -> Option<usize> {
    let takes_lists = |column| is_required(endpoint, column) || declares(endpoint, column, Operator::In);
    let values = |place: usize| {
        let values: HashSet<String> = keys.keys.iter().map(|key| format!("{:?}", key.values[place])).collect();
        (values.len(), declares(endpoint, keys.columns[place], Operator::In))
    };
    places.iter().copied().filter(|&place| takes_lists(keys.columns[place])).max_by_key(|&place| values(place))
}

/// Whether the endpoint declares to find rows by a value of the column.
fn takes(endpoint: &Endpoint, column: usize) -> bool {
    declares(endpoint, column, Operator::Eq) || declares(endpoint, column, Operator::In)
}

fn declares(endpoint: &Endpoint, column: usize, operator: Operator) -> bool {
    endpoint.filters.exactness(column, operator).is_some()
}

/// Whether the request asks for values of each of the columns.
fn carries(alternative: &Alternative, columns: &[usize]) -> bool {
    let sent = alternative.pushed.predicate.as_ref().map(parts).unwrap_or_default();
    columns.iter().all(|column| sent.iter().filter_map(values_of).any(|(of, _)| of == *column))
}

/// Column and values of `column = value` and `column IN (…)`.
fn values_of(part: &Predicate) -> Option<(usize, &[Scalar])> {
    match part {
        Predicate::Compare { column, op: CompareOp::Eq, value } => Some((*column, std::slice::from_ref(value))),
        Predicate::In { column, values, negated: false } => Some((*column, values)),
        _ => None,
    }
}
