//! Grammar and type rules. Precedence, tightest first: `not`; `gt ge lt le in`; `eq ne`; `and`; `or`.

use crate::data::sales::NAMESPACE;
use crate::data::schema::{EntitySet, EnumType, Type};
use crate::data::value::Value;
use crate::odata::fail::Fail;

use super::ast::{Cmp, Dialect, Expr, Kind};
use super::functions;
use super::lexer::{Spanned, Token, lex};

/// Nesting beyond this is refused: each level costs stack.
const MAX_DEPTH: usize = 100;

/// Reads a `$filter`: a Boolean expression.
pub(crate) fn parse_filter(text: &str, set: &EntitySet, dialect: Dialect) -> Result<Expr, Fail> {
    let mut p = Parser::new(text, set, dialect)?;
    let expr = p.or()?;
    p.end()?;
    p.boolean(&expr, "$filter")?;
    Ok(expr)
}

/// Reads an `$orderby`: expressions with `true` for descending.
pub(crate) fn parse_orderby(text: &str, set: &EntitySet, dialect: Dialect) -> Result<Vec<(Expr, bool)>, Fail> {
    let mut p = Parser::new(text, set, dialect)?;
    let mut out = Vec::new();
    loop {
        let expr = p.or()?;
        if matches!(expr.kind(), Kind::Complex | Kind::Collection | Kind::Null) {
            return Err(p.bad("$orderby needs expressions of a primitive type"));
        }
        let desc = match p.word() {
            Some(w @ ("asc" | "desc")) => {
                let desc = w == "desc";
                p.at += 1;
                desc
            }
            _ => false,
        };
        out.push((expr, desc));
        if !p.take(|t| matches!(t, Token::Comma)) {
            break;
        }
    }
    p.end()?;
    Ok(out)
}

struct Parser<'a> {
    tokens: Vec<Spanned>,
    at: usize,
    set: &'a EntitySet,
    dialect: Dialect,
    depth: usize,
    /// Variable of the lambda being read.
    variable: Option<String>,
}

