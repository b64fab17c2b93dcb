//! As [`super::property`], for forms, terms and items: the request is written, read back and evaluated row by row.
//!
//! The service reads what stands in the request and nothing else. It may cut points in time of its rows to the digits
//! of the form before it compares, and returns rows too many where it declares [`Exactness::Superset`].

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};
use tidegate_spec::{Exactness, Operator, Table, TimeForm, ValueForm};
use url::Url;

use super::property::{
    COLUMNS, Row, Service, collated, declarations, matches_like, predicate, row, satisfies, sql, value,
};
use crate::pushdown::push_filter;
use crate::render::testing::*;
use crate::render::{Range, rows};
use crate::test_support::{self as columns, OPERATORS, request};
use crate::{CompareOp, LikeKind, Scalar, ScanRequest};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Language {
    Forms,
    Terms,
    Items,
    /// Forms for some operators, terms for the others.
    Both,
}

/// What a request asks for, read back.
#[derive(Debug)]
enum Asked {
    All(Vec<Asked>),
    Any(Vec<Asked>),
    Leaf { column: usize, operator: usize, values: Vec<String> },
}

fn described(mut table: Table, language: Language, time: Option<TimeForm>) -> Table {
    let old = table.endpoints.remove(0);
    let pairs = old.filters.columns.iter().flat_map(|entry| entry.operators.iter().map(|(op, _)| (entry.column, *op)));
    let (mut forms, mut terms, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for (column, operator) in pairs {
        let number = OPERATORS.iter().position(|of| *of == operator).unwrap();
        let time = time.filter(|_| column == columns::CREATED);
        let value = |before: String| ValueForm { before, time, ..ValueForm::default() };
        let many = list(joined("|"), 2);
        let as_form = language == Language::Forms || (language == Language::Both && number.is_multiple_of(2));
        if as_form {
            let form = form(column, operator, query(&format!("f{column}")));
            forms.push(tidegate_spec::FilterForm { value: value(format!("{number}:")), list: many, ..form });
        } else if language == Language::Items {
            let leaf = if operator == Operator::In { "{values}" } else { "{value}" };
            let item = item(column, operator, json!([column, number, leaf]));
            items.push(tidegate_spec::ItemForm { value: value(String::new()), list: many, ..item });
        } else {
            let term = term(column, operator, "", true);
            terms.push(tidegate_spec::TextTerm { value: value(format!("{column}.{number}:")), list: many, ..term });
        }
    }
    let mut endpoint = match language {
        Language::Items => with_items(items),
        Language::Forms => with_forms(forms.clone()),
        _ => with_terms(terms),
    };
    endpoint.filters.or = old.filters.or;
    endpoint.filters.forms = forms;
    endpoint.filters.columns = old.filters.columns;
    endpoint.max_url_length = old.max_url_length;
    Table { endpoints: vec![endpoint], ..table }
}

/// The request as the service understands it.
fn read(url: &Url, body: &[u8]) -> Asked {
    let mut asked = Vec::new();
    for (name, text) in url.query_pairs() {
        match name.strip_prefix('f') {
            Some(column) => {
                let (operator, values) = text.split_once(':').unwrap();
                asked.push(Asked::Leaf {
                    column: column.parse().unwrap(),
                    operator: operator.parse().unwrap(),
                    values: values.split('|').map(str::to_owned).collect(),
                });
            }
            None => {
                let mut rest: &str = &text;
                asked.push(expression(&mut rest));
                assert_eq!(rest, "", "{text}");
            }
        }
    }
    if !body.is_empty() {
        let body: Json = serde_json::from_slice(body).unwrap();
        let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        asked.extend(body["groups"][0]["filters"].as_array().unwrap().iter().map(|item| Asked::Leaf {
            column: usize::try_from(item[0].as_u64().unwrap()).unwrap(),
            operator: usize::try_from(item[1].as_u64().unwrap()).unwrap(),
            values: item[2].as_array().map_or_else(|| vec![plain(&item[2])], |list| list.iter().map(plain).collect()),
        }));
    }
    Asked::All(asked)
}

fn expression(rest: &mut &str) -> Asked {
    let mut parts = vec![unit(rest)];
    let mut joints = Vec::new();
    while let Some(joint) = [" AND ", " OR "].into_iter().find(|joint| rest.starts_with(joint)) {
        *rest = &rest[joint.len()..];
        joints.push(joint);
        parts.push(unit(rest));
    }
    assert!(joints.iter().all(|joint| *joint == joints[0]), "AND and OR side by side");
    if joints.first() == Some(&" OR ") { Asked::Any(parts) } else { Asked::All(parts) }
}

fn unit(rest: &mut &str) -> Asked {
    if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        let asked = expression(rest);
        *rest = rest.strip_prefix(')').unwrap();
        return asked;
    }
    let (head, after) = rest.split_once(':').unwrap();
    let (column, operator) = head.split_once('.').unwrap();
    *rest = after;
    let mut values = Vec::new();
    while let Some(quoted) = rest.strip_prefix('"') {
        let mut text = String::new();
        let mut characters = quoted.char_indices();
        loop {
            match characters.next().unwrap() {
                (_, '\\') => text.push(characters.next().unwrap().1),
                (at, '"') => break *rest = &quoted[at + 1..],
                (_, other) => text.push(other),
            }
        }
        values.push(text);
        *rest = rest.strip_prefix('|').unwrap_or(rest);
    }
    Asked::Leaf { column: column.parse().unwrap(), operator: operator.parse().unwrap(), values }
}

