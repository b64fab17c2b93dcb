//! Reading of OData service descriptions: any text is a model or an error, and a model holds together.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_spec::odata::{Options, parse};

fuzz_target!(|document: &str| {
    let Ok(model) = parse(document, &Options::default()) else { return };
    for (index, table) in model.tables.iter().enumerate() {
        assert!(!table.name.is_empty() && !table.endpoints.is_empty());
        assert!(model.tables[..index].iter().all(|other| other.name != table.name), "SQL names are unique");
        assert!(table.key.iter().all(|&column| column < table.columns.len()));
        for (index, column) in table.columns.iter().enumerate() {
            assert!(table.columns[..index].iter().all(|other| other.name != column.name), "SQL names are unique");
        }
        for endpoint in &table.endpoints {
            assert!(endpoint.filters.columns.iter().all(|filter| filter.column < table.columns.len()));
            assert!(endpoint.sort.iter().all(|sort| sort.column < table.columns.len()));
        }
    }
});
