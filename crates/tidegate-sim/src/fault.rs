//! Things that go wrong: by script, or at random from the seed.
//!
//! A script is a list of [`Fault`]s. Every fault whose condition matches a request strikes, in the
//! order of the list. Random faults are a function of the seed and the number of the request.

use std::time::Duration;

use crate::data::mix;

/// Which requests a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Every request.
    Any,
    /// The request with this number in the log (the first is 1).
    Request(u64),
    /// Every n-th request of the log: n, 2n, 3n …
    Every(u64),
    /// Requests whose path (percent-encoded) contains this.
    Path(String),
    /// Requests whose decoded query contains this.
    Query(String),
    /// Requests with this method, such as `PATCH`.
    Method(String),
    /// Requests with another method than GET.
    Writes,
    /// All of these at once.
    All(Vec<Match>),
}

/// `Retry-After` of a status fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryAfter {
    /// No header.
    #[default]
    None,
    /// A number of seconds; zero is possible.
    Seconds(u64),
    /// The same as an HTTP date, so many seconds from now.
    Date(u64),
}

/// Where a redirect leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectTo {
    /// The very same URL: a loop, if the fault strikes every time.
    Itself,
    /// The same resource under `/_moved/…` of the same origin; it is served there.
    Moved,
    /// The same path and query at another origin, such as `http://127.0.0.1:1234`.
    Origin(String),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// An error status before the effect.
    Status {
        /// Status code.
        code: u16,
        /// `Retry-After` header.
        retry_after: RetryAfter,
    },
    /// A redirect before the effect.
    Redirect {
        /// Status code: 301, 302, 303, 307 or 308.
        code: u16,
        /// Target.
        to: RedirectTo,
    },
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection closes before the effect; no answer.
    CutBefore,
    /// The connection closes after the effect; no answer.
    CutAfter,
    /// An error status after the effect.
    FailAfter(u16),
    /// The connection closes after this many bytes of the body.
    CutBody {
        /// Bytes sent.
        after: usize,
        /// Announce the full length in `Content-Length`; else the body is chunked and its last
        /// chunk is missing.
        declared: bool,
    },
    /// The body comes in pieces with pauses between them.
    SlowBody {
        /// Bytes per piece.
        piece: usize,
        /// Pause before each piece.
        pause: Duration,
    },
    /// The body is preceded by this many blanks, which JSON allows.
    HugeBody(u64),
    /// The body is empty, the status stays.
    EmptyBody,
    /// The body breaks off in its last bytes, with a matching `Content-Length`.
    MalformedJson,
    /// An HTML page with status 200.
    Html,
    /// The answer has this header, in place of others of the same name; an empty value takes them away.
    Header {
        /// Name of the header.
        name: String,
        /// Its value.
        value: String,
    },
    /// OData: the next link leads to the page itself.
    NextIsSelf,
    /// OData: the next link leads to the first page, so pages go round in a circle.
    NextIsFirst,
    /// OData: the last page is followed by itself, with ever new skip tokens.
    RepeatLast,
    /// OData: the next link leads to this other origin, such as `http://127.0.0.1:1234`.
    NextElsewhere(String),
    /// A cell gets another JSON value, such as a string in a number column.
    WrongValue {
        /// Row, counted from 0 over all pages.
        row: u64,
        /// Name of the column.
        column: String,
        /// The JSON text to send.
        json: String,
    },
}

/// One line of a fault script.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which requests.
    pub on: Match,
    /// What happens to them.
    pub what: What,
    /// Matching requests that are let through first.
    pub skip: u64,
    /// How many matching requests are struck; `None` means all.
    pub times: Option<u64>,
}

impl Fault {
    /// Strikes every matching request.
    pub fn new(on: Match, what: What) -> Self {
        Self { on, what, skip: 0, times: None }
    }

    /// An error status without `Retry-After`.
    pub fn status(on: Match, code: u16) -> Self {
        Self::new(on, What::Status { code, retry_after: RetryAfter::None })
    }

    /// A header of the answer.
    pub fn header(on: Match, name: &str, value: &str) -> Self {
        Self::new(on, What::Header { name: name.to_owned(), value: value.to_owned() })
    }