fn literal(column: usize, time: Option<TimeForm>, text: &str) -> Scalar {
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
    match column {
        columns::ID => Scalar::Int(text.parse().unwrap()),
        columns::REVENUE => {
            let hundredths = (text.parse::<f64>().unwrap() * 100.0).round();
            Scalar::Decimal { value: hundredths as i128, scale: 2 }
        }
        columns::CREATED => Scalar::Timestamp(match time {
            Some(TimeForm::EpochSeconds) => text.parse::<i64>().unwrap() * 1_000_000,
            Some(TimeForm::EpochMillis) => text.parse::<i64>().unwrap() * 1000,
            Some(TimeForm::Date) => instant(&format!("{text}T00:00:00Z")),
            _ => instant(text),
        }),
        columns::OPENS => {
            let parts: Vec<i64> = text.split(':').map(|part| part.parse().unwrap()).collect();
            Scalar::Time((parts[0] * 3600 + parts[1] * 60 + parts[2]) * 1_000_000)
        }
        columns::RATING | columns::WEIGHT => Scalar::Float(text.parse().unwrap()),
        _ => Scalar::Text(text.to_owned()),
    }
}

#[derive(Debug, Clone, Copy)]
struct Reader {
    time: Option<TimeForm>,
    cuts_rows: bool,
    service: Service,
}

impl Reader {
    fn passes(self, asked: &Asked, row: &Row, table: &Table) -> bool {
        match asked {
            Asked::All(parts) => parts.iter().all(|part| self.passes(part, row, table)),
            Asked::Any(parts) => parts.iter().any(|part| self.passes(part, row, table)),
            Asked::Leaf { column, operator, values } => {
                let operator = OPERATORS[*operator];
                let declared = table.endpoints[0].filters.exactness(*column, operator).expect("declared");
                let noise = declared == Exactness::Superset && format!("{row:?}").len().is_multiple_of(3);
                noise || self.leaf(*column, operator, values, value(row, *column))
            }
        }
    }

    fn leaf(self, column: usize, operator: Operator, values: &[String], held: Option<&Scalar>) -> bool {
        let Some(held) = held else { return operator == Operator::IsNull };
        let order = |text: &String| -> Ordering {
            collated(column, &self.cut(held), &literal(column, self.time, text), false, self.service)
        };
        let first = || order(&values[0]);
        let like = |kind| matches!(held, Scalar::Text(held) if matches_like(kind, held, &values[0]));
        match operator {
            Operator::Eq => satisfies(CompareOp::Eq, first()),
            Operator::NotEq => satisfies(CompareOp::NotEq, first()),
            Operator::Lt => satisfies(CompareOp::Lt, first()),
            Operator::LtEq => satisfies(CompareOp::LtEq, first()),
            Operator::Gt => satisfies(CompareOp::Gt, first()),
            Operator::GtEq => satisfies(CompareOp::GtEq, first()),
            Operator::In => values.iter().any(|text| order(text).is_eq()),
            Operator::StartsWith => like(LikeKind::StartsWith),
            Operator::EndsWith => like(LikeKind::EndsWith),
            Operator::Contains => like(LikeKind::Contains),
            Operator::NotLike => panic!("NOT LIKE has no form"),
            Operator::IsNull => false,
            Operator::IsNotNull => true,
        }
    }

    fn cut(self, held: &Scalar) -> Scalar {
        let grain = match self.time {
            Some(TimeForm::Date) => 86_400_000_000,
            Some(TimeForm::Seconds | TimeForm::EpochSeconds) => 1_000_000,
            _ => 1,
        };
        match held {
            Scalar::Timestamp(micros) if self.cuts_rows => Scalar::Timestamp(micros.div_euclid(grain) * grain),
            other => other.clone(),
        }
    }
}

fn any_language() -> impl Strategy<Value = Language> {
    select(&[Language::Forms, Language::Terms, Language::Items, Language::Both][..])
}

fn any_time() -> impl Strategy<Value = Option<TimeForm>> {
    use TimeForm::{Date, EpochMillis, EpochSeconds, Millis, Seconds};
    select(&[None, Some(Seconds), Some(Millis), Some(Date), Some(EpochSeconds), Some(EpochMillis)][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_is_lost(
        table in declarations(),
        language in any_language(),
        time in any_time(),
        filter in predicate(),
        rows_ in prop::collection::vec(row(), 1..20),
        cuts_rows in any::<bool>(),
        keeps_single_in_double in any::<bool>(),
    ) {
        let table = described(table, language, time);
        let pushed = push_filter(&table, 0, &filter);
        prop_assert!(pushed.predicate.is_some() || !pushed.exact);
        let asked = ScanRequest { filter: pushed.predicate.clone(), ..request(table.clone()) };
        let outgoing = rows(&Url::parse("https://h/").unwrap(), &asked, &[], Range::default(), &[]);
        let outgoing = outgoing.expect("what is pushed can be written");
        let read = read(&outgoing.url, &outgoing.body);
        let service = Service { cuts_literals: false, keeps_single_in_double };
        let reader = Reader { time, cuts_rows, service };
        for row in &rows_ {
            prop_assert_eq!(row.len(), COLUMNS.len());
            let wanted = sql(&filter, row) == Some(true);
            let sent = reader.passes(&read, row, &table);
            prop_assert!(sent || !wanted, "lost {:?} by {:?} {:?}", row, outgoing.url.as_str(), read);
            prop_assert!(sent == wanted || !pushed.exact, "{:?} is not exact for {:?}", read, row);
        }
    }
}
