//! Rendering of filters: whatever the texts in a predicate are, they stay inside their quotes. What is left
//! without the string literals is the same as for harmless texts, and its parentheses match.
#![no_main]

mod shared;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_remote::odata::filter::render;
use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar};
use tidegate_spec::{ColumnType, Table};

#[derive(Debug, Arbitrary)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(u8, u8, Value),
    In(u8, Vec<Value>, bool),
    Like(u8, u8, String, bool),
    IsNull(u8, bool),
}

#[derive(Debug, Arbitrary)]
enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(i128, i8),
    Text(String),
    Date(i32),
    Time(i64),
    Timestamp(i64),
}

/// Builds the predicate, with every text of a text column replaced when `harmless`.
struct Build<'a> {
    table: &'a Table,
    harmless: bool,
}

impl Build<'_> {
    fn text(&self, column: usize, text: &str) -> String {
        let is_text = self.table.columns.get(column).is_some_and(|column| column.data_type == ColumnType::Text);
        if self.harmless && is_text { "x".to_owned() } else { text.to_owned() }
    }

    fn scalar(&self, column: usize, value: &Value) -> Scalar {
        match value {
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Int(value) => Scalar::Int(*value),
            Value::Float(value) => Scalar::Float(*value),
            Value::Decimal(value, scale) => Scalar::Decimal { value: *value, scale: *scale },
            Value::Text(text) => Scalar::Text(self.text(column, text)),
            Value::Date(value) => Scalar::Date(*value),
            Value::Time(value) => Scalar::Time(*value),
            Value::Timestamp(value) => Scalar::Timestamp(*value),
        }
    }

    fn predicate(&self, node: &Node, depth: usize) -> Predicate {
        const OPS: [CompareOp; 6] =
            [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];
        const KINDS: [LikeKind; 3] = [LikeKind::StartsWith, LikeKind::EndsWith, LikeKind::Contains];
        let column = |number: &u8| usize::from(number % 13);
        let nested = |nodes: &[Node]| nodes.iter().map(|node| self.predicate(node, depth + 1)).collect();
        match node {
            Node::And(nodes) if depth < 16 => Predicate::And(nested(nodes)),
            Node::Or(nodes) if depth < 16 => Predicate::Or(nested(nodes)),
            Node::And(_) | Node::Or(_) => Predicate::IsNull { column: 0, negated: true },
            Node::Compare(number, op, value) => Predicate::Compare {
                column: column(number),
                op: OPS[usize::from(op % 6)],
                value: self.scalar(column(number), value),
            },
            Node::In(number, values, negated) => Predicate::In {
                column: column(number),
                values: values.iter().map(|value| self.scalar(column(number), value)).collect(),
                negated: *negated,
            },
            Node::Like(number, kind, text, negated) => Predicate::Like {
                column: column(number),
                kind: KINDS[usize::from(kind % 3)],
                text: self.text(column(number), text),
                negated: *negated,
            },
            Node::IsNull(number, negated) => Predicate::IsNull { column: column(number), negated: *negated },
        }
    }
}

/// The text without what stands in quotes, where a doubled quote is one of the text.
fn skeleton(text: &str) -> String {
    let mut frame = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        frame.push(character);
        if character != '\'' {
            continue;
        }
        loop {
            match characters.next() {
                Some('\'') if characters.next_if_eq(&'\'').is_none() => break,
                Some(_) => {}
                None => panic!("a quote is open at the end: {text}"),
            }
        }
    }
    frame
}

fuzz_target!(|input: (u8, Node)| {
    let version = shared::version(input.0);
    let table = shared::table(version);
    let write = |harmless| render(&table, version, &Build { table: &table, harmless }.predicate(&input.1, 0));
    let (written, harmless) = (write(false), write(true));
    let (Ok(written), Ok(harmless)) = (written, harmless) else { return };
    let frame = skeleton(&written);
    assert_eq!(frame, skeleton(&harmless), "a text left its quotes: {written}");
    let mut open = 0_i64;
    for byte in frame.bytes() {
        open += i64::from(byte == b'(') - i64::from(byte == b')');
        assert!(open >= 0, "parentheses do not match: {written}");
    }
    assert_eq!(open, 0, "parentheses do not match: {written}");
});
