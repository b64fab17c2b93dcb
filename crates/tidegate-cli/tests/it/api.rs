//! Against a simulated API: results, calls, recording and replay, doctor, the tour.

use std::io::{BufRead, BufReader};

use tidegate_sim::{Auth, Config, Sim};
use tokio::runtime::Runtime;

use crate::program::Home;

/// A simulated API that runs beside the test.
pub(crate) struct Api {
    runtime: Runtime,
    pub(crate) sim: Sim,
}

impl Api {
    pub(crate) fn start(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sim = runtime.block_on(Sim::start(config)).unwrap();
        Self { runtime, sim }
    }

    pub(crate) fn config(&self, more: &str) -> String {
        format!("[connections.crm]\nconnector = \"odata\"\nurl = \"{}\"\n{more}", self.sim.url())
    }

    pub(crate) fn data_calls(&self) -> usize {
        self.sim.requests().iter().filter(|request| !request.path.ends_with("$metadata")).count()
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.sim.stop());
    }
}

pub(crate) fn small() -> Config {
    Config { rows: 250, page_size: 50, ..Config::default() }
}

#[test]
fn rows_come_from_the_api_and_a_recording_answers_in_its_place() {
    let api = Api::start(small());
    let home = Home::new();
    let config = home.write("c.toml", &api.config(""));
    let config = config.to_str().unwrap();
    let sql = "SELECT count(*) AS n, min(code) AS c FROM crm.accounts";
    let first = home.run(&["--config", config, "--state", "one", "--record", "tape", "-c", sql]);
    assert_eq!((first.code, first.out.as_str()), (0, "n,c\n250,                 1\n"), "{}", first.err);
    assert_eq!(api.data_calls(), 5);
    api.stop();

    let again = home.run(&["--config", config, "--state", "two", "--replay", "tape", "-c", sql]);
    assert_eq!((again.code, again.out), (0, first.out), "{}", again.err);
    let other =
        home.run(&["--config", config, "--state", "two", "--replay", "tape", "-c", "SELECT id FROM crm.products"]);
    assert_eq!(other.code, 1, "a request that was not recorded is not answered");
    assert!(other.err.contains("crm"), "{}", other.err);
}

#[test]
fn credentials_reach_the_api_and_nothing_else() {
    let api = Api::start(Config { auth: Auth::Bearer("s3cret".to_owned()), ..small() });
    let home = Home::new();
    home.write("c.toml", &api.config("token = { env = \"CRM_TOKEN\" }\n"));
    let mut command =
        home.command(&["--config", "c.toml", "--record", "tape", "-c", "SELECT id FROM crm.products LIMIT 1"]);
    let output = command.env("CRM_TOKEN", "s3cret").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let sql = format!(
        "CREATE CONNECTION c2 USING odata OPTIONS (url '{}', token 's3cret'); SELECT count(*) FROM c2.products;\n\
         SELECT sql FROM system.statements",
        api.sim.url()
    );
    let ran = home.run(&["-c", &sql]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("s3cret"), "{}", ran.out);
    assert_eq!(home.files_with("s3cret"), Vec::<std::path::PathBuf>::new());
    api.stop();
}

#[test]
fn a_reader_that_goes_stops_the_calls() {
    let api = Api::start(Config { rows: 100_000, page_size: 100, ..Config::default() });
    let home = Home::new();
    home.write("c.toml", &api.config(""));
    let mut child = home.command(&["--config", "c.toml", "-c", "SELECT * FROM crm.accounts"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert!(api.data_calls() < 1_000, "{} of 1,000 pages were asked for", api.data_calls());
    api.stop();
}

#[test]
fn doctor_shows_its_checks_and_fails_when_one_does() {
    let api = Api::start(Config { auth: Auth::Bearer("t0k3n".to_owned()), ..small() });
    let home = Home::new();
    home.write("right.toml", &api.config("token = \"t0k3n\"\n"));
    home.write("wrong.toml", &api.config("token = \"0th3r\"\n"));
    let well = home.run(&["--config", "right.toml", "doctor", "crm"]);
    assert_eq!(well.code, 0, "{}{}", well.out, well.err);
    assert!(well.out.starts_with("check,state,finding\nreach,ok,"), "{}", well.out);
    let ill = home.run(&["--config", "wrong.toml", "doctor", "crm"]);
    assert_eq!(ill.code, 1, "{}{}", ill.out, ill.err);
    assert!(ill.out.contains("login,failed,"), "{}", ill.out);
    assert!(!ill.out.contains("0th3r"), "{}", ill.out);
    api.stop();
}

#[test]
fn the_tour_runs_with_no_account_and_leaves_nothing() {
    let home = Home::new();
    let ran = home.run(&["demo"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for shown in ["CREATE CONNECTION crm", "5 rows · 1 call ·", "pushed=[", "residual=[", "FROM system.requests"] {
        assert!(ran.out.contains(shown), "{shown}:\n{}", ran.out);
    }
    assert_eq!(ran.err, "");
    assert_eq!(std::fs::read_dir(home.path("")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_statement() {
    let api = Api::start(Config { rows: 100_000, page_size: 100, ..Config::default() });
    let home = Home::new();
    home.write("c.toml", &api.config(""));
    let sql = "SELECT count(DISTINCT name) FROM crm.accounts";
    let child = home.command(&["--config", "c.toml", "-c", sql]).spawn().unwrap();
    while api.data_calls() < 5 {
        std::thread::yield_now();
    }
    let pressed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(pressed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(api.data_calls() < 1_000);
    api.stop();
}
