//! How an endpoint is told one comparison.
//!
//! A column and operator have one way and no other: a form where one is declared, else the endpoint's language. So
//! [`crate::pushdown`] and the writer agree without a word between them.

use tidegate_spec::{Dialect, FilterForm, Filters, ItemForm, ODataVersion, Operator, TextDialect, TextTerm, ValueForm};

use crate::{CompareOp, LikeKind, Predicate};

/// How one comparison is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way<'a> {
    /// In `$filter`.
    OData(ODataVersion),
    /// At a place of its own.
    Form(&'a FilterForm),
    /// In the endpoint's text.
    Term(&'a TextDialect, &'a TextTerm),
    /// In the endpoint's list of items.
    Item(&'a ItemForm),
}

impl<'a> Way<'a> {
    /// The way of this column and operator, if any is declared.
    pub(crate) fn of(filters: &'a Filters, column: usize, operator: Operator) -> Option<Self> {
        if let Some(form) = filters.form(column, operator) {
            return Some(Self::Form(form));
        }
        match filters.dialect.as_ref()? {
            Dialect::OData(version) => Some(Self::OData(*version)),
            Dialect::Text(text) => {
                let fits = |term: &&TextTerm| term.column == column && term.operator == operator;
                text.terms.iter().find(fits).map(|term| Self::Term(text, term))
            }
            Dialect::Items(items) => {
                let fits = |item: &&ItemForm| item.column == column && item.operator == operator;
                items.items.iter().find(fits).map(Self::Item)
            }
            _ => None,
        }
    }

    /// How its value is written; `None` in OData.
    pub(crate) fn value(self) -> Option<&'a ValueForm> {
        match self {
            Self::OData(_) => None,
            Self::Form(form) => Some(&form.value),
            Self::Term(_, term) => Some(&term.value),
            Self::Item(item) => Some(&item.value),
        }
    }

    /// Most values of an IN.
    pub(crate) fn max_values(self) -> usize {
        match self {
            Self::OData(_) => usize::MAX,
            Self::Form(form) => form.list.max,
            Self::Term(_, term) => term.list.max,
            Self::Item(item) => item.list.max,
        }
    }
}

/// The form of a leaf that has one.
pub(crate) fn form_of<'a>(filters: &'a Filters, leaf: &Predicate) -> Option<&'a FilterForm> {
    let (column, operator) = column_and_operator(leaf)?;
    filters.form(column, operator)
}

/// What a leaf compares and how; `None` for AND and OR, and for NOT IN, which is several comparisons.
pub(crate) fn column_and_operator(leaf: &Predicate) -> Option<(usize, Operator)> {
    Some(match leaf {
        Predicate::And(_) | Predicate::Or(_) | Predicate::In { negated: true, .. } => return None,
        Predicate::Compare { column, op, .. } => (*column, comparison(*op)),
        Predicate::In { column, negated: false, .. } => (*column, Operator::In),
        Predicate::Like { column, kind, negated, .. } => (*column, pattern(*kind, *negated)),
        Predicate::IsNull { column, negated: false } => (*column, Operator::IsNull),
        Predicate::IsNull { column, negated: true } => (*column, Operator::IsNotNull),
    })
}

/// The operator that a comparison is declared as.
pub(crate) fn comparison(op: CompareOp) -> Operator {
    match op {
        CompareOp::Eq => Operator::Eq,
        CompareOp::NotEq => Operator::NotEq,
        CompareOp::Lt => Operator::Lt,
        CompareOp::LtEq => Operator::LtEq,
        CompareOp::Gt => Operator::Gt,
        CompareOp::GtEq => Operator::GtEq,
    }
}

/// The operator that a LIKE is declared as.
pub(crate) fn pattern(kind: LikeKind, negated: bool) -> Operator {
    match kind {
        _ if negated => Operator::NotLike,
        LikeKind::StartsWith => Operator::StartsWith,
        LikeKind::EndsWith => Operator::EndsWith,
        LikeKind::Contains => Operator::Contains,
    }
}

/// The parts of a predicate that must all hold.
pub(crate) fn conjuncts(predicate: Option<&Predicate>) -> &[Predicate] {
    match predicate {
        None => &[],
        Some(Predicate::And(parts)) => parts,
        Some(other) => std::slice::from_ref(other),
    }
}
