//! `tidegate connector check`: everything that is wrong with a manifest, a line each.

use std::path::Path;

use tidegate::manifest::Manifest;

use crate::exit::Exit;
use crate::messages;

pub(super) fn run(file: &Path) -> Exit {
    let name = file.display().to_string();
    let text = match tidegate::read_manifest(file) {
        Ok(text) => text,
        Err(error) => {
            messages::failure(&messages::describe(&error));
            return Exit::Failed;
        }
    };
    let problems = match Manifest::parse(&text, &name) {
        Ok(manifest) => match tidegate::columns(&manifest) {
            Ok(columns) => {
                let tables = counted(manifest.document().tables.iter().count(), "table");
                let (connector, columns) = (manifest.name(), counted(columns.len(), "column"));
                messages::say(&format!("{name}: connector {connector}, {tables}, {columns}: nothing is wrong"));
                return Exit::Done;
            }
            Err(error) => vec![error.to_string()],
        },
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    for problem in &problems {
        messages::say(problem);
    }
    messages::failure(&format!("{name}: {}", counted(problems.len(), "mistake")));
    Exit::Failed
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
