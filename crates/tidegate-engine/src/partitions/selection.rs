//! Which of a connection's partitions statements run over.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{ConnectionDef, Error, ErrorKind, Partition, Result};

/// Partitions that are selected, by their codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Selection {
    /// All that there are when a statement runs.
    #[default]
    All,
    /// All but these.
    Except(BTreeSet<String>),
    /// These.
    Only(BTreeSet<String>),
}

impl Selection {
    /// What is selected without USE.
    pub(crate) fn of_config(def: &ConnectionDef) -> Self {
        match &def.default_partitions {
            Some(codes) => Self::Only(codes.iter().cloned().collect()),
            None => Self::All,
        }
    }

    /// Whether the partition with this code is selected.
    pub(crate) fn includes(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::Except(codes) => !codes.contains(code),
            Self::Only(codes) => codes.contains(code),
        }
    }

    /// Codes of the selected ones among `partitions`, in their order.
    ///
    /// # Errors
    /// A selected code that is not there: its rows would be missing in silence.
    pub(crate) fn codes(&self, connection: &str, partitions: &[Partition]) -> Result<Vec<Arc<str>>> {
        if let Self::Only(codes) = self
            && let Some(missing) = codes.iter().find(|code| partitions.iter().all(|known| known.code != **code))
        {
            let message = format!(
                "{connection}: the selected partition {missing} does not exist; {}; USE all@{connection} selects all",
                there_are(partitions)
            );
            return Err(Error::new(ErrorKind::Name, message));
        }
        let selected = partitions.iter().filter(|partition| self.includes(&partition.code));
        Ok(selected.map(|partition| Arc::from(partition.code.as_str())).collect())
    }
}

/// The partitions of a connection, for a message.
pub(crate) fn there_are(partitions: &[Partition]) -> String {
    let codes: Vec<&str> = partitions.iter().map(|partition| partition.code.as_str()).collect();
    match codes.as_slice() {
        [] => "it has no partitions".to_owned(),
        codes => format!("there are: {}", crate::error::listed(codes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_by_code_in_the_order_of_the_list() {
        let list = ["b", "a", "c"].map(|code| Partition { code: code.to_owned(), name: None });
        let set = |codes: &[&str]| codes.iter().map(|&code| code.to_owned()).collect::<BTreeSet<_>>();
        let cases = [
            (Selection::All, vec!["b", "a", "c"]),
            (Selection::Except(set(&["a", "gone"])), vec!["b", "c"]),
            (Selection::Only(set(&["c", "a"])), vec!["a", "c"]),
        ];
        for (selection, expected) in cases {
            let codes = selection.codes("eol", &list).expect("codes that exist");
            assert_eq!(codes.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), expected, "{selection:?}");
        }
        let error = Selection::Only(set(&["a", "x"])).codes("eol", &list).expect_err("no x").to_string();
        assert!(error.contains("partition x does not exist") && error.contains("b, a, c"), "{error}");
    }
}
