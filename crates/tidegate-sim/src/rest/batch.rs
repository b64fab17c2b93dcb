//! Many items in one request, in the ways in which APIs do that.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::reply::Reply;

use super::items::{Items, Members, Wrong, wrong};
use super::{Call, answer, id_of, members_of, single};

/// Jobs of one division by number.
#[derive(Debug, Default)]
pub(crate) struct Jobs(BTreeMap<u64, Job>);

#[derive(Debug)]
struct Job {
    /// How often it was looked at.
    looks: u32,
    results: Vec<Value>,
}

/// The same values for some ids; no more rows than the limit.
pub(super) fn same(call: &Call<'_>) -> Result<Reply, Wrong> {
    let ids = single::ids(call)?.ok_or_else(|| wrong("ids is required"))?;
    let limit = match call.parameter("limit") {
        None => usize::MAX,
        Some(text) => text.parse().map_err(|_| wrong("limit must be a number"))?,
    };
    let members = if call.method == http::Method::PATCH { Some(members_of(call.json()?)?) } else { None };
    let affected = call.store.write_items(call.division, |items| {
        let mut affected = 0;
        for id in ids.into_iter().take(limit) {
            let done = match &members {
                Some(members) => call.write(items, id, members, false).map(drop),
                None => call.remove(items, id),
            };
            match done {
                Ok(()) => affected += 1,
                Err(wrong) if wrong.status == 404 => {}
                // Values that one row does not take none takes, so the first has refused them.
                Err(wrong) => return Err(wrong),
            }
        }
        Ok(affected)
    })?;
    Ok(answer(200, &json!({ "affected": affected })))
}

/// Rows that are told apart by id, or by a text of the client's.
pub(super) fn inputs(call: &Call<'_>, what: &str) -> Result<Reply, Wrong> {
    if !["update", "create", "archive"].contains(&what) {
        return Err(Wrong { status: 404, message: "no such resource".to_owned() });
    }
    let inputs = call.list(call.json()?, "inputs")?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    call.store.write_items(call.division, |items| {
        for input in inputs {
            let (id, trace) = (input["id"].clone(), input["trace"].clone());
            match one_input(call, items, what, input) {
                Ok(row) => {
                    let mut result = json!({ "id": row.get("id"), "properties": row });
                    if !trace.is_null() {
                        result["trace"] = trace;
                    }
                    results.push(result);
                }
                // What is not there is archived already.
                Err(wrong) if what == "archive" && wrong.status == 404 => {}
                Err(wrong) => {
                    let context = if what == "create" { json!({ "traces": [trace] }) } else { json!({ "ids": [id] }) };
                    errors.push(json!({ "status": wrong.status, "message": wrong.message, "context": context }));
                }
            }
        }
    });
    if what == "archive" && errors.is_empty() {
        return Ok(Reply::empty(204));
    }
    // Answers come in an order of their own, and those that are refused at the end.
    results.reverse();
    let status = match (errors.is_empty(), what) {
        (false, _) => 207,
        (true, "create") => 201,
        (true, _) => 200,
    };
    Ok(answer(status, &json!({ "status": "COMPLETE", "results": results, "errors": errors })))
}

fn one_input(call: &Call<'_>, items: &mut Items, what: &str, mut input: Value) -> Result<Members, Wrong> {
    match what {
        "archive" => call.remove(items, id_of(&input["id"])?).map(|()| Members::new()),
        "create" => {
            let trace = input["trace"].as_str().map(str::to_owned);
            let members = members_of(input["properties"].take())?;
            call.make(items, &members, trace).map(|(_, row)| row)
        }
        _ => {
            let members = members_of(input["properties"].take())?;
            call.write(items, id_of(&input["id"])?, &members, false)
        }
    }
}

/// A row of a batch with its id among its members.
fn with_id(value: Value) -> Result<(u64, Members), Wrong> {
    let mut members = members_of(value)?;
    let id = members.remove("id").ok_or_else(|| wrong("id is required"))?;
    Ok((id_of(&id)?, members))
}

