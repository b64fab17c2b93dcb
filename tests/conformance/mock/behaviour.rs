//! How the server behaves in a case. The default is an honest server with pages of its declared size.

use tidegate_spec::PastEnd;

use super::condition::Fidelity;
use crate::conformance::data::Shape;

/// A server's ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    pub(crate) fidelity: Fidelity,
    /// Most rows of a page, whatever is asked for and in silence.
    pub(crate) cap: Option<u64>,
    /// A page without rows follows the last full one, where responses name the next page.
    pub(crate) empty_last: bool,
    /// What it answers past the last page; as declared by default.
    pub(crate) past: Option<PastEnd>,
    /// Rows come in the order of their keys, whatever is asked for.
    pub(crate) ignores_order: bool,
    pub(crate) next: Next,
    pub(crate) links: Links,
    pub(crate) no_token: NoToken,
    pub(crate) fault: Option<Fault>,
    pub(crate) shape: Shape,
}

/// Where the next page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Next {
    #[default]
    After,
    /// The second page names itself; where positions are the client's, every page is the first.
    Again,
    /// On another host.
    Elsewhere,
}

/// How next URLs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Links {
    #[default]
    Absolute,
    /// From the root of the host: `/v1/things?…`.
    Path,
    /// `?…`.
    Query,
}

/// How the last page says that there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NoToken {
    #[default]
    Missing,
    Null,
    Empty,
    /// The first of the texts that are declared to stand for none.
    Declared,
}

/// Something that goes wrong with one request, or with all from it on.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Number of the request, from 1.
    pub(crate) at: usize,
    pub(crate) is_lasting: bool,
    pub(crate) kind: FaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// This status with these headers.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// This status with these headers and this body.
    Answer(u16, Vec<(String, String)>, String),
    /// The body breaks off in the middle, and the connection with it.
    Cut,
    /// The body ends in the middle as if it were whole.
    Short,
    /// A page of HTML with status 200.
    Html,
    /// Status 200 with the declared sign of an error, and no rows.
    Inside,
    /// The connection breaks before there is an answer.
    Reset,
}
