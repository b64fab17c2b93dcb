//! What can stand at a place in a line, from what is known without a call.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::SchemaProvider;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use futures::FutureExt;

use super::{Completion, Shared};
use crate::catalog::{INFORMATION_SCHEMA, Known, MAIN, SYSTEM};
use crate::settings::{ALL, PREFIX};
use crate::sql::{DIALECT, quote};

/// Words offered where a keyword may stand.
const KEYWORDS: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COPY",
    "CREATE CONNECTION",
    "CREATE TABLE",
    "CREATE VIEW",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP CONNECTION",
    "ELSE",
    "END",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "EXPLAIN CALLS",
    "FROM",
    "FULL JOIN",
    "GROUP BY",
    "HAVING",
    "IN",
    "INNER JOIN",
    "IS NULL",
    "IS NOT NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OPTIONS",
    "OR",
    "ORDER BY",
    "REFRESH QUOTAS",
    "RIGHT JOIN",
    "SELECT",
    "SET",
    "SHOW CONNECTIONS",
    "SHOW PARTITIONS",
    "SHOW QUOTAS",
    "SHOW TABLES",
    "THEN",
    "UNION ALL",
    "USE",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Completions of the word that ends at `position`.
pub(super) fn complete(shared: &Arc<Shared>, line: &str, position: usize) -> Vec<Completion> {
    let mut position = position.min(line.len());
    while !line.is_char_boundary(position) {
        position -= 1;
    }
    let before = &line[..position];
    let start =
        before.rfind(|c: char| !is_word(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let names = Names { shared };
    let (qualifier, prefix) = match word.rsplit_once('.') {
        Some((qualifier, prefix)) => (Some(qualifier.to_lowercase()), prefix.to_lowercase()),
        None => (None, word.to_lowercase()),
    };
    let candidates = match previous_word(&before[..start]).as_deref() {
        Some("SET" | "SHOW" | "RESET") => names.settings(qualifier.as_deref()),
        Some("USE" | "CONNECTION" | "QUOTAS") => names.schemas(),
        Some("FROM" | "JOIN" | "INTO" | "DESCRIBE" | "TABLE") => names.tables(qualifier.as_deref()),
        _ => match &qualifier {
            Some(qualifier) => names.columns_or_tables(line, qualifier),
            None => names.anything(line),
        },
    };
    let mut completions: Vec<Completion> =
        candidates.into_iter().filter(|candidate| candidate.text.to_lowercase().starts_with(&prefix)).collect();
    completions.dedup();
    completions
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '@')
}

fn previous_word(before: &str) -> Option<String> {
    let trimmed = before.trim_end();
    let start = trimmed.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    let word = trimmed.get(start..)?;
    (!word.is_empty()).then(|| word.to_uppercase())
}

fn completion(text: impl Into<String>, kind: &'static str) -> Completion {
    Completion { text: text.into(), kind }
}

struct Names<'a> {
    shared: &'a Arc<Shared>,
}

