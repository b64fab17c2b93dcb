//! Checks a tree against the schema, says all that is wrong, and gives back what is right.
//!
//! The part that is right holds together: a member that cannot be read is left out, and so is what cannot be without
//! it. So one mistake does not hide the next, and what is left can be read by serde and checked further.

use serde_json::{Map, Value as Json};

use super::problem::{At, Report, nearest, suggestion};
use super::yaml::{Kind, Member, Node};

/// The part of the tree that is as the schema says; `None` when nothing of it can be kept.
pub(super) fn check(report: &mut Report<'_>, schema: &Json) -> Option<Node> {
    let root = report.root();
    let definitions = schema.get("$defs").and_then(Json::as_object);
    Walker { report, definitions }.value(root, schema, &At::root())
}

/// The same for a tree that is one of the schema's definitions.
pub(super) fn check_definition(report: &mut Report<'_>, schema: &Json, name: &str) -> Option<Node> {
    let root = report.root();
    let definitions = schema.get("$defs").and_then(Json::as_object);
    let schema = definitions.and_then(|definitions| definitions.get(name))?;
    Walker { report, definitions }.value(root, schema, &At::root())
}

struct Walker<'r, 'a> {
    report: &'r mut Report<'a>,
    definitions: Option<&'r Map<String, Json>>,
}

/// Forms that a value may have, by kind.
#[derive(Default)]
struct Forms<'s> {
    words: Vec<&'s str>,
    text: bool,
    boolean: bool,
    number: Option<&'s Json>,
    list: Option<&'s Json>,
    objects: Vec<&'s Json>,
    any: bool,
}

impl Forms<'_> {
    /// Whether numbers need not be whole.
    fn takes_fractions(&self) -> bool {
        self.number.is_some_and(|schema| schema.get("type").is_some_and(|name| name == "number"))
    }
}

impl Walker<'_, '_> {
    fn value(&mut self, node: &Node, schema: &Json, at: &At) -> Option<Node> {
        let mut forms = Forms::default();
        collect(self.definitions, schema, &mut forms);
        if forms.any {
            return Some(node.clone());
        }
        let same = |kind| Some(Node { kind, ..node.clone() });
        match &node.kind {
            Kind::Map(members) if !forms.objects.is_empty() => self.object(node, members, &forms.objects, at),
            Kind::List(items) if forms.list.is_some() => self.list(node, items, forms.list, at),
            Kind::Bool(value, text) if forms.boolean => same(Kind::Bool(*value, text.clone())),
            #[allow(clippy::cast_precision_loss, reason = "bounds are small; a value far beyond them stays beyond")]
            Kind::Int(value, _) if forms.number.is_some() => self.number(node, *value as f64, forms.number, at),
            Kind::Float(value, _) if forms.takes_fractions() => self.number(node, *value, forms.number, at),
            Kind::Text(_) | Kind::Bool(..) | Kind::Int(..) | Kind::Float(..) => {
                let text = node.text().unwrap_or_default();
                if forms.text || forms.words.contains(&text) {
                    return same(Kind::Text(text.to_owned()));
                }
                let mut message = format!("found {}; expected {}", node.describe(), expected(&forms));
                if !forms.words.is_empty() {
                    let near = suggestion(text, forms.words.iter().copied());
                    message.push_str(if near.contains("did you mean") { &near } else { "" });
                }
                self.report.say(at, message);
                None
            }
            Kind::Null | Kind::Map(_) | Kind::List(_) => {
                self.report.say(at, format!("found {}; expected {}", node.describe(), expected(&forms)));
                None
            }
        }
    }

    fn number(&mut self, node: &Node, number: f64, schema: Option<&Json>, at: &At) -> Option<Node> {
        let bound = |name: &str| schema.and_then(|schema| schema.get(name)).and_then(Json::as_f64);
        let (least, above, most) = (bound("minimum"), bound("exclusiveMinimum"), bound("maximum"));
        let is_too_small = least.is_some_and(|least| number < least) || above.is_some_and(|above| number <= above);
        if is_too_small || number.is_nan() || most.is_some_and(|most| number > most) {
            let expected = match (least, above, most) {
                (Some(least), _, Some(most)) => format!("{least} to {most}"),
                (Some(least), _, None) => format!("at least {least}"),
                (None, Some(above), Some(most)) => format!("more than {above}, at most {most}"),
                (None, Some(above), None) => format!("more than {above}"),
                (None, None, most) => format!("at most {}", most.unwrap_or_default()),
            };
            let found = node.text().unwrap_or_default();
            self.report.say(at, format!("found {found}; expected {expected}"));
            return None;
        }
        Some(node.clone())
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: Option<&Json>, at: &At) -> Option<Node> {
        let any = Json::Bool(true);
        let schema = schema.and_then(|schema| schema.get("items")).unwrap_or(&any);
        let checked = items.iter().enumerate();
        let kept = checked.filter_map(|(index, item)| self.value(item, schema, &at.member(index))).collect();
        Some(Node { kind: Kind::List(kept), ..node.clone_position() })
    }

