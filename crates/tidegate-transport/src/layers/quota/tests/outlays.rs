//! Which quotas an operation comes out of, and where they count.

use tidegate_quota::Priority;

use super::*;
use crate::{Spending, Statement};

/// Names of the quotas by scope, in the order of the scopes.
fn counted(quotas: &[MeteredQuota], operation: &Operation) -> String {
    let metering = metering(quotas.to_vec(), Vec::new());
    let outlay = Outlay::new(&metering, operation);
    let names = |quotas: &[Arc<Quota>]| quotas.iter().map(|quota| quota.name.to_string()).collect::<Vec<_>>().join("+");
    let scopes = outlay.call.scopes.iter().map(|scope| {
        let paced = if scope.is_paced { "*" } else { "" };
        format!("{}{paced}={}", scope.key, names(&scope.quotas))
    });
    scopes.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_call_comes_out_of_what_it_is_for() {
    let plain = |name: &str| quota(name, 60, &[]);
    let only = |name: &str, only: &[&str]| MeteredQuota {
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        ..plain(name)
    };
    let quotas = [
        plain("all"),
        per(Per::Connection, plain("mine")),
        per(Per::Partition, plain("part")),
        MeteredQuota { operations: Operations::Reads, ..plain("reads") },
        MeteredQuota { operations: Operations::Writes, ..plain("writes") },
        only("table", &["accounts"]),
        only("endpoint", &["x", "accounts.Accounts"]),
        only("others", &["account", "accounts.Other", "accountsx"]),
        MeteredQuota { each_endpoint: true, ..plain("each") },
        of(Unit::TokenRequests, Limit::Concurrent { limit: 1 }, plain("tokens")),
    ];
    let named = |partition, purpose| operation(partition, purpose);
    let tableless = |purpose| Operation { table: None, endpoint: "$metadata".into(), ..operation(None, purpose) };
    for (operation, scopes) in [
        (
            named(None, Purpose::Read),
            "key*=all+reads+table+endpoint+each@accounts.Accounts key|connection:crm=mine+part",
        ),
        (
            named(Some("7"), Purpose::Write),
            "key=all+writes+table+endpoint+each@accounts.Accounts key|connection:crm=mine key|partition:7*=part",
        ),
        (tableless(Purpose::Metadata), "key*=all+reads+each@$metadata key|connection:crm=mine+part"),
        (tableless(Purpose::Token), "key=tokens key|connection:crm= key|tokens="),
    ] {
        assert_eq!(counted(&quotas, &operation), scopes);
    }
}

#[test]
fn a_call_costs_what_it_is_expected_to_and_is_booked_on_who_asked() {
    let points = |cost: u64| {
        let bucket = Limit::Bucket { capacity: 100.0, per_second: 1.0 };
        MeteredQuota { cost, ..of(Unit::Points, bucket, quota("points", 60, &[])) }
    };
    for (quotas, cost) in [(vec![], 1), (vec![points(5), points(40)], 40), (vec![quota("calls", 60, &[])], 1)] {
        let metering = metering(quotas, Vec::new());
        assert_eq!(Outlay::new(&metering, &operation(None, Purpose::Read)).call.points, cost);
    }
    let spending = Spending {
        reserve: Arc::new([("daily".to_owned(), 500)]),
        priority: Priority::High,
        label: Some("nightly".into()),
        ..Spending::default()
    };
    let statement = Arc::new(Arc::new(Statement::new(1).spending(spending)).child());
    let operation = Operation { statement, ..operation(Some("7"), Purpose::Read) };
    let metering = metering(Vec::new(), Vec::new());
    let call = Outlay::new(&metering, &operation).call;
    assert_eq!((call.priority, call.reserve.as_ref()), (Priority::High, &[("daily".to_owned(), 500)][..]));
    let spend = call.spend.as_ref().unwrap();
    let parts = [Some(&spend.principal), Some(&spend.connection), spend.partition.as_ref(), spend.table.as_ref()];
    assert_eq!(parts.map(|part| part.map(|part| &**part)), ["me", "crm", "7", "accounts"].map(Some));
    assert_eq!(spend.label.as_deref(), Some("nightly"));
}
