//! What was typed, kept in the state folder without its secrets.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use reedline::{FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery};
use tidegate::Session;

use crate::messages;

const CAPACITY: usize = 1_000;
const FILE_NAME: &str = "history";

/// Blanks secrets before anything is kept, in memory too. Each entry is written at once.
pub(crate) struct BlankedHistory(FileBackedHistory);

/// The history in this folder, or one that ends with the shell. A history that cannot be used is no reason not to
/// start.
pub(crate) fn open(folder: Option<&Path>) -> BlankedHistory {
    let in_file = folder.map(|folder| {
        let path = folder.join(FILE_NAME);
        private(&path)
            .map_err(|error| error.to_string())
            .and_then(|()| FileBackedHistory::with_file(CAPACITY, path).map_err(|error| error.to_string()))
    });
    match in_file {
        Some(Ok(history)) => BlankedHistory(history),
        Some(Err(error)) => {
            messages::warning(&format!("history is not kept: {error}"));
            BlankedHistory(FileBackedHistory::default())
        }
        None => BlankedHistory(FileBackedHistory::default()),
    }
}

/// Makes the file, for its owner alone.
fn private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)
}

/// The text without secrets. Statements are taken one by one, since what is secret depends on how one begins.
pub(crate) fn blanked(text: &str) -> String {
    match Session::split(text) {
        Ok(statements) if statements.len() > 1 => {
            let blanked: Vec<_> = statements.iter().map(|sql| tidegate::redact_sql(sql)).collect();
            format!("{};", blanked.join("; "))
        }
        _ => tidegate::redact_sql(text),
    }
}

impl History for BlankedHistory {
    fn save(&mut self, mut item: HistoryItem) -> Result<HistoryItem> {
        item.command_line = blanked(&item.command_line);
        let saved = self.0.save(item)?;
        // Kept in memory all the same; the next entry tries again.
        let _ = self.0.sync();
        Ok(saved)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.0.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}
