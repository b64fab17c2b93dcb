//! Settings of a session: `SET tidegate.x = …`.
//!
//! Only settings that do something are here: a name that is not known is an error, not a promise.

mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_mutation::OnError;
use tidegate_quota::Priority;
use tidegate_remote::BadValue;
use tidegate_transport::{Caching, OnExhausted, Spending};

pub(crate) use values::duration_text;
use values::{
    Word, boolean, concurrency, confirm, confirm_text, duration, keyword, number_or_none, on_error, on_error_text,
    reserve, reserve_text, word_of,
};

use crate::sql::Hint;
use crate::{Error, ErrorKind, Result};

/// Settings that a statement runs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether filters, order, limit, projection and counts are pushed to the API. Off, everything is computed
    /// locally over whole tables: for comparing.
    pub pushdown: bool,
    /// What a value that does not fit its column becomes.
    pub on_bad_value: BadValue,
    /// Refuse every mutation in this session, and COPY … TO. CREATE and DROP in `main` stay: that is memory.
    pub read_only: bool,
    /// Kept with every statement.
    pub label: Option<String>,
    /// How old an API's description of itself may be before the API is asked whether it still holds.
    pub metadata_max_age: Duration,
    /// Retries that one statement may spend, over all its requests.
    pub retry_budget: u64,
    /// What becomes of a SELECT when some partitions fail.
    pub partial_results: PartialResults,
    /// What a row of a mutation that fails means for the rest.
    pub on_mutation_error: OnError,
    /// Most writes of a mutation under way at once, in each partition.
    pub write_concurrency: usize,
    /// What a statement may spend of calls and quotas. Its label stays empty here: see `label`.
    pub spending: Spending,
    /// What a SELECT may use of earlier answers. Mutations use none.
    pub caching: Caching,
    /// Which statements an interactive program asks about before it runs them.
    pub confirm_calls: ConfirmCalls,
}

/// Predicted calls above which an interactive program asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmCalls {
    /// More than a tenth of what is left of a quota, or [`ConfirmCalls::UNKNOWN`] where that is not known.
    #[default]
    Auto,
    /// More than so many.
    Above(u64),
    /// It never asks.
    Off,
}

impl ConfirmCalls {
    /// Calls above which is asked where no quota is known.
    pub const UNKNOWN: u64 = 200;
}

/// What becomes of a SELECT when some partitions fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartialResults {
    /// It fails, and names them all.
    #[default]
    Fail,
    /// It goes on without them, with warnings.
    Warn,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pushdown: true,
            on_bad_value: BadValue::Fail,
            read_only: false,
            label: None,
            metadata_max_age: Duration::from_secs(600),
            retry_budget: 20,
            partial_results: PartialResults::default(),
            on_mutation_error: OnError::Continue(5),
            write_concurrency: 8,
            spending: Spending::default(),
            caching: Caching { is_on: true, memory: true, disk: true, once: true, ..Caching::OFF },
            confirm_calls: ConfirmCalls::default(),
        }
    }
}

impl Settings {
    /// These, but for what the hints of a statement say.
    ///
    /// # Errors
    /// A hint that there is not, and a value of another form.
    pub(crate) fn hinted(mut self, hints: &[Hint]) -> Result<Self> {
        for hint in hints {
            Setting::find_hint(&hint.name)?.set(&mut self, Some(&hint.value))?;
        }
        Ok(self)
    }
}

impl Settings {
    /// Those that differ from their defaults, by name.
    pub(crate) fn changed(&self) -> BTreeMap<String, String> {
        let defaults = Self::default();
        let changed = ALL.iter().filter(|setting| setting.get(self) != setting.get(&defaults));
        changed.filter_map(|setting| Some((setting.name.to_owned(), setting.get(self)?))).collect()
    }

    /// These, and for those that are at their defaults what a statement before had, as [`Settings::changed`] told it.
    /// A setting that there is no more means nothing.
    pub(crate) fn or_before(mut self, before: &BTreeMap<String, String>) -> Self {
        let own = self.changed();
        let settings = ALL.iter().filter(|setting| setting.is_hint && !own.contains_key(setting.name));
        for setting in settings {
            if let Some(value) = before.get(setting.name) {
                let mut with = self.clone();
                if setting.set(&mut with, Some(value)).is_ok() {
                    self = with;
                }
            }
        }
        self
    }
}

/// Prefix of every name here.
pub(crate) const PREFIX: &str = "tidegate.";

/// One setting: its name without the prefix, what it means, and how it is read and written.
pub(crate) struct Setting {
    /// Name without the prefix.
    pub(crate) name: &'static str,
    /// One line for `system.settings`.
    pub(crate) description: &'static str,
    /// Whether it may be given for one statement, as a hint.
    is_hint: bool,
    get: fn(&Settings) -> Option<String>,
    set: fn(&mut Settings, &str) -> Result<(), &'static str>,
}

