'use strict'
// Deterministic rows: the same seed gives the same data on every start.

const ACCOUNTS = 20000
const ORDERS = 24500
const PRODUCTS = 400
const NULLS = 500
const CHUNK = 5000

/** mulberry32: small, seedable, and good enough for test data. */
function random(seed) {
  let a = seed >>> 0
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n) => Math.floor(next() * n)
  const pick = (list) => list[below(list.length)]
  const maybe = (p, make) => (next() < p ? null : make())
  const uuid = () => {
    const hex = Array.from({ length: 32 }, () => below(16).toString(16))
    hex[12] = '4'
    hex[16] = pick(['8', '9', 'a', 'b'])
    return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  return { next, below, pick, maybe, uuid }
}

const DAY = 86400000
const EPOCH = Date.UTC(2020, 0, 1)
const date = (ms) => new Date(ms).toISOString().slice(0, 10)
const seconds = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z'
const millis = (ms) => new Date(ms).toISOString()
const cents = (r, whole) => `${r.below(whole)}.${String(r.below(100)).padStart(2, '0')}`

const FIRMS = ['Acme', 'acme', 'ACME', 'Borealis', 'Müller & Söhne', "O'Neill", 'Zulu', 'Ångström', 'Łódź', '株式会社', '100% Pure', 'a_b', 'A+B', 'C#/D?']
const REGIONS = ['EMEA', 'AMER', 'APJ', 'LATAM']
const NOTES = [
  'plain', '', ' ', 'trailing blank ', ' leading blank', "it's", "''", '"quoted"', '50% off', '100%25', 'under_score',
  'a+b=c&d#e', 'back\\slash', 'line\nbreak', 'tab\there', 'Grüße aus Köln', 'naïve café', '日本語', '🌊 tide', 'null', 'NULL',
  '%', '_', "'; drop table Accounts; --", '<b>html</b>', 'i̇stanbul', 'ISTANBUL',
]

function accounts(r) {
  return Array.from({ length: ACCOUNTS }, (_, i) => {
    const created = EPOCH + r.below(2000) * DAY + r.below(86400) * 1000
    return {
      ID: r.uuid(),
      name: `${i % 3 === 0 ? 'Acme' : r.pick(FIRMS)} ${i}`,
      region: r.maybe(0.1, () => r.pick(REGIONS)),
      status: r.pick(['O', 'A', 'C']),
      revenue: r.maybe(0.15, () => (r.next() < 0.05 ? '-' : '') + cents(r, 10000000)),
      employees: r.maybe(0.1, () => r.below(5000)),
      rating: r.maybe(0.2, () => Math.round(r.next() * 10000) / 1000),
      active: r.maybe(0.1, () => r.next() < 0.7),
      founded: r.maybe(0.1, () => date(Date.UTC(1890, 0, 1) + r.below(49000) * DAY)),
      createdAt: seconds(created),
      email: r.maybe(0.2, () => `${r.pick(['info', 'Sales', 'a.b+c'])}@example${r.below(50)}.test`),
      notes: r.maybe(0.3, () => r.pick(NOTES)),
      modifiedAt: millis(created + r.below(100 * DAY)),
    }
  })
}

// Serials straddle 2^53, so a client that reads them as doubles shows itself.
const SERIAL_BASE = 9007199254740993n

function orders(r, accountIds, products) {
  return Array.from({ length: ORDERS }, (_, i) => {
    const at = EPOCH + r.below(2000) * DAY + r.below(DAY)
    const product = r.maybe(0.1, () => r.pick(products))
    return {
      ID: i + 1,
      account_ID: r.pick(accountIds),
      product_sku: product && product.sku,
      product_variant: product && product.variant,
      amount: cents(r, 20000),
      orderDate: date(at),
      placedAt: r.maybe(0.05, () => millis(at)),
      serial: String(SERIAL_BASE + BigInt(i) - 12000n),
      quantity: r.maybe(0.1, () => r.below(1000) - 20),
      priority: r.maybe(0.2, () => 1 + r.below(3)),
      note: r.maybe(0.8, () => r.pick(NOTES)),
    }
  })
}

