//! `REFRESH QUOTAS [connection]`.

use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::own::{Command, name, take_word};

/// Reads the statement, whose first word is next.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Command, ParserError> {
    parser.next_token();
    if !take_word(parser, "QUOTAS") {
        return parser.expected("QUOTAS", parser.peek_token());
    }
    let connection = match parser.peek_token().token {
        Token::EOF | Token::SemiColon => None,
        _ => Some(name(&parser.parse_identifier()?)),
    };
    Ok(Command::RefreshQuotas { connection })
}
