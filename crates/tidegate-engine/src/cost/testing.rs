//! A table for tests of this module.

use tidegate_spec::{Column, ColumnSource, ColumnType, Endpoint, Paging, Table, Writes};

/// `id` (the key), `owner` and `size`, and one endpoint.
pub(crate) fn table() -> Table {
    let column = |name: &str, data_type| Column {
        name: name.to_owned(),
        path: vec![name.to_owned()],
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    };
    Table {
        name: "repos".to_owned(),
        api_name: "Repos".to_owned(),
        description: None,
        columns: vec![
            column("id", ColumnType::Int64),
            column("owner", ColumnType::Text),
            column("size", ColumnType::Int64),
        ],
        key: vec![0],
        details: Vec::new(),
        endpoints: vec![Endpoint { paging: Paging::NextUrl, ..Endpoint::new("list", "repos") }],
        writes: Writes::default(),
    }
}
