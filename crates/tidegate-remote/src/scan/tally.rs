//! What scans learn of how many rows there are.
//!
//! It is told to who keeps it, and changes nothing of the scan.

use std::fmt::Debug;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::{Page, PageStream};
use crate::{ScanRequest, Source};

/// Takes what scans learn.
pub trait Tally: Send + Sync + Debug {
    /// Takes the number of rows that a request has, or what its pages told.
    fn take(&self, learnt: &Learnt<'_>);
}

/// How many rows match a request.
#[derive(Debug, Clone, Copy)]
pub struct Learnt<'a> {
    /// Connection, as named in SQL.
    pub connection: &'a Arc<str>,
    /// Partition, if the connection has any.
    pub partition: Option<&'a str>,
    /// What was asked for.
    pub request: &'a ScanRequest,
    /// The rows that match its filter.
    pub rows: u64,
    /// Whether all of them were read; otherwise the API has told the number.
    pub is_read: bool,
    /// Rows of the longest page that another one with rows followed, where the server cut the pages.
    pub full_page: Option<u64>,
    /// Rows of the longest page, where the server cut the pages.
    pub longest_page: Option<u64>,
}

/// Follows the pages of one scan.
struct Watch {
    tally: Arc<dyn Tally>,
    connection: Arc<str>,
    partition: Option<Arc<str>>,
    request: ScanRequest,
    rows: u64,
    total: Option<u64>,
    /// Rows of the last page.
    last: Option<u64>,
    full: Option<u64>,
    longest: Option<u64>,
    is_told: bool,
    has_failed: bool,
}

/// The same pages, of which the source's tally is told.
pub(super) fn watched(pages: PageStream, source: &Source, request: &ScanRequest) -> PageStream {
    // What was left out was not counted.
    let Some(tally) = source.tally.as_ref().filter(|_| request.skip == 0) else { return pages };
    let watch = Watch {
        tally: Arc::clone(tally),
        connection: Arc::clone(&source.connection),
        partition: source.partition.clone(),
        request: request.clone(),
        rows: 0,
        total: None,
        last: None,
        full: None,
        longest: None,
        is_told: false,
        has_failed: false,
    };
    stream::unfold((pages, watch), |(mut pages, mut watch)| async move {
        let page = pages.next().await;
        match &page {
            Some(Ok(page)) => watch.page(page),
            Some(Err(_)) => watch.has_failed = true,
            None if watch.has_failed => {}
            None => watch.tell(watch.rows, true),
        }
        page.map(|page| (page, (pages, watch)))
    })
    .boxed()
}

/// Tells of a number that the API was asked for.
pub(super) fn counted(source: &Source, request: &ScanRequest, rows: u64) {
    let Some(tally) = &source.tally else { return };
    tally.take(&Learnt {
        connection: &source.connection,
        partition: source.partition.as_deref(),
        request,
        rows,
        is_read: false,
        full_page: None,
        longest_page: None,
    });
}

impl Watch {
    fn page(&mut self, page: &Page) {
        let rows = page.batch.num_rows() as u64;
        self.rows = self.rows.saturating_add(rows);
        self.total = page.total.or(self.total);
        self.longest = self.longest.max(Some(rows));
        if rows > 0 {
            self.full = self.full.max(self.last);
        }
        self.last = Some(rows);
    }

    fn tell(&mut self, rows: u64, is_read: bool) {
        self.is_told = true;
        // Who wants few rows may have cut the pages.
        let is_cut = self.request.fetch.is_some();
        self.tally.take(&Learnt {
            connection: &self.connection,
            partition: self.partition.as_deref(),
            request: &self.request,
            rows,
            is_read,
            full_page: self.full.filter(|_| !is_cut),
            longest_page: self.longest.filter(|_| !is_cut),
        });
    }
}

impl Drop for Watch {
    /// A scan that was not read to its end, or that failed, knows what its pages told.
    fn drop(&mut self) {
        if let Some(total) = self.total.filter(|_| !self.is_told) {
            self.tell(total, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tidegate_spec::ODataVersion;

    use super::super::{count, scan};
    use super::*;
    use crate::test_support::{Reply, Script, request, table};

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Tally for Kept {
        fn take(&self, learnt: &Learnt<'_>) {
            let Learnt { connection, request, rows, is_read, full_page, longest_page, .. } = learnt;
            let table = &request.table.name;
            let text = format!("{connection}.{table} {rows} {is_read} {full_page:?} {longest_page:?}");
            self.0.lock().unwrap().push(text);
        }
    }

    /// Reads so many pages of these answers; what was told.
    async fn check(replies: Vec<Reply>, fetch: Option<u64>, pages: usize, expected: &[&str]) {
        let kept = Arc::<Kept>::default();
        let script = Script::replies(replies);
        let source = Source { tally: Some(Arc::clone(&kept) as _), ..script.source() };
        let request = ScanRequest { fetch, ..request(table(ODataVersion::V4)) };
        let _read: Vec<_> = scan(source, request).take(pages).collect().await;
        assert_eq!(*kept.0.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_scan_tells_what_it_has_read_or_was_told() {
        let next = || Some("Accounts?$skiptoken=x");
        let told =
            || Reply::new(200, r#"{"@odata.count":7,"value":[{"ID":1}],"@odata.nextLink":"Accounts?$skiptoken=x"}"#);
        let two = || vec![Reply::page([1, 2], next()), Reply::page([3], None)];
        check(two(), None, 9, &["crm.accounts 3 true Some(2) Some(2)"]).await;
        check(vec![Reply::page([1, 2, 3], None)], None, 9, &["crm.accounts 3 true None Some(3)"]).await;
        check(two(), None, 1, &[]).await;
        check(vec![told()], None, 1, &["crm.accounts 7 false None Some(1)"]).await;
        let without_rows = vec![Reply::page([1], next()), Reply::page([], None)];
        check(without_rows, None, 9, &["crm.accounts 1 true None Some(1)"]).await;
        check(vec![Reply::page([1], None)], Some(9), 9, &["crm.accounts 1 true None None"]).await;
        check(vec![told(), Reply::new(200, "no json")], None, 9, &["crm.accounts 7 false None Some(1)"]).await;
    }

    #[tokio::test]
    async fn a_count_tells_a_total() {
        let kept = Arc::<Kept>::default();
        let script = Script::replies([Reply::new(200, r#"{"@odata.count":7,"value":[]}"#)]);
        let source = Source { tally: Some(Arc::clone(&kept) as _), ..script.source() };
        count(source, request(table(ODataVersion::V4))).await.unwrap();
        assert_eq!(*kept.0.lock().unwrap(), ["crm.accounts 7 false None None"]);
    }
}
