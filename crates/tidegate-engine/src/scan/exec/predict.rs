//! What a scan is predicted to take.

use tidegate_spec::Endpoint;

use super::ApiScanExec;
use crate::cost::{Ask, Basis, Costs, Estimate, FILTERED, Paged, Predict, Predicted, Rows, Until, is_list};
use crate::pushdown::describe;
use crate::scan::advice;

/// Requests that are looked at one by one; more are taken to be like the first.
const REQUESTS: usize = 16;

/// Partitions that are looked at one by one; more are taken to be like these on average.
const PARTITIONS: usize = 64;

/// What reading some of the requests takes.
#[derive(Debug, Clone, Copy)]
struct Taken {
    calls: Estimate,
    /// Rows that the API sends.
    sent: u64,
    /// Rows that match what it is asked for, read or not.
    matching: u64,
    most: Option<u64>,
    basis: Basis,
    /// Whether all of it was seen lately, the length of its pages too.
    is_recent: bool,
}

impl Taken {
    const NOTHING: Self =
        Self { calls: Estimate::ZERO, sent: 0, matching: 0, most: Some(0), basis: Basis::Exact, is_recent: true };

    fn request(paged: &Paged<'_>, rows: &Rows, wanted: Option<u64>) -> Self {
        let calls = paged.calls(rows, wanted);
        let sent = match wanted {
            Some(wanted) if paged.endpoint.window.is_some() => rows.expected.min(wanted),
            Some(_) => rows.expected.min(calls.expected.saturating_mul(paged.size)),
            None => rows.expected,
        };
        let is_sure = paged.is_one_call();
        Self {
            calls,
            sent,
            matching: rows.expected,
            most: rows.most,
            basis: if is_sure { Basis::Exact } else { rows.basis },
            is_recent: is_sure || (rows.is_recent && paged.is_known),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            sent: self.sent.saturating_add(other.sent),
            matching: self.matching.saturating_add(other.matching),
            most: self.most.zip(other.most).map(|(one, other)| one.saturating_add(other)),
            basis: self.basis.max(other.basis),
            is_recent: self.is_recent && other.is_recent,
        }
    }

    /// So many like this one, of which the others were not looked at.
    fn times(self, number: usize, paged: &Paged<'_>) -> Self {
        let times = |of: u64| of.saturating_mul(number as u64);
        Self {
            calls: self.calls.times(number as u64),
            sent: times(self.sent),
            matching: times(self.matching),
            most: self.most.map(times),
            is_recent: self.is_recent && paged.is_one_call(),
            ..self
        }
    }
}

impl ApiScanExec {
    /// Calls that a run surely takes, one for each request in each partition that it begins; `may_stop` when its reader
    /// may end it early.
    fn least_calls(&self, may_stop: bool) -> u64 {
        let partitions = self.asking.reach.as_ref().map_or(1, |reach| reach.codes().len());
        let ends_early = may_stop || self.fetch.is_some();
        let requests = if ends_early { self.segments.len().min(1) } else { self.segments.len() };
        // The first row of a merge is known when each partition has shown its own.
        let begun = if ends_early && self.sort.is_none() { partitions.min(1) } else { partitions };
        if self.fetch == Some(0) { 0 } else { begun.saturating_mul(requests) as u64 }
    }

    /// The requests of one partition, one after the other, of which `wanted` rows are wanted.
    fn of_partition(&self, endpoint: &Endpoint, code: Option<&str>, wanted: Option<u64>) -> Taken {
        let known = &self.asking.known;
        let table = &self.request.table;
        let lists: Vec<&Endpoint> = table.endpoints.iter().filter(|endpoint| is_list(endpoint)).collect();
        let paged = known.paged(endpoint);
        let (mut taken, mut left) = (Taken::NOTHING, wanted);
        let looked_at = if self.segments.len() > REQUESTS { 1 } else { REQUESTS };
        for segment in self.segments.iter().take(looked_at) {
            if left == Some(0) {
                return taken;
            }
            let rows = known.rows(table, &lists, segment.request.filter.as_ref(), code);
            taken = taken.and(Taken::request(&paged, &rows, left));
            left = left.map(|left| left.saturating_sub(rows.expected));
        }
        match (self.segments.len(), wanted) {
            (requests, _) if requests <= looked_at => taken,
            (requests, None) => taken.times(requests, &paged),
            (requests, Some(wanted)) => {
                let enough = wanted.div_ceil(taken.matching.max(1));
                taken.times(requests.min(usize::try_from(enough).unwrap_or(usize::MAX)), &paged)
            }
        }
    }

