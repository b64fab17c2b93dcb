//! The functions that a filter may call, with the kinds of their arguments.

use super::ast::Kind::{Date, Num, Stamp, Str, Time};
use super::ast::{Dialect, Expr, Func, Kind};

/// Versions that know a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    V2,
    V4,
    Any,
}

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    name: &'static str,
    pub(crate) func: Func,
    since: Since,
    /// Kinds that each argument may have.
    args: &'static [&'static [Kind]],
}

const fn row(name: &'static str, func: Func, since: Since, args: &'static [&'static [Kind]]) -> Function {
    Function { name, func, since, args }
}

static TABLE: [Function; 22] = [
    row("contains", Func::Contains, Since::V4, &[&[Str], &[Str]]),
    row("startswith", Func::StartsWith, Since::Any, &[&[Str], &[Str]]),
    row("endswith", Func::EndsWith, Since::Any, &[&[Str], &[Str]]),
    row("substringof", Func::SubstringOf, Since::V2, &[&[Str], &[Str]]),
    row("tolower", Func::ToLower, Since::Any, &[&[Str]]),
    row("toupper", Func::ToUpper, Since::Any, &[&[Str]]),
    row("trim", Func::Trim, Since::Any, &[&[Str]]),
    row("length", Func::Length, Since::Any, &[&[Str]]),
    row("indexof", Func::IndexOf, Since::Any, &[&[Str], &[Str]]),
    row("substring", Func::Substring, Since::Any, &[&[Str], &[Num], &[Num]]),
    row("concat", Func::Concat, Since::Any, &[&[Str], &[Str]]),
    row("year", Func::Year, Since::Any, &[&[Date, Stamp]]),
    row("month", Func::Month, Since::Any, &[&[Date, Stamp]]),
    row("day", Func::Day, Since::Any, &[&[Date, Stamp]]),
    row("hour", Func::Hour, Since::Any, &[&[Time, Stamp]]),
    row("minute", Func::Minute, Since::Any, &[&[Time, Stamp]]),
    row("second", Func::Second, Since::Any, &[&[Time, Stamp]]),
    row("date", Func::Date, Since::V4, &[&[Stamp]]),
    row("time", Func::Time, Since::V4, &[&[Stamp]]),
    row("floor", Func::Floor, Since::Any, &[&[Num]]),
    row("ceiling", Func::Ceiling, Since::Any, &[&[Num]]),
    row("round", Func::Round, Since::Any, &[&[Num]]),
];

/// The function of this name in this version.
pub(crate) fn find(name: &str, dialect: Dialect) -> Option<&'static Function> {
    let version = match dialect {
        Dialect::V2 => Since::V2,
        Dialect::V4 => Since::V4,
    };
    TABLE.iter().find(|f| f.name == name && (f.since == Since::Any || f.since == version))
}

impl Function {
    /// Checks number and kinds of the arguments; null fits everywhere.
    pub(crate) fn check(&self, args: &[Expr]) -> Result<(), String> {
        let name = self.name;
        // The length of a substring may be left out; nothing else is optional.
        let optional = usize::from(self.func == Func::Substring);
        if args.len() > self.args.len() || args.len() + optional < self.args.len() {
            return Err(format!("'{name}' does not take {} arguments", args.len()));
        }
        for (arg, allowed) in args.iter().zip(self.args) {
            let kind = arg.kind();
            if kind != Kind::Null && !allowed.contains(&kind) {
                return Err(format!("'{name}' does not take {kind:?}"));
            }
        }
        Ok(())
    }
}
