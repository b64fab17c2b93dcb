//! Access paths that SQL files cannot say: parameters, bounds that refuse, and the lists of one API that feed another.
//!
//! The others are `slt/access_paths_*.slt`.

mod bounds;
mod github;
mod parameters;

use std::path::Path;

use tidegate::{ConnectionDef, Engine, Session};
use tidegate_sim::Sim;

/// The manifest of this name among the fixtures.
fn fixture(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.yaml"));
    file.to_str().unwrap().to_owned()
}

/// A session with one connection, `erp`, to this simulator.
fn session(sim: &Sim, def: ConnectionDef) -> Session {
    let def = def.with("url", sim.url().as_str());
    Engine::builder().connection(def).jitter_seed(1).build().unwrap().session("test")
}

/// Requests for data since the last time.
fn calls(sim: &Sim) -> usize {
    let requests = sim.requests();
    sim.clear_requests();
    requests.iter().filter(|request| !request.path.ends_with("$metadata")).count()
}