    /// All that a run asks for until it has `wanted` rows.
    fn taken(&self, endpoint: &Endpoint, wanted: Option<u64>) -> Taken {
        let Some(reach) = &self.asking.reach else { return self.of_partition(endpoint, None, wanted) };
        let codes = reach.codes();
        let (mut taken, mut left) = (Taken::NOTHING, wanted);
        for (place, code) in codes.iter().enumerate() {
            if left == Some(0) {
                return taken;
            }
            if place == PARTITIONS {
                let others = codes.len() - PARTITIONS;
                let like = self.of_partition(endpoint, None, wanted);
                return taken.and(like.times(others, &self.asking.known.paged(endpoint)));
            }
            let own = self.of_partition(endpoint, Some(code), left);
            taken = taken.and(own);
            // A merge asks all of them.
            left = left.map(|left| if self.sort.is_some() { left } else { left.saturating_sub(own.matching) });
        }
        taken
    }

    /// Rows that are read of those that the API sends.
    fn wanted(&self, until: Until) -> Option<u64> {
        let until = self.fetch.map_or(until, |fetch| until.at_most(fetch as u64));
        match until {
            Until::Rows(rows) if self.recheck.unasked => Some(rows.saturating_mul(FILTERED)),
            Until::Rows(rows) => Some(rows),
            Until::End | Until::Perhaps => None,
        }
    }

    fn calls(&self, taken: &Taken, costs: &Costs) -> Estimate {
        let reads_all = self.fetch.is_none() && !costs.until.may_stop();
        let sure = self.least_calls(costs.until.may_stop());
        let seen = if costs.believes && reads_all && taken.is_recent { taken.calls.expected.div_ceil(2) } else { 0 };
        let low = sure.max(seen);
        Estimate { low, expected: taken.calls.expected.max(low), high: taken.calls.high.max(low) }
    }
}

impl Predict for ApiScanExec {
    fn predict(&self, costs: &Costs, _inputs: &[Predicted]) -> Predicted {
        let Some(endpoint) = self.endpoint().filter(|_| self.fetch != Some(0)) else { return Predicted::nothing() };
        let taken = self.taken(endpoint, self.wanted(costs.until));
        let passing = if self.recheck.unasked { taken.matching.div_ceil(FILTERED) } else { taken.matching };
        let rows = Estimate { low: 0, expected: passing, high: taken.most.unwrap_or(u64::MAX).max(passing) };
        let rows = self.fetch.map_or(rows, |fetch| rows.at_most(fetch as u64));
        let calls = self.calls(&taken, costs);
        let filter = self.request.filter.as_ref();
        let ask = Ask {
            connection: self.asking.connection.clone(),
            table: self.request.table.name.clone(),
            endpoint: endpoint.name.clone(),
            how: "scan",
            pushed: filter.map(|filter| describe(&self.request.table, filter)).unwrap_or_default(),
            residual: self.recheck.residual_text(),
            partitions: self.asking.reach.as_ref().map(|reach| reach.codes().to_vec()).unwrap_or_default(),
            calls,
            rows: Estimate { low: 0, expected: taken.sent, high: u64::MAX },
            basis: taken.basis,
            advice: advice::of_scan(&advice::Scanned {
                table: &self.request.table,
                endpoint,
                requests: self.requests.len(),
                partitions: self.asking.reach.as_ref().map_or(1, |reach| reach.codes().len()),
                calls: calls.expected,
                filter,
                residual: self.recheck.residual_columns(),
                is_bounded: self.fetch.is_some() || costs.until.may_stop(),
                sorts_first: costs.sorts_first,
            }),
        };
        Predicted { rows, asks: vec![ask] }
    }
}
