//! Tables whose writes have every shape, and rows for them.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tidegate_spec::{
    Answer, Batch, BatchAnswer, BatchForm, Column, ColumnFilter, ColumnSource, ColumnType, Endpoint, EndpointKind,
    Envelope, Exactness, FilterForm, Idempotency, ItemDone, ItemList, Job, ListForm, ListOf, ListStyle, Matching,
    NullForm, ODataVersion, Operator, Path, Per, Place, Sends, Single, Table, TimestampFormat, Unlisted, ValueForm,
    Version, Write, WriteBody, WriteColumn, WriteKind, WriteMethod, Writes,
};

use super::{Cells, RowWrite};
use crate::test_support;

pub(super) fn path(text: &str) -> Path {
    text.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

pub(super) fn header(name: &str) -> Place {
    Place::Header(name.to_owned())
}

pub(super) fn cells(value: Json) -> Cells {
    let Json::Object(members) = value else { panic!("cells are an object") };
    members.into_iter().collect()
}

/// A row whose `row_key` is `row-N`.
pub(super) fn row(kind: WriteKind, number: usize, key: Json, old: Json, new: Json) -> RowWrite {
    let (key, old, new) = (cells(key), cells(old), cells(new));
    RowWrite { kind, key, old, new, version: None, row_key: format!("row-{number}") }
}

pub(super) fn insert(number: usize, new: Json) -> RowWrite {
    row(WriteKind::Insert, number, json!({}), json!({}), new)
}

pub(super) fn update(id: i64, new: Json) -> RowWrite {
    row(WriteKind::Update, number(id), json!({ "id": id }), json!({}), new)
}

pub(super) fn delete(id: i64) -> RowWrite {
    row(WriteKind::Delete, number(id), json!({ "id": id }), json!({}), json!({}))
}

fn number(id: i64) -> usize {
    usize::try_from(id.unsigned_abs()).unwrap()
}

pub(super) fn versioned(mut row: RowWrite, version: &str) -> RowWrite {
    row.version = Some(version.to_owned());
    row
}

pub(super) fn column(name: &str, at: &str, data_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        path: path(at),
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    }
}

pub(super) fn written(column: usize, at: &str, null: NullForm) -> WriteColumn {
    WriteColumn { column, at: path(at), required: false, null }
}

pub(super) fn single(method: WriteMethod, at: &str, body: WriteBody) -> Single {
    Single {
        method,
        path: at.to_owned(),
        odata_key: None,
        constants: Vec::new(),
        body,
        idempotency: None,
        answer: Answer { row: Some(Path::new()), ..Answer::default() },
    }
}

pub(super) fn write(single: Option<Single>, batch: Option<Batch>, columns: Vec<WriteColumn>) -> Write {
    Write { single, batch, columns, sends: Sends::Changed, version: None, append_only: false }
}

pub(super) fn batch(at: &str, form: BatchForm, answer: BatchAnswer) -> Batch {
    Batch {
        max: 100,
        max_bytes: None,
        method: WriteMethod::Post,
        path: at.to_owned(),
        constants: Vec::new(),
        form,
        idempotency: None,
        atomic: false,
        answer,
        job: None,
    }
}

pub(super) fn json_body(at: &str) -> WriteBody {
    WriteBody::Json { at: path(at), template: None }
}

fn table(name: &str, columns: Vec<Column>, endpoints: Vec<Endpoint>, writes: Writes) -> Table {
    Table {
        name: name.to_owned(),
        api_name: name.to_owned(),
        description: None,
        columns,
        key: vec![0],
        endpoints,
        details: Vec::new(),
        writes,
    }
}

