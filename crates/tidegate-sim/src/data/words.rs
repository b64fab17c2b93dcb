//! Vocabulary of the generated rows, chosen to be awkward where real data is.

pub(crate) const NAMES: [&str; 10] = [
    "Acme",
    "Delta Works",
    "Köln Süd",
    "O'Hare Tools",
    "100% Wool",
    "Under_score",
    "Back\\slash",
    "東京 Trading",
    "North & South",
    "Blue \"Quote\"",
];
pub(crate) const REGIONS: [Option<&str>; 8] =
    [Some("EMEA"), Some("AMER"), Some("APAC"), Some("EMEA"), Some("AMER"), None, Some("EMEA"), Some("APAC")];
pub(crate) const STATUS: [&str; 4] = ["Active", "Blocked", "Prospect", "Closed"];
pub(crate) const ORDER_STATUS: [&str; 4] = ["Open", "Shipped", "Invoiced", "Cancelled"];
pub(crate) const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "JPY"];
pub(crate) const CITIES: [(&str, Option<&str>); 7] = [
    ("Amsterdam", Some("NL")),
    ("São Paulo", Some("BR")),
    ("Zürich", Some("CH")),
    ("Osaka", Some("JP")),
    ("'s-Hertogenbosch", Some("NL")),
    ("Nowhere", None),
    ("Austin", Some("US")),
];
pub(crate) const TAGS: [&str; 5] = ["key", "late payer", "O'Neil", "ümlaut", ""];
pub(crate) const GIVEN: [&str; 6] = ["Ada", "Björn", "Chloé", "D'Arcy", "Emi", "Fatima"];
pub(crate) const FAMILY: [&str; 6] = ["Stone", "O'Brien", "van der Berg", "Łukasik", "Smith-Jones", "東"];
/// Text that trips up quoting, LIKE patterns, collations and encodings.
pub(crate) const TEXTS: [&str; 16] = [
    "",
    " ",
    "plain",
    "Plain",
    "PLAIN",
    "plain ",
    " plain",
    "it's",
    "''",
    "100%",
    "a_c",
    "back\\slash",
    "é e\u{301}",
    "tab\tand\nline",
    "😀 smile + plus & amp # hash",
    "null",
];
