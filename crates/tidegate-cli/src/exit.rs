//! What the program's exit code says.

use std::process::ExitCode;

/// How the program ends. `--help` lists the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done,
    /// An error; standard error says which.
    Failed,
    /// A mutation was stopped early, by a bound or a quota as asked: what was done is valid, and can be gone on with.
    Stopped,
    /// Stopped by Ctrl-C: 128 + SIGINT, as shells report it.
    Interrupted,
}

impl Exit {
    /// Wrong usage is 2 and clap's own: it never gets here.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Stopped => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