/// OData with its key in the path, versions where `etags` says so, and a batch.
pub(super) fn odata(version: ODataVersion, etags: bool) -> Table {
    let mut table = test_support::table(version);
    let mut etag = column("_etag", "", ColumnType::Text);
    etag.source = ColumnSource::Annotation;
    etag.path = vec!["@odata.etag".to_owned()];
    table.columns.push(etag);
    let etag = table.columns.len() - 1;
    let at = |index: usize| written(index, &table.columns[index].path.join("."), NullForm::Null);
    let columns: Vec<_> = (1..etag).map(at).collect();
    let whole = Answer { row: Some(Path::new()), ..Answer::default() };
    let of =
        |method, body| Single { odata_key: Some(version), answer: whole.clone(), ..single(method, "Accounts", body) };
    let in_batch = || batch("$batch", BatchForm::ODataJson, BatchAnswer::ODataJson { answer: whole.clone() });
    let stamp = Version { column: etag, place: header("If-Match"), header: Some("ETag".to_owned()) };
    let version = etags.then_some(stamp);
    let update = Write {
        version: version.clone(),
        ..write(Some(of(WriteMethod::Patch, json_body(""))), Some(in_batch()), columns.clone())
    };
    let delete =
        Write { version, ..write(Some(of(WriteMethod::Delete, WriteBody::None)), Some(in_batch()), Vec::new()) };
    let mut of_insert = vec![WriteColumn { required: true, ..at(0) }];
    of_insert.extend(columns);
    let insert = write(Some(of(WriteMethod::Post, json_body(""))), Some(in_batch()), of_insert);
    table.writes = Writes { insert: Some(insert), update: Some(update), delete: Some(delete) };
    table
}

pub(super) fn key_filter(operator: Operator, place: Place, list: ListForm) -> FilterForm {
    FilterForm { column: 0, operator, place, value: ValueForm::default(), list }
}

/// Rows by one id, and by a list of them in a parameter.
pub(super) fn by_id(at: &str, many: usize) -> Vec<Endpoint> {
    let filters = |forms: Vec<FilterForm>, required| tidegate_spec::Filters {
        columns: vec![ColumnFilter {
            column: 0,
            operators: forms.iter().map(|form| (form.operator, Exactness::Exact)).collect(),
            required,
        }],
        forms,
        ..tidegate_spec::Filters::default()
    };
    let get = Endpoint {
        kind: EndpointKind::Get,
        filters: filters(vec![key_filter(Operator::Eq, Place::Path("id".to_owned()), ListForm::default())], true),
        ..Endpoint::new("get", format!("{at}/{{id}}"))
    };
    let list = ListForm { style: ListStyle::Joined(",".to_owned()), max: many };
    let get_many = Endpoint {
        kind: EndpointKind::GetMany,
        filters: filters(vec![key_filter(Operator::In, Place::Query("ids".to_owned()), list)], true),
        envelope: Envelope { rows: vec![path("results")], ..Envelope::default() },
        ..Endpoint::new("get_many", at)
    };
    let late = Endpoint { eventual: true, ..get_many.clone() };
    if many == 0 { vec![get, late] } else { vec![get, get_many] }
}

