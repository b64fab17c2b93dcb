//! Groups as `$apply` expressions (OData Extension for Data Aggregation 4.0, sections 3.1 and 3.10).

use tidegate_spec::{Aggregate, ODataVersion};

use super::filter::{self, column_of};
use crate::{ErrorKind, ScanRequest};

/// `filter(…)/groupby((a,b),aggregate(x with sum as y,$count as n))` for the rows of `request`; each value has its name.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the filter cannot be written, or nothing is asked for.
pub(crate) fn render(
    request: &ScanRequest,
    version: ODataVersion,
    groups: &[usize],
    values: &[(Aggregate, String)],
) -> Result<String, ErrorKind> {
    let path = |column: usize| Ok::<_, ErrorKind>(column_of(&request.table, column)?.path.join("/"));
    let value = |(aggregate, name): &(Aggregate, String)| match aggregate.column() {
        Some(column) => Ok(format!("{} with {} as {name}", path(column)?, aggregate.function())),
        None => Ok(format!("$count as {name}")),
    };
    let values = values.iter().map(value).collect::<Result<Vec<_>, ErrorKind>>()?;
    let aggregate = (!values.is_empty()).then(|| format!("aggregate({})", values.join(",")));
    let groups = groups.iter().map(|&column| path(column)).collect::<Result<Vec<_>, _>>()?;
    let grouped = match (groups.is_empty(), aggregate) {
        (true, None) => return Err(ErrorKind::Unsupported("no group and no value is asked for".to_owned())),
        (true, Some(aggregate)) => aggregate,
        (false, None) => format!("groupby(({}))", groups.join(",")),
        (false, Some(aggregate)) => format!("groupby(({}),{aggregate})", groups.join(",")),
    };
    Ok(match &request.filter {
        None => grouped,
        Some(filter) => format!("filter({})/{grouped}", filter::render(&request.table, version, filter)?),
    })
}