const BAD_VALUES: &[Word<BadValue>] = &[("fail", BadValue::Fail), ("null", BadValue::Null)];
const EXHAUSTED: &[Word<OnExhausted>] =
    &[("wait", OnExhausted::Wait), ("stop", OnExhausted::Stop), ("fail", OnExhausted::Fail)];
const PARTIAL: &[Word<PartialResults>] = &[("fail", PartialResults::Fail), ("warn", PartialResults::Warn)];
const PRIORITIES: &[Word<Priority>] = &[("high", Priority::High), ("normal", Priority::Normal), ("low", Priority::Low)];

/// All settings, by name.
pub(crate) const ALL: &[Setting] = &[
    Setting {
        name: "confirm_calls",
        description: "the shell asks before a statement predicted to take more calls: a number, auto (a tenth of what is left of a quota, or 200), or off",
        is_hint: false,
        get: |settings| Some(confirm_text(settings.confirm_calls)),
        set: |settings, value| assign(&mut settings.confirm_calls, confirm(value)),
    },
    Setting {
        name: "http_cache",
        description: "whether answers of APIs are used again as far as their headers allow",
        is_hint: true,
        get: |settings| Some(settings.caching.is_on.to_string()),
        set: |settings, value| assign(&mut settings.caching.is_on, boolean(value)),
    },
    Setting {
        name: "http_disk_cache",
        description: "whether answers kept in the state folder are among them",
        is_hint: true,
        get: |settings| Some(settings.caching.disk.to_string()),
        set: |settings, value| assign(&mut settings.caching.disk, boolean(value)),
    },
    Setting {
        name: "http_memory_cache",
        description: "whether answers kept in memory are among them",
        is_hint: true,
        get: |settings| Some(settings.caching.memory.to_string()),
        set: |settings, value| assign(&mut settings.caching.memory, boolean(value)),
    },
    Setting {
        name: "label",
        description: "kept with every statement",
        is_hint: true,
        get: |settings| settings.label.clone(),
        set: |settings, value| {
            settings.label = Some(value.to_owned()).filter(|label| !label.is_empty());
            Ok(())
        },
    },
    Setting {
        name: "max_calls",
        description: "most HTTP attempts of one statement, retries included",
        is_hint: true,
        get: |settings| settings.spending.max_calls.map(|calls| calls.to_string()),
        set: |settings, value| assign(&mut settings.spending.max_calls, number_or_none(value)),
    },
    Setting {
        name: "max_staleness",
        description: "how old an answer may be that is used again although its headers do not say that it still holds",
        is_hint: true,
        get: |settings| Some(duration_text(settings.caching.max_staleness)),
        set: |settings, value| assign(&mut settings.caching.max_staleness, duration(value)),
    },
    Setting {
        name: "max_wait",
        description: "longest wait for a quota",
        is_hint: true,
        get: |settings| Some(duration_text(settings.spending.max_wait)),
        set: |settings, value| assign(&mut settings.spending.max_wait, duration(value)),
    },
    Setting {
        name: "metadata_max_age",
        description: "how old an API's description may be before the API is asked whether it still holds",
        is_hint: true,
        get: |settings| Some(duration_text(settings.metadata_max_age)),
        set: |settings, value| assign(&mut settings.metadata_max_age, duration(value)),
    },
    Setting {
        name: "on_bad_value",
        description: "what a value that does not fit its column becomes: fail or null",
        // The columns of the session's tables depend on it.
        is_hint: false,
        get: |settings| word_of(BAD_VALUES, settings.on_bad_value),
        set: |settings, value| assign(&mut settings.on_bad_value, keyword(BAD_VALUES, value).ok_or("'fail' or 'null'")),
    },
    Setting {
        name: "on_mutation_error",
        description: "stop at the first row that fails, or continue(n): until more than n rows have failed",
        is_hint: true,
        get: |settings| Some(on_error_text(settings.on_mutation_error)),
        set: |settings, value| assign(&mut settings.on_mutation_error, on_error(value)),
    },
    Setting {
        name: "on_quota_exhausted",
        description: "wait for a quota that has no room, at most max_wait; stop: a SELECT fails at once, a mutation waits as long and then ends, to be resumed; fail: both fail at once",
        is_hint: true,
        get: |settings| word_of(EXHAUSTED, settings.spending.on_exhausted),
        set: |settings, value| {
            assign(&mut settings.spending.on_exhausted, keyword(EXHAUSTED, value).ok_or("'wait', 'stop' or 'fail'"))
        },
    },
    Setting {
        name: "partial_results",
        description: "what becomes of a query when some partitions fail: fail, or warn and go on without them",
        is_hint: true,
        get: |settings| word_of(PARTIAL, settings.partial_results),
        set: |settings, value| assign(&mut settings.partial_results, keyword(PARTIAL, value).ok_or("'fail' or 'warn'")),
    },
    Setting {
        name: "priority",
        description: "who is served first when several wait for one quota: high, normal or low",
        is_hint: true,
        get: |settings| word_of(PRIORITIES, settings.spending.priority),
        set: |settings, value| {
            assign(&mut settings.spending.priority, keyword(PRIORITIES, value).ok_or("'high', 'normal' or 'low'"))
        },
    },
    Setting {
        name: "pushdown",
        description: "whether the API is asked to filter, sort, limit and count; off: all is computed here",
        is_hint: true,
        get: |settings| Some(settings.pushdown.to_string()),
        set: |settings, value| assign(&mut settings.pushdown, boolean(value)),
    },
    Setting {
        name: "quota_reserve",
        description: "what a statement leaves over of quotas, in each partition: 'daily=500, minutely=5'",
        is_hint: true,
        get: |settings| reserve_text(&settings.spending.reserve),
        set: |settings, value| assign(&mut settings.spending.reserve, reserve(value)),
    },
    Setting {
        name: "read_only",
        description: "refuse every statement that changes rows of a table or writes a file",
        is_hint: false,
        get: |settings| Some(settings.read_only.to_string()),
        set: |settings, value| assign(&mut settings.read_only, boolean(value)),
    },
    Setting {
        name: "retry_budget",
        description: "retries that one statement may spend, over all its requests",
        is_hint: true,
        get: |settings| Some(settings.retry_budget.to_string()),
        set: |settings, value| assign(&mut settings.retry_budget, value.parse().map_err(|_| "a number from 0")),
    },
    Setting {
        name: "stale_if_error",
        description: "how old an answer may be that stands in for a request that failed",
        is_hint: true,
        get: |settings| Some(duration_text(settings.caching.stale_if_error)),
        set: |settings, value| assign(&mut settings.caching.stale_if_error, duration(value)),
    },
    Setting {
        name: "write_concurrency",
        description: "most writes of a mutation under way at once, in each partition",
        is_hint: true,
        get: |settings| Some(settings.write_concurrency.to_string()),
        set: |settings, value| assign(&mut settings.write_concurrency, concurrency(value)),
    },
];

