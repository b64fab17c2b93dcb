//! What `$metadata` says about writing and grouping: annotations (V4) and `ConcurrencyMode` (V2).

use std::fmt::Write;

use crate::config::{Apply, ETags, ODataOptions};
use crate::data::schema::{Column, EntitySet};
use crate::effect::EffectKind;
use crate::odata::filter::ast::Dialect;

const VOCABULARIES: [(&str, &str); 3] = [
    ("Org.OData.Core.V1", "Core"),
    ("Org.OData.Capabilities.V1", "Capabilities"),
    ("Org.OData.Aggregation.V1", "Aggregation"),
];

/// The vocabularies, where anything is said in them.
pub(super) fn references(x: &mut String, options: &ODataOptions) {
    let says_nothing = options.computed.is_empty() && options.immutable.is_empty() && options.forbidden.is_empty();
    if says_nothing && options.etags != ETags::Declared && options.apply != Apply::Declared {
        return;
    }
    for (namespace, alias) in VOCABULARIES {
        let uri = format!("https://oasis-tcs.github.io/odata-vocabularies/vocabularies/{namespace}.xml");
        let include = format!("<edmx:Include Namespace=\"{namespace}\" Alias=\"{alias}\"/>");
        let _ = write!(x, "<edmx:Reference Uri=\"{uri}\">{include}</edmx:Reference>");
    }
}

/// Annotations of an entity set.
pub(super) fn set(x: &mut String, options: &ODataOptions, set: &EntitySet) {
    if options.etags == ETags::Declared {
        x.push_str("<Annotation Term=\"Core.OptimisticConcurrency\"><Collection/></Annotation>");
    }
    if options.apply == Apply::Declared {
        let names = ["filter", "groupby", "aggregate"].map(|name| format!("<String>{name}</String>")).concat();
        let value =
            format!("<PropertyValue Property=\"Transformations\"><Collection>{names}</Collection></PropertyValue>");
        let rollup = "<PropertyValue Property=\"Rollup\" EnumMember=\"Aggregation.RollupType/None\"/>";
        let _ =
            write!(x, "<Annotation Term=\"Aggregation.ApplySupported\"><Record>{value}{rollup}</Record></Annotation>");
    }
    for (name, kind) in &options.forbidden {
        if name != set.name {
            continue;
        }
        let (term, property) = match kind {
            EffectKind::Insert => ("InsertRestrictions", "Insertable"),
            EffectKind::Update => ("UpdateRestrictions", "Updatable"),
            EffectKind::Delete => ("DeleteRestrictions", "Deletable"),
        };
        let value = format!("<PropertyValue Property=\"{property}\" Bool=\"false\"/>");
        let _ = write!(x, "<Annotation Term=\"Capabilities.{term}\"><Record>{value}</Record></Annotation>");
    }
}

/// Annotations of a column.
pub(super) fn column(options: &ODataOptions, dialect: Dialect, set: &EntitySet, column: &Column) -> String {
    let name = format!("{}.{}", set.name, column.name);
    let terms = [("Computed", &options.computed), ("Immutable", &options.immutable)];
    let said = terms.iter().filter(|(_, columns)| dialect == Dialect::V4 && columns.contains(&name));
    said.map(|(term, _)| format!("<Annotation Term=\"Core.{term}\" Bool=\"true\"/>")).collect()
}

/// The attribute that declares ETags in V2. It stands at one column, the second, and means the whole row.
pub(super) fn attribute(options: &ODataOptions, dialect: Dialect, index: usize) -> &'static str {
    match options.etags == ETags::Declared && dialect == Dialect::V2 && index == 1 {
        true => " ConcurrencyMode=\"Fixed\"",
        false => "",
    }
}
