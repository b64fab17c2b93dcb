//! Which partitions a connection has: those that it names itself, else those that a table of its connector lists.

use std::collections::BTreeSet;

use tidegate_engine::{ConnectionDef, Partition, Partitions};
use tidegate_remote::partition;
use tidegate_spec::{Model, manifest};
use url::Url;

use crate::Result;
use crate::options::{Options, fail};

/// What the requests of a connection say about partitions.
pub(crate) struct Needs<'a> {
    /// Its base URL, which may have `{partition}` in it.
    pub(crate) base: &'a Url,
    /// What its connector offers, if that is known before it is asked.
    pub(crate) model: Option<&'a Model>,
    /// The table that lists partitions, if the connector has one.
    pub(crate) listed: Option<manifest::Partitions>,
}

/// Partitions of a connection, and the codes of those that are selected without USE.
///
/// # Errors
/// Partitions that are named and not needed, or the other way round; codes that are none, or stand there twice.
pub(crate) fn read(options: &Options<'_>, needs: Needs<'_>) -> Result<(Partitions, Option<Vec<String>>)> {
    let def = options.def();
    let in_base = partition::in_base(needs.base);
    let endpoints = |model: &Model| {
        let tables = model.tables.iter().flat_map(|table| &table.endpoints);
        tables.chain(&model.quota_check).any(partition::in_endpoint)
    };
    let is_needed = in_base || needs.model.is_some_and(endpoints);
    let partitions = match (named(options), needs.listed) {
        (Some(_), _) if !is_needed => {
            let message = "it names partitions, and none of its requests would tell one from another: write {partition} \
                           into its url, where the code of one belongs";
            return Err(fail(def, message));
        }
        (Some(named), _) => Partitions::Named(checked(def, named)?.into()),
        (None, Some(listed)) if in_base => {
            let message = format!(
                "its url has {{partition}} in it, and so cannot ask for {}, which lists the partitions: name them with the \
                 option partitions, such as '101,102'",
                listed.table
            );
            return Err(fail(def, message));
        }
        (None, Some(listed)) if is_needed => Partitions::Listed(listed),
        (None, None) if is_needed => {
            let message = "its requests name a {partition}, and nothing says which there are: name them with the option \
                           partitions, such as '101,102'";
            return Err(fail(def, message));
        }
        (None, _) => Partitions::None,
    };
    let selected = def.default_partitions.clone().or_else(|| options.get("default_partitions").map(codes));
    check_selected(def, &partitions, selected.as_deref())?;
    Ok((partitions, selected))
}

fn named(options: &Options<'_>) -> Option<Vec<Partition>> {
    let of = |code: String| Partition { code, name: None };
    let given = || options.get("partitions").map(|text| codes(text).into_iter().map(of).collect());
    options.def().partitions.clone().or_else(given)
}

/// Codes that are separated by commas.
fn codes(text: &str) -> Vec<String> {
    text.split(',').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect()
}

fn checked(def: &ConnectionDef, partitions: Vec<Partition>) -> Result<Vec<Partition>> {
    if partitions.is_empty() {
        return Err(fail(def, "option partitions is empty: name at least one"));
    }
    let mut codes = BTreeSet::new();
    for Partition { code, .. } in &partitions {
        if code.trim().is_empty() || code.chars().any(char::is_control) {
            return Err(fail(def, format!("option partitions: {code:?} is no code: expected a text of one line")));
        }
        if !codes.insert(code) {
            return Err(fail(def, format!("option partitions: {code} stands there twice")));
        }
    }
    Ok(partitions)
}

fn check_selected(def: &ConnectionDef, partitions: &Partitions, selected: Option<&[String]>) -> Result<()> {
    let Some(selected) = selected else { return Ok(()) };
    if selected.is_empty() {
        return Err(fail(def, "option default_partitions is empty: name at least one, or leave it out for all"));
    }
    match partitions {
        Partitions::None => Err(fail(def, "option default_partitions: the connection has no partitions")),
        Partitions::Named(known) => {
            match selected.iter().find(|code| !known.iter().any(|known| known.code == **code)) {
                Some(code) => {
                    let codes: Vec<&str> = known.iter().take(10).map(|known| known.code.as_str()).collect();
                    let more = if known.len() > codes.len() { ", …" } else { "" };
                    let message = format!(
                        "option default_partitions: there is no partition {code}; there are: {}{more}",
                        codes.join(", ")
                    );
                    Err(fail(def, message))
                }
                None => Ok(()),
            }
        }
        // What a table lists is not known before it is asked.
        Partitions::Listed(_) => Ok(()),
    }
}
