//! Charges of a payment service: deep objects, metadata, points in time as seconds; about 3 kB a row.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_spec::{Column, ColumnType, TimestampFormat};

use super::{Family, ROWS, Text, column};
use crate::Result;
use crate::random::Random;

pub(super) fn page() -> Value {
    let mut random = Random::new(4);
    json!({
        "object": "list",
        "data": (0..ROWS).map(|row| charge(&mut random, row)).collect::<Vec<_>>(),
        "has_more": true,
        "url": "/v1/charges",
    })
}

fn charge(random: &mut Random, row: usize) -> Value {
    let (id, amount) = (format!("ch_{}", random.hex(24)), random.below(1_000_000));
    let created = 1_600_000_000 + random.below(1 << 26);
    let mut charge = json!({
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": format!("txn_{}", random.hex(24)),
        "billing_details": {
            "address": {
                "city": "Bergen", "country": random.pick(&["NO", "DE", "FR", "US"]), "line1": random.words(4),
                "line2": null, "postal_code": "5003", "state": null,
            },
            "email": null, "name": random.words(2), "phone": null, "tax_id": null,
        },
        "calculated_statement_descriptor": "ACME",
        "captured": true,
        "created": created,
        "currency": random.pick(&["nok", "eur", "usd"]),
        "customer": if random.once_in(3) { Value::Null } else { Value::from(format!("cus_{}", random.hex(14))) },
        "description": random.words(9),
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": {"order_id": format!("{}", 6_000 + row), "campaign": random.words(3), "internal": "true"},
        "on_behalf_of": null,
        "outcome": {
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "risk_score": random.below(100), "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": !random.once_in(5),
    });
    if let (Value::Object(charge), Value::Object(more)) = (&mut charge, details(random, &id, amount)) {
        charge.extend(more);
    }
    charge
}

fn details(random: &mut Random, id: &str, amount: u64) -> Value {
    json!({
        "payment_intent": null,
        "payment_method": format!("card_{}", random.hex(24)),
        "payment_method_details": {
            "card": {
                "amount_authorized": amount, "authorization_code": random.hex(6), "brand": random.pick(&["visa", "amex"]),
                "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
                "country": "US", "exp_month": 1 + random.below(12), "exp_year": 2_030, "extended_authorization":
                {"status": "disabled"}, "fingerprint": random.hex(16), "funding": "credit", "incremental_authorization":
                {"status": "unavailable"}, "installments": null, "last4": format!("{:04}", random.below(10_000)),
                "mandate": null, "multicapture": {"status": "unavailable"}, "network": "visa", "network_token":
                {"used": false}, "network_transaction_id": random.hex(15), "overcapture":
                {"maximum_amount_capturable": amount, "status": "unavailable"}, "regulated_status": "unregulated",
                "three_d_secure": null, "wallet": null,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": format!("person{}@example.org", random.below(1_000)),
        "receipt_number": null,
        "receipt_url": format!("https://pay.example/receipts/payment/{}", random.hex(64)),
        "refunded": false,
        "refunds": {
            "object": "list", "data": [], "has_more": false, "total_count": 0, "url": format!("/v1/charges/{id}/refunds"),
        },
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": random.pick(&["succeeded", "pending", "failed"]),
        "transfer_data": null,
        "transfer_group": null,
    })
}

pub(super) fn columns() -> Vec<Column> {
    vec![
        column("id", ColumnType::Text),
        column("amount", ColumnType::Int64),
        column("currency", ColumnType::Text),
        column("created", ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, instant: true }),
        column("status", ColumnType::Text),
        column("paid", ColumnType::Bool),
        column("customer", ColumnType::Text),
        column("billing_details.address.country", ColumnType::Text),
        column("payment_method_details.card.brand", ColumnType::Text),
        column("payment_method_details.card.exp_month", ColumnType::Int64),
        column("payment_method_details.card.last4", ColumnType::Text),
        column("outcome.risk_score", ColumnType::Int64),
        column("metadata.order_id", ColumnType::Text),
    ]
}

pub(super) enum Charges {}

#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    data: Vec<Charge<'a>>,
}

#[derive(Deserialize)]
struct Charge<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    amount: Option<i64>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
    created: Option<i64>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    paid: Option<bool>,
    #[serde(borrow)]
    customer: Option<Text<'a>>,
    #[serde(borrow)]
    billing_details: Billing<'a>,
    #[serde(borrow)]
    payment_method_details: Method<'a>,
    outcome: Outcome,
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
struct Billing<'a> {
    #[serde(borrow)]
    address: Address<'a>,
}

#[derive(Deserialize)]
struct Address<'a> {
    #[serde(borrow)]
    country: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Method<'a> {
    #[serde(borrow)]
    card: Card<'a>,
}

#[derive(Deserialize)]
struct Card<'a> {
    #[serde(borrow)]
    brand: Option<Text<'a>>,
    exp_month: Option<i64>,
    #[serde(borrow)]
    last4: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Outcome {
    risk_score: Option<i64>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    order_id: Option<Text<'a>>,
}

impl Family for Charges {
    type Page<'a> = Page<'a>;

    fn arrays(page: &Page<'_>) -> Result<Vec<ArrayRef>> {
        let rows = &page.data;
        let card = || rows.iter().map(|row| &row.payment_method_details.card);
        let created = rows.iter().map(|row| row.created.map(|seconds| seconds * 1_000_000));
        Ok(vec![
            Arc::new(rows.iter().map(|row| Text::of(&row.id)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.amount).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.currency)).collect::<StringArray>()),
            Arc::new(created.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            Arc::new(rows.iter().map(|row| Text::of(&row.status)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.paid).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.customer)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.billing_details.address.country)).collect::<StringArray>()),
            Arc::new(card().map(|card| Text::of(&card.brand)).collect::<StringArray>()),
            Arc::new(card().map(|card| card.exp_month).collect::<Int64Array>()),
            Arc::new(card().map(|card| Text::of(&card.last4)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.outcome.risk_score).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.metadata.order_id)).collect::<StringArray>()),
        ])
    }
}
