//! Rows that share requests, and those that do not.

use tidegate_spec::Table;

use super::*;
use crate::Row;
use crate::fake::{Style, cells, table};

/// Rows as `u2`: the first letter of their kind, and their ordinal, which is their id too.
fn items(names: &str) -> Vec<Item> {
    let item = |name: &str| {
        let kind = match &name[..1] {
            "i" => WriteKind::Insert,
            "u" => WriteKind::Update,
            _ => WriteKind::Delete,
        };
        let ordinal: u64 = name[1..].parse().unwrap();
        let row = Row { key: cells(serde_json::json!({ "id": ordinal })), ..Row::selected(ordinal, None, kind) };
        Item::new(row)
    };
    names.split_whitespace().map(item).collect()
}

fn shown(groups: &[Group]) -> String {
    let group = |group: &Group| {
        let ordinals: Vec<String> = group.items.iter().map(|item| item.row.ordinal.to_string()).collect();
        format!("{:?}[{}]", group.way, ordinals.join(" "))
    };
    groups.iter().map(group).collect::<Vec<_>>().join(" ")
}

fn grouped(table: &Table, in_order: bool, names: &str) -> String {
    let mut grouping = Grouping::new(in_order);
    let mut groups: Vec<Group> = items(names).into_iter().flat_map(|item| grouping.add(table, item)).collect();
    groups.extend(std::iter::from_fn(|| grouping.take(table)));
    shown(&groups)
}

#[test]
fn rows_go_into_full_requests_first() {
    let check = |style, in_order, names: &str, expected: &str| {
        assert_eq!(grouped(&table(style), in_order, names), expected, "{names}");
    };
    check(Style::PLAIN, false, "u1 u2 d3", "Single[1] Single[2] Single[3]");
    let many: Vec<String> = (1..=12).map(|ordinal| format!("u{ordinal}")).collect();
    check(Style::BATCH, false, &many.join(" "), "Batch[1 2 3 4 5 6 7 8 9 10] Batch[11 12]");
    check(Style::BATCH, false, "u1", "Single[1]");
    check(Style { single: false, ..Style::BATCH }, false, "u1", "Batch[1]");
    check(Style::BATCH, false, "u1 d2 u3 i4 d5", "Batch[1 3] Batch[2 5] Single[4]");
    check(Style::BATCH, true, "u1 d2 u3 u4 i5 d6", "Single[1] Single[2] Batch[3 4] Single[5] Single[6]");
    // An API may take a row that stands in a request twice for a mistake.
    check(Style::BATCH, false, "u1 u2 u1 u2", "Batch[1 2] Batch[1 2]");
}

#[test]
fn a_request_that_was_refused_is_cut_until_each_row_is_alone() {
    let check = |style, names: &str, expected: &str| {
        assert_eq!(shown(&split(&table(style), items(names))), expected, "{names}");
    };
    check(Style::BATCH, "u1 u2 u3 u4 u5", "Batch[1 2 3] Batch[4 5]");
    check(Style::BATCH, "u1 u2 u3", "Single[1] Single[2] Single[3]");
    check(Style { single: false, ..Style::BATCH }, "u1 u2 u3", "Batch[1 2] Batch[3]");
    check(Style { single: false, ..Style::BATCH }, "u1 u2", "Batch[1] Batch[2]");
}