impl Names<'_> {
    fn known(&self, connection: &str) -> Option<Arc<Known>> {
        let connection = self.shared.connection(connection)?;
        self.shared.engine().models().known_or_cached(self.shared.engine(), &connection)
    }

    fn schemas(&self) -> Vec<Completion> {
        let own = [MAIN, SYSTEM, INFORMATION_SCHEMA].map(str::to_owned);
        self.shared
            .connections()
            .into_keys()
            .map(|name| quote(&name))
            .chain(own)
            .map(|name| completion(name, "schema"))
            .collect()
    }

    fn settings(&self, qualifier: Option<&str>) -> Vec<Completion> {
        let prefix = if qualifier.is_some() { "" } else { PREFIX };
        ALL.iter().map(|setting| completion(format!("{prefix}{}", setting.name), "setting")).collect()
    }

    /// Tables of a schema; without one, those of the default schema, of `main`, and the names of schemas.
    fn tables(&self, schema: Option<&str>) -> Vec<Completion> {
        let Some(schema) = schema else {
            let mut names = self.tables(Some(MAIN));
            let default = self.shared.default_schema();
            if default != MAIN {
                names.extend(self.tables(Some(&default)));
            }
            names.extend(self.schemas());
            return names;
        };
        let names = match schema {
            MAIN => self.shared.main().table_names(),
            SYSTEM => crate::system::names(),
            connection => {
                let known = self.known(connection);
                known.iter().flat_map(|known| known.tables.iter()).map(|table| table.name.clone()).collect()
            }
        };
        names.into_iter().map(|name| completion(quote(&name), "table")).collect()
    }

    /// After `x.`: the columns of the table or alias `x`, or the tables of the schema `x`.
    fn columns_or_tables(&self, line: &str, qualifier: &str) -> Vec<Completion> {
        let named = tables_in(line);
        let table = named.iter().find(|named| named.alias.as_deref() == Some(qualifier) || named.table == qualifier);
        let columns = table.map(|named| self.columns(named)).unwrap_or_default();
        if columns.is_empty() { self.tables(Some(qualifier)) } else { columns }
    }

    fn columns(&self, named: &Named) -> Vec<Completion> {
        let schema = named.schema.clone().unwrap_or_else(|| self.shared.default_schema());
        let columns = match schema.as_str() {
            MAIN => self.local_columns(&named.table),
            SYSTEM => crate::system::columns(&named.table),
            connection => {
                let known = self.known(connection);
                let table = known.as_ref().and_then(|known| known.table(&named.table));
                table.map(|table| table.columns.iter().map(|column| column.name.clone()).collect())
            }
        };
        // A bare name may mean a local table after all.
        let columns = columns.or_else(|| named.schema.is_none().then(|| self.local_columns(&named.table))?);
        columns.unwrap_or_default().into_iter().map(|name| completion(quote(&name), "column")).collect()
    }

    fn local_columns(&self, table: &str) -> Option<Vec<String>> {
        // Local tables are in memory: nothing is waited for.
        let table = self.shared.main().table(table).now_or_never()?.ok()??;
        Some(table.schema().fields().iter().map(|field| field.name().clone()).collect())
    }

    fn anything(&self, line: &str) -> Vec<Completion> {
        let mut seen = BTreeSet::new();
        let columns = tables_in(line).iter().flat_map(|named| self.columns(named)).collect::<Vec<_>>();
        let mut names: Vec<Completion> = columns.into_iter().filter(|name| seen.insert(name.text.clone())).collect();
        names.extend(KEYWORDS.iter().map(|keyword| completion(*keyword, "keyword")));
        names.extend(self.schemas());
        names
    }
}

/// A table that a line names after FROM or JOIN.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    schema: Option<String>,
    table: String,
    alias: Option<String>,
}

/// The tables of a line that may be half written.
fn tables_in(line: &str) -> Vec<Named> {
    let mut tokens = Vec::new();
    // What was read before an unterminated quote is good enough.
    let _ = Tokenizer::new(&DIALECT, line).tokenize_with_location_into_buf(&mut tokens);
    let words: Vec<Token> =
        tokens.into_iter().map(|token| token.token).filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let mut named = Vec::new();
    for (at, token) in words.iter().enumerate() {
        if word(token).is_some_and(|word| matches!(word.to_uppercase().as_str(), "FROM" | "JOIN")) {
            named.extend(table_at(&words[at + 1..]));
        }
    }
    named
}

fn table_at(tokens: &[Token]) -> Option<Named> {
    let first = word(tokens.first()?)?;
    let (schema, table, used) = if let Some((table, connection)) = first.split_once('@') {
        (Some(connection.to_owned()), table.to_owned(), 1)
    } else if tokens.get(1) == Some(&Token::Period) {
        (Some(first), word(tokens.get(2)?)?, 3)
    } else {
        (None, first, 1)
    };
    let mut after = tokens[used..].iter().filter_map(word);
    let alias = match after.next() {
        Some(word) if word.eq_ignore_ascii_case("as") => after.next(),
        other => other,
    };
    Some(Named { schema, table, alias })
}

fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    }
}
