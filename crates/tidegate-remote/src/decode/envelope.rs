//! Where rows, next link, count and signs of failure stand in a body, as a tree that is walked beside it.

use tidegate_spec::{Envelope, Path};

/// A step on the envelope's paths. A rank is the index of an alternative; the lowest that exists counts.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) rows: Option<usize>,
    pub(super) next: Option<usize>,
    pub(super) more: Option<usize>,
    pub(super) count: Option<usize>,
    /// Something here is an error.
    pub(super) failure: bool,
    /// False here is an error.
    pub(super) success: bool,
    /// Something here means that there is no row.
    pub(super) absent: bool,
    children: Vec<(String, Step)>,
}

impl Step {
    pub(super) fn new(envelope: &Envelope) -> Self {
        let mut root = Self::default();
        for (rank, path) in envelope.rows.iter().enumerate() {
            root.at(path).rows.get_or_insert(rank);
        }
        for (rank, path) in envelope.next.iter().enumerate() {
            root.at(path).next.get_or_insert(rank);
        }
        for (rank, path) in envelope.more.iter().enumerate() {
            root.at(path).more.get_or_insert(rank);
        }
        for (rank, path) in envelope.count.iter().enumerate() {
            root.at(path).count.get_or_insert(rank);
        }
        for path in &envelope.failure {
            root.at(path).failure = true;
        }
        for path in &envelope.success {
            root.at(path).success = true;
        }
        for path in &envelope.absent {
            root.at(path).absent = true;
        }
        root
    }

    fn at(&mut self, path: &Path) -> &mut Self {
        let mut step = self;
        for name in path {
            let known = step.children.iter().position(|(child, _)| child == name);
            let index = known.unwrap_or_else(|| {
                step.children.push((name.clone(), Self::default()));
                step.children.len() - 1
            });
            step = &mut step.children[index].1;
        }
        step
    }

    /// The step that a member leads to.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|(child, step)| (child == name).then_some(step))
    }

    /// Whether what stands here says how the whole body is to be taken.
    pub(super) fn is_judged(&self) -> bool {
        self.failure || self.success || self.absent
    }

    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}
