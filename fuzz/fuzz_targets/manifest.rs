//! Manifests: any text is a manifest or has problems with positions in it, and what is accepted compiles into a model
//! that holds together.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use tidegate_spec::{Manifest, Model};

fn check(model: &Model) {
    for table in &model.tables {
        let columns = table.columns.len();
        assert!(columns > 0 && !table.endpoints.is_empty());
        assert!(table.key.iter().all(|&column| column < columns));
        for endpoint in &table.endpoints {
            assert!(endpoint.columns.iter().flatten().all(|&column| column < columns));
            assert!(endpoint.filters.forms.iter().all(|form| form.column < columns));
            assert!(endpoint.filters.columns.iter().all(|filter| filter.column < columns));
            assert!(endpoint.sort.iter().all(|sort| sort.column < columns));
            for filter in &endpoint.filters.columns {
                let operators = filter.operators.iter().enumerate();
                for (index, (operator, _)) in operators {
                    assert!(filter.operators[..index].iter().all(|(other, _)| other != operator), "an operator twice");
                }
            }
            assert!(!endpoint.envelope.rows.is_empty());
        }
    }
}

fuzz_target!(|text: &str| {
    match Manifest::parse(text, "fuzz.yaml") {
        Ok(manifest) => {
            let mut options: BTreeMap<String, String> = BTreeMap::new();
            for option in manifest.options().into_iter().filter(|option| option.default.is_none()) {
                options.insert(option.name, "x".to_owned());
            }
            match manifest.compile(&options) {
                Ok(model) => check(&model),
                Err(problems) => panic!("accepted, and does not compile: {problems:?}"),
            }
            let _ = (manifest.url(&options), manifest.auth(), manifest.quotas(), manifest.throttled());
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a word");
            // A lone carriage return breaks a line in YAML (1.2.2, 5.4), too.
            let lines = text.matches(['\n', '\r']).count() + 2;
            assert!(problems.iter().all(|problem| problem.line <= lines), "a line behind the end: {problems:?}");
        }
    }
});