impl<'a> Parser<'a> {
    fn new(text: &str, set: &'a EntitySet, dialect: Dialect) -> Result<Self, Fail> {
        let tokens = lex(text, dialect)
            .map_err(|e| if e.starts_with("not implemented") { Fail::unsupported(e) } else { Fail::bad(e) })?;
        Ok(Self { tokens, at: 0, set, dialect, depth: 0, variable: None })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|s| &s.token)
    }

    fn word(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(w)) => Some(w),
            _ => None,
        }
    }

    fn take(&mut self, is: impl Fn(&Token) -> bool) -> bool {
        let yes = self.peek().is_some_and(is);
        self.at += usize::from(yes);
        yes
    }

    fn expect(&mut self, what: &str, is: impl Fn(&Token) -> bool) -> Result<(), Fail> {
        if self.take(is) { Ok(()) } else { Err(self.bad(format!("expected {what}"))) }
    }

    fn end(&self) -> Result<(), Fail> {
        if self.at == self.tokens.len() { Ok(()) } else { Err(self.bad("unexpected text")) }
    }

    fn bad(&self, what: impl Into<String>) -> Fail {
        let place = match self.tokens.get(self.at) {
            Some(s) => format!("at position {}", s.at),
            None => "at the end".to_owned(),
        };
        Fail::bad(format!("syntax or type error: {} {place}", what.into()))
    }

    /// Takes a binary operator; the grammar wants white space on both sides of it.
    fn operator<T: Copy>(&mut self, table: &[(&str, T)]) -> Result<Option<T>, Fail> {
        let Some(found) = self.word().and_then(|w| table.iter().find(|(n, _)| *n == w)) else {
            return Ok(None);
        };
        let spaced = |at: usize| self.tokens.get(at).is_some_and(|s| s.spaced);
        if !spaced(self.at) || !spaced(self.at + 1) {
            return Err(self.bad(format!("'{}' needs white space on both sides", found.0)));
        }
        self.at += 1;
        Ok(Some(found.1))
    }

    fn boolean(&self, expr: &Expr, place: &str) -> Result<(), Fail> {
        match expr.kind() {
            Kind::Bool | Kind::Null => Ok(()),
            other => Err(self.bad(format!("{place} needs a Boolean expression, not {other:?}"))),
        }
    }

    fn or(&mut self) -> Result<Expr, Fail> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.bad(format!("the expression is nested deeper than {MAX_DEPTH}")));
        }
        let mut left = self.and()?;
        while self.operator(&[("or", ())])?.is_some() {
            let right = self.and()?;
            self.boolean(&left, "or")?;
            self.boolean(&right, "or")?;
            left = Expr::Or(Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Fail> {
        let mut left = self.equality()?;
        while self.operator(&[("and", ())])?.is_some() {
            let right = self.equality()?;
            self.boolean(&left, "and")?;
            self.boolean(&right, "and")?;
            left = Expr::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<Expr, Fail> {
        let mut left = self.relation()?;
        while let Some(op) = self.operator(&[("eq", Cmp::Eq), ("ne", Cmp::Ne)])? {
            let right = self.relation()?;
            left = self.compare(op, left, right)?;
        }
        Ok(left)
    }

    fn relation(&mut self) -> Result<Expr, Fail> {
        let mut left = self.unary()?;
        loop {
            let table = [("gt", Cmp::Gt), ("ge", Cmp::Ge), ("lt", Cmp::Lt), ("le", Cmp::Le)];
            if let Some(op) = self.operator(&table)? {
                let right = self.unary()?;
                left = self.compare(op, left, right)?;
            } else if self.dialect == Dialect::V4 && self.operator(&[("in", ())])?.is_some() {
                left = self.membership(left)?;
            } else if let Some("add" | "sub" | "mul" | "div" | "mod" | "divby" | "has") = self.word() {
                return Err(Fail::unsupported("arithmetic and 'has' are not implemented"));
            } else {
                return Ok(left);
            }
        }
    }

    fn compare(&self, op: Cmp, left: Expr, right: Expr) -> Result<Expr, Fail> {
        let (l, r) = (left.kind(), right.kind());
        if l != r && l != Kind::Null && r != Kind::Null {
            return Err(self.bad(format!("{l:?} and {r:?} cannot be compared")));
        }
        let equality = matches!(op, Cmp::Eq | Cmp::Ne);
        if [l, r].contains(&Kind::Collection) || ([l, r].contains(&Kind::Complex) && !(equality && l != r)) {
            return Err(self.bad("collections and complex values cannot be compared"));
        }
        Ok(Expr::Cmp(op, Box::new(left), Box::new(right)))
    }

    fn membership(&mut self, left: Expr) -> Result<Expr, Fail> {
        self.expect("'(' after in", |t| matches!(t, Token::Open))?;
        let mut list = Vec::new();
        loop {
            let Expr::Lit(value) = self.unary()? else {
                return Err(self.bad("the list of 'in' takes literals only"));
            };
            let literal = Expr::Lit(value.clone());
            let Expr::Cmp(..) = self.compare(Cmp::Eq, left.clone(), literal)? else {
                return Err(self.bad("'in' cannot compare these"));
            };
            list.push(value);
            if !self.take(|t| matches!(t, Token::Comma)) {
                break;
            }
        }
        self.expect("')' or ','", |t| matches!(t, Token::Close))?;
        Ok(Expr::In(Box::new(left), list))
    }

    fn unary(&mut self) -> Result<Expr, Fail> {
        if self.word() == Some("not") {
            self.at += 1;
            let next = self.tokens.get(self.at);
            if !next.is_some_and(|s| s.spaced || matches!(s.token, Token::Open)) {
                return Err(self.bad("'not' needs white space after it"));
            }
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.bad("too many 'not'"));
            }
            let inner = self.unary()?;
            self.depth -= 1;
            self.boolean(&inner, "not")?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expr, Fail> {
        let Some(Spanned { token, .. }) = self.tokens.get(self.at).cloned() else {
            return Err(self.bad("expected an operand"));
        };
        self.at += 1;
        match token {
            Token::Literal(value) => Ok(Expr::Lit(value)),
            Token::EnumLiteral(ty, member) => self.enum_literal(&ty, &member),
            Token::Open => {
                let inner = self.or()?;
                self.expect("')'", |t| matches!(t, Token::Close))?;
                Ok(inner)
            }
            Token::Word(name) => {
                if self.peek().is_some_and(|t| matches!(t, Token::Open)) {
                    return self.call(&name);
                }
                self.property(&name)
            }
            _ => {
                self.at -= 1;
                Err(self.bad("expected an operand"))
            }
        }
    }

    fn enum_literal(&self, name: &str, member: &str) -> Result<Expr, Fail> {
        let found = self.set.columns.iter().find_map(|c| match c.ty {
            Type::Enum(e) if name == format!("{NAMESPACE}.{}", e.name) => Some(e),
            _ => None,
        });
        let e: &EnumType = found.ok_or_else(|| self.bad(format!("unknown type '{name}'")))?;
        let by_name = e.members.iter().position(|m| *m == member).map(|i| i as i64);
        by_name
            .or_else(|| member.parse().ok())
            .map(|v| Expr::Lit(Value::Enum(v)))
            .ok_or_else(|| self.bad(format!("'{member}' is no member of {name}")))
    }

    fn property(&mut self, name: &str) -> Result<Expr, Fail> {
        if self.variable.as_deref() == Some(name) {
            return Ok(Expr::Item);
        }
        let unknown = || {
            let ty = self.set.type_name;
            Fail::bad(format!("Could not find a property named '{name}' on type '{NAMESPACE}.{ty}'."))
        };
        if self.set.navs.iter().any(|n| n.name == name) {
            return Err(Fail::unsupported("filters over navigation properties are not implemented"));
        }
        let column = self.set.column(name).ok_or_else(unknown)?;
        let ty = self.set.columns[column].ty;
        if !self.take(|t| matches!(t, Token::Slash)) {
            return Ok(Expr::Prop { column, field: None, kind: self.kind_of_type(ty) });
        }
        let Some(Token::Word(member)) = self.peek().cloned() else {
            return Err(self.bad("expected a name after '/'"));
        };
        self.at += 1;
        match ty {
            Type::Complex(c) => {
                let field = c.fields.iter().position(|f| f.name == member);
                let field = field.ok_or_else(|| self.bad(format!("no field '{member}'")))?;
                let kind = self.kind_of_type(c.fields[field].ty);
                Ok(Expr::Prop { column, field: Some(field), kind })
            }
            Type::Strings if self.dialect == Dialect::V4 => self.lambda(column, &member),
            _ => Err(self.bad(format!("'{name}' has no member '{member}'"))),
        }
    }

    fn kind_of_type(&self, ty: Type) -> Kind {
        match ty {
            Type::Str(_) => Kind::Str,
            Type::Int16 | Type::Int32 | Type::Int64 | Type::Decimal { .. } | Type::Double => Kind::Num,
            Type::Bool => Kind::Bool,
            // V2 has no date: it serves such columns as Edm.DateTime.
            Type::Date if self.dialect == Dialect::V2 => Kind::Stamp,
            Type::Date => Kind::Date,
            Type::Time => Kind::Time,
            Type::Stamp => Kind::Stamp,
            Type::Guid => Kind::Guid,
            // V2 has no enumerations: it serves the value.
            Type::Enum(_) if self.dialect == Dialect::V2 => Kind::Num,
            Type::Enum(e) => Kind::Enum(e.name),
            Type::Complex(_) => Kind::Complex,
            Type::Strings => Kind::Collection,
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, Fail> {
        let known = functions::find(name, self.dialect);
        let function = known.ok_or_else(|| self.bad(format!("unknown function '{name}'")))?;
        self.at += 1;
        let mut args = Vec::new();
        if !self.take(|t| matches!(t, Token::Close)) {
            loop {
                args.push(self.or()?);
                if !self.take(|t| matches!(t, Token::Comma)) {
                    break;
                }
            }
            self.expect("')' or ','", |t| matches!(t, Token::Close))?;
        }
        function.check(&args).map_err(|e| self.bad(e))?;
        Ok(Expr::Call(function.func, args))
    }

    fn lambda(&mut self, column: usize, name: &str) -> Result<Expr, Fail> {
        let all = match name {
            "any" => false,
            "all" => true,
            _ => return Err(self.bad("a collection takes any or all")),
        };
        self.expect("'('", |t| matches!(t, Token::Open))?;
        if !all && self.take(|t| matches!(t, Token::Close)) {
            return Ok(Expr::Lambda { column, all, body: None });
        }
        let Some(Token::Word(variable)) = self.peek().cloned() else {
            return Err(self.bad("expected the name of a variable"));
        };
        self.at += 1;
        self.expect("':'", |t| matches!(t, Token::Colon))?;
        let outer = self.variable.replace(variable);
        let body = self.or()?;
        self.variable = outer;
        self.boolean(&body, name)?;
        self.expect("')'", |t| matches!(t, Token::Close))?;
        Ok(Expr::Lambda { column, all, body: Some(Box::new(body)) })
    }
}
