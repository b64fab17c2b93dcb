//! Finds the values of the wanted columns in one JSON object.

use std::collections::HashMap;

use super::scanner::{Quoted, Raw, Scan, Scanner};
use super::value::unescape;

/// The wanted paths, merged into a tree of member names.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Number of this node within its tree.
    id: usize,
    /// Slots that take the value itself.
    slots: Vec<usize>,
    names: HashMap<Box<str>, usize>,
    children: Vec<Node>,
}

impl Node {
    /// A tree in which slot `i` takes the value at path `i`.
    pub(super) fn new<'p, P>(paths: impl IntoIterator<Item = P>) -> Self
    where
        P: IntoIterator<Item = &'p str>,
    {
        let mut root = Self::default();
        let mut nodes = 1;
        for (slot, path) in paths.into_iter().enumerate() {
            let mut node = &mut root;
            for name in path {
                let next = node.children.len();
                let index = *node.names.entry(Box::from(name)).or_insert(next);
                if index == next {
                    node.children.push(Self { id: nodes, ..Self::default() });
                    nodes += 1;
                }
                node = &mut node.children[index];
            }
            node.slots.push(slot);
        }
        root
    }

    /// Whether a row may be something other than an object.
    pub(super) fn takes_any(&self) -> bool {
        !self.slots.is_empty()
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    fn fill<'a>(&self, slots: &mut [Slot<'a>], with: Slot<'a>) {
        for &slot in &self.slots {
            slots[slot] = with;
        }
        for child in &self.children {
            child.fill(slots, with);
        }
    }
}

/// What a row has for one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Slot<'a> {
    /// No such member.
    Missing,
    /// It has this value.
    Value(Raw<'a>),
    /// A member on the way is this value, and no object.
    Misplaced(&'a str),
}

/// Reads rows of one page.
///
/// Rows of one page mostly have the same members in the same order, wanted or not. So each node keeps the order
/// it last saw, and first compares what comes next with it as it stands; only a member that stands elsewhere is read,
/// and looked up by its hash.
#[derive(Debug)]
pub(super) struct Walker<'s, 'a> {
    root: &'s Node,
    orders: Vec<Vec<Seen<'a>>>,
    /// One per path, of the row last read.
    pub(super) slots: Vec<Slot<'a>>,
}

/// A member that was seen before.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    name: &'a str,
    /// What stands from its name up to its value.
    lead: &'a str,
    /// Which child of the node it is, if it is wanted.
    child: Option<usize>,
}

/// How far ahead a member is searched for among those seen before, when others were left out.
const LOOK_AHEAD: usize = 8;
/// Members whose order is kept; a page whose rows share no names must not cost more and more.
const MAX_ORDER: usize = 512;

impl<'s, 'a> Walker<'s, 'a> {
    pub(super) fn new(root: &'s Node, slots: usize) -> Self {
        Self { root, orders: vec![Vec::new(); root.count()], slots: vec![Slot::Missing; slots] }
    }

    /// Reads the value at the scanner. Of a member that stands twice the last one counts.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'a>) -> Scan<()> {
        self.node(self.root, scanner)
    }

    fn node(&mut self, node: &'s Node, scanner: &mut Scanner<'a>) -> Scan<()> {
        if node.slots.is_empty() {
            if node.children.is_empty() {
                return scanner.skip_value();
            }
            if scanner.peek()? == b'{' {
                return self.members(node, scanner);
            }
        }
        let raw = scanner.value()?;
        let text = raw.text;
        for child in &node.children {
            child.fill(&mut self.slots, if text == "null" { Slot::Missing } else { Slot::Misplaced(text) });
        }
        for &slot in &node.slots {
            self.slots[slot] = Slot::Value(raw);
        }
        if text.starts_with('{') && !node.children.is_empty() {
            return self.members(node, &mut Scanner::new(text));
        }
        Ok(())
    }

    fn members(&mut self, node: &'s Node, scanner: &mut Scanner<'a>) -> Scan<()> {
        // Of the row before, or of the same member when it stands twice.
        for child in &node.children {
            child.fill(&mut self.slots, Slot::Missing);
        }
        scanner.enter();
        let (mut first, mut at) = (true, 0);
        while scanner.is_member(&mut first)? {
            let child = match self.orders[node.id].get(at) {
                Some(seen) if scanner.passes(seen.lead) => {
                    at += 1;
                    seen.child
                }
                _ => {
                    let (name, lead) = scanner.lead()?;
                    self.child(node, &mut at, name, lead)
                }
            };
            match child.and_then(|index| node.children.get(index)) {
                Some(child) => self.node(child, scanner)?,
                None => scanner.skip_value()?,
            }
        }
        Ok(())
    }

    /// Which child a member is that is not the expected one, which is number `at` of those seen before.
    fn child(&mut self, node: &Node, at: &mut usize, name: Quoted<'a>, lead: &'a str) -> Option<usize> {
        if name.escaped {
            let mut plain = String::new();
            return unescape(name.raw, &mut plain).then(|| node.names.get(plain.as_str()).copied())?;
        }
        let order = &mut self.orders[node.id];
        let ahead = order.get(*at..).unwrap_or_default();
        if let Some(skipped) = ahead.iter().take(LOOK_AHEAD).position(|seen| seen.name == name.raw) {
            let found = ahead[skipped].child;
            *at += skipped + 1;
            return found;
        }
        let child = node.names.get(name.raw).copied();
        if order.len() < MAX_ORDER {
            order.insert(*at, Seen { name: name.raw, lead, child });
            *at += 1;
        }
        child
    }
}
