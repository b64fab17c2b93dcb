//! The last part of the tour: what is left of the day's calls is spent on a clean-up of all administrations, and no call is
//! refused.

use std::time::Duration;

use tidegate::manifest::{Amount, Quota as Declared, QuotaScope, Reported, ReportedForm, WindowStart};
use tidegate::{ConnectionDef, ErrorKind};
use tidegate_sim::{Config, Dialect, Quota, ResetForm, Rule, Sim};

use super::script::{EVENING, TOMORROW};
use super::{Tour, show};
use crate::exit::Exit;
use crate::messages;
use crate::run::Failure;

const ADMINISTRATIONS: u32 = 10;
/// Relations of each administration; a quarter of them are to be changed.
const RELATIONS: u64 = 1_000;
const PAGE: usize = 250;
/// Calls a minute, which is two seconds here.
const MINUTELY: (u64, u64) = (40, 2);
/// Calls a day, which is longer than the tour.
const DAILY: (u64, u64) = (200, 3_600);

/// An API with administrations, and quotas for each.
pub(super) async fn api() -> std::io::Result<Sim> {
    let quota = |name: &str, prefix: &str, (limit, seconds): (u64, u64)| {
        let rule = Rule::FirstCall { limit, window: Duration::from_secs(seconds) };
        Quota::new(name, rule).told(Dialect::classic(prefix, ResetForm::EpochMs))
    };
    let quotas = vec![quota("daily", "X-RateLimit", DAILY), quota("minutely", "X-RateLimit-Minutely", MINUTELY)];
    let config = Config { divisions: ADMINISTRATIONS, rows: RELATIONS, page_size: PAGE, quotas, ..Config::default() };
    Sim::start(config).await
}

/// The connection to it, with its quotas as a configuration file would declare them.
pub(super) fn connection(sim: &Sim) -> ConnectionDef {
    let codes = (1..=ADMINISTRATIONS).map(|code| code.to_string()).collect::<Vec<_>>().join(",");
    let url = sim.url().as_str().replace("/1/", "/{partition}/");
    let mut def = ConnectionDef::odata("erp", &url).with("partitions", &codes).with("writes", "true");
    def.quotas = vec![declared("daily", "X-RateLimit", DAILY), declared("minutely", "X-RateLimit-Minutely", MINUTELY)];
    def
}

fn declared(name: &str, prefix: &str, (limit, seconds): (u64, u64)) -> Declared {
    let reported =
        |what: &str, form| Reported { header: Some(format!("{prefix}-{what}")), form, ..Reported::default() };
    Declared {
        name: name.to_owned(),
        per: Some(QuotaScope::Partition),
        window: Some(format!("{seconds}s")),
        starts: Some(WindowStart::FirstCall),
        limit: Some(Amount::Number(limit)),
        remaining: Some(reported("Remaining", None)),
        reset: Some(reported("Reset", Some(ReportedForm::EpochMs))),
        ..Declared::default()
    }
}

/// Shows it; stops at the first statement that fails otherwise than it should.
pub(super) async fn run(tour: &mut Tour, sim: &Sim) -> Exit {
    messages::tell(&format!(
        "\nThe end of the day. Another simulated API has {ADMINISTRATIONS} administrations with {RELATIONS} relations. Each may be called\n\
         {} times a day and {} times a minute; a minute is {} seconds here, so that you need not wait.",
        DAILY.0, MINUTELY.0, MINUTELY.1
    ));
    for step in EVENING {
        show(tour.next(), step.about, step.sql);
        let exit = tour.runner.script(step.sql).await;
        if exit != Exit::Done {
            return exit;
        }
    }
    let (about, sql) = (TOMORROW[0].about, TOMORROW[0].sql);
    show(tour.next(), about, sql);
    match tour.runner.statement(sql).await {
        // As asked: the program would end with exit code 3 here.
        Err(Failure::Engine(error)) if error.kind() == ErrorKind::MutationStopped => {
            messages::tell(&format!("\n{error}"));
        }
        Err(failure) => return tour.failed(failure),
        Ok(()) => {}
    }
    for step in &TOMORROW[1..] {
        show(tour.next(), step.about, step.sql);
        let exit = tour.runner.script(step.sql).await;
        if exit != Exit::Done {
            return exit;
        }
    }
    messages::tell(&format!(
        "\nThe API's own count: {} calls came, {} relations were changed, {} calls were refused.",
        sim.request_count(),
        sim.effect_count(),
        sim.refused_count()
    ));
    Exit::Done
}
