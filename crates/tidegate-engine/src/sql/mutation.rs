//! UPDATE, DELETE, INSERT and MERGE as they are written. What they mean is decided where they are planned.

use std::fmt;

use datafusion::sql::parser::{DFParser, DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{
    Delete, Expr, FromTable, Ident, Insert, LimitClause, Merge, ObjectName, Query, SelectItem, SetExpr, Statement,
    TableFactor, TableObject, Update, With,
};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::clauses::{self, Clauses, is_word};
use super::{DIALECT, RECURSION_LIMIT, expect_end, from_parser};
use crate::{Error, ErrorKind, Result};

/// What a mutation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MutationKind {
    /// UPDATE
    Update,
    /// DELETE
    Delete,
    /// INSERT
    Insert,
    /// MERGE
    Merge,
}

impl MutationKind {
    /// As SQL writes it.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Insert => "INSERT",
            Self::Merge => "MERGE",
        }
    }

    /// As it is kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Insert => "insert",
            Self::Merge => "merge",
        }
    }
}

impl fmt::Display for MutationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// A mutation as it is written; LIMIT and RETURNING are taken out of its body.
#[derive(Debug, Clone)]
pub(crate) struct MutationStatement {
    /// The verb with what it has.
    pub(crate) body: Body,
    /// WITH before the verb.
    pub(crate) with: Option<With>,
    /// LIMIT, an expression.
    pub(crate) limit: Option<Expr>,
    is_per_partition: bool,
    returning: Option<Vec<SelectItem>>,
    target: Named,
}

/// The verb with what it has.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// UPDATE
    Update(Box<Update>),
    /// DELETE
    Delete(Box<Delete>),
    /// INSERT
    Insert(Box<Insert>),
    /// MERGE
    Merge(Box<Merge>),
}

/// A table and its alias.
#[derive(Debug, Clone)]
struct Named {
    name: ObjectName,
    alias: Option<Ident>,
}

impl MutationStatement {
    /// What it does.
    pub(crate) fn kind(&self) -> MutationKind {
        match self.body {
            Body::Update(_) => MutationKind::Update,
            Body::Delete(_) => MutationKind::Delete,
            Body::Insert(_) => MutationKind::Insert,
            Body::Merge(_) => MutationKind::Merge,
        }
    }

    /// The table that it changes.
    pub(crate) fn target(&self) -> &ObjectName {
        &self.target.name
    }

    /// What the statement calls it.
    pub(crate) fn target_alias(&self) -> Option<&Ident> {
        self.target.alias.as_ref()
    }

    /// What RETURNING says.
    pub(crate) fn returning(&self) -> Option<&[SelectItem]> {
        self.returning.as_deref()
    }

    /// Whether LIMIT counts in each partition.
    pub(crate) fn is_per_partition(&self) -> bool {
        self.is_per_partition
    }

    /// Whether it changes all rows of the table, whatever their number: UPDATE and DELETE without WHERE and LIMIT.
    pub(crate) fn is_unbounded(&self) -> bool {
        let has_where = match &self.body {
            Body::Update(update) => update.selection.is_some(),
            Body::Delete(delete) => delete.selection.is_some(),
            Body::Insert(_) | Body::Merge(_) => return false,
        };
        !has_where && self.limit.is_none()
    }

    /// Whether ORDER BY sets the order of sending.
    pub(crate) fn has_order(&self) -> bool {
        match &self.body {
            Body::Update(update) => !update.order_by.is_empty(),
            Body::Delete(delete) => !delete.order_by.is_empty(),
            Body::Insert(insert) => insert.source.as_ref().is_some_and(|query| query.order_by.is_some()),
            Body::Merge(_) => false,
        }
    }

