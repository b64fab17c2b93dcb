//! A table for the targets that need one.

use tidegate_spec::{
    Column, ColumnSource, ColumnType, Dialect, Endpoint, Envelope, Filters, ODataVersion, Paging, Projection, Table,
    TimestampFormat, Window,
};

/// A table with a column of most types, and an endpoint that pages by links and windows.
pub fn table(version: ODataVersion) -> Table {
    let stamp = |instant| ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant };
    let types = [
        ("ID", ColumnType::Int32),
        ("Name", ColumnType::Text),
        ("City", ColumnType::Text),
        ("Key", ColumnType::Uuid),
        ("Amount", ColumnType::Decimal { precision: 15, scale: 2 }),
        ("Rate", ColumnType::Float64),
        ("Active", ColumnType::Bool),
        ("Day", ColumnType::Date),
        ("Opens", ColumnType::Time),
        ("Created", stamp(true)),
        ("Local", stamp(false)),
        ("Serial", ColumnType::Int64),
    ];
    let column = |(index, (name, data_type)): (usize, (&str, ColumnType))| Column {
        name: name.to_lowercase(),
        path: vec![name.to_owned()],
        data_type,
        nullable: index % 2 == 1,
        description: None,
        source: ColumnSource::Row,
    };
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Table {
        name: "accounts".to_owned(),
        api_name: "Accounts".to_owned(),
        description: None,
        columns: types.into_iter().enumerate().map(column).collect(),
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![Endpoint {
            envelope: Envelope {
                rows: vec![path(&["value"]), path(&["d", "results"]), path(&["d"])],
                next: vec![path(&["@odata.nextLink"]), path(&["d", "__next"])],
                count: vec![path(&["@odata.count"]), path(&["d", "__count"])],
                ..Envelope::default()
            },
            paging: Paging::NextUrl,
            window: Some(Window::TopSkip),
            filters: Filters {
                dialect: Some(Dialect::OData(version)),
                or: true,
                columns: Vec::new(),
                ..Filters::default()
            },
            sort: Vec::new(),
            projection: Projection::Select,
            count: None,
            max_url_length: 4096,
            ..Endpoint::new("list", "Accounts")
        }],
    }
}

/// Any version, from any number.
pub fn version(number: u8) -> ODataVersion {
    [ODataVersion::V2, ODataVersion::V3, ODataVersion::V4, ODataVersion::V401][usize::from(number % 4)]
}
