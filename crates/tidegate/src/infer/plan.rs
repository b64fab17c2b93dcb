//! What the manifest says of paging: declared, or offered in a comment, with what speaks for it.
//!
//! An endpoint that is declared to have one page and has more would lose rows in silence. So, where more are known of
//! and the way to them is not, the member that says so is declared as a failure.

use url::Url;

use super::columns::Column;
use super::json::Path;
use super::page::Page;
use super::paging::{Basis, Candidate, Style, Told, TotalAt, Verdict};
use super::yaml::{members, scalar};

/// Numbers of rows that servers choose as their page.
const USUAL_PAGES: &[usize] = &[10, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000];

/// What is said of paging.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Value of `paging`, in use.
    pub(super) declared: Option<String>,
    /// Value of `paging` that is offered in a comment.
    pub(super) offered: Option<String>,
    /// What speaks for it and what to check, one sentence or several.
    pub(super) remark: String,
    /// Member that keeps a scan from ending after the first page.
    pub(super) guard: Option<Path>,
}

/// What becomes of a candidate.
enum Fate {
    Declared,
    /// Past the last page the server refuses.
    DeclaredRefusing,
    Offered,
}

pub(super) fn plan(
    page: &Page<'_>,
    told: &Told,
    columns: &[Column],
    judged: Option<&(Candidate, Verdict<'_>)>,
) -> Plan {
    let Some((candidate, verdict)) = judged else { return unpaged(page, told) };
    let (fate, mut remark) = fate(candidate, verdict, told);
    if let Some(other) = candidate.next.as_ref().map(Url::origin).filter(|origin| *origin != page.url.origin()) {
        remark += &format!(
            " The next page is at another origin: a connection needs allow_origins = {:?}, if you trust it.",
            other.ascii_serialization()
        );
    }
    let refusing = matches!(fate, Fate::DeclaredRefusing);
    let Some(value) = value(candidate, told, columns, refusing) else { return unpaged(page, told) };
    match fate {
        Fate::Declared | Fate::DeclaredRefusing => Plan { declared: Some(value), remark, ..Plan::default() },
        Fate::Offered => {
            Plan { offered: Some(value), remark, guard: guard(page, told, Some(candidate)), declared: None }
        }
    }
}

fn unpaged(page: &Page<'_>, told: &Told) -> Plan {
    let rows = page.rows().len();
    let advice = "If the list has more than one page, say how the next one is asked for, such as { page: page }, \
                  { offset: offset } or { cursor: cursor, next: next_cursor }, or fewer rows are returned than there are";
    let remark = match (told.has_more(page), USUAL_PAGES.contains(&rows)) {
        (true, _) => format!("The response says that there is more, and not how to ask for it. {advice}."),
        (_, true) => format!("No paging was seen, but {rows} rows look like a full page. {advice}."),
        _ => format!("No paging was seen. {advice}."),
    };
    Plan { remark, guard: guard(page, told, None), ..Plan::default() }
}

/// The member that is something as long as there is more, whatever it says in this response.
fn guard(page: &Page<'_>, told: &Told, candidate: Option<&Candidate>) -> Option<Path> {
    if let Some(Style::NextUrl(path) | Style::Cursor { token: path, .. }) = candidate.map(|candidate| &candidate.style)
    {
        return Some(path.clone());
    }
    match (&told.more, &told.total) {
        (Some((path, _)), _) => Some(path.clone()),
        // A number is there on a list of one page too.
        (None, Some((TotalAt::Body(path), _))) if told.has_more(page) => Some(path.clone()),
        _ => None,
    }
}

fn fate(candidate: &Candidate, verdict: &Verdict<'_>, told: &Told) -> (Fate, String) {
    let basis = match candidate.basis {
        Basis::Told => "As the response says",
        Basis::Given => "By the parameter of the URL that was given",
        Basis::Usual => "Guessed from the name of the member",
        Basis::Tried => "Guessed",
    };
    let said = |fate: Fate, rest: &str| (fate, format!("{basis}; {rest}."));
    let is_link = candidate.style == Style::Link;
    match (candidate.basis, verdict) {
        (_, Verdict::Moved(_)) => said(Fate::Declared, "confirmed: the next page began with another row"),
        (Basis::Told, Verdict::Untried) if candidate.next.is_none() => {
            said(Fate::Declared, "there was no next page to try it with")
        }
        (Basis::Told | Basis::Given, Verdict::Untried) => said(Fate::Declared, "it was not tried"),
        (Basis::Usual, Verdict::Untried) if candidate.next.is_none() => {
            said(Fate::Declared, "there was no next page to try it with: check it in the API's documentation")
        }
        (Basis::Usual, Verdict::Untried) => {
            said(Fate::Declared, "it was not tried: check it in the API's documentation")
        }
        (Basis::Told, Verdict::Ended) => said(Fate::Declared, "the next page was empty"),
        (Basis::Given, Verdict::Ended) if !told.more.as_ref().is_some_and(|(_, more)| *more) => {
            said(Fate::Declared, "there was no second page to confirm it: the next one was empty")
        }
        (Basis::Usual, Verdict::Ended) if matches!(candidate.style, Style::Cursor { .. }) => {
            said(Fate::Declared, "the next page was empty: check it in the API's documentation")
        }
        (Basis::Given, Verdict::Refused(400 | 404 | 416)) if told.more.is_none() => {
            said(Fate::DeclaredRefusing, "there was no second page to confirm it: the next one was refused")
        }
        (Basis::Told, Verdict::Refused(status)) => {
            said(Fate::Declared, &format!("not confirmed: the next page was answered with status {status} and no rows"))
        }
        (_, Verdict::Repeated) if is_link => {
            said(Fate::Declared, "not confirmed: the next page began with the same row")
        }
        (_, Verdict::Repeated) => said(
            Fate::Offered,
            "not confirmed: the next page began with the same row, as it does where the parameter is passed over",
        ),
        (_, Verdict::Refused(status)) => {
            said(Fate::Offered, &format!("not confirmed: the next page was answered with status {status} and no rows"))
        }
        (_, Verdict::Ended) => said(Fate::Offered, "not confirmed: the next page was empty although there is more"),
        (Basis::Tried, Verdict::Untried) => said(Fate::Offered, "it was not tried"),
    }
}

/// The value of `paging`. `None` when it needs a column that there is not.
fn value(candidate: &Candidate, told: &Told, columns: &[Column], refusing: bool) -> Option<String> {
    let more = told.more.as_ref().map(|(path, _)| format!("more: {}", members(path)));
    let past = refusing.then(|| "past: refused".to_owned());
    let parts: Vec<Option<String>> = match &candidate.style {
        Style::Link => return Some("link".to_owned()),
        Style::NextUrl(path) => vec![Some(format!("next_url: {}", members(path)))],
        Style::Cursor { parameter, token } => {
            vec![Some(format!("cursor: {}", scalar(parameter))), Some(format!("next: {}", members(token))), more]
        }
        Style::Keyset { parameter, column } => {
            let column = columns.iter().find(|is| is.path == *column)?;
            let column = format!("column: {}", scalar(&column.name));
            vec![Some(format!("keyset: {}", scalar(parameter))), Some(column), more]
        }
        Style::Page { parameter, first } => {
            let first = (*first != 1).then(|| format!("first: {first}"));
            vec![Some(format!("page: {}", scalar(parameter))), first, more, past]
        }
        Style::Offset { parameter } => vec![Some(format!("offset: {}", scalar(parameter))), more, past],
    };
    Some(format!("{{ {} }}", parts.into_iter().flatten().collect::<Vec<_>>().join(", ")))
}
