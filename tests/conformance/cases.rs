//! What happens to a scan of one endpoint, and what has to come of it.

use std::time::Duration;

use tidegate_spec::{EndpointKind, Paging, PastEnd, ShortPage};

use super::data::Cell;
use super::mock::{Behaviour, Fault, FaultKind, Fidelity, Links, Next, NoToken};
use super::target::{Target, is_told, tells_total};

/// A case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rows: Count,
    /// How the server behaves; `None` where the case says nothing of the endpoint.
    pub(crate) behave: fn(&Target<'_>) -> Option<Behaviour>,
    pub(crate) expect: Expect,
    /// Whether it is among the few that every table of a bundled manifest has to pass.
    pub(crate) is_brief: bool,
}

/// How many rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    None,
    /// Less than a page.
    Few,
    /// One page to the last row.
    Page,
    /// Two pages to the last row.
    Pages,
    /// Two pages and a short one.
    Many,
    /// Two pages and a short one, and every value null that may be.
    Nulls,
}

impl Count {
    pub(crate) fn of(self, page: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::Few => 2.min(page),
            Self::Page => page,
            Self::Pages => page * 2,
            Self::Many | Self::Nulls if page > 2 => page * 2 + 2,
            Self::Many | Self::Nulls => page * 2,
        }
    }
}

/// What has to come of a case.
pub(crate) enum Expect {
    /// All rows, for as many calls more than an honest server would have been asked.
    Rows(u64),
    /// All rows, for whatever calls.
    AnyCalls,
    /// An error that has these words, of which `{page}` stands for the page where it happened; at most so many calls.
    Error(&'static [&'static str], u64),
    /// All rows, or an error: no fewer rows in any case.
    RowsOrError,
}

/// Waits that a server asked for.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(7);

/// Page on which faults happen.
pub(crate) fn fault_page(target: &Target<'_>) -> usize {
    if target.endpoint.paging == Paging::Single { 1 } else { 2 }
}

pub(crate) fn honest(target: &Target<'_>) -> Option<Behaviour> {
    Some(Behaviour { cap: target.cap, ..Behaviour::default() })
}

fn with(target: &Target<'_>, applies: bool, change: impl FnOnce(&mut Behaviour)) -> Option<Behaviour> {
    let mut behaviour = honest(target).filter(|_| applies)?;
    change(&mut behaviour);
    Some(behaviour)
}

fn fault(target: &Target<'_>, kind: FaultKind, is_lasting: bool) -> Option<Behaviour> {
    with(target, true, |behaviour| behaviour.fault = Some(Fault { at: fault_page(target), is_lasting, kind }))
}

fn has_links(target: &Target<'_>) -> bool {
    super::target::has_links(target.endpoint)
}

fn names_next(target: &Target<'_>) -> bool {
    has_links(target) || matches!(target.endpoint.paging, Paging::Cursor { .. })
}

fn past(target: &Target<'_>) -> Option<PastEnd> {
    match target.endpoint.paging {
        Paging::Page { end, .. } | Paging::Offset { end, .. } => Some(end.past),
        _ => None,
    }
    .filter(|_| !is_told(target.endpoint))
}

fn short(target: &Target<'_>) -> Option<ShortPage> {
    match target.endpoint.paging {
        Paging::Page { end, .. } | Paging::Offset { end, .. } | Paging::Keyset { end, .. } => Some(end.short),
        _ => None,
    }
}

/// The server answers so past the last page, which it has not declared.
fn undeclared_past(target: &Target<'_>, actual: PastEnd) -> Option<Behaviour> {
    // A ceiling is met before the end is looked for.
    let is_open = !tells_total(target.endpoint) && target.endpoint.ceiling.is_none();
    let declared = past(target).filter(|declared| *declared != actual && is_open);
    with(target, declared.is_some(), |behaviour| behaviour.past = Some(actual))
}

