//! Makes the folder and opens the database in it.
//!
//! Opening is done under an exclusive lock on `state.lock`, since SQLite does not wait when two processes
//! switch one new database to WAL at once. The lock also keeps a second opener of this process away while the
//! new database file is held open here: closing any descriptor of a file drops the process's POSIX locks on it.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, ErrorKind};
use crate::permissions::FileId;
use crate::{filesystem, migrations, permissions};

/// A database of the state folder; SQLite keeps `-wal` and `-shm` beside it.
#[derive(Debug)]
pub(crate) struct Database {
    /// Its name in the folder.
    pub(crate) file: &'static str,
    /// What leads to its schema.
    pub(crate) steps: &'static [&'static str],
    /// What is lost with it; completes "it holds ".
    pub(crate) holds: &'static str,
    /// Whether what is deleted can be given back to the file system in small steps.
    pub(crate) can_shrink: bool,
}

/// Descriptions, history, trusted files and tokens.
pub(crate) const STATE: Database = Database {
    file: "state.db",
    steps: migrations::STATE,
    holds: "cached descriptions of APIs, the history of statements, the list of trusted files and the tokens of logins, \
            nothing else: log in again with tidegate login",
    can_shrink: false,
};

/// Entries that are changed often, by several processes: apart, so that a statement's beginning never waits for them.
pub(crate) const LEDGER: Database = Database {
    file: "ledger.db",
    steps: migrations::LEDGER,
    holds: "what was spent of quotas, nothing else: until the next windows open, quotas that servers do not tell of are \
            thought to be unspent",
    can_shrink: false,
};

/// Mutations, row by row: apart, since their commits wait for the disk.
pub(crate) const JOURNAL: Database = Database {
    file: "journal.db",
    steps: migrations::JOURNAL,
    holds: "the mutations that were begun, row by row, nothing else: none of them can be resumed or undone without it",
    can_shrink: true,
};

/// Answers of APIs: apart, since it is thrown away when anything is wrong with it.
pub(crate) const CACHE: Database = Database {
    file: "cache.db",
    steps: migrations::CACHE,
    holds: "answers of APIs that may be used again, nothing else: they are asked for anew",
    can_shrink: true,
};

/// Files that tell that a folder is ours.
const OURS: &[&str] = &[STATE.file, LEDGER.file, JOURNAL.file, CACHE.file];

/// A database's name in errors, and what is lost with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) file: &'a str,
    pub(crate) holds: &'static str,
}

const LOCK: &str = "state.lock";
pub(crate) const REMEDY: &str = "choose another folder with --state";

/// How long a statement waits for another process's write. Writes here take milliseconds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens this database of this folder, both of which are made if need be.
pub(crate) fn folder(folder: &Path, database: &Database) -> Result<Connection, Error> {
    let _opening = enter(folder)?;
    connect(&folder.join(database.file), database)
}

/// The same for a database that may be lost: one that cannot be used, since it is damaged, another program's or of another
/// version, is removed, and a new one is made. Tells then what was wrong with it.
pub(crate) fn disposable(folder: &Path, database: &Database) -> Result<(Connection, Option<Error>), Error> {
    let _opening = enter(folder)?;
    let path = folder.join(database.file);
    match connect(&path, database) {
        Err(error) if error.is_damage() => {
            permissions::remove_beside(&path)?;
            Ok((connect(&path, database)?, Some(error)))
        }
        connection => Ok((connection?, None)),
    }
}

/// Removes a database that may be lost, if it is still the file that was found damaged: another process may have made a
/// new one meanwhile. Who has it open goes on with a file without a name; SQLite leaves the new one's log alone then.
pub(crate) fn discard(folder: &Path, database: &Database, damaged: &FileId) -> Result<(), Error> {
    let _opening = enter(folder)?;
    let path = folder.join(database.file);
    if permissions::file_id(&path).as_ref() == Some(damaged) { permissions::remove_beside(&path) } else { Ok(()) }
}

/// Makes the folder, and keeps other openers of its databases away until the lock is dropped.
fn enter(folder: &Path) -> Result<File, Error> {
    make_folder(folder)?;
    filesystem::refuse_network(folder)?;
    lock(&folder.join(LOCK))
}

fn connect(path: &Path, database: &Database) -> Result<Connection, Error> {
    make_file(path)?;
    permissions::tighten_beside(path)?;
    let file = path.display().to_string();
    let named = Named { file: &file, holds: database.holds };
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|source| Error::sqlite("open a connection", named, source))?;
    configure(&connection, named, database)?;
    migrations::migrate(&mut connection, named, database.steps)?;
    Ok(connection)
}

/// Opens such a database that ends with the process; `name` stands in errors.
pub(crate) fn memory(name: &str, database: &Database) -> Result<Connection, Error> {
    let named = Named { file: name, holds: database.holds };
    let mut connection =
        Connection::open_in_memory().map_err(|source| Error::sqlite("open a connection", named, source))?;
    migrations::migrate(&mut connection, named, database.steps)?;
    Ok(connection)
}

/// `PRAGMA synchronous`. With WAL this keeps the database whole through a power cut; what may be lost is the last
/// commits, and almost everything here is a cache, a history or a question that is asked again. Tokens are not:
/// [`State::write_durably`](crate::State) writes them with `FULL`, and so is the whole journal written.
pub(crate) const SYNCHRONOUS: &str = "NORMAL";

/// WAL lets readers go on while another process writes.
fn configure(connection: &Connection, named: Named<'_>, database: &Database) -> Result<(), Error> {
    let failed = |source| Error::sqlite("set the journal mode", named, source);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let pages = || connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)).map_err(failed);
    if database.can_shrink && pages()? == 0 {
        // Before the journal mode, which writes the first page: afterwards it has no effect.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Error::new(
            ErrorKind::Folder,
            format!(
                "the file system of '{}' cannot share memory between processes (journal mode is '{mode}'); {REMEDY}",
                named.file
            ),
        ));
    }
    connection.pragma_update(None, "synchronous", SYNCHRONOUS).map_err(failed)
}

/// Makes a folder in this state folder, which is made if need be.
pub(crate) fn folder_within(folder: &Path, name: &str) -> Result<(), Error> {
    let path = folder.join(name);
    if path.is_dir() {
        return Ok(());
    }
    make_folder(folder)?;
    filesystem::refuse_network(folder)?;
    permissions::create_folder(&path).map_err(|source| Error::io("make the folder", &path, REMEDY, source))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => permissions::tighten_folder(folder, &found, OURS),
        Ok(_) => Err(Error::new(
            ErrorKind::Folder,
            format!("the state folder '{}' is a file; move it away, or {REMEDY}", folder.display()),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => permissions::create_folder(folder)
            .map_err(|source| Error::io("make the state folder", folder, REMEDY, source)),
        Err(source) => Err(Error::io("use the state folder", folder, REMEDY, source)),
    }
}

pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::io("lock", path, REMEDY, source);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = permissions::private(&mut options).open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Makes the database file before SQLite does, which would leave its mode to the umask. SQLite gives `-wal` and
/// `-shm` the mode of the database. An existing file is not opened here, see the module's page.
fn make_file(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    match permissions::private(&mut options).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::io("make the state database", path, REMEDY, source)),
    }
}
