//! Reads a request by an endpoint's declaration, and refuses what was not declared.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use tidegate::transport::Request;
use tidegate_spec::{
    Dialect, Endpoint, FilterForm, ListStyle, Operator, Paging, Place, Projection, Table, TimeForm, ValueForm,
};

use super::condition::Condition;
use super::{items, text};
use crate::conformance::data::Cell;

/// A status and what the server says with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

pub(crate) type Read<T> = Result<T, Refusal>;

pub(crate) fn refuse<T>(message: impl Into<String>) -> Read<T> {
    Err(Refusal { status: 400, message: message.into() })
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Asked {
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition>,
    /// Columns of conditions that stand in the path.
    pub(crate) in_path: Vec<usize>,
    /// What stands at the place of the page number, offset, cursor or last key.
    pub(crate) position: Option<String>,
    pub(crate) size: Option<u64>,
    /// Column and whether it descends.
    pub(crate) sort: Vec<(usize, bool)>,
    pub(crate) fields: Option<Vec<String>>,
}

/// A value with its place.
struct Given {
    place: Place,
    values: Vec<Json>,
}

/// Captures of a path by a template such as `repos/{owner}/issues`; `None` when it is another path.
pub(crate) fn captures(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let Some(open) = template.find('{') else { return (template == path).then(Vec::new) };
    let close = open + template[open..].find('}')?;
    let rest = path.strip_prefix(&template[..open])?;
    let (name, after) = (&template[open + 1..close], &template[close + 1..]);
    let segment = rest.split('/').next().unwrap_or_default();
    (1..=segment.len()).rev().filter(|&end| segment.is_char_boundary(end)).find_map(|end| {
        let mut found = captures(after, &rest[end..])?;
        let value = percent_decode_str(&rest[..end]).decode_utf8().ok()?.into_owned();
        found.insert(0, (name.to_owned(), value));
        Some(found)
    })
}

/// Reads a request whose path was matched.
pub(crate) fn read(
    table: &Table,
    endpoint: &Endpoint,
    captured: &[(String, String)],
    request: &Request,
    credentials: &[String],
) -> Read<Asked> {
    let given = given(endpoint, captured, request, credentials)?;
    let mut asked = Asked::default();
    for one in &given {
        read_one(table, endpoint, one, &given, &mut asked)?;
    }
    for (place, value) in &endpoint.constants {
        let is_there = given.iter().any(|one| one.place == *place);
        if !is_there {
            return refuse(format!("the constant {value} is missing at {place:?}"));
        }
    }
    for filter in endpoint.filters.required() {
        let is_there = asked.conditions.iter().flat_map(Condition::leaves).any(|(column, _)| column == filter.column);
        if !is_there {
            return refuse(format!("a filter on {} is required", table.columns[filter.column].name));
        }
    }
    Ok(asked)
}

fn given(
    endpoint: &Endpoint,
    captured: &[(String, String)],
    request: &Request,
    credentials: &[String],
) -> Read<Vec<Given>> {
    let mut given: Vec<Given> = captured
        .iter()
        .map(|(name, value)| Given { place: Place::Path(name.clone()), values: vec![Json::from(value.as_str())] })
        .collect();
    for (name, value) in request.url.query_pairs() {
        if credentials.contains(&name.to_string()) {
            continue;
        }
        let place = Place::Query(name.into_owned());
        let value = Json::from(value.into_owned());
        match given.iter_mut().find(|one| one.place == place) {
            Some(one) => one.values.push(value),
            None => given.push(Given { place, values: vec![value] }),
        }
    }
    for place in places(endpoint) {
        if let Place::Header(name) = &place {
            let values: Vec<_> = request.headers.get_all(name.as_str()).iter().collect();
            let text = |value: &http::HeaderValue| Json::from(String::from_utf8_lossy(value.as_bytes()).into_owned());
            if !values.is_empty() && !given.iter().any(|one| one.place == place) {
                given.push(Given { place, values: values.into_iter().map(text).collect() });
            }
        }
    }
    if endpoint.body.is_none() && request.body.is_empty() {
        return Ok(given);
    }
    let body: Json = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(error) => return refuse(format!("the body is not JSON: {error}")),
    };
    let is_json =
        request.headers.get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return refuse("a JSON body comes with content-type application/json");
    }
    let places = places(endpoint);
    body_members(&mut Vec::new(), &body, endpoint.body.as_ref(), &places, &mut given)?;
    Ok(given)
}

