//! Writes as a whole: composed requests, verdicts, answers, rows that are read back.

mod answers;
mod batches;
mod composing;
mod hostile;
mod planning;
mod reading;
mod sending;
mod values;
