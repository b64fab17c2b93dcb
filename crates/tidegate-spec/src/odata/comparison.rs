//! What OData's comparisons and orders are worth to SQL, by the type of the column.

use super::TextComparison;
use super::types::Compared;
use crate::Exactness::{self, Exact, Superset};
use crate::Operator::{
    self, Contains, EndsWith, Eq, Gt, GtEq, In, IsNotNull, IsNull, Lt, LtEq, NotEq, NotLike, StartsWith,
};

/// Operators that may be pushed. NULL never satisfies one here: requests say so where OData would let it pass (`ne`).
pub(super) fn operators(compared: Compared, text: TextComparison) -> Vec<(Operator, Exactness)> {
    let compare: Vec<(Operator, Exactness)> = match compared {
        Compared::Exactly => each(&[Eq, NotEq, Lt, LtEq, Gt, GtEq, In], Exact),
        Compared::AsBool => each(&[Eq, NotEq], Exact),
        // With x cut down to c: c < t is x < t, and c >= t is x >= t, for any t that is cut likewise. Where c > t or
        // c <> t, x passes too; but x <= t and x = t would miss an x between t and the next microsecond.
        Compared::CutToMicros => vec![(NotEq, Superset), (Lt, Exact), (Gt, Superset), (GtEq, Exact)],
        // As above, but t may have microseconds, so that for c < t and c <> t some x would be missed too.
        Compared::CutToMillis => each(&[Gt, GtEq], Superset),
        // A service may print fewer digits than it compares, so that an equal value is not found; ranges are
        // rechecked. NaN is above all numbers in SQL here and beside them in OData: ranges take it that a service
        // stores none, as most of the databases behind them cannot.
        Compared::AsDouble => each(&[Lt, LtEq, Gt, GtEq], Superset),
        // A service may disregard case; SQL compares the 36 characters.
        Compared::AsUuid => each(&[Eq, In], Superset),
        Compared::AsText if text == TextComparison::Binary => {
            each(&[Eq, NotEq, Lt, LtEq, Gt, GtEq, In, StartsWith, EndsWith, Contains, NotLike], Exact)
        }
        Compared::AsText => each(&[Eq, In, StartsWith, EndsWith, Contains], Superset),
        Compared::AsSingle | Compared::OnlyWithNull => Vec::new(),
        Compared::Never => return Vec::new(),
    };
    compare.into_iter().chain(each(&[IsNull, IsNotNull], Exact)).collect()
}

/// Whether a service's order is SQL's. Cutting digits off, or printing fewer, leaves an order as it was.
pub(super) fn is_ordered(compared: Compared, text: TextComparison) -> bool {
    match compared {
        Compared::AsText => text == TextComparison::Binary,
        Compared::AsUuid | Compared::OnlyWithNull | Compared::Never => false,
        Compared::Exactly
        | Compared::AsBool
        | Compared::AsDouble
        | Compared::AsSingle
        | Compared::CutToMicros
        | Compared::CutToMillis => true,
    }
}

/// Whether a service that groups by such a column keeps apart what SQL does.
pub(super) fn is_grouped(compared: Compared, text: TextComparison) -> bool {
    match compared {
        Compared::Exactly | Compared::AsBool => true,
        Compared::AsText => text == TextComparison::Binary,
        // A service may group by digits that it does not print, or by fewer: harmless, but of no use worth a doubt.
        Compared::CutToMicros | Compared::CutToMillis | Compared::AsDouble | Compared::AsSingle => false,
        Compared::AsUuid | Compared::OnlyWithNull | Compared::Never => false,
    }
}

fn each(operators: &[Operator], exactness: Exactness) -> Vec<(Operator, Exactness)> {
    operators.iter().map(|operator| (*operator, exactness)).collect()
}
