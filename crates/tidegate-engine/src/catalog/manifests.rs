//! Descriptions that manifests give: there without a call, for as long as a connection uses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tidegate_spec::Model;

use super::models::Known;

/// The tables of each manifest that some connection uses, in the form that scans share.
///
/// A model is known by its address: it does not change, and the address is not used again while the [`Weak`] is kept.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    entries: Mutex<HashMap<usize, Entry>>,
}

#[derive(Debug)]
struct Entry {
    model: Weak<Model>,
    known: Arc<Known>,
    /// Whether the notes were asked for.
    told: bool,
}

impl Manifests {
    /// The tables of this manifest.
    pub(super) fn known(&self, model: &Arc<Model>) -> Arc<Known> {
        self.with(model, |entry| Arc::clone(&entry.known))
    }

    /// What the manifest leaves out, the first time that it is asked for.
    pub(super) fn untold_notes<'a>(&self, model: &'a Arc<Model>) -> &'a [String] {
        let told = self.with(model, |entry| std::mem::replace(&mut entry.told, true));
        if told { &[] } else { &model.notes }
    }

    fn with<T>(&self, model: &Arc<Model>, read: impl FnOnce(&mut Entry) -> T) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(model).addr();
        if !entries.contains_key(&address) {
            entries.retain(|_, entry| entry.model.strong_count() > 0);
        }
        read(entries.entry(address).or_insert_with(|| Entry {
            model: Arc::downgrade(model),
            known: Arc::new(Known::new(model.tables.clone())),
            told: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_made_once_and_let_go_with_their_model() {
        let manifests = Manifests::default();
        let model = Arc::new(Model { notes: vec!["left out".to_owned()], ..Model::default() });
        assert!(Arc::ptr_eq(&manifests.known(&model), &manifests.known(&Arc::clone(&model))));
        assert_eq!(manifests.untold_notes(&model), ["left out"]);
        assert_eq!(manifests.untold_notes(&model), Vec::<String>::new());
        drop(model);
        let other = Arc::new(Model::default());
        manifests.known(&other);
        assert_eq!(manifests.entries.lock().expect("no panic").len(), 1);
    }
}
