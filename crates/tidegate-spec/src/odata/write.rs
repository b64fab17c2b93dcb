//! How rows of an entity set are written: by POST to the set, PATCH (MERGE before version 3) and DELETE by key.
//!
//! Sources: OData 4.01 part 1, 11.4 (data modification) and 8.2.4 (`If-Match`); the vocabularies Core and Capabilities;
//! OData V2, "Operations"; SAP Gateway's `sap:` attributes. Where a service says nothing, it takes all three.

use std::collections::HashSet;

use super::annotations::{denies, items, property, string, truth};
use super::capabilities::SetTerms;
use super::csdl::{Named, Schemas};
use super::endpoint::percent_encode;
use super::xml::{Element, Space};
use super::{ETags, Options};
use crate::write::{
    Answer, Batch, BatchAnswer, BatchForm, NullForm, Sends, Single, Version, Write, WriteBody, WriteColumn, WriteKind,
    WriteMethod, Writes,
};
use crate::{Column, ColumnSource, ColumnType, ODataVersion, Path, Place};

/// SQL name of the column that has a row's version.
pub(super) const ETAG: &str = "_etag";

const CORE: &str = "Org.OData.Core.V1.";

/// What may be written of an entity set, as far as the service says so.
#[derive(Debug)]
pub(super) struct Writable {
    insert: bool,
    update: bool,
    delete: bool,
    /// Whether it takes updates by PUT alone.
    only_put: bool,
    /// Whether its rows have versions, and a change must tell that of the row.
    pub(super) has_etags: bool,
    /// Properties that an insert must give.
    required: HashSet<String>,
    not_inserted: HashSet<String>,
    not_updated: HashSet<String>,
}

impl Writable {
    /// Of an entity set; `chain` is its entity type after its bases.
    pub(super) fn of<'a>(terms: &SetTerms<'_, 'a>, chain: &[Named<'a>], options: &Options) -> Self {
        let (insert, update) = (terms.capability("InsertRestrictions"), terms.capability("UpdateRestrictions"));
        let delete = terms.capability("DeleteRestrictions");
        let denied = |annotation: Option<&Element>, name: &str| annotation.is_some_and(|found| denies(found, name));
        let sap = |name: &str| terms.set.attribute_in(Space::Sap, name) != Some("false");
        let own_type = chain.last();
        // The stream of a media entity is its body: rows cannot be made of properties alone.
        let is_media = chain.iter().any(|part| is_media(part.element));
        let is_abstract = own_type.is_some_and(|own| own.element.attribute("Abstract") == Some("true"));
        let method = update.and_then(|update| string(property(update, "UpdateMethod")?));
        let is_fixed = |part: &Named<'_>| {
            part.element.all("Property").any(|property| property.attribute("ConcurrencyMode") == Some("Fixed"))
        };
        let is_declared = terms.core("OptimisticConcurrency").is_some() || chain.iter().any(is_fixed);
        Self {
            insert: !denied(insert, "Insertable") && sap("creatable") && !is_media && !is_abstract,
            update: !denied(update, "Updatable") && sap("updatable"),
            delete: !denied(delete, "Deletable") && sap("deletable"),
            only_put: method.is_some_and(|method| method.contains("PUT") && !method.contains("PATCH")),
            has_etags: is_declared || options.etags == ETags::Always,
            required: named(insert, "RequiredProperties"),
            not_inserted: named(insert, "NonInsertableProperties"),
            not_updated: named(update, "NonUpdatableProperties"),
        }
    }

    /// Adds what the property itself says; `target` is its path for annotations elsewhere.
    pub(super) fn read_property<'a>(&mut self, schemas: &Schemas<'a>, property: &'a Element, target: &str, name: &str) {
        let term = |term: &str| schemas.annotation(property, target, &format!("{CORE}{term}"));
        let holds = |name: &str| term(name).and_then(truth) == Some(true);
        let is_read_only = term("Permissions").and_then(string).is_some_and(|value| value.ends_with("/Read"));
        let sap = |attribute: &str| property.attribute_in(Space::Sap, attribute) == Some("false");
        let is_computed = holds("Computed") || is_read_only;
        if is_computed || sap("creatable") {
            self.not_inserted.insert(name.to_owned());
        }
        if is_computed || holds("Immutable") || sap("updatable") {
            self.not_updated.insert(name.to_owned());
        }
    }

    /// The writes of the set.
    pub(super) fn writes(
        &self,
        version: ODataVersion,
        options: &Options,
        set: &str,
        columns: &[Column],
        key: &[usize],
    ) -> Writes {
        let maker = Maker { version, options, set, columns };
        let is_keyed = !key.is_empty();
        let mut inserted = columns_but(columns, &self.not_inserted, |_| true);
        for column in &mut inserted {
            column.required = self.required.contains(&column.at.join("/"));
        }
        let updated = columns_but(columns, &self.not_updated, |column| !key.contains(&column));
        Writes {
            insert: (self.insert && !inserted.is_empty())
                .then(|| maker.write(WriteKind::Insert, WriteMethod::Post, inserted)),
            update: (self.update && is_keyed && !updated.is_empty()).then(|| self.update(&maker, updated)),
            delete: (self.delete && is_keyed).then(|| maker.write(WriteKind::Delete, WriteMethod::Delete, Vec::new())),
        }
    }

    fn update(&self, maker: &Maker<'_>, columns: Vec<WriteColumn>) -> Write {
        if self.only_put {
            let whole = maker.write(WriteKind::Update, WriteMethod::Put, columns);
            return Write { sends: Sends::Whole, ..whole };
        }
        let method = if maker.version == ODataVersion::V2 { WriteMethod::Post } else { WriteMethod::Patch };
        maker.write(WriteKind::Update, method, columns)
    }
}

