//! `tidegate login NAME`: opens a browser, waits for the person in front of it, and says how it went.

use std::process::{Command, Stdio};
use std::time::SystemTime;

use tidegate::Error;
use tidegate::oauth::Login;
use url::Url;

use crate::args::Options;
use crate::exit::Exit;
use crate::{messages, open};

/// Logs the connection in. With `no_open` the URL is shown and nothing is opened.
pub(crate) async fn run(options: &Options, connection: &str, no_open: bool) -> Exit {
    match log_in(options, connection, no_open).await {
        Ok(login) => {
            messages::say(&done(connection, &login, SystemTime::now()));
            Exit::Done
        }
        Err(error) => {
            messages::failure(&messages::describe(&error));
            Exit::Failed
        }
    }
}

async fn log_in(options: &Options, connection: &str, no_open: bool) -> Result<Login, Error> {
    let engine = open::configured(options)?;
    engine
        .login(connection, |url| {
            messages::say(&format!("open this in a browser of this machine, and log in:\n  {url}"));
            if !no_open {
                browse(url);
            }
        })
        .await
}

/// Opens the browser. The URL is on the screen, so that it does not matter if there is none.
fn browse(url: &Url) {
    let (program, arguments) = browser(std::env::consts::OS);
    // No shell: the URL is the server's business, and must not be read as anything else.
    let mut command = Command::new(program);
    command.args(arguments).arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(command.spawn());
}

/// What opens a URL on this system.
fn browser(system: &str) -> (&'static str, &'static [&'static str]) {
    match system {
        "macos" => ("open", &[]),
        "windows" => ("rundll32", &["url.dll,FileProtocolHandler"]),
        _ => ("xdg-open", &[]),
    }
}

fn done(connection: &str, login: &Login, now: SystemTime) -> String {
    let lasts = match (login.renews, login.expires_at.and_then(|end| end.duration_since(now).ok())) {
        (true, _) => "its token is renewed by itself".to_owned(),
        (false, Some(left)) => {
            let minutes = left.as_secs().div_ceil(60);
            format!("it ends in {minutes} min, since the server gave no refresh token: does the scope ask for one?")
        }
        (false, None) => "how long that lasts the server does not tell".to_owned(),
    };
    format!("connection {connection} is logged in; {lasts}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_system_has_its_way_to_open_a_url() {
        for (system, program) in
            [("linux", "xdg-open"), ("freebsd", "xdg-open"), ("macos", "open"), ("windows", "rundll32")]
        {
            assert_eq!(browser(system).0, program);
        }
    }

    #[test]
    fn how_long_it_lasts_is_said() {
        let now = SystemTime::UNIX_EPOCH;
        let end = Some(now + Duration::from_secs(3541));
        for (renews, expires_at, words) in
            [(true, end, "renewed by itself"), (false, end, "ends in 60 min"), (false, None, "does not tell")]
        {
            let text = done("crm", &Login { expires_at, renews }, now);
            assert!(text.contains(words) && text.contains("crm"), "{text}");
        }
    }
}
