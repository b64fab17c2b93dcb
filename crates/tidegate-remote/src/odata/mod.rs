//! OData's language: filters, literals, system query options and URLs as text.
//!
//! Relies on the typed model; sends nothing. Which parts of a filter a service may be asked for is decided
//! before, by [`crate::pushdown`]; this module only writes down what it is given, and refuses what the
//! language cannot say.
//!
//! Sources: OData 4.01 part 2 (URL Conventions) with its ABNF; "OData Version 2.0: URI Conventions" and
//! OData 3.0 Core for what differs before version 4.

pub(crate) mod apply;
pub mod filter;
pub(crate) mod literal;
pub(crate) mod query;
pub(crate) mod url;

use tidegate_spec::ODataVersion;

/// Whether the version has version 2's literals (`datetime'…'`, `5L`) and functions (`substringof`).
pub(crate) fn is_before_v4(version: ODataVersion) -> bool {
    version < ODataVersion::V4
}
