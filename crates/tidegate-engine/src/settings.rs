//! Settings of a session: `SET tidegate.x = …`.
//!
//! Only settings that do something are here: a name that is not known is an error, not a promise.

use std::time::Duration;

use tidegate_remote::BadValue;
use tidegate_transport::Spending;

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
    /// What a statement may spend of calls and quotas. Its label stays empty here: see `label`.
    pub spending: Spending,
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
            spending: Spending::default(),
        }
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
    get: fn(&Settings) -> Option<String>,
    set: fn(&mut Settings, &str) -> Result<(), &'static str>,
}

/// All settings, by name.
pub(crate) const ALL: &[Setting] = &[
    Setting {
        name: "label",
        description: "kept with every statement",
        get: |settings| settings.label.clone(),
        set: |settings, value| {
            settings.label = Some(value.to_owned()).filter(|label| !label.is_empty());
            Ok(())
        },
    },
    Setting {
        name: "metadata_max_age",
        description: "how old an API's description may be before the API is asked whether it still holds",
        get: |settings| Some(duration_text(settings.metadata_max_age)),
        set: |settings, value| assign(&mut settings.metadata_max_age, duration(value)),
    },
    Setting {
        name: "on_bad_value",
        description: "what a value that does not fit its column becomes: fail or null",
        get: |settings| {
            let text = match settings.on_bad_value {
                BadValue::Fail => "fail",
                BadValue::Null => "null",
            };
            Some(text.to_owned())
        },
        set: |settings, value| {
            settings.on_bad_value = match value.to_lowercase().as_str() {
                "fail" => BadValue::Fail,
                "null" => BadValue::Null,
                _ => return Err("'fail' or 'null'"),
            };
            Ok(())
        },
    },
    Setting {
        name: "pushdown",
        description: "whether the API is asked to filter, sort, limit and count; off: all is computed here",
        get: |settings| Some(settings.pushdown.to_string()),
        set: |settings, value| assign(&mut settings.pushdown, boolean(value)),
    },
    Setting {
        name: "read_only",
        description: "refuse every statement that changes rows of a table or writes a file",
        get: |settings| Some(settings.read_only.to_string()),
        set: |settings, value| assign(&mut settings.read_only, boolean(value)),
    },
    Setting {
        name: "retry_budget",
        description: "retries that one statement may spend, over all its requests",
        get: |settings| Some(settings.retry_budget.to_string()),
        set: |settings, value| assign(&mut settings.retry_budget, value.parse().map_err(|_| "a number from 0")),
    },
];

fn assign<T>(field: &mut T, value: Result<T, &'static str>) -> Result<(), &'static str> {
    *field = value?;
    Ok(())
}

fn boolean(value: &str) -> Result<bool, &'static str> {
    match value.to_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("true or false"),
    }
}

fn duration(value: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "a duration such as '90s', '10m' or '2h'";
    let value = value.trim();
    let split = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..split].parse().map_err(|_| EXPECTED)?;
    let seconds = match value[split..].trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(EXPECTED),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(EXPECTED)
}

fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
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

    fn bad_value(&self, value: &str, expected: &str) -> Error {
        Error::new(ErrorKind::Setting, format!("{PREFIX}{} is {expected}, not '{value}'", self.name))
    }
}
