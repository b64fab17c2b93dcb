//! Issues of a code host: a bare array, nested users and labels, long texts with escapes; about 5 kB a row.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_spec::{Column, ColumnType};

use super::{Family, ROWS, Text, column, instant, instants};
use crate::Result;
use crate::random::Random;

pub(super) fn page() -> Value {
    let mut random = Random::new(2);
    (0..ROWS).map(|row| issue(&mut random, row)).collect()
}

fn issue(random: &mut Random, row: usize) -> Value {
    let url = format!("https://api.example/repos/acme/tools/issues/{row}");
    let closed = random.once_in(2);
    json!({
        "url": url,
        "repository_url": "https://api.example/repos/acme/tools",
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "html_url": format!("https://example/acme/tools/issues/{row}"),
        "id": 1_900_000_000 + random.below(1 << 24),
        "node_id": random.hex(20),
        "number": row,
        "title": random.words(8),
        "user": user(random),
        "labels": (0..random.below(4)).map(|_| label(random)).collect::<Vec<_>>(),
        "state": if closed { "closed" } else { "open" },
        "locked": false,
        "assignee": if random.once_in(3) { user(random) } else { Value::Null },
        "assignees": [],
        "milestone": null,
        "comments": random.below(40),
        "created_at": random.instant(),
        "updated_at": random.instant(),
        "closed_at": if closed { Value::from(random.instant()) } else { Value::Null },
        "author_association": "CONTRIBUTOR",
        "type": null,
        "active_lock_reason": null,
        "draft": false,
        "body": text(random),
        "reactions": {
            "url": format!("{url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
            "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
        },
        "timeline_url": format!("{url}/timeline"),
        "performed_via_app": null,
        "state_reason": if closed { Value::from("completed") } else { Value::Null },
    })
}

fn user(random: &mut Random) -> Value {
    let login = format!("{}-{}", random.pick(&["ada", "linus", "grace", "edsger"]), random.below(1_000));
    let url = format!("https://api.example/users/{login}");
    let mut user = json!({
        "login": login, "id": random.below(1 << 27), "node_id": random.hex(20),
        "avatar_url": "https://avatars.example/u/1?v=4", "gravatar_id": "", "url": url, "type": "User",
        "user_view_type": "public", "site_admin": false,
    });
    for what in ["followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events"] {
        user[format!("{what}_url")] = Value::from(format!("{url}/{what}"));
    }
    user
}

fn label(random: &mut Random) -> Value {
    let name = random.pick(&["bug", "enhancement", "good first issue", "area: parser"]);
    json!({
        "id": random.below(1 << 32), "node_id": random.hex(24), "url": format!("https://api.example/labels/{name}"),
        "name": name, "color": random.hex(6), "default": false, "description": random.words(6),
    })
}

/// Markdown: lines, code, quotes, now and then a picture.
fn text(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(12) {
        text.push_str(&random.words(30));
        text.push_str(match random.below(4) {
            0 => ".\r\n\r\n```rust\r\nlet path = \"C:\\\\tools\";\r\n\tprintln!(\"{path}\");\r\n```\r\n",
            1 => " \"quoted\".\r\n\r\n- [ ] one\r\n- [x] two 🎉\r\n",
            _ => ".\r\n\r\n",
        });
    }
    text
}

pub(super) fn columns() -> Vec<Column> {
    let field = |name: &str| tidegate_spec::Field {
        name: name.to_owned(),
        api_name: name.to_owned(),
        data_type: ColumnType::Text,
        nullable: true,
    };
    vec![
        column("number", ColumnType::Int64),
        column("title", ColumnType::Text),
        column("user.login", ColumnType::Text),
        column("labels", ColumnType::List(Box::new(ColumnType::Struct(vec![field("name"), field("color")])))),
        column("state", ColumnType::Text),
        column("comments", ColumnType::Int64),
        column("created_at", instant()),
        column("updated_at", instant()),
        column("closed_at", instant()),
        column("body", ColumnType::Text),
    ]
}

pub(super) enum Issues {}

#[derive(Deserialize)]
pub(super) struct Issue<'a> {
    number: Option<i64>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    user: Option<User<'a>>,
    #[serde(borrow)]
    labels: Vec<Label<'a>>,
    #[serde(borrow)]
    state: Option<Text<'a>>,
    comments: Option<i64>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
    #[serde(borrow)]
    closed_at: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    login: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Label<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    color: Option<Text<'a>>,
}

impl Family for Issues {
    type Page<'a> = Vec<Issue<'a>>;

    fn arrays(rows: &Vec<Issue<'_>>) -> Result<Vec<ArrayRef>> {
        let login = |row: &Issue<'_>| row.user.as_ref().and_then(|user| Text::of(&user.login).map(str::to_owned));
        Ok(vec![
            Arc::new(rows.iter().map(|row| row.number).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.title)).collect::<StringArray>()),
            Arc::new(rows.iter().map(login).collect::<StringArray>()),
            labels(rows)?,
            Arc::new(rows.iter().map(|row| Text::of(&row.state)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.comments).collect::<Int64Array>()),
            Arc::new(instants(rows.iter().map(|row| Text::of(&row.created_at)))?),
            Arc::new(instants(rows.iter().map(|row| Text::of(&row.updated_at)))?),
            Arc::new(instants(rows.iter().map(|row| Text::of(&row.closed_at)))?),
            Arc::new(rows.iter().map(|row| Text::of(&row.body)).collect::<StringArray>()),
        ])
    }
}

fn labels(rows: &[Issue<'_>]) -> Result<ArrayRef> {
    let all = || rows.iter().flat_map(|row| &row.labels);
    let fields: Fields = ["name", "color"].map(|name| Field::new(name, DataType::Utf8, true)).into_iter().collect();
    let names: StringArray = all().map(|label| Text::of(&label.name)).collect();
    let colors: StringArray = all().map(|label| Text::of(&label.color)).collect();
    let labels = StructArray::try_new(fields.clone(), vec![Arc::new(names), Arc::new(colors)], None)?;
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.labels.len()));
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(labels), None)?))
}