/// A batch in the manner of a CRM: ids in the items, results and errors in the answer.
pub(super) fn contacts() -> Table {
    let columns = vec![
        column("id", "id", ColumnType::Int64),
        column("email", "properties.email", ColumnType::Text),
        column("name", "properties.name", ColumnType::Text),
        column("born", "properties.born", ColumnType::Date),
        column("score", "properties.score", ColumnType::Decimal { precision: 20, scale: 2 }),
    ];
    let all = |null| {
        vec![
            written(1, "properties.email", NullForm::Refused),
            written(2, "properties.name", null),
            written(3, "properties.born", null),
            written(4, "properties.score", null),
        ]
    };
    let listed = |at: &[&str]| BatchAnswer::Items {
        lists: vec![
            ItemList { at: path("results"), of: ListOf::Done },
            ItemList { at: path("errors"), of: ListOf::Failed },
        ],
        matching: Matching::Key { at: at.iter().map(|at| path(at)).collect(), column: 0 },
        done: ItemDone::default(),
        message: vec![path("message")],
        row: Some(Path::new()),
        unlisted: Unlisted::Failed,
    };
    let rows = |key: Vec<WriteColumn>| BatchForm::Rows { at: path("inputs"), template: None, key };
    let by_order = BatchAnswer::Items {
        lists: vec![ItemList { at: path("results"), of: ListOf::Any }],
        matching: Matching::Order,
        done: ItemDone { status: Some(path("status")), success: None, failure: vec![path("error")] },
        message: vec![path("error.message")],
        row: Some(path("row")),
        unlisted: Unlisted::Unknown,
    };
    let keys = BatchForm::Keys { at: path("ids"), template: Some(json!({"permanent": true})), column: 0 };
    let post = single(WriteMethod::Post, "contacts", json_body(""));
    let patch = single(WriteMethod::Patch, "contacts/{id}", json_body(""));
    let remove = single(WriteMethod::Delete, "contacts/{id}", WriteBody::None);
    let mut inserted = all(NullForm::Null);
    inserted[0].required = true;
    let key = vec![written(0, "id", NullForm::Refused)];
    let writes = Writes {
        insert: Some(write(Some(post), Some(batch("contacts/batch/create", rows(Vec::new()), by_order)), inserted)),
        update: Some(write(
            Some(patch),
            Some(batch("contacts/batch/update", rows(key), listed(&["id", "context.ids"]))),
            all(NullForm::Empty),
        )),
        delete: Some(write(Some(remove), Some(batch("contacts/batch/archive", keys, listed(&["id"]))), Vec::new())),
    };
    table("contacts", columns, by_id("contacts", 3), writes)
}

/// Forms with brackets and idempotency keys.
pub(super) fn customers() -> Table {
    let columns = vec![
        column("id", "id", ColumnType::Text),
        column("email", "email", ColumnType::Text),
        column("city", "address.city", ColumnType::Text),
        column("created", "created", ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, instant: true }),
        column("metadata", "metadata", ColumnType::Json),
        column("active", "active", ColumnType::Bool),
    ];
    let all = vec![
        written(1, "email", NullForm::Empty),
        written(2, "address.city", NullForm::Empty),
        written(3, "created", NullForm::Null),
        written(4, "metadata", NullForm::Empty),
        written(5, "active", NullForm::Refused),
    ];
    let key = Idempotency { place: header("Idempotency-Key"), per: Per::Request, lifetime: 86_400, quoted: false };
    let keyed = |method, at: &str, body| Single {
        constants: vec![
            (header("Api-Version"), "2024-06-20".to_owned()),
            (Place::Body(path("expand")), "all".to_owned()),
        ],
        idempotency: Some(key.clone()),
        ..single(method, at, body)
    };
    let mut removal = keyed(WriteMethod::Delete, "v1/customers/{id}", WriteBody::None);
    removal.constants.pop();
    removal.answer = Answer { success: vec![path("deleted")], row: None, ..Answer::default() };
    let writes = Writes {
        insert: Some(write(Some(keyed(WriteMethod::Post, "v1/customers", WriteBody::Form)), None, all.clone())),
        update: Some(write(Some(keyed(WriteMethod::Post, "v1/customers/{id}", WriteBody::Form)), None, all)),
        delete: Some(write(Some(removal), None, Vec::new())),
    };
    table("customers", columns, by_id("v1/customers", 0), writes)
}