/// Every place that the endpoint declares.
fn places(endpoint: &Endpoint) -> Vec<Place> {
    let mut places: Vec<Place> = endpoint.filters.forms.iter().map(|form| form.place.clone()).collect();
    places.extend(endpoint.constants.iter().map(|(place, _)| place.clone()));
    places.extend(endpoint.page_size.iter().filter_map(|size| size.place.clone()));
    places.extend(paging_place(&endpoint.paging).cloned());
    if let Some(sorting) = &endpoint.sorting {
        places.push(sorting.place.clone());
        places.extend(sorting.direction.clone());
    }
    if let Projection::Fields { place, .. } = &endpoint.projection {
        places.push(place.clone());
    }
    match &endpoint.filters.dialect {
        Some(Dialect::Text(dialect)) => places.push(dialect.place.clone()),
        Some(Dialect::Items(dialect)) => places.push(Place::Body(dialect.at.clone())),
        _ => {}
    }
    places
}

pub(crate) fn paging_place(paging: &Paging) -> Option<&Place> {
    match paging {
        Paging::Page { place, .. } | Paging::Offset { place, .. } => Some(place),
        Paging::Cursor { place, .. } | Paging::Keyset { place, .. } => Some(place),
        _ => None,
    }
}

/// Members of the body that stand at declared places; all others must be those of the declared body.
fn body_members(
    path: &mut Vec<String>,
    value: &Json,
    constant: Option<&Json>,
    places: &[Place],
    given: &mut Vec<Given>,
) -> Read<()> {
    if places.contains(&Place::Body(path.clone())) {
        let values = match value {
            Json::Array(values) if !values.iter().any(Json::is_object) => values.clone(),
            value => vec![value.clone()],
        };
        given.push(Given { place: Place::Body(path.clone()), values });
        return Ok(());
    }
    let leads_on = places.iter().any(|place| matches!(place, Place::Body(at) if at.starts_with(path)));
    let members: Vec<(String, &Json)> = match value {
        Json::Object(members) if leads_on => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Json::Array(items) if leads_on => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        value if Some(value) == constant => return Ok(()),
        value => return refuse(format!("unknown member {} of the body: {value}", path.join("."))),
    };
    for (name, member) in members {
        let inner = constant.and_then(|constant| match constant {
            Json::Array(items) => name.parse().ok().and_then(|n: usize| items.get(n)),
            constant => constant.get(name.as_str()),
        });
        path.push(name);
        body_members(path, member, inner, places, given)?;
        path.pop();
    }
    Ok(())
}

fn read_one(table: &Table, endpoint: &Endpoint, one: &Given, all: &[Given], asked: &mut Asked) -> Read<()> {
    let texts: Vec<String> = one.values.iter().map(json_text).collect();
    let single = || match texts.as_slice() {
        [text] => Ok(text.clone()),
        _ => refuse(format!("{:?} stands there {} times", one.place, texts.len())),
    };
    if paging_place(&endpoint.paging) == Some(&one.place) {
        asked.position = Some(single()?);
        return Ok(());
    }
    if let Some(size) = endpoint.page_size.as_ref().filter(|size| size.place.as_ref() == Some(&one.place)) {
        let text = single()?;
        return match text.parse() {
            Ok(number) if (1..=size.max).contains(&number) => {
                asked.size = Some(number);
                Ok(())
            }
            _ => refuse(format!("a page size of {text}: it is 1 to {}", size.max)),
        };
    }
    match &endpoint.filters.dialect {
        Some(Dialect::Text(dialect)) if dialect.place == one.place => {
            let condition = text::parse(table, dialect, &single()?)?;
            asked.conditions.extend(condition);
            return Ok(());
        }
        Some(Dialect::Items(dialect)) if Place::Body(dialect.at.clone()) == one.place => {
            asked.conditions.extend(items::parse(table, dialect, &one.values)?);
            return Ok(());
        }
        _ => {}
    }
    if let Some(sorting) = &endpoint.sorting {
        if sorting.direction.as_ref() == Some(&one.place) {
            return Ok(());
        }
        if sorting.place == one.place {
            let direction = sorting.direction.as_ref().and_then(|place| all.iter().find(|one| one.place == *place));
            let direction = direction.and_then(|one| one.values.first()).map(json_text);
            asked.sort = super::sort::parse(sorting, &single()?, direction.as_deref())?;
            return Ok(());
        }
    }
    if let Projection::Fields { place, style } = &endpoint.projection
        && *place == one.place
    {
        asked.fields = Some(fields(table, style, &texts)?);
        return Ok(());
    }
    let is_constant =
        |text: &String| endpoint.constants.iter().any(|(place, value)| *place == one.place && value == text);
    if texts.iter().all(is_constant) {
        return Ok(());
    }
    let condition = filter(table, endpoint, one, &texts)?;
    if let Place::Path(_) = one.place {
        asked.in_path.extend(condition.leaves().iter().map(|(column, _)| *column));
    }
    asked.conditions.push(condition);
    Ok(())
}

