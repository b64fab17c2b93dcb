//! Values at paths of a JSON body.

use serde_json::{Map, Value as Json};

use crate::ErrorKind;

/// Writes a value at a path, one object member or array index a step. What is missing on the way is made: an array
/// where the step is a number, an object otherwise.
pub(super) fn put(body: &mut Json, path: &[String], value: Json) -> Result<(), ErrorKind> {
    *at(body, path)? = value;
    Ok(())
}

/// Adds items to the array at a path.
pub(super) fn append(body: &mut Json, path: &[String], items: Vec<Json>) -> Result<(), ErrorKind> {
    match at(body, path)? {
        Json::Array(array) => array.extend(items),
        empty @ Json::Null => *empty = Json::Array(items),
        _ => return Err(in_the_way(path)),
    }
    Ok(())
}

fn at<'a>(body: &'a mut Json, path: &[String]) -> Result<&'a mut Json, ErrorKind> {
    let mut place = body;
    for step in path {
        let index = step.parse::<usize>().ok();
        if place.is_null() {
            *place = if index.is_some() { Json::Array(Vec::new()) } else { Json::Object(Map::new()) };
        }
        place = match (place, index) {
            (Json::Object(members), _) => members.entry(step.as_str()).or_insert(Json::Null),
            // An index further on would leave holes.
            (Json::Array(items), Some(index)) if index <= items.len() => {
                if index == items.len() {
                    items.push(Json::Null);
                }
                &mut items[index]
            }
            _ => return Err(in_the_way(path)),
        };
    }
    Ok(place)
}

fn in_the_way(path: &[String]) -> ErrorKind {
    let path = path.join(".");
    ErrorKind::Unsupported(format!(
        "nothing can be written at {path} of the request's body: something else stands there"
    ))
}
