//! The programs that are measured: those in this one's own folder.

use std::path::PathBuf;

use crate::Result;

/// Where they are.
pub(crate) struct Programs {
    pub(crate) tidegate: PathBuf,
    pub(crate) sim: PathBuf,
    /// Measures the time to the first row from within a program that embeds the engine.
    pub(crate) first_row: PathBuf,
}

impl Programs {
    /// It is an error if one is missing.
    pub(crate) fn find() -> Result<Self> {
        let this = std::env::current_exe()?;
        let folder = this.parent().ok_or("this program has no folder")?;
        let found = Self {
            tidegate: folder.join("tidegate"),
            sim: folder.join("tidegate-sim"),
            first_row: folder.join("tidegate-first-row"),
        };
        for program in [&found.tidegate, &found.sim, &found.first_row] {
            if !program.is_file() {
                let name = program.file_name().unwrap_or_default().display();
                return Err(format!("{name} was not built: run `cargo xtask bench`, which builds it").into());
            }
        }
        Ok(found)
    }
}
