//! The program's flags about writing.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tidegate_sim::{ETags, EffectKind, ODataOptions, RestOptions, Unwanted};

use crate::flags::pair;

/// How rows are written, and which writes are refused.
#[derive(Debug, Args)]
pub(crate) struct WriteFlags {
    /// Whether rows have ETags, and $metadata says so.
    #[arg(long, value_enum, default_value = "none")]
    etags: ETagsArg,
    /// Refuse changes without If-Match.
    #[arg(long)]
    needs_if_match: bool,
    /// SET.COLUMN that the service fills in. Repeatable.
    #[arg(long, value_name = "SET.COLUMN")]
    computed: Vec<String>,
    /// SET.COLUMN that only POST may give. Repeatable.
    #[arg(long, value_name = "SET.COLUMN")]
    immutable: Vec<String>,
    /// SET=WRITE that is not taken. WRITE: insert, update, delete. Repeatable.
    #[arg(long, value_name = "SET=WRITE", value_parser = forbidden)]
    forbid: Vec<(String, EffectKind)>,
    /// PATCH and PUT of a row that is not there make it.
    #[arg(long)]
    upserts: bool,
    /// Most requests, or rows, in a batch; 0 means that there is none.
    #[arg(long, default_value_t = 100)]
    batch_max: usize,
    /// TABLE.COLUMN=JSON: a value that is refused with 422. Repeatable.
    #[arg(long, value_name = "RULE", value_parser = unwanted)]
    unwanted: Vec<Unwanted>,
    /// Seconds for which an idempotency key is remembered.
    #[arg(long, default_value_t = 86_400)]
    key_lifetime: u64,
    /// Looks at a job that find it running.
    #[arg(long, default_value_t = 2)]
    job_looks: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ETagsArg {
    None,
    Undeclared,
    Declared,
}

impl WriteFlags {
    /// These options with what was said about writing.
    pub(crate) fn odata(&self, options: ODataOptions) -> ODataOptions {
        ODataOptions {
            etags: match self.etags {
                ETagsArg::None => ETags::None,
                ETagsArg::Undeclared => ETags::Undeclared,
                ETagsArg::Declared => ETags::Declared,
            },
            needs_if_match: self.needs_if_match,
            computed: self.computed.clone(),
            immutable: self.immutable.clone(),
            forbidden: self.forbid.clone(),
            upserts: self.upserts,
            batch_max: self.batch_max,
            ..options
        }
    }

    pub(crate) fn rest(&self) -> RestOptions {
        RestOptions {
            key_lifetime: Duration::from_secs(self.key_lifetime),
            batch_max: self.batch_max,
            job_looks: self.job_looks,
            ..RestOptions::default()
        }
    }

    pub(crate) fn unwanted(&self) -> Vec<Unwanted> {
        self.unwanted.clone()
    }
}

fn forbidden(text: &str) -> Result<(String, EffectKind), String> {
    let (set, write) = pair(text)?;
    let kinds = [EffectKind::Insert, EffectKind::Update, EffectKind::Delete];
    let kind = kinds.into_iter().find(|kind| kind.name() == write);
    Ok((set.to_owned(), kind.ok_or_else(|| format!("'{write}' should be insert, update or delete"))?))
}

fn unwanted(text: &str) -> Result<Unwanted, String> {
    let (place, json) = pair(text)?;
    let (table, column) = place.split_once('.').ok_or_else(|| format!("'{place}' should be TABLE.COLUMN"))?;
    let value = serde_json::from_str(json).map_err(|error| format!("'{json}' is no JSON: {error}"))?;
    Ok(Unwanted { table: table.to_owned(), column: column.to_owned(), value, status: 422 })
}
