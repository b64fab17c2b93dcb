//! Statements that need no state themselves, and are kept with the next use of it.
//!
//! A query over no table is no reason to make a folder and to open a database. Until something else does, it waits here;
//! when nothing does, it ends with the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use crate::statements::{insert, update};
use crate::{Result, State, StatementEnd, StatementStart};

/// Most statements that wait; the next one has the state opened.
pub(crate) const MOST_HELD: usize = 100;

/// A statement that is kept with the next use of the state.
#[derive(Debug, Clone)]
pub struct HeldStatement {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
enum Held {
    Waits(Box<Waiting>),
    /// Under this number.
    Kept(u64),
}

#[derive(Debug)]
struct Waiting {
    start: StatementStart,
    end: Option<StatementEnd>,
}

impl State {
    /// Takes the beginning of a statement that asks nobody for anything. It is numbered when the state is used next,
    /// before what it is used for; if it is open already, now.
    ///
    /// # Errors
    /// When the folder is in use, or many statements wait already, and it cannot be used.
    pub fn hold_statement(&self, start: StatementStart) -> Result<HeldStatement> {
        let waiting = Box::new(Waiting { start, end: None });
        let statement = HeldStatement { held: Arc::new(Mutex::new(Held::Waits(waiting))) };
        let is_due = {
            let mut slot = self.lock();
            slot.held.push(statement.clone());
            slot.connection.is_some() || slot.held.len() > MOST_HELD
        };
        if is_due && let Err(error) = self.run("keep a statement", |_| Ok(())) {
            // It is not going to run.
            self.lock().held.retain(|other| !Arc::ptr_eq(&other.held, &statement.held));
            return Err(error);
        }
        Ok(statement)
    }

    /// Takes how such a statement ended.
    ///
    /// # Errors
    /// When it is kept already, and the folder cannot be used any more.
    pub fn end_held_statement(&self, statement: &HeldStatement, ended: StatementEnd) -> Result<()> {
        let id = match &mut *statement.lock() {
            Held::Waits(waiting) => {
                waiting.end.get_or_insert(ended);
                return Ok(());
            }
            Held::Kept(id) => *id,
        };
        self.end_statement(id, &ended)
    }
}

impl HeldStatement {
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Every change is one assignment, so a panic elsewhere leaves it whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps all that wait, or none.
pub(crate) fn keep(connection: &mut Connection, waiting: &mut Vec<HeldStatement>) -> rusqlite::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    // Locked until the end, so that nobody's end is lost between the two.
    let mut statements: Vec<_> = waiting.iter().map(HeldStatement::lock).collect();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut ids = Vec::with_capacity(statements.len());
    for statement in &statements {
        let Held::Waits(waiting) = &**statement else { continue };
        let id = insert(&transaction, &waiting.start)?;
        if let Some(end) = &waiting.end {
            update(&transaction, id, end)?;
        }
        ids.push(id);
    }
    transaction.commit()?;
    for (statement, id) in statements.iter_mut().zip(ids) {
        **statement = Held::Kept(id);
    }
    drop(statements);
    waiting.clear();
    Ok(())
}
