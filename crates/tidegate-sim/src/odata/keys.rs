//! Key predicates: `Orders(5)`, `Orders(Id=5)`, `OrderLines(OrderId=1,LineNo=2)`.

use crate::data::schema::{EntitySet, Type};
use crate::data::value::Value;

use super::fail::Fail;
use super::filter::ast::Dialect;
use super::filter::lexer::{Token, lex};

/// Key values in the order of the set's key.
pub(crate) fn parse(text: &str, set: &EntitySet, dialect: Dialect) -> Result<Vec<Value>, Fail> {
    let mut found: Vec<Option<Value>> = vec![None; set.key.len()];
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() != set.key.len() {
        return Err(Fail::bad(format!("{} has a key of {} parts", set.name, set.key.len())));
    }
    for part in &parts {
        let (slot, literal) = match part.split_once('=') {
            Some((name, literal)) => {
                let slot = set.key.iter().position(|c| set.columns[*c].name == name.trim());
                (slot.ok_or_else(|| Fail::bad(format!("'{name}' is not in the key")))?, literal)
            }
            None if parts.len() == 1 => (0, *part),
            None => return Err(Fail::bad("a key of several parts needs their names")),
        };
        let tokens = lex(literal.trim(), dialect).map_err(Fail::bad)?;
        let [one] = tokens.as_slice() else { return Err(Fail::bad("a key part is one literal")) };
        let Token::Literal(value) = &one.token else {
            return Err(Fail::bad(format!("'{literal}' is no literal")));
        };
        let fits = matches!(
            (set.columns[set.key[slot]].ty, value),
            (Type::Guid, Value::Guid(_)) | (Type::Int16 | Type::Int32 | Type::Int64, Value::Int(_))
        );
        if !fits {
            return Err(Fail::bad(format!("'{literal}' has the wrong type for this key")));
        }
        found[slot] = Some(value.clone());
    }
    found.into_iter().collect::<Option<_>>().ok_or_else(|| Fail::bad("a part of the key is missing"))
}
