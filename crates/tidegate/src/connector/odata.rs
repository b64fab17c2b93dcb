//! Opens connections of the built-in connector `odata`.

use tidegate_engine::{ConnectionDef, Connector};
use tidegate_spec::names::NameStyle;
use tidegate_spec::odata::{self, Apply, ETags, TextComparison, Totals};

use super::{Access, ODATA};
use crate::environment::Environment;
use crate::oauth::TokenMetering;
use crate::options::{COMMON_OPTIONS, Options, fail, without_user_info};
use crate::partitions::{self, Needs};
use crate::{Result, quotas};

/// Options of `odata` beside those of every connector, each with what it takes.
const OPTIONS: &[(&str, &str)] = &[
    ("user", "the user for basic authentication"),
    ("password", "the password for basic authentication"),
    ("token", "a bearer token"),
    ("names", "'lower' or 'snake'"),
    ("text", "'collated', or 'binary' for a service that compares text by code point"),
    ("totals", "'trust', or 'ignore' for a service that miscounts the rows that match"),
    (
        "apply",
        "'declared' if groups of rows are asked for ($apply) where the service says that it makes them, 'always', or 'ignore'",
    ),
    (
        "etags",
        "'true' if rows of all tables have versions (ETags), 'declared' if those have of which the service says so",
    ),
    ("batch", "'json' if several rows may be written by one JSON $batch, 'none' if each is written by itself"),
    ("batch_size", "most rows in one batch, 1 to 1000; 50 by default"),
];

/// All options, the URL first.
pub(crate) fn options() -> Vec<(&'static str, &'static str)> {
    let (url, others) = COMMON_OPTIONS.split_at(1);
    [url, OPTIONS, others].concat()
}

/// Reads the options.
pub(crate) fn open(def: &ConnectionDef, environment: &Environment) -> Result<Access> {
    let known = options();
    let options = Options::new(def, environment, &known)?;
    let base = options.base_url()?;
    let credentials = options.credentials(&base)?;
    let names = options.choice("names", &[("lower", NameStyle::Lower), ("snake", NameStyle::Snake)])?;
    let text = [("collated", TextComparison::Collated), ("binary", TextComparison::Binary)];
    let needs = Needs { base: &base, model: None, listed: None };
    let (partitions, default_partitions) = partitions::read(&options, needs)?;
    let etags = [("declared", ETags::Declared), ("true", ETags::Always)];
    let totals = [("trust", Totals::Trust), ("ignore", Totals::Ignore)];
    let apply = [("declared", Apply::Declared), ("always", Apply::Always), ("ignore", Apply::Ignore)];
    Ok(Access {
        credentials: vec![credentials],
        is_renewed: false,
        writes: options.writes()?,
        connector: Connector::OData(odata::Options {
            names: names.unwrap_or_default(),
            text: options.choice("text", &text)?.unwrap_or_default(),
            totals: options.choice("totals", &totals)?.unwrap_or_default(),
            apply: options.choice("apply", &apply)?.unwrap_or_default(),
            etags: options.choice("etags", &etags)?.unwrap_or_default(),
            batch: batch(&options)?,
        }),
        allow_origins: options.origins()?,
        throttles: Vec::new(),
        provider: ODATA.to_owned(),
        partitions,
        default_partitions,
        quotas: quotas::metered(def, &[], None)?,
        token_metering: TokenMetering::default(),
        base: without_user_info(base),
    })
}

/// Rows in one batch where nothing else is said: enough to save most of the calls, few enough for a service that has time
/// limits.
const BATCH_SIZE: usize = 50;
const MOST_IN_BATCH: usize = 1_000;

/// Most rows in one batch; `None` when there are no batches.
fn batch(options: &Options<'_>) -> Result<Option<usize>> {
    let is_json = options.choice("batch", &[("json", true), ("none", false)])?.unwrap_or(false);
    let size = options.get("batch_size");
    let number = size.map(|size| size.parse().ok().filter(|size| (1..=MOST_IN_BATCH).contains(size)));
    match (is_json, number) {
        (true, None) => Ok(Some(BATCH_SIZE)),
        (true, Some(Some(number))) => Ok(Some(number)),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(fail(options.def(), "option batch_size needs option batch: batch 'json'")),
        (true, Some(None)) => {
            let found = size.unwrap_or_default();
            Err(fail(options.def(), format!("option batch_size takes 1 to {MOST_IN_BATCH}, not '{found}'")))
        }
    }
}