fn assign<T>(field: &mut T, value: Result<T, &'static str>) -> Result<(), &'static str> {
    *field = value?;
    Ok(())
}

impl Setting {
    /// The setting with this full name (`tidegate.label`).
    ///
    /// # Errors
    /// An unknown name, with the nearest one.
    pub(crate) fn find(name: &str) -> Result<&'static Self> {
        let short = name.strip_prefix(PREFIX).unwrap_or(name);
        if let Some(setting) = ALL.iter().find(|setting| setting.name == short) {
            return Ok(setting);
        }
        let hint = match crate::catalog::nearest(short, ALL.iter().map(|setting| setting.name)) {
            Some(nearest) => format!("did you mean {PREFIX}{nearest}?"),
            None => "SHOW ALL lists those that there are".to_owned(),
        };
        Err(Error::new(ErrorKind::Setting, format!("there is no setting {name}; {hint}")))
    }

    /// The value as text; `None` when it is not set.
    pub(crate) fn get(&self, settings: &Settings) -> Option<String> {
        (self.get)(settings)
    }

    /// Sets it; `None` for the default.
    ///
    /// # Errors
    /// A value of another form, with what is expected.
    pub(crate) fn set(&self, settings: &mut Settings, value: Option<&str>) -> Result<()> {
        let default = self.get(&Settings::default());
        let Some(value) = value.or(default.as_deref()) else {
            return (self.set)(settings, "").map_err(|expected| self.bad_value("", expected));
        };
        (self.set)(settings, value).map_err(|expected| self.bad_value(value, expected))
    }

    /// The setting that a hint of this name stands for.
    ///
    /// # Errors
    /// An unknown name, and a setting that holds for a whole session.
    pub(crate) fn find_hint(name: &str) -> Result<&'static Self> {
        let hints = || ALL.iter().filter(|setting| setting.is_hint).map(|setting| setting.name);
        match ALL.iter().find(|setting| setting.name == name) {
            Some(setting) if setting.is_hint => Ok(setting),
            Some(setting) => {
                let message =
                    format!("{name} holds for a session and is no hint; SET {PREFIX}{} sets it", setting.name);
                Err(Error::new(ErrorKind::Setting, message))
            }
            None => {
                let hint = match crate::catalog::nearest(name, hints()) {
                    Some(nearest) => format!("did you mean {nearest}?"),
                    None => format!("there are: {}", crate::error::listed(&hints().collect::<Vec<_>>())),
                };
                Err(Error::new(ErrorKind::Setting, format!("there is no hint {name}; {hint}")))
            }
        }
    }

    fn bad_value(&self, value: &str, expected: &str) -> Error {
        Error::new(ErrorKind::Setting, format!("{PREFIX}{} is {expected}, not '{value}'", self.name))
    }
}
