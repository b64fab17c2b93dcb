//! A sales administration: accounts, contacts, products, orders and their lines, and one set in
//! which everything but the key can be null.

use super::civil::{DAY, SECOND};
use super::decimal::Decimal;
use super::schema::{ComplexType, EntitySet, EnumType, Nav, Type, col, null};
use super::value::Value;
use super::words::{CITIES, CURRENCIES, FAMILY, GIVEN, NAMES, ORDER_STATUS, REGIONS, STATUS, TAGS, TEXTS};
use super::{Source, mix};

/// Namespace of all types in `$metadata`.
pub(crate) const NAMESPACE: &str = "Sales";

pub(crate) static KIND: EnumType = EnumType { name: "Kind", members: &["Customer", "Supplier", "Prospect", "Partner"] };

pub(crate) static ADDRESS: ComplexType =
    ComplexType { name: "Address", fields: &[col("City", Type::Str(Some(60))), null("Country", Type::Str(Some(2)))] };

const MONEY: Type = Type::Decimal { precision: 15, scale: 2 };
/// 2015-01-01, the first day of the books.
const EPOCH_DAY: i64 = 16_436;
const LINES_PER_ORDER: u64 = 2;

const ACCOUNTS: usize = 0;
const CONTACTS: usize = 1;
const PRODUCTS: usize = 2;
const ORDERS: usize = 3;
const ORDER_LINES: usize = 4;
const NULLS: usize = 5;

/// All entity sets; the index is [`EntitySet::id`].
pub(crate) static SETS: [EntitySet; 6] = [
    EntitySet {
        id: ACCOUNTS,
        name: "Accounts",
        type_name: "Account",
        columns: &[
            col("Id", Type::Guid),
            col("Code", Type::Str(Some(18))),
            col("Name", Type::Str(Some(100))),
            null("Region", Type::Str(Some(4))),
            col("Status", Type::Str(Some(20))),
            col("Kind", Type::Enum(&KIND)),
            null("Revenue", MONEY),
            null("Employees", Type::Int32),
            col("Priority", Type::Int16),
            col("Sequence", Type::Int64),
            null("Rating", Type::Double),
            col("Active", Type::Bool),
            null("Since", Type::Date),
            null("OpensAt", Type::Time),
            col("CreatedAt", Type::Stamp),
            null("Email", Type::Str(None)),
            null("Notes", Type::Str(None)),
            null("Address", Type::Complex(&ADDRESS)),
            col("Tags", Type::Strings),
        ],
        key: &[0],
        navs: &[
            Nav { name: "Orders", set: "Orders", ty: "Order", many: true, on: &[] },
            Nav { name: "Contacts", set: "Contacts", ty: "Contact", many: true, on: &[] },
        ],
        value: account,
        find: |source, key| guid_row(source, ACCOUNTS, key),
    },
    EntitySet {
        id: CONTACTS,
        name: "Contacts",
        type_name: "Contact",
        columns: &[
            col("Id", Type::Guid),
            null("AccountId", Type::Guid),
            col("FirstName", Type::Str(Some(40))),
            col("LastName", Type::Str(Some(40))),
            null("Email", Type::Str(None)),
            null("Birthday", Type::Date),
        ],
        key: &[0],
        navs: &[Nav { name: "Account", set: "Accounts", ty: "Account", many: false, on: &[("AccountId", "Id")] }],
        value: contact,
        find: |source, key| guid_row(source, CONTACTS, key),
    },
    EntitySet {
        id: PRODUCTS,
        name: "Products",
        type_name: "Product",
        columns: &[
            col("Id", Type::Int32),
            col("Name", Type::Str(Some(60))),
            col("Price", MONEY),
            col("Stock", Type::Int16),
            col("Discontinued", Type::Bool),
            null("Weight", Type::Double),
        ],
        key: &[0],
        navs: &[],
        value: product,
        find: |_, key| serial_row(key),
    },
    EntitySet {
        id: ORDERS,
        name: "Orders",
        type_name: "Order",
        columns: &[
            col("Id", Type::Int64),
            col("AccountId", Type::Guid),
            col("OrderDate", Type::Date),
            col("Total", MONEY),
            col("Currency", Type::Str(Some(3))),
            col("Status", Type::Str(Some(20))),
            null("Paid", Type::Bool),
            null("ShippedAt", Type::Stamp),
        ],
        key: &[0],
        navs: &[
            Nav { name: "Account", set: "Accounts", ty: "Account", many: false, on: &[("AccountId", "Id")] },
            Nav { name: "Lines", set: "OrderLines", ty: "OrderLine", many: true, on: &[] },
        ],
        value: order,
        find: |_, key| serial_row(key),
    },
    EntitySet {
        id: ORDER_LINES,
        name: "OrderLines",
        type_name: "OrderLine",
        columns: &[
            col("OrderId", Type::Int64),
            col("LineNo", Type::Int16),
            col("ProductId", Type::Int32),
            col("Quantity", Type::Int32),
            col("Price", Type::Decimal { precision: 19, scale: 4 }),
        ],
        key: &[0, 1],
        navs: &[
            Nav { name: "Order", set: "Orders", ty: "Order", many: false, on: &[("OrderId", "Id")] },
            Nav { name: "Product", set: "Products", ty: "Product", many: false, on: &[("ProductId", "Id")] },
        ],
        value: order_line,
        find: line_row,
    },
    EntitySet {
        id: NULLS,
        name: "Nulls",
        type_name: "Nullable",
        columns: &[
            col("Id", Type::Int32),
            null("Text", Type::Str(None)),
            null("Small", Type::Int16),
            null("Medium", Type::Int32),
            null("Large", Type::Int64),
            null("Money", MONEY),
            null("Ratio", Type::Double),
            null("Flag", Type::Bool),
            null("Day", Type::Date),
            null("Clock", Type::Time),
            null("Moment", Type::Stamp),
            null("Ref", Type::Guid),
            null("Kind", Type::Enum(&KIND)),
            null("Address", Type::Complex(&ADDRESS)),
        ],
        key: &[0],
        navs: &[],
        value: nullable,
        find: |_, key| serial_row(key),
    },
];

