//! Names for what was asked for: what numbers of rows are kept under.
//!
//! Values do not stand in a name: it goes to the state folder, and lists of them are long.

use tidegate_remote::{CompareOp, Predicate};
use tidegate_spec::{Endpoint, Table};

use crate::pushdown::describe;

/// Everything.
pub(crate) const ALL: &str = "all";

/// Just these rows: the same filter with the same values, in whatever order its parts were written.
pub(crate) fn exact(table: &Table, filter: Option<&Predicate>) -> String {
    let Some(filter) = filter else { return ALL.to_owned() };
    let mut texts: Vec<String> = parts(filter).iter().map(|part| describe(table, part)).collect();
    texts.sort_unstable();
    format!("= {:016x}", digest(&texts.join("\u{0}")))
}

/// Rows found by the same columns and operators, with whatever values; `None` for filters that say little by that, such
/// as lists of any length.
pub(crate) fn form(table: &Table, filter: &Predicate) -> Option<String> {
    let mut texts = parts(filter).iter().map(|part| of_part(table, part)).collect::<Option<Vec<_>>>()?;
    texts.sort_unstable();
    Some(format!("~ {}", texts.join(", ")))
}

/// Rows of [`KEYS`] values of one column of which several were asked for, and how many; `None` where no list was, or more
/// than one.
pub(crate) fn of_keys(table: &Table, filter: &Predicate) -> Option<(String, u64)> {
    let mut keys = None;
    let mut texts = Vec::new();
    for part in parts(filter) {
        match part {
            Predicate::In { column, values, negated: false } if keys.is_none() => {
                keys = Some(values.len() as u64);
                texts
                    .push(format!("{} in keys", table.columns.get(*column).map_or("?", |column| column.name.as_str())));
            }
            part => texts.push(of_part(table, part)?),
        }
    }
    texts.sort_unstable();
    keys.map(|keys| (format!("~ {}", texts.join(", ")), keys))
}

/// Keys whose rows [`of_keys`] speaks of: one may have a fraction of a row.
pub(crate) const KEYS: u64 = 100;

/// Whether this is the name of a form.
pub(crate) fn is_form(shape: &str) -> bool {
    shape.starts_with('~')
}

/// Rows of the pages that were not the last of a scan to the end: full ones.
pub(crate) fn full_page(endpoint: &Endpoint) -> String {
    format!("full page of {}", endpoint.name)
}

/// Rows of the longest page, which may have been the last.
pub(crate) fn longest_page(endpoint: &Endpoint) -> String {
    format!("page of {}", endpoint.name)
}

/// Members of an AND, or the predicate itself.
pub(crate) fn parts(predicate: &Predicate) -> &[Predicate] {
    match predicate {
        Predicate::And(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

fn of_part(table: &Table, part: &Predicate) -> Option<String> {
    let name = |column: usize| table.columns.get(column).map_or("?", |column| column.name.as_str());
    Some(match part {
        Predicate::Compare { column, op, .. } => format!("{} {}", name(*column), operator(*op)),
        Predicate::Like { column, kind, negated, .. } => {
            format!("{} {}{kind:?}", name(*column), if *negated { "not " } else { "" })
        }
        Predicate::IsNull { column, negated } => {
            format!("{} is {}null", name(*column), if *negated { "not " } else { "" })
        }
        Predicate::In { .. } | Predicate::And(_) | Predicate::Or(_) => return None,
    })
}

fn operator(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::NotEq => "<>",
        CompareOp::Lt | CompareOp::LtEq => "<",
        CompareOp::Gt | CompareOp::GtEq => ">",
    }
}

/// FNV-1a: the same in every process and version. Two filters of one name would share an estimate, and nothing else.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use tidegate_remote::Scalar;

    use super::*;
    use crate::cost::testing::table;

    fn compare(column: usize, op: CompareOp, value: i64) -> Predicate {
        Predicate::Compare { column, op, value: Scalar::Int(value) }
    }

    #[test]
    fn the_same_filter_has_the_same_name() {
        let table = table();
        let (one, two) = (compare(0, CompareOp::Eq, 1), compare(1, CompareOp::Gt, 2));
        let both = |parts: &[&Predicate]| Predicate::And(parts.iter().map(|part| (*part).clone()).collect());
        assert_eq!(exact(&table, Some(&both(&[&one, &two]))), exact(&table, Some(&both(&[&two, &one]))));
        assert_ne!(exact(&table, Some(&one)), exact(&table, Some(&compare(0, CompareOp::Eq, 2))));
        assert_eq!(exact(&table, None), ALL);
        assert!(!exact(&table, Some(&one)).contains("id"));
    }

    #[test]
    fn a_form_has_no_values() {
        let table = table();
        let (one, two) = (compare(0, CompareOp::Eq, 1), compare(1, CompareOp::Gt, 2));
        assert_eq!(form(&table, &Predicate::And(vec![two, one.clone()])).as_deref(), Some("~ id =, owner >"));
        let list = Predicate::In { column: 0, values: vec![Scalar::Int(1)], negated: false };
        assert_eq!(form(&table, &list), None);
        assert_eq!(form(&table, &Predicate::Or(vec![one.clone(), one])), None);
    }
}