/// Columns that can be written: those of the row less the properties that are refused.
fn columns_but(columns: &[Column], refused: &HashSet<String>, takes: impl Fn(usize) -> bool) -> Vec<WriteColumn> {
    let written = columns.iter().enumerate().filter(|(index, column)| {
        column.source == ColumnSource::Row && !refused.contains(&column.path.join("/")) && takes(*index)
    });
    let column = |(index, column): (usize, &Column)| WriteColumn {
        column: index,
        at: column.path.clone(),
        required: false,
        null: if column.nullable { NullForm::Null } else { NullForm::Refused },
    };
    written.map(column).collect()
}

/// The column with a row's version. It comes with every row, be it asked for or not.
pub(super) fn etag_column(version: ODataVersion) -> Column {
    let path: &[&str] = match version {
        ODataVersion::V2 => &["__metadata", "etag"],
        ODataVersion::V3 => &["odata.etag"],
        ODataVersion::V4 | ODataVersion::V401 => &["@odata.etag"],
    };
    Column {
        name: ETAG.to_owned(),
        path: steps(path),
        data_type: ColumnType::Text,
        nullable: true,
        description: Some("Version of the row, which a change tells the service".to_owned()),
        source: ColumnSource::Annotation,
    }
}

/// What the writes of one set have alike.
struct Maker<'m> {
    version: ODataVersion,
    options: &'m Options,
    set: &'m str,
    columns: &'m [Column],
}

impl Maker<'_> {
    fn write(&self, kind: WriteKind, method: WriteMethod, columns: Vec<WriteColumn>) -> Write {
        let answer = Answer { row: self.row(kind), message: self.messages(), ..Answer::default() };
        let body = match kind {
            WriteKind::Delete => WriteBody::None,
            _ => WriteBody::Json { at: Path::new(), template: None },
        };
        let etag = self.columns.iter().position(|column| column.source == ColumnSource::Annotation);
        let version = etag.filter(|_| kind != WriteKind::Insert).map(|column| Version {
            column,
            place: Place::Header("If-Match".to_owned()),
            header: Some("ETag".to_owned()),
        });
        let single = Single {
            method,
            path: percent_encode(self.set),
            odata_key: Some(self.version),
            constants: self.constants(kind, method),
            body,
            idempotency: None,
            answer: answer.clone(),
        };
        let is_v4 = self.version >= ODataVersion::V4;
        let batch = self.options.batch.filter(|_| is_v4).map(|max| Batch {
            max,
            max_bytes: None,
            method: WriteMethod::Post,
            path: "$batch".to_owned(),
            constants: Vec::new(),
            form: BatchForm::ODataJson,
            idempotency: None,
            atomic: false,
            answer: BatchAnswer::ODataJson { answer },
            job: None,
        });
        Write { single: Some(single), batch, columns, sends: Sends::Changed, version, append_only: false }
    }

    /// Version 2 has no PATCH: MERGE does the same, and passes proxies as a POST. Since version 4 a PATCH or PUT of a key
    /// that is not there makes a row, unless it has an `If-Match` (part 1, 11.4.4): a row's version takes its place.
    fn constants(&self, kind: WriteKind, method: WriteMethod) -> Vec<(Place, String)> {
        let header = |name: &str, value: &str| vec![(Place::Header(name.to_owned()), value.to_owned())];
        match (kind, method) {
            (WriteKind::Update, WriteMethod::Post) => header("X-HTTP-Method", "MERGE"),
            (WriteKind::Update, _) if self.version >= ODataVersion::V4 => header("If-Match", "*"),
            _ => Vec::new(),
        }
    }

    /// Where an answer has the row, if it has one.
    fn row(&self, kind: WriteKind) -> Option<Path> {
        match kind {
            WriteKind::Delete => None,
            _ if self.version == ODataVersion::V2 => Some(steps(&["d"])),
            _ => Some(Path::new()),
        }
    }

    fn messages(&self) -> Vec<Path> {
        match self.version {
            ODataVersion::V2 => vec![steps(&["error", "message", "value"])],
            ODataVersion::V3 => {
                vec![steps(&["odata.error", "message", "value"]), steps(&["error", "message", "value"])]
            }
            ODataVersion::V4 | ODataVersion::V401 => vec![steps(&["error", "message"])],
        }
    }
}

fn is_media(entity: &Element) -> bool {
    let stream = entity.attribute("HasStream").or_else(|| entity.attribute_in(Space::Metadata, "HasStream"));
    stream == Some("true")
}

fn named(annotation: Option<&Element>, name: &str) -> HashSet<String> {
    let value = annotation.and_then(|annotation| property(annotation, name));
    value.into_iter().flat_map(items).map(str::to_owned).collect()
}

fn steps(names: &[&str]) -> Path {
    names.iter().map(|&name| name.to_owned()).collect()
}