/// Entries that can only be added: partition and parent in the path, a key of each row, 202.
pub(super) fn entries() -> Table {
    let columns = vec![
        Column { source: ColumnSource::Request, ..column("book", "book", ColumnType::Text) },
        column("amount", "amount", ColumnType::Decimal { precision: 30, scale: 10 }),
        column("at", "at", ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true }),
    ];
    let all = vec![
        WriteColumn { required: true, ..written(1, "amount", NullForm::Refused) },
        written(2, "at", NullForm::Null),
    ];
    let key = Idempotency { place: Place::Body(path("requestId")), per: Per::Row, lifetime: 3_600, quoted: false };
    let one = Single {
        idempotency: Some(key.clone()),
        answer: Answer::default(),
        ..single(
            WriteMethod::Post,
            "{partition}/books/{book}/entries:write",
            WriteBody::Json { at: path("entry"), template: Some(json!({"tenant": "{partition}", "entry": {"v": 1}})) },
        )
    };
    let traced = BatchAnswer::Items {
        lists: vec![ItemList { at: Path::new(), of: ListOf::Failed }],
        matching: Matching::Trace { sent: path("trace"), at: vec![path("trace")] },
        done: ItemDone::default(),
        message: Vec::new(),
        row: None,
        unlisted: Unlisted::Done,
    };
    let form =
        BatchForm::Rows { at: path("entries"), template: Some(json!({"tenant": "{partition}"})), key: Vec::new() };
    let many = Batch { idempotency: Some(key), ..batch("{partition}/books/{book}/entries:batchWrite", form, traced) };
    let insert = Write { append_only: true, ..write(Some(one), Some(many), all) };
    let writes = Writes { insert: Some(insert), ..Writes::default() };
    Table { key: Vec::new(), ..table("entries", columns, vec![Endpoint::new("list", "entries")], writes) }
}

/// Whole rows under a number of their version in the body, one set of values for many by query, and a job.
pub(super) fn invoices() -> Table {
    let columns = vec![
        column("id", "Id", ColumnType::Text),
        column("token", "SyncToken", ColumnType::Int32),
        column("memo", "Memo", ColumnType::Text),
        column("due", "Due", ColumnType::Timestamp { format: TimestampFormat::MicrosoftJson, instant: false }),
    ];
    let all = vec![
        written(0, "Id", NullForm::Refused),
        written(2, "Memo", NullForm::Null),
        written(3, "Due", NullForm::Refused),
    ];
    let list = ListForm { style: ListStyle::Joined("|".to_owned()), max: 3 };
    let same = BatchForm::Same {
        column: 0,
        place: Place::Query("ids".to_owned()),
        list,
        limit: Some(Place::Body(path("limit"))),
        body: WriteBody::Json { at: path("set"), template: None },
    };
    let affected = BatchAnswer::Whole {
        answer: Answer { failure: vec![path("error")], message: vec![path("error.text")], ..Answer::default() },
        affected: Some(path("count")),
    };
    let job = Job {
        at: path("job"),
        path: Some("jobs/{job}".to_owned()),
        state: path("state"),
        done: vec!["done".to_owned()],
        failed: vec!["failed".to_owned()],
        interval: 2,
        max_polls: 3,
    };
    let by_job = BatchForm::Same {
        column: 0,
        place: Place::Body(path("ids")),
        list: ListForm { style: ListStyle::Array, max: 100 },
        limit: None,
        body: WriteBody::None,
    };
    let put = single(
        WriteMethod::Put,
        "invoices",
        WriteBody::Json { at: path("Invoice"), template: Some(json!({"op": "full"})) },
    );
    let update = Write {
        sends: Sends::Whole,
        version: Some(Version { column: 1, place: Place::Body(path("SyncToken")), header: None }),
        ..write(Some(put), None, all.clone())
    };
    let delete = write(
        None,
        Some(Batch { atomic: true, job: Some(job), ..batch("invoices/delete", by_job, affected.clone()) }),
        Vec::new(),
    );
    let insert = write(None, Some(Batch { method: WriteMethod::Put, ..batch("invoices", same, affected) }), all);
    let writes = Writes { insert: Some(insert), update: Some(update), delete: Some(delete) };
    table("invoices", columns, by_id("invoices", 0), writes)
}

/// The same with its writes by query as UPDATE.
pub(super) fn by_query() -> Table {
    let mut table = invoices();
    let mut update = table.writes.insert.take().unwrap();
    update.columns.remove(0);
    table.writes.update = Some(update);
    table
}

pub(super) fn shared(table: Table) -> Arc<Table> {
    Arc::new(table)
}