    fn object(&mut self, node: &Node, members: &[Member], forms: &[&Json], at: &At) -> Option<Node> {
        let Some(schema) = best(members, forms) else {
            let forms = Forms { objects: forms.to_vec(), ..Forms::default() };
            let found: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            let found = if found.is_empty() { "an empty object".to_owned() } else { found.join(", ") };
            self.report.say(at, format!("found {found}; expected {}", expected(&forms)));
            return None;
        };
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
        let others = schema.get("additionalProperties");
        let mut kept = Vec::with_capacity(members.len());
        // Members that were written with a typo are not missing as well.
        let mut meant: Vec<&str> = Vec::new();
        for member in members {
            let at = at.member(&member.name);
            let schema = match (properties.get(&member.name), others) {
                (Some(schema), _) => schema,
                (None, Some(schema @ (Json::Object(_) | Json::Bool(true)))) => schema,
                (None, _) => {
                    let free = properties.keys().map(String::as_str).filter(|name| node.get(name).is_none());
                    let near = nearest(&member.name, &free.clone().collect::<Vec<_>>());
                    let known: Vec<&str> =
                        if near.is_some() { free.collect() } else { properties.keys().map(String::as_str).collect() };
                    let hint = suggestion(&member.name, known);
                    meant.extend(near);
                    self.report.say(&at, format!("{:?} is not known here{hint}", member.name));
                    continue;
                }
            };
            if let Some(value) = self.value(&member.value, schema, &at) {
                kept.push(Member { value, name: member.name.clone(), line: member.line, column: member.column });
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let mut complete = true;
        for name in required.filter(|name| properties.get(*name).is_none_or(|schema| schema.get("default").is_none())) {
            if node.get(name).is_none() && !meant.contains(&name) {
                self.report.say(at, format!("{name:?} is missing"));
            }
            complete &= kept.iter().any(|member| member.name == name);
        }
        complete.then(|| Node { kind: Kind::Map(kept), ..node.clone_position() })
    }
}

impl Node {
    fn clone_position(&self) -> Self {
        Self { line: self.line, column: self.column, kind: Kind::Null }
    }
}

/// All forms of a schema, through references and alternatives.
fn collect<'s>(definitions: Option<&'s Map<String, Json>>, schema: &'s Json, forms: &mut Forms<'s>) {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        let name = name.rsplit('/').next().unwrap_or(name);
        if let Some(schema) = definitions.and_then(|definitions| definitions.get(name)) {
            collect(definitions, schema, forms);
        }
        return;
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get(keyword).and_then(Json::as_array) {
            alternatives.iter().for_each(|schema| collect(definitions, schema, forms));
            return;
        }
    }
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        forms.words.push(word);
        return;
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        forms.words.extend(words.iter().filter_map(Json::as_str));
        return;
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("string") => forms.text = true,
        Some("boolean") => forms.boolean = true,
        Some("integer" | "number") => forms.number = Some(schema),
        Some("array") => forms.list = Some(schema),
        Some("object") => forms.objects.push(schema),
        _ => forms.any = true,
    }
}

/// The form that an object was most likely meant to be: that which has what the form requires, then the one that knows
/// most of its members, then one that knows a name like one of its. `None` when that is none of several.
fn best<'s>(members: &[Member], forms: &[&'s Json]) -> Option<&'s Json> {
    let score = |form: &Json| {
        let properties = form.get("properties").and_then(Json::as_object);
        let names: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let required = form.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let has = required.filter(|name| members.iter().any(|member| member.name == *name)).count();
        let known = members.iter().filter(|member| names.contains(&member.name.as_str())).count();
        let near = members.iter().filter(|member| nearest(&member.name, &names).is_some()).count();
        // An object of free names takes any.
        let free = usize::from(form.get("additionalProperties").is_some_and(Json::is_object));
        (has, known, near, free)
    };
    let best = forms.iter().rev().max_by_key(|form| score(form))?;
    (forms.len() == 1 || score(best) != (0, 0, 0, 0)).then_some(*best)
}

/// The forms as a message says them.
fn expected(forms: &Forms<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !forms.words.is_empty() {
        parts.push(forms.words.join(", "));
    }
    if forms.text {
        parts.push("text".to_owned());
    }
    if forms.boolean {
        parts.push("true or false".to_owned());
    }
    if forms.number.is_some() {
        parts.push(if forms.takes_fractions() { "a number" } else { "a whole number" }.to_owned());
    }
    if forms.list.is_some() {
        parts.push("a list".to_owned());
    }
    let names: Vec<String> = forms.objects.iter().map(|form| names(form)).collect();
    if !names.is_empty() {
        parts.push(format!("an object{}", if names.len() > 1 || !names[0].is_empty() { " with " } else { "" }));
        if let Some(last) = parts.last_mut() {
            last.push_str(&names.join(" or "));
        }
    }
    parts.join(" or ")
}

/// What distinguishes an object: what it requires, else some of what it knows.
fn names(form: &Json) -> String {
    let required: Vec<&str> =
        form.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    if !required.is_empty() {
        return required.join(", ");
    }
    let known: Vec<&str> =
        form.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if known.len() > 8 { format!("{}, …", known[..8].join(", ")) } else { known.join(", ") }
}
