//! A scan of many pages whose token ends on the way: through the layers that the product has.

use tidegate_transport::{Auth, Collect, Credentials, Observe, Record, Recorder, Replay, Retry, RetryPolicy};

use super::*;

/// An API and its token endpoint. Each access token is taken for so many requests.
#[derive(Debug)]
struct Api {
    endpoint: Arc<Endpoint>,
    uses: usize,
    seen: Mutex<BTreeMap<String, usize>>,
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: Request) -> Result<Response> {
        if request.url.host_str() == Some("login.example") {
            return self.endpoint.send(request).await;
        }
        let token = request.headers["authorization"].to_str().unwrap().to_owned();
        let mut seen = self.seen.lock().unwrap();
        let used = seen.entry(token.clone()).or_default();
        *used += 1;
        let is_over = *used > self.uses;
        let body = if is_over { format!("{token} has ended") } else { format!("page {}", request.url.path()) };
        Ok(Response {
            status: if is_over { StatusCode::UNAUTHORIZED } else { StatusCode::OK },
            headers: HeaderMap::new(),
            url: request.url,
            body: Body::from(bytes::Bytes::from(body)),
        })
    }
}

fn retry(bottom: Arc<dyn Transport>, log: &Arc<RequestLog>, clock: &Arc<TestClock>) -> Retry {
    let observe = Observe::new(bottom, Arc::clone(log), clock.clone());
    let collect = Arc::new(Collect::new(Arc::new(observe)));
    let retry = Retry::new(collect, RetryPolicy::default(), clock.clone(), Arc::new(Jitter::seeded(1)));
    retry.renewing(url("https://api.example/").origin())
}

/// Reads nine pages: status and body of each.
async fn scan(stack: &Retry, statement: &Arc<Statement>) -> Vec<(u16, String)> {
    let mut pages = Vec::new();
    for page in 1..=9 {
        let request = Request {
            method: Method::GET,
            url: url(&format!("https://api.example/{page}")),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            operation: operation(statement),
        };
        let response = stack.send(request).await.unwrap();
        let body = response.body.collect(100).await.unwrap();
        pages.push((response.status.as_u16(), String::from_utf8(body.to_vec()).unwrap()));
    }
    pages
}

#[tokio::test]
async fn tokens_that_end_on_the_way_lose_nothing() {
    let setup = Setup::new(config(Grant::RefreshToken), []);
    let endpoint = Endpoint::new([pair(1), pair(2), pair(3)]);
    let api = Arc::new(Api { endpoint: endpoint.clone(), uses: 4, seen: Mutex::default() });
    let parts = OAuthParts { network: api.clone(), ..setup.parts.clone() };
    let credentials = Credentials::Token(token_source(setup.config.clone(), "crm", &parts).unwrap());
    let auth = Arc::new(Auth::new(api, url("https://api.example/").origin(), credentials.clone()));
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("recording");
    let record = Record::new(auth, Arc::new(Recorder::create(&file).unwrap())).blanking_all_of(&credentials);
    let stack = retry(Arc::new(record), &parts.requests, &setup.clock);

    let statement = Arc::new(Statement::with_retry_budget(1, 0));
    let expected: Vec<_> = (1..=9).map(|page| (200, format!("page /{page}"))).collect();
    assert_eq!(scan(&stack, &statement).await, expected);
    assert_eq!(endpoint.sent("refresh_token"), ["refresh-0", "refresh-1", "refresh-2"]);
    let log = parts.requests.snapshot();
    let count = |endpoint: &str, status: u16| {
        log.iter().filter(|record| *record.endpoint == *endpoint && record.status == Some(status)).count()
    };
    assert_eq!((count("list", 200), count("list", 401), count("token", 200)), (9, 2, 3));
    assert_eq!((statement.counts().calls, statement.counts().retries), (14, 2));

    let recorded = std::fs::read_to_string(&file).unwrap();
    for secret in ["access-", "refresh-", "login.example"] {
        assert!(!recorded.contains(secret), "{recorded}");
    }
    let replayed = retry(Arc::new(Replay::open(&file).unwrap()), &Arc::new(RequestLog::new(100)), &setup.clock);
    assert_eq!(scan(&replayed, &statement).await, expected, "a replay needs no token");
}
