//! Opens connections of the built-in connector `odata`.

use tidegate_engine::{ConnectionDef, Connector};
use tidegate_spec::names::NameStyle;
use tidegate_spec::odata::{self, TextComparison, Totals};

use super::{Access, ODATA};
use crate::environment::Environment;
use crate::oauth::TokenMetering;
use crate::options::{COMMON_OPTIONS, Options, without_user_info};
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
    let totals = [("trust", Totals::Trust), ("ignore", Totals::Ignore)];
    Ok(Access {
        credentials: vec![credentials],
        is_renewed: false,
        writes: options.writes()?,
        connector: Connector::OData(odata::Options {
            names: names.unwrap_or_default(),
            text: options.choice("text", &text)?.unwrap_or_default(),
            totals: options.choice("totals", &totals)?.unwrap_or_default(),
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
