//! Typed model of an API: tables, columns, endpoints, and what each endpoint can filter, sort and page.
//!
//! Everything that describes an API ends up here, whether it was discovered (`odata`) or written down
//! (a manifest): the engine plans against this model and [`tidegate-remote`](../tidegate_remote) turns a
//! plan into requests with it. The crate is pure data: no I/O, no async, no Arrow, no DataFusion.

pub mod capability;
pub mod model;
pub mod names;
pub mod odata;
pub mod types;

pub use capability::{
    ColumnFilter, Count, Dialect, Exactness, Filters, NullOrder, ODataVersion, Operator, Paging, Projection,
    SortColumn, Window,
};
pub use model::{Column, Endpoint, EndpointKind, Envelope, Model, Path, Table};
pub use types::{ColumnType, Field, TimestampFormat};
