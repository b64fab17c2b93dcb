//! A quota as it is written, checked by itself and typed: the same for those of manifests and those of connections.

mod reader;

use std::time::Duration;

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::Path;

use super::document::{Bucket, Quota, QuotaOperations, QuotaScope, QuotaUnit, ReportedForm, WindowStart};
use super::problem::{At, Problem, Report};
use super::yaml::Node;
use super::{schema, walk};
use reader::{Reader, number};

/// A limit with its short forms expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaTerms {
    /// Name, unique among the quotas of the API.
    pub name: String,
    /// Who shares it.
    pub per: QuotaScope,
    /// What is counted.
    pub of: QuotaUnit,
    /// How much of it.
    pub limit: QuotaLimit,
    /// Points that a call is expected to cost.
    pub cost: u64,
    /// Where responses tell of it.
    pub figures: QuotaFigures,
    /// Tables (`issues`) or endpoints (`issues.search`) that spend it; empty for all.
    pub only: Vec<String>,
    /// Which operations spend it; `None` for all.
    pub operations: Option<QuotaOperations>,
    /// Whether each endpoint has counters of its own.
    pub each_endpoint: bool,
    /// Statuses of responses that spend nothing of it.
    pub free_statuses: Vec<u16>,
}

/// How much a quota grants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QuotaLimit {
    /// So many in a window.
    Window {
        /// How many; `None` when only the server's figures tell.
        limit: Option<u64>,
        /// When it begins and ends.
        window: QuotaWindow,
    },
    /// A bucket.
    Bucket(Bucket),
    /// Calls at once.
    Concurrent(u64),
}

/// When a window begins and ends, as long as no response says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaWindow {
    /// It has this length.
    Length(Duration, WindowStart),
    /// A calendar day.
    Day(Tz),
    /// A calendar month.
    Month(Tz),
}

/// Where responses tell of a quota.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaFigures {
    /// What the window or bucket has.
    pub limit: Option<FigurePlace>,
    /// What is left.
    pub remaining: Option<FigurePlace>,
    /// What was spent.
    pub used: Option<FigurePlace>,
    /// Spent and limit in one text.
    pub used_of_limit: Option<FigurePlace>,
    /// When the window ends, and how that is written.
    pub reset: Option<(FigurePlace, ReportedForm)>,
    /// What the call has cost.
    pub cost: Option<FigurePlace>,
    /// What is added to a bucket each second.
    pub per_second: Option<FigurePlace>,
}

/// Where a figure stands in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FigurePlace {
    /// In a header.
    Header(String),
    /// In a header of pairs, under this name.
    Pair(String, String),
    /// In the JSON body.
    Body(Path),
}

/// What is wrong with a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaProblem {
    /// Members that lead to it; empty for the quota itself.
    pub at: Vec<&'static str>,
    /// A member that would have to be there.
    pub missing: Option<&'static str>,
    /// What was found and what was expected.
    pub message: String,
}

impl Quota {
    /// Reads a quota that is written elsewhere than in a manifest, such as at a connection. Lines are not known here;
    /// the paths of problems begin at the quota.
    ///
    /// # Errors
    /// Members that are not known, or not of the right form.
    pub fn read(value: &Json) -> Result<Self, Vec<Problem>> {
        let root = Node::from_json(value);
        let mut report = Report::new("", &root);
        let node = walk::check_definition(&mut report, schema::schema(), "Quota");
        let quota = node.and_then(|node| match Self::deserialize(&node) {
            Ok(quota) => Some(quota),
            Err(error) => {
                report.say(&At::root(), format!("this cannot be read: {error}"));
                None
            }
        });
        let problems = report.finish();
        quota.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// The quota with its short forms expanded.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn terms(&self) -> Result<QuotaTerms, Vec<QuotaProblem>> {
        let mut reader = Reader { quota: self, problems: Vec::new() };
        reader.name();
        let limit = reader.limit();
        reader.unit(limit.as_ref());
        reader.free_statuses(limit.as_ref());
        let figures = reader.figures();
        if self.cost.is_some() && self.of != Some(QuotaUnit::Points) {
            reader.say(&["cost"], "a cost is for `of: points` alone");
        }
        match limit {
            Some(limit) if reader.problems.is_empty() => Ok(QuotaTerms {
                name: self.name.clone(),
                per: self.per.unwrap_or_default(),
                of: self.of.unwrap_or_default(),
                limit,
                cost: number(self.cost.as_ref()).unwrap_or(1),
                figures,
                only: self.only.clone().unwrap_or_default(),
                operations: self.operations,
                each_endpoint: self.each_endpoint.unwrap_or_default(),
                free_statuses: self.free_statuses.clone().unwrap_or_default(),
            }),
            _ => Err(reader.problems),
        }
    }
}

/// Whether a text can be a header's name (RFC 9110, section 5.6.2).
pub(super) fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