fn fields(table: &Table, style: &ListStyle, texts: &[String]) -> Read<Vec<String>> {
    let names: Vec<String> = match style {
        ListStyle::Joined(separator) => {
            texts.iter().flat_map(|text| text.split(separator.as_str())).map(str::to_owned).collect()
        }
        ListStyle::Repeated | ListStyle::Array => texts.to_vec(),
    };
    let is_known = |name: &String| table.columns.iter().any(|column| column.path.first() == Some(name));
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => refuse(format!("there is no field {name}")),
        None => Ok(names),
    }
}

/// A filter at a place of its own. Several operators may share a place, told apart by the text before the value: the
/// longest that fits is meant. Where nothing tells them apart, the server keeps what is declared of each: it lets
/// pass what any of them does.
fn filter(table: &Table, endpoint: &Endpoint, one: &Given, texts: &[String]) -> Read<Condition> {
    let mut forms: Vec<&FilterForm> = endpoint.filters.forms.iter().filter(|form| form.place == one.place).collect();
    if forms.is_empty() {
        return refuse(format!("unknown parameter {:?}: {texts:?}", one.place));
    }
    forms.sort_by_key(|form| (std::cmp::Reverse(form.value.before.len()), form.operator == Operator::In));
    let mut alternatives = Vec::new();
    for form in &forms {
        let is_list = form.operator == Operator::In;
        if !is_list && texts.len() > 1 {
            continue;
        }
        let values = match (&form.list.style, is_list) {
            (ListStyle::Joined(separator), true) if texts.len() == 1 => split(&form.value, separator, &texts[0]),
            _ => Some(texts.to_vec()),
        };
        let data_type = &table.columns[form.column].data_type;
        let cells = values.and_then(|values| {
            values.iter().map(|text| value(&form.value, data_type, text, form.operator)).collect::<Option<Vec<_>>>()
        });
        if let Some(values) = cells {
            if is_list && values.len() > form.list.max {
                return refuse(format!("{} values at {:?}: {} is the most", values.len(), one.place, form.list.max));
            }
            alternatives.push((
                form.value.before.len(),
                Condition::Leaf { column: form.column, operator: form.operator, values },
            ));
        }
    }
    any_of_longest(alternatives).map_or_else(|| refuse(format!("{texts:?} is no value for {:?}", one.place)), Ok)
}

/// What a server does for a comparison that can be read in several ways, each with the length of the text before its
/// value: any of those with the longest.
pub(crate) fn any_of_longest(mut readings: Vec<(usize, Condition)>) -> Option<Condition> {
    let longest = readings.iter().map(|(before, _)| *before).max();
    readings.retain(|(before, _)| Some(*before) == longest);
    let mut conditions: Vec<_> = readings.into_iter().map(|(_, condition)| condition).collect();
    if conditions.len() > 1 { Some(Condition::Any(conditions)) } else { conditions.pop() }
}

/// The values of a joined list, each with the text around it that a single value would have.
fn split(form: &ValueForm, separator: &str, text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix(form.before.as_str())?.strip_suffix(form.after.as_str())?;
    Some(inner.split(separator).map(|text| format!("{}{text}{}", form.before, form.after)).collect())
}

/// A value as this form writes it.
pub(crate) fn value(
    form: &ValueForm,
    data_type: &tidegate_spec::ColumnType,
    text: &str,
    operator: Operator,
) -> Option<Cell> {
    let inner = text.strip_prefix(form.before.as_str())?.strip_suffix(form.after.as_str())?;
    if matches!(operator, Operator::IsNull | Operator::IsNotNull) {
        return inner.is_empty().then_some(Cell::Null);
    }
    match &form.known {
        Some(known) => {
            let (sql, _) = known.iter().find(|(_, api)| api == inner)?;
            Cell::parse(sql, data_type, None::<TimeForm>)
        }
        None => Cell::parse(inner, data_type, form.time),
    }
}

/// A JSON value as the text that a parameter would have.
pub(crate) fn json_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        value => value.to_string(),
    }
}