    /// Lets the first `n` matching requests through.
    #[must_use]
    pub fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Stops after `n` strikes.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }
}

/// Faults at random, the same ones for the same seed.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomFaults {
    /// Share of the requests that are struck, from 0 to 1.
    pub rate: f64,
    /// What may happen; each is as likely as the others.
    pub kinds: Vec<What>,
    /// Whether they strike writes alone.
    pub only_writes: bool,
}

/// The script with its counters.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Fault and number of requests that matched it so far.
    lines: Vec<(Fault, u64)>,
    /// Requests since the start: the clock of random faults.
    seen: u64,
}

impl Script {
    pub(crate) fn set(&mut self, faults: Vec<Fault>) {
        self.lines = faults.into_iter().map(|f| (f, 0)).collect();
    }

    /// What strikes this request.
    pub(crate) fn strike(
        &mut self,
        n: u64,
        method: &str,
        path: &str,
        query: &str,
        random: Option<&RandomFaults>,
        seed: u64,
    ) -> Vec<What> {
        let mut out = Vec::new();
        for (fault, matched) in &mut self.lines {
            if !matches(&fault.on, n, method, path, query) {
                continue;
            }
            *matched += 1;
            let rank = *matched - 1;
            if rank >= fault.skip && fault.times.is_none_or(|t| rank - fault.skip < t) {
                out.push(fault.what.clone());
            }
        }
        self.seen += 1;
        let may_strike = |random: &&RandomFaults| !random.kinds.is_empty() && (!random.only_writes || method != "GET");
        if let Some(random) = random.filter(may_strike) {
            let bits = mix(seed ^ mix(self.seen));
            // 53 bits make an exact fraction.
            if ((bits >> 11) as f64 / (1u64 << 53) as f64) < random.rate {
                out.push(random.kinds[(mix(bits) % random.kinds.len() as u64) as usize].clone());
            }
        }
        out
    }
}

fn matches(on: &Match, n: u64, method: &str, path: &str, query: &str) -> bool {
    match on {
        Match::Any => true,
        Match::Request(wanted) => n == *wanted,
        Match::Every(step) => *step > 0 && n.is_multiple_of(*step),
        Match::Path(part) => path.contains(part),
        Match::Query(part) => query.contains(part),
        Match::Method(wanted) => method == wanted,
        Match::Writes => method != "GET",
        Match::All(list) => list.iter().all(|m| matches(m, n, method, path, query)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(script: &mut Script, random: Option<&RandomFaults>, seed: u64) -> Vec<usize> {
        (1..=8).map(|n| script.strike(n, "GET", "/odata/Orders", "$top=1", random, seed).len()).collect()
    }

    #[test]
    fn scripts_count_matches() {
        let cases = [
            (Fault::status(Match::Request(3), 503), [0, 0, 1, 0, 0, 0, 0, 0]),
            (Fault::status(Match::Every(3), 503), [0, 0, 1, 0, 0, 1, 0, 0]),
            (Fault::status(Match::Path("Orders".into()), 503).skip(2).times(3), [0, 0, 1, 1, 1, 0, 0, 0]),
            (Fault::status(Match::Path("Accounts".into()), 503), [0; 8]),
            (
                Fault::status(Match::All(vec![Match::Query("$top".into()), Match::Every(4)]), 500),
                [0, 0, 0, 1, 0, 0, 0, 1],
            ),
        ];
        for (fault, want) in cases {
            let mut script = Script::default();
            script.set(vec![fault.clone()]);
            assert_eq!(strikes(&mut script, None, 1), want, "{fault:?}");
        }
    }

    #[test]
    fn random_faults_follow_the_seed() {
        let random = RandomFaults { rate: 0.5, kinds: vec![What::CutBefore, What::EmptyBody], only_writes: false };
        let run = |seed| strikes(&mut Script::default(), Some(&random), seed);
        assert_eq!(run(7), run(7));
        assert!((0..20).any(|seed| run(seed) != run(seed + 1)));
        assert!((0..20).any(|seed| run(seed).contains(&1) && run(seed).contains(&0)));
    }
}
