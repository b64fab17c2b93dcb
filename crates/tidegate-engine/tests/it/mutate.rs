//! Mutations through sessions, against the simulated API: what was sent is compared with the server's own log.

mod bounds;
mod calls;
mod journal;
mod refused;
mod returning;
mod statements;
mod stopping;
mod support;
mod undo;