/// Rows per entity set for a number of accounts; `overrides` wins by name.
pub(crate) fn sizes(accounts: u64, overrides: &std::collections::BTreeMap<String, u64>) -> Vec<u64> {
    let orders = accounts * 2;
    let usual = [accounts, accounts, (accounts / 100).max(20), orders, orders * LINES_PER_ORDER, accounts.min(1000)];
    SETS.iter().zip(usual).map(|(s, n)| overrides.get(s.name).copied().unwrap_or(n)).collect()
}

fn text(s: &str) -> Value {
    Value::Str(s.to_owned())
}

fn pick<T: Copy>(list: &[T], bits: u64) -> T {
    list[(bits % list.len() as u64) as usize]
}

/// A guid that hides its row number, so that a lookup by key needs no search: 64 bits of hash,
/// then the row under a mask. Version and variant bits are those of a random guid.
fn guid(source: &Source, set: usize, row: u64) -> u128 {
    let high = source.bits(set as u64, row, 0) & !0xF000 | 0x4000;
    let low = (row ^ mask(source, set)) & ROW_BITS | mix(high) & !ROW_BITS & !(3 << 62) | 1 << 63;
    u128::from(high) << 64 | u128::from(low)
}

const ROW_BITS: u64 = (1 << 48) - 1;

fn mask(source: &Source, set: usize) -> u64 {
    mix(source.seed ^ set as u64) & ROW_BITS
}

fn guid_row(source: &Source, set: usize, key: &[Value]) -> Option<u64> {
    let [Value::Guid(wanted)] = key else { return None };
    let row = (*wanted as u64 ^ mask(source, set)) & ROW_BITS;
    (guid(source, set, row) == *wanted).then_some(row)
}

