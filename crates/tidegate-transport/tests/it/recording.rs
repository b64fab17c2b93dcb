//! Record, then replay: the same answers, without the network, and without secrets in the file.

use std::path::Path;
use std::sync::Arc;

use tidegate_transport::{Credentials, Error, ErrorKind, Record, Recorder, Replay, Secret, Statement, StatementCounts};
use url::Url;

use crate::server::{Received, Reply, Server, ok, reply};
use crate::stack::{Options, Stack};

/// What a run of statements shows to those above the transport.
type Shown = (Vec<Result<(u16, String), String>>, StatementCounts);

async fn run(stack: &Stack, urls: &[Url]) -> Shown {
    let mut answers = Vec::new();
    for url in urls {
        answers.push(stack.get(url.clone()).await.map_err(|error| error.to_string()));
    }
    let counts = StatementCounts { waited: Default::default(), ..stack.statement.counts() };
    (answers, counts)
}

/// Misbehaves now and then, and repeats the credential it was sent.
fn moody(number: usize, request: &Received) -> Reply {
    match number {
        1 => Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"value\"".to_vec()),
        2 => Reply::Close(Vec::new()),
        4 => reply(302, &[("location", "/moved?token=loc-s3cret&page=3"), ("set-cookie", "sid=cookie-s3cret")], b""),
        6 => reply(500, &[], request.header("authorization").unwrap_or_default().as_bytes()),
        7 => reply(200, &[("x-echo", request.header("authorization").unwrap_or_default())], "ü\n\"".as_bytes()),
        _ => ok(&format!("{number}")),
    }
}

fn replayed(path: &Path, own: &Url) -> Stack {
    Stack::over(Arc::new(Replay::open(path).unwrap()), own, Vec::new(), Statement::new(1))
}

#[tokio::test]
async fn a_replay_shows_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let server = Server::start(moody).await;
    let urls =
        ["/a?api_key=url-s3cret", "/b", "/a?api_key=url-s3cret", "/c", "/d", "/e", "/b"].map(|path| server.at(path));

    let options = Options {
        credentials: Credentials::Basic { user: "me".into(), password: Secret::new("pass-s3cret") },
        recording: Some(Arc::new(Recorder::create(&path).unwrap())),
        ..Options::default()
    };
    let recorded = run(&Stack::with(&server.url, options), &urls).await;
    let calls = server.seen().len();
    let (url, text) = (server.url.clone(), std::fs::read_to_string(&path).unwrap());
    drop(server);

    let again = run(&replayed(&path, &url), &urls).await;
    assert_eq!(again, recorded);
    assert!(
        again.0.contains(&Ok((500, "Basic ***".into()))),
        "an answer that repeats the credential is blanked: {again:?}"
    );

    for secret in ["s3cret", "bWU6"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(text.lines().count(), 1 + calls);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let server = Server::script(vec![reply(200, &[], &[0, 159, 146, 150])]).await;
    let recording = Some(Arc::new(Recorder::create(&path).unwrap()));
    let stack = Stack::with(&server.url, Options { recording, ..Options::default() });
    stack.send(stack.request(server.url.clone())).await.unwrap();
    let stack = replayed(&path, &server.url);
    let response = stack.send(stack.request(server.url.clone())).await.unwrap();
    assert_eq!(response.body.collect(10).await.unwrap()[..], [0, 159, 146, 150]);
}

#[tokio::test]
async fn what_was_not_recorded_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let server = Server::start(|_, _| ok("{}")).await;
    let recording = Some(Arc::new(Recorder::create(&path).unwrap()));
    let stack = Stack::with(&server.url, Options { recording, ..Options::default() });
    stack.get(server.at("/a")).await.unwrap();
    let stack = replayed(&path, &server.url);
    stack.get(server.at("/a")).await.unwrap();
    for (path, words) in [("/a", "has this request once"), ("/b?token=s3cret", "has no such request")] {
        let error = stack.get(server.at(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRecorded);
        let text = error.to_string();
        assert!(text.starts_with(&format!("GET {}{}", server.url, &path[1..2])) && text.contains(words), "{text}");
        assert!(!text.contains("s3cret"));
    }
    assert_eq!(server.seen().len(), 1);
}

fn create_error(path: impl AsRef<Path>) -> Error {
    let error = Recorder::create(path.as_ref()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    error
}

#[test]
fn nothing_else_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thesis.txt");
    std::fs::write(&path, "years of work").unwrap();
    assert!(create_error(&path).to_string().contains("exists and is no recording"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "years of work");
    let error = create_error(folder.path().join("nowhere").join("run.jsonl")).to_string();
    assert!(error.contains("check that its folder exists"), "{error}");

    let path = folder.path().join("run.jsonl");
    Recorder::create(&path).unwrap();
    Recorder::create(&path).unwrap();
}

#[test]
fn damaged_recordings_are_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    for (text, words) in [
        ("", "is no recording"),
        ("{\"tidegate_recording\":99}\n", "is no recording that this version can read"),
        ("{\"tidegate_recording\":1}\n{\"method\":\"GET\"", "line 2 of the recording"),
        ("{\"tidegate_recording\":1}\n{\"method\":\"GET\",\"url\":\"http://a/\"}", "neither a status nor a failure"),
        ("{\"tidegate_recording\":1}\n{\"method\":\"GET\",\"url\":\"http://a/\",\"status\":7}", "its status is none"),
        (
            "{\"tidegate_recording\":1}\n{\"method\":\"GET\",\"url\":\"http://a/\",\"status\":200,\"body\":{\"base64\":\"?\"}}",
            "not base64",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Replay::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(Replay::open(folder.path().join("none")).unwrap_err().kind(), ErrorKind::File);
}

/// `/dev/full` refuses every write, as a full disk does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_said_and_no_call_is_spent_on_it() {
    let error = create_error("/dev/full").to_string();
    assert!(error.contains("cannot write to the recording /dev/full") && error.contains("make room"), "{error}");
}

#[tokio::test]
async fn record_create_is_the_short_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let replay = Arc::new(
        Replay::open({
            Recorder::create(&path).unwrap();
            &path
        })
        .unwrap(),
    );
    let own = Url::parse("http://a.example/").unwrap();
    let record = Record::create(replay, &path).unwrap();
    let stack = Stack::over(Arc::new(record), &own, Vec::new(), Statement::new(1));
    assert_eq!(stack.get(own).await.unwrap_err().kind(), ErrorKind::NotRecorded);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"kind\":\"not_recorded\""), "{text}");
}
