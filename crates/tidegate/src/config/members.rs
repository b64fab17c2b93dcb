//! Members of a connection that are no options: its partitions and its quotas.

use tidegate_engine::{ConnectionDef, Partition};
use tidegate_spec::manifest::Quota;
use toml::Value;

/// Names of these members.
pub(super) const NAMES: [&str; 3] = ["partitions", "default_partitions", "quotas"];

/// What is wrong, and which members lead there.
pub(super) struct Wrong {
    pub(super) at: Vec<String>,
    pub(super) message: String,
}

/// Puts a member into the connection.
pub(super) fn put(def: &mut ConnectionDef, name: &str, value: &Value) -> Result<(), Wrong> {
    match name {
        "partitions" => def.partitions = Some(each(name, value, partition)?),
        "default_partitions" => def.default_partitions = Some(each(name, value, code)?),
        _ => def.quotas = each(name, value, quota)?,
    }
    Ok(())
}

/// Reads the items of a list.
fn each<T>(name: &str, value: &Value, read: impl Fn(&Value) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let wrong = |message: &str| Wrong { at: vec![name.to_owned()], message: message.to_owned() };
    let items = value.as_array().ok_or_else(|| match name {
        "quotas" => wrong("takes tables: [[connections.NAME.quotas]]"),
        "partitions" => wrong("takes a list, such as [{ code = \"101\", name = \"Amsterdam\" }] or [\"101\"]"),
        _ => wrong("takes a list of codes, such as [\"101\"]"),
    })?;
    let item = |(index, item): (usize, &Value)| {
        read(item).map_err(|wrong| Wrong { at: [vec![name.to_owned(), index.to_string()], wrong.at].concat(), ..wrong })
    };
    items.iter().enumerate().map(item).collect()
}

fn code(value: &Value) -> Result<String, Wrong> {
    match value {
        Value::String(code) => Ok(code.clone()),
        Value::Integer(code) => Ok(code.to_string()),
        _ => Err(Wrong { at: Vec::new(), message: "a code must be a text or a whole number".to_owned() }),
    }
}

fn partition(value: &Value) -> Result<Partition, Wrong> {
    let Value::Table(members) = value else { return Ok(Partition { code: code(value)?, name: None }) };
    let wrong = |at: &[&str], message: &str| Wrong {
        at: at.iter().map(|name| (*name).to_owned()).collect(),
        message: message.to_owned(),
    };
    if let Some(unknown) = members.keys().find(|name| !matches!(name.as_str(), "code" | "name")) {
        return Err(wrong(&[unknown], "a partition has code and name alone"));
    }
    let code = members.get("code").ok_or_else(|| wrong(&[], "its code is missing: { code = \"101\" }"))?;
    let name = members.get("name").map(|name| name.as_str().ok_or_else(|| wrong(&["name"], "must be a text")));
    Ok(Partition { code: self::code(code)?, name: name.transpose()?.map(str::to_owned) })
}

fn quota(value: &Value) -> Result<Quota, Wrong> {
    let json = serde_json::to_value(value);
    let json = json.map_err(|error| Wrong { at: Vec::new(), message: format!("cannot be read: {error}") })?;
    Quota::read(&json).map_err(|problems| match problems.into_iter().next() {
        Some(problem) => {
            let steps = problem.path.split('.').filter(|step| !step.is_empty());
            Wrong { at: steps.map(str::to_owned).collect(), message: problem.message }
        }
        None => Wrong { at: Vec::new(), message: "cannot be read".to_owned() },
    })
}
