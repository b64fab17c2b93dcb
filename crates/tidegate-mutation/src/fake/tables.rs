//! The table of the fake API as a manifest might describe it, with what the API has for safe writing.

use std::sync::Arc;

use tidegate_spec::{
    Answer, Batch, BatchAnswer, BatchForm, Column, ColumnFilter, ColumnSource, ColumnType, Endpoint, EndpointKind,
    Envelope, Exactness, FilterForm, Filters, Idempotency, ItemDone, ItemList, ListForm, ListOf, Matching, NullForm,
    Operator, Path, Per, Place, Sends, Single, Table, Unlisted, ValueForm, Version, Write, WriteBody, WriteColumn,
    WriteMethod, Writes,
};

/// What the API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) keys: Option<Per>,
    pub(crate) versions: bool,
    /// Rows can be read by their id.
    pub(crate) readable: bool,
    /// An INSERT chooses the id.
    pub(crate) own_id: bool,
    pub(crate) batch: Option<BatchStyle>,
    /// Rows are also written one by one.
    pub(crate) single: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchStyle {
    /// Each row for itself, answered in order.
    Items,
    /// All or nothing.
    Atomic,
}

impl Style {
    /// Rows can be read, and that is all.
    pub(crate) const PLAIN: Self =
        Self { keys: None, versions: false, readable: true, own_id: false, batch: None, single: true };
    /// Nothing helps: a POST is a POST.
    pub(crate) const BLIND: Self = Self { readable: false, ..Self::PLAIN };
    pub(crate) const KEYS: Self = Self { keys: Some(Per::Request), ..Self::BLIND };
    pub(crate) const VERSIONS: Self = Self { versions: true, ..Self::PLAIN };
    pub(crate) const OWN_ID: Self = Self { own_id: true, ..Self::PLAIN };
    pub(crate) const BATCH: Self = Self { batch: Some(BatchStyle::Items), ..Self::PLAIN };
    pub(crate) const ATOMIC: Self = Self { batch: Some(BatchStyle::Atomic), ..Self::PLAIN };
    pub(crate) const ROW_KEYS: Self = Self { keys: Some(Per::Row), batch: Some(BatchStyle::Items), ..Self::BLIND };
}

/// Most rows of a batch.
pub(crate) const BATCH: usize = 10;

/// `items(id, name, n, version)`.
pub(crate) fn table(style: Style) -> Arc<Table> {
    let column = |name: &str, data_type| Column {
        name: name.to_owned(),
        path: path(name),
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    };
    let kinds = [("insert", WriteMethod::Post), ("update", WriteMethod::Patch), ("delete", WriteMethod::Delete)];
    let [insert, update, delete] = kinds.map(|(name, method)| Some(write(style, name, method)));
    Arc::new(Table {
        name: "items".to_owned(),
        api_name: "items".to_owned(),
        description: None,
        columns: vec![
            column("id", ColumnType::Int64),
            column("name", ColumnType::Text),
            column("n", ColumnType::Int64),
            column("version", ColumnType::Text),
        ],
        key: vec![0],
        endpoints: if style.readable { vec![by_ids()] } else { vec![Endpoint::new("list", "items")] },
        writes: Writes { insert, update, delete },
        details: Vec::new(),
    })
}

fn path(text: &str) -> Path {
    text.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

fn by_ids() -> Endpoint {
    let form = FilterForm {
        column: 0,
        operator: Operator::In,
        place: Place::Query("ids".to_owned()),
        value: ValueForm::default(),
        list: ListForm::default(),
    };
    let column = ColumnFilter { column: 0, operators: vec![(Operator::In, Exactness::Exact)], required: true };
    Endpoint {
        kind: EndpointKind::GetMany,
        filters: Filters { forms: vec![form], columns: vec![column], ..Filters::default() },
        envelope: Envelope { rows: vec![path("results")], ..Envelope::default() },
        ..Endpoint::new("by_ids", "items")
    }
}

fn write(style: Style, name: &str, method: WriteMethod) -> Write {
    let written = |column: usize, at: &str| WriteColumn { column, at: path(at), required: false, null: NullForm::Null };
    let is_insert = name == "insert";
    let mut columns = vec![written(1, "name"), written(2, "n")];
    if is_insert && style.own_id {
        columns.insert(0, written(0, "id"));
    }
    let key = |per| Idempotency {
        place: match per {
            Per::Request => Place::Header("Idempotency-Key".to_owned()),
            Per::Row => Place::Body(path("key")),
        },
        per,
        lifetime: 86_400,
        quoted: false,
    };
    let single = Single {
        method,
        path: if is_insert { "items".to_owned() } else { "items/{id}".to_owned() },
        odata_key: None,
        constants: Vec::new(),
        body: if name == "delete" { WriteBody::None } else { WriteBody::Json { at: Path::new(), template: None } },
        idempotency: style.keys.map(key).filter(|key| name != "delete" || key.per == Per::Request),
        answer: Answer { row: Some(Path::new()), ..Answer::default() },
    };
    let answer = Answer { row: None, ..Answer::default() };
    let batch = style.batch.map(|of| Batch {
        max: BATCH,
        max_bytes: None,
        method: WriteMethod::Post,
        path: format!("items/batch/{name}"),
        constants: Vec::new(),
        form: BatchForm::Rows {
            at: path("inputs"),
            template: None,
            key: if is_insert { Vec::new() } else { vec![written(0, "id")] },
        },
        idempotency: style.keys.map(key),
        atomic: of == BatchStyle::Atomic,
        answer: match of {
            BatchStyle::Items => by_order(),
            BatchStyle::Atomic => BatchAnswer::Whole { answer, affected: None },
        },
        job: None,
    });
    let version = Version { column: 3, place: Place::Header("If-Match".to_owned()), header: None };
    Write {
        single: style.single.then_some(single),
        batch,
        columns: if name == "delete" { Vec::new() } else { columns },
        sends: Sends::Changed,
        version: Some(version).filter(|_| style.versions && !is_insert),
        append_only: false,
    }
}

fn by_order() -> BatchAnswer {
    BatchAnswer::Items {
        lists: vec![ItemList { at: path("results"), of: ListOf::Any }],
        matching: Matching::Order,
        done: ItemDone { status: Some(path("status")), success: None, failure: Vec::new() },
        message: vec![path("message")],
        row: Some(path("row")),
        unlisted: Unlisted::Unknown,
    }
}