const fn case(name: &'static str, rows: Count, behave: fn(&Target<'_>) -> Option<Behaviour>, expect: Expect) -> Case {
    Case { name, rows, behave, expect, is_brief: false }
}

const fn brief(name: &'static str, rows: Count, behave: fn(&Target<'_>) -> Option<Behaviour>, expect: Expect) -> Case {
    Case { name, rows, behave, expect, is_brief: true }
}

/// Every case.
pub(crate) const CASES: &[Case] = &[
    brief("many pages", Count::Many, honest, Expect::Rows(0)),
    case("the last page is full", Count::Pages, honest, Expect::Rows(0)),
    case("one full page", Count::Page, honest, Expect::Rows(0)),
    case("a single page", Count::Few, honest, Expect::Rows(0)),
    case("no rows", Count::None, honest, Expect::Rows(0)),
    case(
        "the last page is empty",
        Count::Pages,
        |target| with(target, names_next(target) || is_told(target.endpoint), |it| it.empty_last = true),
        Expect::Rows(1),
    ),
    case(
        "next links are relative to the host",
        Count::Many,
        |target| with(target, has_links(target), |it| it.links = Links::Path),
        Expect::Rows(0),
    ),
    case(
        "next links are relative to the page",
        Count::Many,
        |target| with(target, has_links(target), |it| it.links = Links::Query),
        Expect::Rows(0),
    ),
    case(
        "the last page has null for a token",
        Count::Many,
        |target| with(target, names_next(target), |it| it.no_token = NoToken::Null),
        Expect::Rows(0),
    ),
    case(
        "the last page has an empty token",
        Count::Many,
        |target| with(target, names_next(target), |it| it.no_token = NoToken::Empty),
        Expect::Rows(0),
    ),
    case(
        "the last page has the declared text for no token",
        Count::Many,
        |target| with(target, names_next(target), |it| it.no_token = NoToken::Declared),
        Expect::Rows(0),
    ),
    case(
        "the next page is this one",
        Count::Many,
        |target| {
            let is_legal = past(target) == Some(PastEnd::Repeated) || target.endpoint.paging == Paging::Single;
            with(target, !is_legal && !target.table.key.is_empty(), |it| it.next = Next::Again)
        },
        Expect::Error(&[", page "], 4),
    ),
    case(
        "the next page is on another host",
        Count::Many,
        |target| with(target, has_links(target), |it| it.next = Next::Elsewhere),
        Expect::Error(&["elsewhere.example", "allow_origins"], 1),
    ),
    case(
        "the server cuts pages down in silence",
        Count::Many,
        |target| {
            let is_kept = short(target) == Some(ShortPage::Last) || target.endpoint.paging == Paging::Single;
            // A number that servers choose for their greatest page, where shorter pages may be the last.
            let cap = if target.page > 10 { 10 } else { 5 };
            let is_chosen = target.endpoint.page_size.is_some() && target.page > cap && target.cap.is_none();
            with(target, is_chosen && !is_kept, |it| it.cap = Some(cap))
        },
        Expect::AnyCalls,
    ),
    case(
        "past the end comes an empty page, which is not declared",
        Count::Pages,
        |target| undeclared_past(target, PastEnd::Empty),
        Expect::Rows(0),
    ),
    case(
        "past the end comes a refusal, which is not declared",
        Count::Pages,
        |target| undeclared_past(target, PastEnd::Refused),
        Expect::RowsOrError,
    ),
    case(
        "past the end comes the last page again, which is not declared",
        Count::Pages,
        |target| undeclared_past(target, PastEnd::Repeated),
        Expect::Error(&["repeats itself", "page {past}"], 3),
    ),
    case(
        "throttled in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Status(429, &[("retry-after", "7")]), false),
        Expect::Rows(1),
    ),
    brief(
        "unavailable in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Status(503, &[]), false),
        Expect::Rows(1),
    ),
    case(
        "a body breaks off in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Cut, false),
        Expect::Rows(1),
    ),
    case(
        "the connection breaks in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Reset, false),
        Expect::Rows(1),
    ),
    case(
        "half a body comes as a whole one",
        Count::Many,
        |target| fault(target, FaultKind::Short, true),
        Expect::Error(&["page {page}"], 7),
    ),
    case(
        "the server fails from the middle on",
        Count::Many,
        |target| fault(target, FaultKind::Status(500, &[]), true),
        Expect::Error(&["page {page}", "500", "so it is scripted"], 7),
    ),
    case(
        "credentials expire in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Status(401, &[]), true),
        Expect::Error(&["page {page}", "401"], 4),
    ),
    case(
        "a page is missing in mid-stream",
        Count::Many,
        |target| {
            let is_end = past(target) == Some(PastEnd::Refused);
            let applies = !is_end && target.endpoint.paging != Paging::Single;
            fault(target, FaultKind::Status(404, &[]), true).filter(|_| applies)
        },
        Expect::Error(&["page {page}", "404"], 2),
    ),
    case(
        "a page of HTML in mid-stream",
        Count::Many,
        |target| fault(target, FaultKind::Html, true),
        Expect::Error(&["page {page}"], 2),
    ),
    case(
        "an error inside of a success",
        Count::Many,
        |target| {
            let envelope = &target.endpoint.envelope;
            let is_declared = !envelope.failure.is_empty() || !envelope.success.is_empty();
            fault(target, FaultKind::Inside, true).filter(|_| is_declared)
        },
        Expect::Error(&["page {page}"], 7),
    ),
    brief(
        "rows have members that are not declared",
        Count::Many,
        |target| with(target, true, |it| it.shape.unknown_members = true),
        Expect::Rows(0),
    ),
    brief("every value is null that may be", Count::Nulls, honest, Expect::Rows(0)),
    brief(
        "rows leave nulls out",
        Count::Nulls,
        |target| with(target, true, |it| it.shape.omit_nulls = true),
        Expect::Rows(0),
    ),
    case(
        "some rows leave nulls out",
        Count::Many,
        |target| with(target, true, |it| it.shape.omit_nulls = true),
        Expect::Rows(0),
    ),
    case(
        "the server ignores filters",
        Count::Many,
        |target| {
            let in_path_alone = !target.endpoint.filters.required().any(|filter| {
                !target.endpoint.path.contains(&format!("{{{}}}", target.table.columns[filter.column].name))
            });
            let is_sliced = target.endpoint.ceiling.is_some_and(|ceiling| ceiling.slice_by.is_some());
            let applies = in_path_alone && !is_sliced && target.endpoint.kind == EndpointKind::List;
            with(target, applies, |it| it.fidelity = Fidelity::Ignoring)
        },
        Expect::Rows(0),
    ),
    case(
        "a member that is never null is missing",
        Count::Few,
        |target| {
            let column = never_null(target)?;
            with(target, true, |it| it.shape.missing = Some(column))
        },
        Expect::Error(&["{column}"], 1),
    ),
];

/// The last column of the rows that must have a value, and is not in the key.
pub(crate) fn never_null(target: &Target<'_>) -> Option<usize> {
    let is_of_row = |index: &usize| {
        let column = &target.table.columns[*index];
        column.source == tidegate_spec::ColumnSource::Row && !column.nullable
    };
    let is_own = |index: &usize| is_of_row(index) && !super::data::is_derived(target.table, *index);
    target.columns().into_iter().rfind(is_own)
}

/// Makes every value null that may be.
pub(crate) fn nulled(target: &Target<'_>, mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    let parents = super::data::parents(target.table);
    let keyset = match &target.endpoint.paging {
        Paging::Keyset { column, .. } => Some(*column),
        _ => None,
    };
    for row in &mut rows {
        for (index, column) in target.table.columns.iter().enumerate() {
            let is_needed = parents.contains(&index) || target.table.key.contains(&index) || keyset == Some(index);
            if column.nullable && !is_needed {
                row[index] = Cell::Null;
            }
        }
    }
    rows
}
