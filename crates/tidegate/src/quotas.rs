//! From quotas as they are written to those that the quota layer meters.

use std::sync::Arc;

use http::{HeaderName, StatusCode};
use tidegate_engine::ConnectionDef;
use tidegate_quota::{Limit, Quota, Unit, Window};
use tidegate_spec::manifest::{
    self, FigurePlace as Place, QuotaFigures, QuotaLimit, QuotaOperations, QuotaScope, QuotaTerms, QuotaUnit,
    QuotaWindow, ReportedForm, WindowStart,
};
use tidegate_spec::{Model, QUOTA_CHECK, Table};
use tidegate_transport::{FigurePlace, Figures, MeteredQuota, Operations, Per, TimeForm};

use crate::Result;
use crate::options::fail;

/// The quotas of a connection: those of its connector and its own. One of its own that has the name of a connector's
/// gives what it changes; the rest stays as the connector says.
///
/// # Errors
/// A quota that makes no sense, or is of tables that are known not to be there; two of the same name.
pub(crate) fn metered(
    def: &ConnectionDef,
    declared: &[manifest::Quota],
    model: Option<&Model>,
) -> Result<Vec<MeteredQuota>> {
    if let Some((_, twice)) =
        def.quotas.iter().enumerate().find(|(at, quota)| def.quotas[..*at].iter().any(|other| other.name == quota.name))
    {
        return Err(fail(def, format!("quota {} stands there twice", twice.name)));
    }
    // Those of a manifest were checked with it.
    for (quota, only) in def.quotas.iter().flat_map(|quota| quota.only.iter().flatten().map(move |only| (quota, only)))
    {
        if model.is_some_and(|model| !has(model, only)) {
            return Err(fail(def, format!("quota {}: only: there is no table or endpoint {only}", quota.name)));
        }
    }
    let own = |name: &str| def.quotas.iter().find(|quota| quota.name == name);
    let inherited = declared.iter().map(|base| own(&base.name).map_or_else(|| base.clone(), |own| own.or(base)));
    let added = def.quotas.iter().filter(|own| declared.iter().all(|base| base.name != own.name)).cloned();
    inherited.chain(added).map(|quota| typed(def, &quota)).collect()
}

/// Whether there is such a table (`issues`), endpoint (`issues.search`), or request for the quotas' figures.
fn has(model: &Model, only: &str) -> bool {
    let (table, endpoint) = only.split_once('.').map_or((only, None), |(table, endpoint)| (table, Some(endpoint)));
    let has_endpoint =
        |table: &Table| endpoint.is_none_or(|endpoint| table.endpoints.iter().any(|known| known.name == endpoint));
    (only == QUOTA_CHECK && model.quota_check.is_some())
        || model.tables.iter().any(|known| known.name == table && has_endpoint(known))
}

fn typed(def: &ConnectionDef, quota: &manifest::Quota) -> Result<MeteredQuota> {
    let wrong = |message: &str| fail(def, format!("quota {}: {message}", quota.name));
    let terms = quota.terms().map_err(|problems| {
        let said = |problem: &manifest::QuotaProblem| match problem.at.join(".") {
            at if at.is_empty() => problem.message.clone(),
            at => format!("{at}: {}", problem.message),
        };
        wrong(&problems.iter().map(said).collect::<Vec<_>>().join("; "))
    })?;
    // Names of headers were checked with the rest.
    of(&terms).ok_or_else(|| wrong("a header has a name that cannot be sent"))
}

fn of(terms: &QuotaTerms) -> Option<MeteredQuota> {
    let figures = figures(&terms.figures)?;
    let is_reported = figures.remaining.is_some() || figures.used.is_some() || figures.used_of_limit.is_some();
    let quota =
        Quota { name: terms.name.as_str().into(), unit: unit(terms.of), limit: limit(terms.limit), is_reported };
    Some(MeteredQuota {
        quota: Arc::new(quota),
        per: match terms.per {
            QuotaScope::Credential => Per::Credential,
            QuotaScope::Connection => Per::Connection,
            QuotaScope::Partition => Per::Partition,
        },
        only: terms.only.clone(),
        operations: match terms.operations {
            None => Operations::All,
            Some(QuotaOperations::Reads) => Operations::Reads,
            Some(QuotaOperations::Writes) => Operations::Writes,
        },
        each_endpoint: terms.each_endpoint,
        free: terms.free_statuses.iter().filter_map(|&status| StatusCode::from_u16(status).ok()).collect(),
        cost: terms.cost,
        figures,
    })
}

fn unit(unit: QuotaUnit) -> Unit {
    match unit {
        QuotaUnit::Calls => Unit::Calls,
        QuotaUnit::Points => Unit::Points,
        QuotaUnit::Errors => Unit::Errors,
        QuotaUnit::TokenRequests => Unit::TokenRequests,
    }
}

fn limit(limit: QuotaLimit) -> Limit {
    match limit {
        QuotaLimit::Window { limit, window } => Limit::Window { limit, window: self::window(window) },
        #[allow(clippy::cast_precision_loss, reason = "a bucket that holds more than 2^53 is none")]
        QuotaLimit::Bucket(bucket) => {
            Limit::Bucket { capacity: bucket.capacity as f64, per_second: bucket.per_second.per_second() }
        }
        QuotaLimit::Concurrent(limit) => Limit::Concurrent { limit },
    }
}

fn window(window: QuotaWindow) -> Window {
    match window {
        QuotaWindow::Length(length, WindowStart::Sliding) => Window::Sliding(length),
        QuotaWindow::Length(length, WindowStart::FirstCall) => Window::FirstCall(length),
        QuotaWindow::Length(length, WindowStart::Aligned) => Window::Aligned(length),
        QuotaWindow::Day(zone) => Window::Day(zone),
        QuotaWindow::Month(zone) => Window::Month(zone),
    }
}

/// `None` for a header that cannot be one.
fn figures(figures: &QuotaFigures) -> Option<Figures> {
    let place = |figure: &Option<Place>| figure.as_ref().map(place).map_or(Some(None), |place| place.map(Some));
    let reset = match &figures.reset {
        Some((at, form)) => Some((self::place(at)?, time_form(*form))),
        None => None,
    };
    Some(Figures {
        limit: place(&figures.limit)?,
        remaining: place(&figures.remaining)?,
        used: place(&figures.used)?,
        used_of_limit: place(&figures.used_of_limit)?,
        reset,
        cost: place(&figures.cost)?,
        per_second: place(&figures.per_second)?,
    })
}

fn place(place: &Place) -> Option<FigurePlace> {
    Some(match place {
        Place::Header(name) => FigurePlace::Header(HeaderName::try_from(name).ok()?),
        Place::Pair(name, pair) => FigurePlace::Pair(HeaderName::try_from(name).ok()?, pair.clone()),
        Place::Body(path) => FigurePlace::Body(path.clone()),
    })
}

fn time_form(form: ReportedForm) -> TimeForm {
    match form {
        ReportedForm::EpochS => TimeForm::EpochSeconds,
        ReportedForm::EpochMs => TimeForm::EpochMillis,
        ReportedForm::Seconds => TimeForm::Seconds,
        ReportedForm::Millis => TimeForm::Millis,
        ReportedForm::Iso8601 => TimeForm::Iso8601,
        ReportedForm::HttpDate => TimeForm::HttpDate,
    }
}
