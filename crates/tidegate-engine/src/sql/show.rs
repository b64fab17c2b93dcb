//! `SHOW …`: each stands for a query over system tables.

use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::literal;
use super::own::{Command, Own, is_word, name, setting_name, take_word};

/// Recognises the forms that Tidegate answers itself; `None` leaves the others to DataFusion.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Option<Own>, ParserError> {
    let query = if is_word(parser, 1, "TABLES") {
        return tables(parser).map(Some);
    } else if is_word(parser, 1, "CONNECTIONS") {
        skip(parser, 2);
        "SELECT * FROM system.connections ORDER BY name".to_owned()
    } else if is_word(parser, 1, "SCHEMAS") {
        skip(parser, 2);
        "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name".to_owned()
    } else if is_word(parser, 1, "WARNINGS") {
        skip(parser, 2);
        "SELECT * FROM system.warnings".to_owned()
    } else if is_word(parser, 1, "PARTITIONS") {
        skip(parser, 2);
        "SELECT * FROM system.partitions ORDER BY provider_data_container_alias, code".to_owned()
    } else if is_word(parser, 1, "QUOTAS") {
        skip(parser, 2);
        "SELECT * FROM system.quotas ORDER BY connection, partition NULLS FIRST, name".to_owned()
    } else if is_word(parser, 1, "COLUMNS") {
        skip(parser, 2);
        if !take_word(parser, "FROM") && !take_word(parser, "IN") {
            return parser.expected("FROM and the name of a table", parser.peek_token());
        }
        return Ok(Some(Own::Command(Command::Describe { table: parser.parse_object_name(false)? })));
    } else if is_word(parser, 1, "ALL") {
        skip(parser, 2);
        "SELECT name, value, description FROM system.settings ORDER BY name".to_owned()
    } else if is_word(parser, 1, "TIDEGATE") || is_word(parser, 1, "DATAFUSION") {
        return setting(parser).map(Some);
    } else {
        return Ok(None);
    };
    Ok(Some(Own::Query(query)))
}

fn skip(parser: &mut Parser<'_>, tokens: usize) {
    for _ in 0..tokens {
        parser.next_token();
    }
}

/// `SHOW TABLES [FROM schema] [LIKE 'pattern']`
fn tables(parser: &mut Parser<'_>) -> Result<Own, ParserError> {
    skip(parser, 2);
    let schema = if take_word(parser, "FROM") || take_word(parser, "IN") {
        Some(name(&parser.parse_identifier()?))
    } else {
        None
    };
    let within = match &schema {
        Some(schema) => format!("= {}", literal(schema)),
        None => "NOT IN ('information_schema', 'system')".to_owned(),
    };
    let like = if take_word(parser, "LIKE") {
        format!(" AND table_name LIKE {}", literal(&parser.parse_literal_string()?))
    } else {
        String::new()
    };
    let query = format!(
        "SELECT table_schema AS connection, table_name, table_type FROM information_schema.tables \
         WHERE table_schema {within}{like} ORDER BY 1, 2"
    );
    Ok(match schema {
        Some(schema) => Own::Command(Command::ShowTables { schema, query }),
        None => Own::Query(query),
    })
}

/// `SHOW tidegate.x`, `SHOW tidegate`, `SHOW tidegate.*`
fn setting(parser: &mut Parser<'_>) -> Result<Own, ParserError> {
    skip(parser, 1);
    let group_only = matches!(parser.peek_nth_token(1).token, Token::EOF | Token::SemiColon);
    let all = matches!(parser.peek_nth_token(2).token, Token::Mul);
    if !group_only && !all {
        return Ok(Own::Command(Command::Show { name: setting_name(parser)? }));
    }
    let group = parser.parse_identifier()?.value.to_lowercase();
    if all {
        skip(parser, 2);
    }
    let prefix = literal(&format!("{group}."));
    Ok(Own::Query(format!("SELECT name, value FROM system.settings WHERE starts_with(name, {prefix}) ORDER BY name")))
}
