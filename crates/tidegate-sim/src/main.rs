//! Runs a simulated API on 127.0.0.1 until Ctrl-C. The first line on stdout is its URL. What it was made to change is at
//! `/_effects` of its origin, and how many requests came at `/_requests`; neither is part of the API.

mod flags;
mod pages;
mod reads;
mod writes;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tidegate_sim::{
    Auth, Capability, Collation, Config, Fault, Match, NextLinks, ODataOptions, RandomFaults, RetryAfter, Shape, Sim,
    What,
};

use crate::flags::{QuotaFlags, number, pair};
use crate::pages::PageFlags;
use crate::reads::ReadFlags;
use crate::writes::WriteFlags;

/// A simulated SaaS API on 127.0.0.1, with deterministic data.
#[derive(Debug, Parser)]
#[command(name = "tidegate-sim", version)]
struct Args {
    /// Kind of API.
    #[arg(long, value_enum, default_value = "odata")]
    shape: ShapeArg,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Decides all values and random faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows of Accounts (other sets follow), of the plain list, of the library's books, or of the items.
    #[arg(long, default_value_t = 20_000)]
    rows: u64,
    /// Rows of one entity set: NAME=ROWS. Repeatable.
    #[arg(long = "size", value_parser = size)]
    sizes: Vec<(String, u64)>,
    /// Largest page; 0 means no limit.
    #[arg(long, default_value_t = 1_000)]
    page_size: usize,
    /// Least time of every answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Time added to it, at random from none to this.
    #[arg(long, default_value_t = 0)]
    jitter_ms: u64,
    /// Number of divisions, with roots /api/v1/1/ and up.
    #[arg(long, default_value_t = 0)]
    divisions: u32,
    #[command(flatten)]
    quotas: QuotaFlags,
    #[command(flatten)]
    reads: ReadFlags,
    #[command(flatten)]
    writes: WriteFlags,
    /// Demand HTTP Basic: USER:PASSWORD.
    #[arg(long, conflicts_with = "bearer")]
    basic: Option<String>,
    /// Demand this bearer token.
    #[arg(long)]
    bearer: Option<String>,
    /// Form of next links.
    #[arg(long, value_enum, default_value = "absolute")]
    next_links: NextLinksArg,
    /// Compare text without case and trailing blanks.
    #[arg(long)]
    case_insensitive: bool,
    /// Write Int64 and Decimal as JSON strings.
    #[arg(long)]
    numbers_as_strings: bool,
    /// What the service refuses to do. Repeatable.
    #[arg(long, value_enum)]
    refuse: Vec<CapabilityArg>,
    #[command(flatten)]
    pages: PageFlags,
    /// MATCH:WHAT[:times=N][:skip=N]. MATCH: any, request=N, every=N, path=TEXT, query=TEXT,
    /// writes, method=NAME.
    /// WHAT: status=CODE, status=CODE;retry-after=SECONDS, delay=MS, cut-before, cut-after, fail-after=CODE,
    /// cut-body=BYTES, empty, malformed, html, huge=BYTES, next-is-self, next-is-first,
    /// repeat-last, header=NAME=VALUE. Repeatable.
    #[arg(long = "fault", value_parser = fault)]
    faults: Vec<Fault>,
    /// Share of requests with a random 503, a connection cut before or after the effect, or a cut body: 0 to 1.
    #[arg(long)]
    fault_rate: Option<f64>,
    /// Random faults strike writes alone.
    #[arg(long)]
    fault_writes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShapeArg {
    /// OData 4.0.
    Odata,
    /// OData 2.0.
    OdataV2,
    /// Page numbers.
    Plain,
    /// A library: books, loans, members.
    Library,
    /// Things to change, in many ways.
    Rest,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NextLinksArg {
    Absolute,
    Relative,
    PathAbsolute,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CapabilityArg {
    Filter,
    Select,
    Orderby,
    Top,
    Skip,
    Count,
    Ne,
    Not,
    Or,
    In,
    Functions,
    Null,
}

fn size(text: &str) -> Result<(String, u64), String> {
    let (name, rows) = pair(text)?;
    Ok((name.to_owned(), number(rows)?))
}

fn fault(text: &str) -> Result<Fault, String> {
    let mut parts = text.split(':');
    let (Some(on), Some(what)) = (parts.next(), parts.next()) else {
        return Err(format!("'{text}' should be MATCH:WHAT"));
    };
    let on = match on.split_once('=') {
        None if on == "any" => Match::Any,
        None if on == "writes" => Match::Writes,
        Some(("method", name)) => Match::Method(name.to_owned()),
        Some(("request", n)) => Match::Request(number(n)?),
        Some(("every", n)) => Match::Every(number(n)?),
        Some(("path", t)) => Match::Path(t.to_owned()),
        Some(("query", t)) => Match::Query(t.to_owned()),
        _ => return Err(format!("unknown condition '{on}'")),
    };
    let mut fault = Fault::new(on, effect(what)?);
    for part in parts {
        fault = match pair(part)? {
            ("times", n) => fault.times(number(n)?),
            ("skip", n) => fault.skip(number(n)?),
            (name, _) => return Err(format!("unknown '{name}' in a fault")),
        };
    }
    Ok(fault)
}

fn effect(text: &str) -> Result<What, String> {
    let (text, wait) = text.split_once(";retry-after=").map_or((text, None), |(t, w)| (t, Some(w)));
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let retry_after = wait.map(number).transpose()?.map_or(RetryAfter::None, RetryAfter::Seconds);
    Ok(match name {
        "status" => What::Status { code: number(value)?, retry_after },
        "delay" => What::Delay(Duration::from_millis(number(value)?)),
        "cut-before" => What::CutBefore,
        "cut-after" => What::CutAfter,
        "fail-after" => What::FailAfter(number(value)?),
        "cut-body" => What::CutBody { after: number(value)?, declared: true },
        "empty" => What::EmptyBody,
        "malformed" => What::MalformedJson,
        "html" => What::Html,
        "huge" => What::HugeBody(number(value)?),
        "next-is-self" => What::NextIsSelf,
        "next-is-first" => What::NextIsFirst,
        "repeat-last" => What::RepeatLast,
        "header" => {
            let (name, value) = pair(value)?;
            What::Header { name: name.to_owned(), value: value.to_owned() }
        }
        _ => return Err(format!("unknown fault '{text}'")),
    })
}

fn capability(arg: CapabilityArg) -> Capability {
    match arg {
        CapabilityArg::Filter => Capability::Filter,
        CapabilityArg::Select => Capability::Select,
        CapabilityArg::Orderby => Capability::OrderBy,
        CapabilityArg::Top => Capability::Top,
        CapabilityArg::Skip => Capability::Skip,
        CapabilityArg::Count => Capability::Count,
        CapabilityArg::Ne => Capability::Ne,
        CapabilityArg::Not => Capability::Not,
        CapabilityArg::Or => Capability::Or,
        CapabilityArg::In => Capability::In,
        CapabilityArg::Functions => Capability::Functions,
        CapabilityArg::Null => Capability::Null,
    }
}

fn auth(args: &Args) -> Result<Auth, String> {
    Ok(match (&args.basic, &args.bearer) {
        (Some(login), _) => {
            let (user, password) = login.split_once(':').ok_or("--basic takes USER:PASSWORD")?;
            Auth::Basic { user: user.to_owned(), password: password.to_owned() }
        }
        (None, Some(token)) => Auth::Bearer(token.clone()),
        (None, None) => Auth::None,
    })
}

fn config(args: Args) -> Result<Config, String> {
    let kinds = vec![
        What::Status { code: 503, retry_after: RetryAfter::None },
        What::CutBefore,
        What::CutAfter,
        What::CutBody { after: 100, declared: true },
    ];
    Ok(Config {
        auth: auth(&args)?,
        shape: match args.shape {
            ShapeArg::Odata => Shape::ODataV4,
            ShapeArg::OdataV2 => Shape::ODataV2,
            ShapeArg::Plain => Shape::Plain,
            ShapeArg::Library => Shape::Library,
            ShapeArg::Rest => Shape::Rest,
        },
        port: args.port,
        seed: args.seed,
        rows: args.rows,
        sizes: args.sizes.into_iter().collect(),
        page_size: args.page_size,
        latency: Duration::from_millis(args.latency_ms),
        jitter: Duration::from_millis(args.jitter_ms),
        divisions: args.divisions,
        quotas: args.quotas.quotas(),
        cost: args.quotas.cost(),
        throttled: args.quotas.throttled(),
        quota_retry_after: args.quotas.quota_retry_after,
        others: args.quotas.others(),
        faults: args.faults,
        random_faults: args.fault_rate.map(|rate| RandomFaults { rate, kinds, only_writes: args.fault_writes }),
        unwanted: args.writes.unwanted(),
        rest: args.reads.rest(args.writes.rest()),
        caching: args.reads.caching(),
        odata: args.writes.odata(args.reads.odata(ODataOptions {
            next_links: match args.next_links {
                NextLinksArg::Absolute => NextLinks::Absolute,
                NextLinksArg::Relative => NextLinks::Relative,
                NextLinksArg::PathAbsolute => NextLinks::PathAbsolute,
            },
            collation: if args.case_insensitive { Collation::CaseInsensitive } else { Collation::Binary },
            numbers_as_strings: args.numbers_as_strings,
            refuse: args.refuse.into_iter().map(capability).collect(),
            ..ODataOptions::default()
        })),
        gzip: args.pages.gzip,
        plain: args.pages.plain(),
        ..Config::default()
    })
}

async fn run(args: Args) -> Result<(), String> {
    let sim = Sim::start(config(args)?).await.map_err(|e| format!("cannot serve: {e}"))?;
    let mut out = std::io::stdout();
    // Whoever started the program waits for this line, so it is flushed at once.
    writeln!(out, "{}", sim.url()).and_then(|()| out.flush()).map_err(|e| format!("stdout: {e}"))?;
    tokio::signal::ctrl_c().await.map_err(|e| format!("cannot wait for Ctrl-C: {e}"))?;
    sim.stop().await;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // If stderr is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "tidegate-sim: {message}");
            ExitCode::FAILURE
        }
    }
}