fn serial_row(key: &[Value]) -> Option<u64> {
    let [Value::Int(id)] = key else { return None };
    u64::try_from(*id).ok()?.checked_sub(1)
}

fn line_row(_: &Source, key: &[Value]) -> Option<u64> {
    let [Value::Int(order), Value::Int(line)] = key else { return None };
    let (order, line) = (u64::try_from(*order).ok()?, u64::try_from(*line).ok()?);
    if !(1..=LINES_PER_ORDER).contains(&line) {
        return None;
    }
    order.checked_sub(1)?.checked_mul(LINES_PER_ORDER)?.checked_add(line - 1)
}

/// Cents: mostly ordinary amounts, some zero, some negative, some near the column's limit.
fn money(bits: u64) -> Value {
    let units = match bits % 32 {
        0 => 0,
        1 => -((bits >> 8) as i128 % 1_000_000),
        2 => 999_999_999_999_999 - (bits >> 8) as i128 % 100,
        _ => (bits >> 8) as i128 % 250_000_000,
    };
    Value::Dec(Decimal::new(units, 2))
}

/// Multiples of an eighth are exact in binary; every tenth value is not.
fn ratio(bits: u64) -> Value {
    let eighths = (bits >> 8) % 80;
    Value::Double(if bits.is_multiple_of(10) { eighths as f64 / 10.0 } else { eighths as f64 / 8.0 })
}

fn stamp(bits: u64) -> Value {
    let ms = i128::from(bits % (3_650 * 86_400_000));
    Value::Stamp(i128::from(EPOCH_DAY) * DAY + ms * (SECOND / 1000))
}

fn day(bits: u64) -> Value {
    Value::Date(EPOCH_DAY + (bits % 3_650) as i64)
}

fn time(bits: u64) -> Value {
    let whole = i128::from(bits % 86_400) * SECOND;
    Value::Time(if bits & 1 << 40 == 0 { whole } else { whole + 250 * (SECOND / 1000) })
}

fn address(bits: u64) -> Value {
    let (city, country) = pick(&CITIES, bits);
    Value::Complex(vec![text(city), country.map_or(Value::Null, text)])
}

fn or_null(bits: u64, one_in: u64, value: impl FnOnce() -> Value) -> Value {
    if (bits >> 50).is_multiple_of(one_in) { Value::Null } else { value() }
}

fn account(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(ACCOUNTS as u64, row, c);
    match c {
        0 => Value::Guid(guid(source, ACCOUNTS, row)),
        1 => Value::Str(format!("{:>18}", row + 1)),
        2 => Value::Str(format!("{} {}", pick(&NAMES, b), row + 1)),
        3 => pick(&REGIONS, b).map_or(Value::Null, text),
        4 => text(pick(&STATUS, b)),
        5 => Value::Enum((b % 4) as i64),
        6 => or_null(b, 12, || money(b)),
        7 => or_null(b, 10, || Value::Int((b % 5_000) as i64)),
        8 => Value::Int((b % 9) as i64 - 3),
        // Beyond 2^53, where a reader that goes through floating point loses the last digit.
        9 => Value::Int(9_007_199_254_740_993 + 2 * row as i64),
        10 => or_null(b, 9, || ratio(b)),
        11 => Value::Bool(!b.is_multiple_of(3)),
        12 => or_null(b, 15, || day(b)),
        13 => or_null(b, 7, || time(b)),
        14 => stamp(b),
        15 => or_null(b, 6, || {
            if b.is_multiple_of(11) { text("") } else { Value::Str(format!("info{}@example.com", row + 1)) }
        }),
        16 => or_null(b, 4, || text(pick(&TEXTS, b))),
        17 => or_null(b, 8, || address(b)),
        _ => Value::List((0..b % 4).map(|i| pick(&TAGS, b >> (8 * i + 8)).to_owned()).collect()),
    }
}

