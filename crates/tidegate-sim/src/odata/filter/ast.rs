//! A checked expression over one entity set.

use crate::data::sales::KIND;
use crate::data::value::Value;

/// Version of the protocol that an expression is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V2,
    V4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cmp {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Func {
    Contains,
    StartsWith,
    EndsWith,
    /// V2: the needle comes first.
    SubstringOf,
    ToLower,
    ToUpper,
    Trim,
    Length,
    IndexOf,
    Substring,
    Concat,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Date,
    Time,
    Floor,
    Ceiling,
    Round,
}

/// Types as far as the checks need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The literal `null`.
    Null,
    Str,
    Num,
    Bool,
    Date,
    Time,
    Stamp,
    Guid,
    /// Name of the enumeration type.
    Enum(&'static str),
    Complex,
    Collection,
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Lit(Value),
    /// A column, or a field of a complex column.
    Prop {
        column: usize,
        field: Option<usize>,
        kind: Kind,
    },
    Cmp(Cmp, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    In(Box<Expr>, Vec<Value>),
    Call(Func, Vec<Expr>),
    /// `Collection/any(v:v eq 'x')`, or `all`, over a collection of strings.
    Lambda {
        column: usize,
        all: bool,
        body: Option<Box<Expr>>,
    },
    /// The variable of the enclosing lambda.
    Item,
}

impl Expr {
    /// Kind of the values of the expression.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Expr::Lit(value) => match value {
                Value::Null => Kind::Null,
                Value::Str(_) => Kind::Str,
                Value::Int(_) | Value::Dec(_) | Value::Double(_) => Kind::Num,
                Value::Bool(_) => Kind::Bool,
                Value::Date(_) => Kind::Date,
                Value::Time(_) => Kind::Time,
                Value::Stamp(_) => Kind::Stamp,
                Value::Guid(_) => Kind::Guid,
                // The schema has one enumeration type.
                Value::Enum(_) => Kind::Enum(KIND.name),
                Value::Complex(_) => Kind::Complex,
                Value::List(_) => Kind::Collection,
            },
            Expr::Prop { kind, .. } => *kind,
            Expr::Item => Kind::Str,
            Expr::Call(func, _) => match func {
                Func::Contains | Func::StartsWith | Func::EndsWith | Func::SubstringOf => Kind::Bool,
                Func::ToLower | Func::ToUpper | Func::Trim | Func::Substring | Func::Concat => Kind::Str,
                Func::Date => Kind::Date,
                Func::Time => Kind::Time,
                _ => Kind::Num,
            },
            _ => Kind::Bool,
        }
    }
}
