//! The program's flags about reading: how answers may be kept, and what the service groups.

use clap::{Args, ValueEnum};
use tidegate_sim::{Apply, Caching, ODataOptions, RestOptions};

/// Validators, freshness, groups and lists.
#[derive(Debug, Args)]
pub(crate) struct ReadFlags {
    /// Answers to GET have an ETag of their body, and If-None-Match is obeyed.
    #[arg(long)]
    body_etags: bool,
    /// Answers to GET have Last-Modified, and If-Modified-Since is obeyed.
    #[arg(long)]
    last_modified: bool,
    /// Cache-Control of answers to GET, such as `private, max-age=60`.
    #[arg(long)]
    cache_control: Option<String>,
    /// Answers with 304 take nothing out of the quotas.
    #[arg(long)]
    free_304: bool,
    /// Whether there is $apply, and $metadata says so.
    #[arg(long, value_enum, default_value = "none")]
    apply: ApplyArg,
    /// Most values in a list of `in`; 0 means no limit.
    #[arg(long, default_value_t = 0)]
    in_max: usize,
    /// Things are equal in any case: texts of the rest shape.
    #[arg(long)]
    folds_case: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ApplyArg {
    None,
    Undeclared,
    Declared,
}

impl ReadFlags {
    pub(crate) fn caching(&self) -> Caching {
        Caching {
            etag: self.body_etags,
            last_modified: self.last_modified,
            control: self.cache_control.clone(),
            free_304: self.free_304,
        }
    }

    /// These options with what was said about reading.
    pub(crate) fn odata(&self, options: ODataOptions) -> ODataOptions {
        let apply = match self.apply {
            ApplyArg::None => Apply::None,
            ApplyArg::Undeclared => Apply::Undeclared,
            ApplyArg::Declared => Apply::Declared,
        };
        ODataOptions { apply, in_max: self.in_max, ..options }
    }

    /// The same for the rest shape.
    pub(crate) fn rest(&self, options: RestOptions) -> RestOptions {
        RestOptions { folds_case: self.folds_case, ..options }
    }
}