function items(r, count) {
  const rows = []
  for (let order = 1; order <= count; order += 10) {
    for (let pos = 1; pos <= 1 + r.below(4); pos++) {
      rows.push({ order_ID: order, pos, text: `line ${pos}`, price: `${r.below(1000)}.${String(r.below(1000)).padStart(3, '0')}` })
    }
  }
  return rows
}

function products(r) {
  return Array.from({ length: PRODUCTS }, (_, i) => ({
    sku: `P-${String(Math.floor(i / 4)).padStart(4, '0')}`,
    variant: ['std', "o'x", 'a/b', 'ü %'][i % 4],
    title: `${r.pick(['Pump', 'Valve', 'Sluice', 'Gate'])} ${i}`,
    price: r.maybe(0.1, () => cents(r, 3000)),
    weight: r.maybe(0.2, () => r.below(100000) / 64),
    group: r.maybe(0.2, () => r.pick(['in', 'out', 'select'])),
    Größe: r.maybe(0.3, () => r.pick(['S', 'M', 'L'])),
    launched: r.maybe(0.3, () => millis(r.below(DAY)).slice(11, 19)),
  }))
}

const I64 = ['9223372036854775807', '-9223372036854775808', '9007199254740993', '0', '-1', '42']
const LONG = 'tide and gate, Ebbe und Flut; '.repeat(700)

function fullNulls(r, i) {
  const at = EPOCH + r.below(2000) * DAY + r.below(DAY)
  return {
    s: r.pick(NOTES).slice(0, 40),
    text: i % 50 === 1 ? LONG : r.pick(NOTES),
    u: r.uuid(),
    b: r.next() < 0.5,
    u8: r.below(256),
    i16: r.below(65536) - 32768,
    i32: r.pick([2147483647, -2147483648, 0, r.below(1000)]),
    i64: r.pick(I64),
    dec: `${r.next() < 0.3 ? '-' : ''}${r.below(100000)}.${String(r.below(10000)).padStart(4, '0')}`,
    num: r.pick(['0', '1', '0.1', '-12.5', '123456.789', '1000000000000']),
    dbl: r.pick([0, -1.5, 1e300, 2.5e-9, 0.1, 1 / 3, 12345.678]),
    d: r.pick([date(at), '1899-12-31', '0001-01-01', '9999-12-31', '1600-02-29']),
    t: r.pick(['00:00:00', '23:59:59', '12:30:15', millis(at).slice(11, 19)]),
    dt: r.pick([seconds(at), '1969-12-31T23:59:59Z', '1900-01-01T00:00:00Z']),
    ts: r.pick([millis(at), '1969-12-31T23:59:59.999Z', '2038-01-19T03:14:08.001Z']),
    bin: Buffer.from(Array.from({ length: 1 + r.below(16) }, () => r.below(256))),
    addr_street: `Kai ${r.below(90)}`,
    addr_city: r.pick(['Hamburg', 'Delft', 'Cádiz']),
    tags: r.pick([[], ['a'], ['a', "b'c", '日本']]),
  }
}

function nulls(r) {
  return Array.from({ length: NULLS }, (_, i) => {
    const row = fullNulls(r, i)
    for (const column of Object.keys(row)) {
      if (i === 0 || (i > 1 && r.next() < 0.4)) row[column] = null
    }
    return { id: i, ...row }
  })
}

async function insert(db, entity, rows) {
  const { INSERT } = require('@sap/cds').ql
  for (let at = 0; at < rows.length; at += CHUNK) {
    await db.run(INSERT.into(`tidegate.sales.${entity}`).entries(rows.slice(at, at + CHUNK)))
  }
}

/** Fills every table of the in-memory database; each from a seed of its own. */
async function fill(db) {
  const accountRows = accounts(random(1))
  const productRows = products(random(3))
  await insert(db, 'Accounts', accountRows)
  await insert(db, 'Products', productRows)
  await insert(db, 'Orders', orders(random(2), accountRows.map((a) => a.ID), productRows))
  await insert(db, 'OrderItems', items(random(4), ORDERS))
  await insert(db, 'Nulls', nulls(random(5)))
}

module.exports = { fill }