/// A result for each row, in their order.
pub(super) fn in_order(call: &Call<'_>, makes: bool) -> Result<Reply, Wrong> {
    let rows = call.list(call.json()?, "items")?;
    let results = call.store.write_items(call.division, |items| {
        let one = |row: Value| match makes {
            true => members_of(row).and_then(|members| call.make(items, &members, None)).map(|(id, _)| id),
            false => with_id(row).and_then(|(id, members)| call.write(items, id, &members, false).map(|_| id)),
        };
        rows.into_iter().map(one).map(|done| result("success", done)).collect::<Vec<_>>()
    });
    Ok(answer(200, &json!(results)))
}

/// The same for removals.
pub(super) fn delete_in_order(call: &Call<'_>) -> Result<Reply, Wrong> {
    let ids = call.list(call.json()?, "ids")?;
    let results = call.store.write_items(call.division, |items| {
        let one = |id: &Value| id_of(id).and_then(|id| call.remove(items, id).map(|()| id));
        ids.iter().map(one).map(|done| result("success", done)).collect::<Vec<_>>()
    });
    Ok(answer(200, &json!(results)))
}

fn result(flag: &str, done: Result<u64, Wrong>) -> Value {
    match done {
        Ok(id) => json!({ "id": id, flag: true, "error": null }),
        Err(wrong) => json!({ "id": null, flag: false, "error": wrong.message }),
    }
}

/// All rows or none.
pub(super) fn all(call: &Call<'_>) -> Result<Reply, Wrong> {
    let rows = call.list(call.json()?, "")?;
    let done = rows.len();
    call.store.write_items(call.division, |items| {
        let table = call.table();
        let makes = call.method == http::Method::POST;
        let rows = rows.into_iter().map(|row| if makes { members_of(row).map(|row| (0, row)) } else { with_id(row) });
        let rows = rows.collect::<Result<Vec<(u64, Members)>, Wrong>>()?;
        // What would refuse a row is looked at before the first one is written.
        for (id, members) in &rows {
            table.would_take((!makes).then_some(*id), items, members)?;
        }
        for (id, members) in &rows {
            match makes {
                true => call.make(items, members, None).map(drop)?,
                false => call.write(items, *id, members, false).map(drop)?,
            }
        }
        Ok(())
    })?;
    Ok(answer(200, &json!({ "done": done })))
}

/// Rows that are changed later: at once, in truth, but it is told only after some looks.
pub(super) fn start_job(call: &Call<'_>) -> Result<Reply, Wrong> {
    let rows = call.list(call.json()?, "rows")?;
    let results = call.store.write_items(call.division, |items| {
        let one = |row: Value| {
            let id = row["id"].clone();
            match with_id(row).and_then(|(id, members)| call.write(items, id, &members, false)) {
                Ok(row) => json!({ "id": row["id"], "ok": true }),
                Err(wrong) => json!({ "id": id, "ok": false, "message": wrong.message }),
            }
        };
        rows.into_iter().map(one).collect::<Vec<_>>()
    });
    let number = call.store.write_jobs(call.division, |jobs| {
        let number = jobs.0.len() as u64 + 1;
        jobs.0.insert(number, Job { looks: 0, results });
        number
    });
    Ok(answer(202, &json!({ "job": number.to_string() })))
}

/// A look at a job.
pub(super) fn job(call: &Call<'_>, number: &str) -> Result<Reply, Wrong> {
    let state = call.store.write_jobs(call.division, |jobs| {
        let job = jobs.0.get_mut(&number.parse().ok()?)?;
        job.looks += 1;
        Some(match job.looks > call.config.rest.job_looks {
            true => json!({ "state": "complete", "results": job.results }),
            false => json!({ "state": "running" }),
        })
    });
    let state = state.ok_or_else(|| Wrong { status: 404, message: format!("there is no job {number}") })?;
    Ok(answer(200, &state))
}
