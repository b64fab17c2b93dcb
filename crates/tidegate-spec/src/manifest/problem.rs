//! What is wrong with a manifest, and where: line, column, path of members, what was found and what was expected.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::yaml::Node;

/// One thing that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Name of the file, as given to [`super::Manifest::parse`].
    pub file: String,
    /// Line, from 1; 0 when it concerns no line of the file.
    pub line: usize,
    /// Column in characters, from 1; 0 when it concerns no line of the file.
    pub column: usize,
    /// Members that lead to it, joined by `.`, such as `tables.issues.endpoints.list.filters.state`. Empty for the
    /// whole file.
    pub path: String,
    /// What was found and what was expected, one sentence.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(formatter, ": {}", self.path)?;
        }
        write!(formatter, ": {}", self.message)
    }
}

impl std::error::Error for Problem {}

/// Members that lead to a place in the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At(Vec<String>);

impl At {
    /// The whole document.
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// A member of what stands here.
    pub(super) fn member(&self, name: impl fmt::Display) -> Self {
        let mut steps = self.0.clone();
        steps.push(name.to_string());
        Self(steps)
    }

    /// Several members down.
    pub(super) fn path(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |at, name| at.member(name))
    }

    pub(super) fn steps(&self) -> &[String] {
        &self.0
    }
}

/// Problems that are told at once.
const MOST: usize = 200;

/// Problems found so far in one document.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a str,
    root: &'a Node,
    problems: Vec<Problem>,
    /// Those beyond what anybody reads at once.
    more: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, root: &'a Node) -> Self {
        Self { file, root, problems: Vec::new(), more: 0 }
    }

    /// The document as it was written, with what could not be read.
    pub(super) fn root(&self) -> &'a Node {
        self.root
    }

    /// Reports a problem at the member or, where it is not written, at what it would stand in.
    pub(super) fn say(&mut self, at: &At, message: impl Into<String>) {
        let (line, column) = self.root.position(at.steps());
        self.push(line, column, at, message);
    }

    /// Reports a problem at a known position.
    pub(super) fn push(&mut self, line: usize, column: usize, at: &At, message: impl Into<String>) {
        let (file, path) = (self.file.to_owned(), at.0.join("."));
        let problem = Problem { file, line, column, path, message: message.into() };
        if self.problems.len() >= MOST {
            self.more += usize::from(!self.problems.contains(&problem));
        } else if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// All problems in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        if self.more > 0 {
            let message = format!("there are {} more; mend these first", self.more);
            let (file, path) = (self.file.to_owned(), String::new());
            self.problems.push(Problem { file, line: 0, column: 0, path, message });
        }
        self.problems
    }
}

/// `; did you mean "x"?` for the known name that is nearest to what was written, if one is near; else the names,
/// when they are few.
pub(super) fn suggestion<'n>(found: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = nearest(found, &known) {
        return format!("; did you mean {name:?}?");
    }
    match known.len() {
        0 => String::new(),
        1..=24 => format!("; known are {}", known.join(", ")),
        more => format!("; known are {} and {} more", known[..20].join(", "), more - 20),
    }
}

/// The known name that is near enough to what was written to be what was meant.
pub(super) fn nearest<'n>(found: &str, known: &[&'n str]) -> Option<&'n str> {
    let wanted = found.to_lowercase();
    let limit = match wanted.chars().count() {
        0..=2 => 1,
        3..=6 => 2,
        _ => 3,
    };
    let distances = known.iter().map(|name| (distance(&wanted, &name.to_lowercase(), limit), *name));
    let (best, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (best <= limit && best < wanted.chars().count()).then_some(name)
}

/// Levenshtein distance; more than `limit` is only known to be more.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// What was found, short enough for a message.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        format!("{text:?}")
    } else {
        format!("{:?}…", text.chars().take(LONGEST).collect::<String>())
    }
}
