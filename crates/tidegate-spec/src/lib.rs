//! Typed model of an API: tables, columns, endpoints, and what each endpoint can filter, sort and page.
//!
//! Everything that describes an API ends up here, whether it was discovered (`odata`) or written down
//! (a manifest): the engine plans against this model and [`tidegate-remote`](../tidegate_remote) turns a
//! plan into requests with it. The crate is pure data: no I/O, no async, no Arrow, no DataFusion.

pub mod aggregate;
pub mod capability;
pub mod manifest;
pub mod model;
pub mod names;
pub mod odata;
pub mod types;
pub mod write;

pub use aggregate::{Aggregate, AggregateForm, AggregateLanguage, Aggregation, Named, NamesAt};
pub use capability::{
    Ceiling, ColumnFilter, Count, DEFAULT_LIST_MAX, Dialect, End, Exactness, FilterForm, Filters, ItemDialect,
    ItemForm, ListForm, ListStyle, NullOrder, ODataVersion, Operator, PageSize, Paging, PastEnd, Place, Projection,
    ShortPage, SortColumn, Sorting, TextDialect, TextTerm, TimeForm, ValueForm, Window,
};
pub use manifest::{Manifest, Problem};
pub use model::{
    Column, ColumnSource, DEFAULT_MAX_URL_LENGTH, Detail, Endpoint, EndpointKind, Envelope, Method, Model, NotFound,
    Path, QUOTA_CHECK, Table,
};
pub use types::{ColumnType, Field, TimestampFormat};
pub use write::{
    Answer, Batch, BatchAnswer, BatchForm, Idempotency, ItemDone, ItemList, Job, ListOf, Matching, NullForm, Per,
    Sends, Single, Unlisted, Version, Write, WriteBody, WriteColumn, WriteKind, WriteMethod, Writes,
};
