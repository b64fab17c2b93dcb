//! Paging, page size, order, projection, ceiling.

use crate::manifest::document::{
    Ceiling as CeilingSpec, Fields, FieldsWord, Nulls, OneOrMany, PageSize as PageSizeSpec, Paging as PagingSpec,
    PagingWord, PastEndName, ShortPageName, Sort, SortColumns, TokenAt,
};
use crate::manifest::problem::At;
use crate::model::Envelope;
use crate::{
    Ceiling, End, Filters, NullOrder, Operator, PageSize, Paging, PastEnd, Projection, ShortPage, SortColumn, Sorting,
};

use super::filters::list_style;
use super::{Lower, Scope};

/// What paging needs of the rest of its endpoint.
pub(super) struct PagingContext<'e> {
    pub(super) scope: &'e Scope<'e>,
    /// The endpoint's own `next`.
    pub(super) next: Option<&'e TokenAt>,
    pub(super) envelope: &'e mut Envelope,
}

impl Lower<'_, '_, '_> {
    pub(super) fn paging(&mut self, spec: &PagingSpec, at: &At, cx: &mut PagingContext<'_>) -> Option<Paging> {
        match spec {
            PagingSpec::Word(PagingWord::Single) => Some(Paging::Single),
            PagingSpec::Word(PagingWord::Link) => Some(Paging::LinkHeader),
            PagingSpec::NextUrl(spec) => {
                cx.envelope.next = self.paths(spec.next_url.as_slice(), &at.member("next_url"));
                Some(Paging::NextUrl)
            }
            PagingSpec::Page(spec) => {
                self.more(spec.more.as_ref(), at, cx);
                let place = self.place_spec(&spec.page, &at.member("page"))?;
                Some(Paging::Page { place, first: spec.first.unwrap_or(1), end: end(spec.short, spec.past) })
            }
            PagingSpec::Offset(spec) => {
                self.more(spec.more.as_ref(), at, cx);
                let place = self.place_spec(&spec.offset, &at.member("offset"))?;
                Some(Paging::Offset { place, end: end(spec.short, spec.past) })
            }
            PagingSpec::Cursor(spec) => {
                self.more(spec.more.as_ref(), at, cx);
                let place = self.place_spec(&spec.cursor, &at.member("cursor"))?;
                let header = self.token(spec.next.as_ref().or(cx.next), &at.member("next"), cx)?;
                Some(Paging::Cursor { place, header, none: spec.none.clone() })
            }
            PagingSpec::Keyset(spec) => {
                self.more(spec.more.as_ref(), at, cx);
                let place = self.place_spec(&spec.keyset, &at.member("keyset"))?;
                let column = self.keyset_column(spec.column.as_deref(), at, cx.scope)?;
                Some(Paging::Keyset { place, column, end: end(spec.short, spec.past) })
            }
        }
    }

    fn more(&mut self, spec: Option<&OneOrMany<String>>, at: &At, cx: &mut PagingContext<'_>) {
        if let Some(more) = spec {
            cx.envelope.more = self.paths(more.as_slice(), &at.member("more"));
        }
    }

    /// Where the token stands; the outer `None` when nothing says so.
    fn token(&mut self, spec: Option<&TokenAt>, at: &At, cx: &mut PagingContext<'_>) -> Option<Option<String>> {
        match spec {
            Some(TokenAt::Header(name)) => self.header_name(&name.header, at).then(|| Some(name.header.clone())),
            Some(TokenAt::Body(path)) => {
                cx.envelope.next = vec![self.steps(path, at)?];
                Some(None)
            }
            Some(TokenAt::Alternatives(paths)) if !paths.is_empty() => {
                cx.envelope.next = self.paths(paths, at);
                Some(None)
            }
            _ => {
                self.report.say(at, "`next` is missing: where the response has the token, such as `next: meta.cursor`");
                None
            }
        }
    }

    fn keyset_column(&mut self, name: Option<&str>, at: &At, scope: &Scope<'_>) -> Option<usize> {
        let at = at.member("column");
        let column = match (name, scope.key) {
            (Some(name), _) => self.column(scope, name, &at)?,
            (None, [only]) => *only,
            (None, _) => {
                self.report.say(&at, "`column` is missing: the table has no key of one column to page by");
                return None;
            }
        };
        if scope.columns[column].nullable {
            let name = &scope.columns[column].name;
            self.report.say(&at, format!("{name} may be null, and null cannot be paged by; write its type with `!`"));
        }
        Some(column)
    }

    pub(super) fn page_size(&mut self, spec: &PageSizeSpec, at: &At) -> Option<PageSize> {
        let PageSizeSpec::Members(spec) = spec else { return None };
        let place = self.place(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), at);
        Some(PageSize { place, max: spec.max })
    }

    /// Columns of an order, and how it is asked for. Columns that `defaults` name and the table lacks are left out.
    pub(super) fn sort(
        &mut self,
        spec: &Sort,
        at: &At,
        scope: &Scope<'_>,
        (is_default, is_odata): (bool, bool),
    ) -> (Vec<SortColumn>, Option<Sorting>) {
        let at_columns = at.member("columns");
        let named: Vec<(&str, Option<&str>)> = match &spec.columns {
            SortColumns::Names(names) => names.iter().map(|name| (name.as_str(), None)).collect(),
            SortColumns::Mapped(names) => names.iter().map(|(name, api)| (name, Some(api.as_str()))).collect(),
        };
        let (mut columns, mut names) = (Vec::<SortColumn>::new(), Vec::new());
        for (position, (name, api)) in named.into_iter().enumerate() {
            let at = if api.is_some() { at_columns.member(name) } else { at_columns.member(position) };
            if is_default && !scope.columns.iter().any(|column| column.name == name) {
                continue;
            }
            let Some(index) = self.column(scope, name, &at) else { continue };
            let column = &scope.columns[index];
            if columns.iter().any(|known| known.column == index) {
                self.report.say(&at, format!("column {name:?} stands in the order twice"));
                continue;
            }
            if column.nullable && spec.nulls.is_none() {
                let message = format!(
                    "{name} may be null; say where null stands with `nulls: lowest` or `highest`, or write its type with `!`"
                );
                self.report.say(&at, message);
            }
            let nulls = if spec.nulls == Some(Nulls::Highest) { NullOrder::Highest } else { NullOrder::Lowest };
            columns.push(SortColumn { column: index, nulls });
            names.push((index, api.map_or_else(|| column.path.join("."), str::to_owned)));
        }
        let sorting = self.sorting(spec, at, names, is_odata);
        (columns, sorting)
    }

    fn sorting(&mut self, spec: &Sort, at: &At, names: Vec<(usize, String)>, is_odata: bool) -> Option<Sorting> {
        let has_place = spec.parameter.is_some() || spec.header.is_some() || spec.body.is_some();
        if is_odata && !has_place {
            return None;
        }
        let place = self.place_needed(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), at)?;
        let direction = match &spec.direction {
            Some(direction) => Some(self.place_spec(direction, &at.member("direction"))?),
            None => None,
        };
        let words = if direction.is_some() { ("asc", "desc") } else { ("{column}", "-{column}") };
        let ascending = spec.ascending.clone().unwrap_or_else(|| words.0.to_owned());
        let descending = spec.descending.clone().unwrap_or_else(|| words.1.to_owned());
        if ascending == descending {
            self.report.say(&at.member("descending"), "ascending and descending are written the same");
        }
        if direction.is_none() {
            for (name, word) in [("ascending", &ascending), ("descending", &descending)] {
                if !word.contains("{column}") {
                    let message =
                        format!("{word:?} has no {{column}}; expected it, or `direction` for a place of its own");
                    self.report.say(&at.member(name), message);
                }
            }
        }
        Some(Sorting { place, direction, ascending, descending, separator: spec.separator.clone(), names })
    }

    pub(super) fn projection(&mut self, spec: &Fields, at: &At, is_odata: bool) -> Option<Projection> {
        match spec {
            Fields::Word(FieldsWord::Whole) => Some(Projection::Whole),
            Fields::Word(FieldsWord::Select) => {
                if !is_odata {
                    self.report.say(at, "`select` needs `odata`; expected one of parameter, header and body");
                }
                Some(Projection::Select)
            }
            Fields::Members(spec) => {
                let place =
                    self.place_needed(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), at)?;
                let in_body = spec.body.is_some();
                let style = list_style(spec.list.as_deref(), in_body);
                Some(Projection::Fields { place, style })
            }
        }
    }

    pub(super) fn ceiling(
        &mut self,
        spec: &CeilingSpec,
        (at, is_default): (&At, bool),
        scope: &Scope<'_>,
        (filters, sort): (&Filters, &[SortColumn]),
    ) -> Ceiling {
        let at = at.member("slice_by");
        let name = spec.slice_by.as_deref();
        let name = name.filter(|name| !is_default || scope.columns.iter().any(|column| column.name == *name));
        let Some(column) = name.and_then(|name| self.column(scope, name, &at)) else {
            return Ceiling { rows: spec.rows, slice_by: None };
        };
        let name = &scope.columns[column].name;
        let is_sorted = sort.iter().any(|sort| sort.column == column);
        let is_filtered = filters.exactness(column, Operator::GtEq).is_some();
        if !is_sorted {
            self.report.say(&at, format!("the endpoint cannot sort by {name}, which going on past the ceiling needs"));
        }
        if !is_filtered {
            let message = format!("the endpoint has no filter `>=` on {name}, which going on past the ceiling needs");
            self.report.say(&at, message);
        }
        Ceiling { rows: spec.rows, slice_by: (is_sorted && is_filtered).then_some(column) }
    }
}

fn end(short: ShortPageName, past: PastEndName) -> End {
    End {
        short: match short {
            ShortPageName::Likely => ShortPage::Likely,
            ShortPageName::Last => ShortPage::Last,
            ShortPageName::Open => ShortPage::Open,
        },
        past: match past {
            PastEndName::Empty => PastEnd::Empty,
            PastEndName::Refused => PastEnd::Refused,
            PastEndName::Repeated => PastEnd::Repeated,
        },
    }
}
