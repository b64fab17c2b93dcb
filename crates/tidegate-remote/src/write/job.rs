//! Work that an API does after its answer: looked at until it ends.

use http::{HeaderMap, HeaderValue, header::ACCEPT};
use std::time::Duration;
use tidegate_spec::{Batch, Job};
use tidegate_transport::{Clock, Purpose};
use url::Url;

use super::answer::{self, Said};
use super::part::Part;
use super::parts::Context;
use super::send::{all, wait_for};
use super::verdict::{self, Asked};
use super::{RowOutcome, RowWrite};
use crate::call::{self, Answer as Received};
use crate::odata::url::below;
use crate::render::path as template;
use crate::{Source, partition};

/// What became of the rows, once the job has ended. A look that fails leaves it open.
#[allow(clippy::too_many_arguments, reason = "one call from one place, and each is a thing of its own")]
pub(super) async fn outcomes(
    source: &Source,
    context: &Context<'_>,
    batch: &Batch,
    job: &Job,
    asked: Asked,
    rows: &[RowWrite],
    begun: Received,
    clock: &dyn Clock,
) -> Vec<RowOutcome> {
    let status = Some(begun.status.as_u16());
    let open = |why: String| all(rows, &RowOutcome::doubtful(status, why));
    let url = match url_of(source, context, job, &begun) {
        Ok(url) => url,
        Err(why) => return open(why),
    };
    drop(begun);
    for _ in 0..job.max_polls {
        wait_for(clock, Duration::from_secs(job.interval), source).await;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let endpoint = context.kind.name();
        let operation = source.operation(Some(&context.table.name), endpoint, Purpose::Read, None);
        let look = match call::get(source, url.clone(), headers, operation).await {
            Ok(look) => look,
            Err(kind) => return open(format!("the job that does it could not be looked at: {kind}")),
        };
        let said = Said { status: look.status.as_u16(), headers: &look.headers, body: &look.body };
        if !look.status.is_success() {
            let words = answer::message(said, &[]);
            return open(format!("the job that does it could not be looked at: {words}"));
        }
        let state = Part::of(said.body).and_then(|body| body.at(&job.state)).and_then(Part::text).unwrap_or_default();
        if job.done.contains(&state) {
            // The job was looked at and found done, whatever the status of looking says.
            return answer::of_batch(context, &batch.answer, asked, rows, Said { status: 200, ..said });
        }
        if job.failed.contains(&state) {
            let verdict = verdict::refused_for_rows(asked);
            let words = crate::server_message::extract(said.body).unwrap_or_default();
            let message = format!("the job ended as {state}: {words}");
            return all(rows, &RowOutcome::new(verdict, status, Some(message)));
        }
    }
    open(format!("the job that does it had not ended after {} looks", job.max_polls))
}

/// Where the job is looked at: below the base, or where the answer says. Layers below see to it that no other origin is
/// asked than the connection allows.
fn url_of(source: &Source, context: &Context<'_>, job: &Job, begun: &Received) -> Result<Url, String> {
    let unnamed = || "the answer does not name the job that does it".to_owned();
    let named = Part::of(&begun.body).and_then(|body| body.at(&job.at)).and_then(Part::text).ok_or_else(unnamed)?;
    let shown = |kind: crate::ErrorKind| format!("the job that does it cannot be asked for: {kind}");
    let Some(path) = &job.path else {
        let url = begun.url.join(&named).map_err(|error| format!("the answer names a job at no URL: {error}"))?;
        let is_web = matches!(url.scheme(), "http" | "https");
        return if is_web { Ok(url) } else { Err(format!("the answer names a job at a {}: url", url.scheme())) };
    };
    let what = || format!("the job of {}", context.kind.sql());
    let path = partition::filled_relative(path, context.code, what).map_err(shown)?;
    let path = template::fill(&path, &[("job", &named)]).map_err(shown)?;
    below(&source.base, &path, std::iter::empty()).map_err(shown)
}