fn contact(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(CONTACTS as u64, row, c);
    match c {
        0 => Value::Guid(guid(source, CONTACTS, row)),
        1 => or_null(b, 20, || some_account(source, b)),
        2 => text(pick(&GIVEN, b)),
        3 => text(pick(&FAMILY, b)),
        4 => or_null(b, 5, || Value::Str(format!("person{}@example.org", row + 1))),
        _ => or_null(b, 3, || Value::Date(-3_000 + (b % 15_000) as i64)),
    }
}

fn some_account(source: &Source, bits: u64) -> Value {
    let accounts = source.sizes.get(ACCOUNTS).copied().unwrap_or(0).max(1);
    Value::Guid(guid(source, ACCOUNTS, bits % accounts))
}

fn product(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(PRODUCTS as u64, row, c);
    match c {
        0 => Value::Int(row as i64 + 1),
        1 => Value::Str(format!("Part {:05}", row + 1)),
        2 => Value::Dec(Decimal::new(i128::from(b % 1_000_000) + 1, 2)),
        3 => Value::Int((b % 2_000) as i64 - 10),
        4 => Value::Bool(b.is_multiple_of(7)),
        _ => or_null(b, 5, || ratio(b)),
    }
}

fn order(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(ORDERS as u64, row, c);
    match c {
        0 => Value::Int(row as i64 + 1),
        1 => some_account(source, b),
        2 => day(b),
        3 => money(b),
        4 => text(pick(&CURRENCIES, b)),
        5 => text(pick(&ORDER_STATUS, b)),
        6 => or_null(b, 4, || Value::Bool(b.is_multiple_of(2))),
        _ => or_null(b, 3, || stamp(b)),
    }
}

fn order_line(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(ORDER_LINES as u64, row, c);
    match c {
        0 => Value::Int((row / LINES_PER_ORDER) as i64 + 1),
        1 => Value::Int((row % LINES_PER_ORDER) as i64 + 1),
        2 => Value::Int((b % source.sizes.get(PRODUCTS).copied().unwrap_or(0).max(1)) as i64 + 1),
        3 => Value::Int((b % 100) as i64 + 1),
        _ => Value::Dec(Decimal::new(i128::from(b % 100_000_000), 4)),
    }
}

fn nullable(source: &Source, row: u64, c: usize) -> Value {
    let b = source.bits(NULLS as u64, row, c);
    if c == 0 {
        return Value::Int(row as i64 + 1);
    }
    or_null(b, 3, || match c {
        1 => text(pick(&TEXTS, b)),
        2 => Value::Int(pick(&[i64::from(i16::MIN), -1, 0, 1, 2, 3, i64::from(i16::MAX)], b)),
        3 => Value::Int(pick(&[i64::from(i32::MIN), -1, 0, 1, 2, 3, i64::from(i32::MAX)], b)),
        4 => Value::Int(pick(&[i64::MIN, -1, 0, 1, 9_007_199_254_740_993, i64::MAX], b)),
        5 => Value::Dec(Decimal::new(pick(&[0, 1, -1, 10, 250, -999_999_999_999_999, 999_999_999_999_999], b), 2)),
        6 => Value::Double(pick(&[0.0, 0.1, -0.5, 2.5, 1e300, -1e-300, 3.0], b)),
        7 => Value::Bool(b.is_multiple_of(2)),
        8 => Value::Date(pick(&[-719_162, 0, 16_436, 19_782, 2_932_896], b)),
        9 => Value::Time(pick(&[0, 34_200 * SECOND, 86_399 * SECOND + 999_000_000], b)),
        10 => Value::Stamp(pick(&[0, -1_000_000, 1_709_200_800_250_000_000, 1_420_070_400_000_000_000], b)),
        11 => Value::Guid(pick(&[0, u128::MAX, 0x1234_5678_9abc_4def_8123_4567_89ab_cdef], b)),
        12 => Value::Enum((b % 4) as i64),
        _ => address(b),
    })
}