    /// The statement for DataFusion, which fills local tables.
    ///
    /// # Errors
    /// Clauses that local tables do not have.
    pub(crate) fn into_datafusion(self) -> Result<DfStatement> {
        if self.is_per_partition || self.returning.is_some() {
            let clause = if self.is_per_partition { "PER PARTITION" } else { "RETURNING" };
            let message = format!("{clause} is not offered for local tables: only tables of connections have it");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let (kind, with) = (self.kind(), self.with);
        let statement = match self.body {
            Body::Insert(mut insert) => {
                if let (Some(limit), Some(query)) = (self.limit, insert.source.as_mut()) {
                    put_limit(query, limit);
                }
                Statement::Insert(*insert)
            }
            Body::Update(update) => Statement::Update(*update),
            Body::Delete(delete) => Statement::Delete(*delete),
            Body::Merge(merge) => Statement::Merge(*merge),
        };
        if with.is_some() {
            let message = format!("WITH before {kind} is not offered for local tables: write it inside the query");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok(DfStatement::Statement(Box::new(statement)))
    }
}

impl Body {
    /// LIMIT and RETURNING that the parser has found itself: none is ever passed over.
    fn take_clauses(&mut self) -> (Option<Expr>, Option<Vec<SelectItem>>) {
        match self {
            Self::Update(update) => (update.limit.take(), update.returning.take()),
            Self::Delete(delete) => (delete.limit.take(), delete.returning.take()),
            Self::Insert(insert) => (None, insert.returning.take()),
            Self::Merge(_) => (None, None),
        }
    }
}

/// Puts a LIMIT back where it was taken out.
fn put_limit(query: &mut Query, rows: Expr) {
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => *limit = Some(rows),
        clause => *clause = Some(LimitClause::LimitOffset { limit: Some(rows), offset: None, limit_by: Vec::new() }),
    }
}

/// The mutation that these tokens are; `None` when they are something else.
///
/// # Errors
/// What is wrong with the text, and where.
pub(super) fn parse(tokens: &[TokenWithSpan]) -> Result<Option<MutationStatement>> {
    if !is_mutation(tokens) {
        return Ok(None);
    }
    let Clauses { body, returning, limit, is_per_partition } = clauses::split(tokens);
    let mut parser = parser_of(body)?;
    let DfStatement::Statement(statement) = parser.parse_statement()? else { return Ok(None) };
    expect_end(&mut parser)?;
    let Some((mut body, with)) = body_of(*statement) else { return Ok(None) };
    let own = body.take_clauses();
    let Some(target) = target(&body)? else { return Ok(None) };
    let limit = limit.map(|tokens| piece(tokens, "LIMIT", |parser| parser.parse_expr())).transpose()?;
    let items = |parser: &mut Parser<'_>| parser.parse_comma_separated(Parser::parse_select_item);
    let returning = returning.map(|tokens| piece(tokens, "RETURNING", items)).transpose()?;
    let (limit, returning) = (limit.or(own.0), returning.or(own.1));
    Ok(Some(MutationStatement { body, with, limit, is_per_partition, returning, target }))
}

/// Whether the outermost verb, behind WITH if there is one, is one of ours.
fn is_mutation(tokens: &[TokenWithSpan]) -> bool {
    const VERBS: &[&str] = &["UPDATE", "DELETE", "INSERT", "MERGE"];
    let is_verb = |token: &TokenWithSpan| VERBS.iter().any(|verb| is_word(token, verb));
    let mut code = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let Some(first) = code.next() else { return false };
    if !is_word(first, "WITH") {
        return is_verb(first);
    }
    let mut depth = 0_usize;
    for token in code {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if is_verb(token) => return true,
            _ if ["SELECT", "VALUES", "TABLE", "FROM"].iter().any(|word| is_word(token, word)) => return false,
            _ => {}
        }
    }
    false
}

fn parser_of(tokens: Vec<TokenWithSpan>) -> Result<DFParser<'static>> {
    Ok(DFParserBuilder::new(tokens).with_dialect(&DIALECT).with_recursion_limit(RECURSION_LIMIT).build()?)
}

/// Parses a clause that was taken out.
fn piece<T>(
    tokens: Vec<TokenWithSpan>,
    clause: &str,
    parse: impl FnOnce(&mut Parser<'_>) -> Result<T, datafusion::sql::sqlparser::parser::ParserError>,
) -> Result<T> {
    if tokens.is_empty() {
        return Err(Error::new(ErrorKind::Syntax, format!("something must stand behind {clause}")));
    }
    let mut parser = parser_of(tokens)?;
    let parsed = parse(&mut parser.parser).map_err(from_parser)?;
    expect_end(&mut parser)?;
    Ok(parsed)
}

fn body_of(statement: Statement) -> Option<(Body, Option<With>)> {
    match statement {
        Statement::Update(update) => Some((Body::Update(Box::new(update)), None)),
        Statement::Delete(delete) => Some((Body::Delete(Box::new(delete)), None)),
        Statement::Insert(insert) => Some((Body::Insert(Box::new(insert)), None)),
        Statement::Merge(merge) => Some((Body::Merge(Box::new(merge)), None)),
        Statement::Query(query) => {
            let Query { with, body, .. } = *query;
            match *body {
                SetExpr::Update(inner) | SetExpr::Delete(inner) | SetExpr::Insert(inner) | SetExpr::Merge(inner) => {
                    body_of(inner).map(|(body, _)| (body, with))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The table that is changed; `None` for an INSERT into something that is none.
fn target(body: &Body) -> Result<Option<Named>> {
    let factor = match body {
        Body::Update(update) if update.table.joins.is_empty() => &update.table.relation,
        Body::Update(_) => {
            return Err(only_one("UPDATE", "join others in FROM: UPDATE t SET … FROM u WHERE t.id = u.id"));
        }
        Body::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            match from.as_slice() {
                [one] if one.joins.is_empty() && delete.tables.is_empty() => &one.relation,
                _ => {
                    let advice = "join others in USING: DELETE FROM t USING u WHERE t.id = u.id";
                    return Err(only_one("DELETE", advice));
                }
            }
        }
        Body::Merge(merge) => &merge.table,
        Body::Insert(insert) => {
            let TableObject::TableName(name) = &insert.table else { return Ok(None) };
            let alias = insert.table_alias.as_ref().map(|alias| alias.alias.clone());
            return Ok(Some(Named { name: name.clone(), alias }));
        }
    };
    match factor {
        TableFactor::Table { name, alias, .. } if is_plain(factor) => {
            let alias = alias.as_ref().map(|alias| alias.name.clone());
            Ok(Some(Named { name: name.clone(), alias }))
        }
        other => {
            let message = format!("only a table can be changed, not {other}: write its name after the verb");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

/// Whether it is a name with an alias, and nothing that would choose among the table's rows or rename its columns.
fn is_plain(factor: &TableFactor) -> bool {
    let TableFactor::Table {
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
        ..
    } = factor
    else {
        return false;
    };
    let is_renamed = alias.as_ref().is_some_and(|alias| !alias.columns.is_empty() || alias.at.is_some());
    let chooses = args.is_some() || version.is_some() || sample.is_some() || json_path.is_some() || *with_ordinality;
    let has_hints = !(with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty());
    !(is_renamed || chooses || has_hints)
}

fn only_one(verb: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{verb} changes one table; {advice}"))
}

#[cfg(test)]
mod tests;
