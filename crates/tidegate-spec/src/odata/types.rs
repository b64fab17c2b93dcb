//! Types of properties as column types, and how far comparisons of them can be trusted.

use super::Error;
use super::csdl::{Named, Schemas};
use super::notes::Notes;
use super::xml::{Element, Space};
use crate::{ColumnType, Field, ODataVersion, TimestampFormat};

/// Complex types nested deeper become JSON.
const MAX_NESTING: usize = 8;
/// A complex type with more fields than this, nested ones included, becomes JSON.
const MAX_FIELDS: usize = 1_000;
/// Columns and fields of a whole model. Far more than the largest services known have.
const MAX_TOTAL: usize = 250_000;

/// Digits of a decimal whose point may stand anywhere. Services that leave precision and scale open send amounts
/// and rates: 26 digits before the point and 12 after hold both, and still leave room to multiply two of them.
/// A value that does not fit is reported by the decoder, never rounded.
const OPEN_DECIMAL: ColumnType = ColumnType::Decimal { precision: 38, scale: 12 };
const MAX_PRECISION: u32 = 38;

/// What a service's comparisons of a type are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// By value, in SQL's order.
    Exactly,
    /// By a value with more digits than a column of microseconds shows: cutting them off moves a value down.
    CutToMicros,
    /// By a value with more digits than `/Date(ms)/` shows.
    CutToMillis,
    /// As IEEE 754 double precision.
    AsDouble,
    /// As single precision: a literal of double precision is hardly ever equal to it, and lies beside it at random.
    AsSingle,
    /// True and false, without an order.
    AsBool,
    /// As GUID, or as text with regard to case.
    AsUuid,
    /// By a collation.
    AsText,
    /// Only with null: its literals differ between services (`Namespace.Color'Red'`, `duration'PT1H'`).
    OnlyWithNull,
    /// Not at all.
    Never,
}

/// Type of a property.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resolved {
    pub(super) data_type: ColumnType,
    pub(super) compared: Compared,
}

impl Resolved {
    fn new(data_type: ColumnType, compared: Compared) -> Self {
        Self { data_type, compared }
    }

    fn json() -> Self {
        Self::new(ColumnType::Json, Compared::Never)
    }
}

/// Facets that matter here; those that are no numbers count as absent.
#[derive(Debug, Clone, Copy, Default)]
struct Facets {
    precision: Option<u32>,
    scale: Option<Scale>,
    /// SAP's mark of an `Edm.DateTime` that has no time of day.
    date_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Digits(u32),
    /// `variable` or `floating`; Microsoft's libraries write `Variable`.
    Open,
}

impl Facets {
    fn of(element: &Element) -> Self {
        let scale = element.attribute("Scale").and_then(|scale| match scale.to_ascii_lowercase().as_str() {
            "variable" | "floating" => Some(Scale::Open),
            digits => digits.parse().ok().map(Scale::Digits),
        });
        Self {
            precision: element.attribute("Precision").and_then(|digits| digits.parse().ok()),
            scale,
            date_only: element.attribute_in(Space::Sap, "display-format") == Some("Date"),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            precision: self.precision.or(other.precision),
            scale: self.scale.or(other.scale),
            date_only: self.date_only || other.date_only,
        }
    }
}

/// Resolves the types of one model's properties, within a budget.
#[derive(Debug)]
pub(super) struct Resolver<'s, 'a> {
    schemas: &'s Schemas<'a>,
    pub(super) notes: Notes,
    total: usize,
}

/// One column while its type is resolved.
struct Column<'p> {
    place: &'p str,
    fields: usize,
    /// Names of the complex types around the current one.
    within: Vec<String>,
}

impl<'s, 'a> Resolver<'s, 'a> {
    pub(super) fn new(schemas: &'s Schemas<'a>) -> Self {
        Self { schemas, notes: Notes::default(), total: 0 }
    }

    /// Type of a property; `None` when its values do not stand in rows. `place` names it in notes.
    pub(super) fn property(&mut self, property: &'a Element, place: &str) -> Result<Option<Resolved>, Error> {
        let mut column = Column { place, fields: 0, within: Vec::new() };
        let resolved = self.member(property, &mut column)?;
        if column.fields > MAX_FIELDS {
            self.notes.add(place, format!("has more than {MAX_FIELDS} fields and is kept as JSON"));
            return Ok(Some(Resolved::json()));
        }
        Ok(resolved)
    }

    fn member(&mut self, property: &'a Element, column: &mut Column<'_>) -> Result<Option<Resolved>, Error> {
        self.total += 1;
        if self.total > MAX_TOTAL {
            return Err(property.error(self.schemas.document, format!("the service has more than {MAX_TOTAL} columns")));
        }
        // `Type` is optional in CSDL 4: Edm.String is its default.
        let name = property.attribute("Type").unwrap_or("Edm.String");
        self.named(name, Facets::of(property), column)
    }

    fn named(&mut self, name: &str, facets: Facets, column: &mut Column<'_>) -> Result<Option<Resolved>, Error> {
        if let Some(item) = name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
            if item.starts_with("Collection(") {
                return Ok(self.unknown(name, column));
            }
            let item = self.named(item, facets, column)?;
            return Ok(item.map(|item| Resolved::new(ColumnType::List(Box::new(item.data_type)), Compared::Never)));
        }
        // Primitive types may be named without their namespace before V4.
        if let Some(primitive) = name.strip_prefix("Edm.").or_else(|| (!name.contains('.')).then_some(name)) {
            return Ok(self.primitive(primitive, facets, column));
        }
        let Some(declared) = self.schemas.type_named(name) else { return Ok(self.unknown(name, column)) };
        match declared.element.name.as_str() {
            "EnumType" => Ok(Some(Resolved::new(ColumnType::Text, Compared::OnlyWithNull))),
            "TypeDefinition" => {
                let underlying = declared.element.attribute("UnderlyingType").unwrap_or_default();
                Ok(match underlying.strip_prefix("Edm.") {
                    Some(primitive) => self.primitive(primitive, facets.or(Facets::of(declared.element)), column),
                    None => self.unknown(name, column),
                })
            }
            "ComplexType" => self.complex(declared, column).map(Some),
            _ => Ok(self.unknown(name, column)),
        }
    }

    fn unknown(&mut self, name: &str, column: &Column<'_>) -> Option<Resolved> {
        let reason = format!("has the type '{name}', which the description does not have, and is kept as JSON");
        self.notes.add(column.place, reason);
        Some(Resolved::json())
    }

    fn complex(&mut self, named: Named<'a>, column: &mut Column<'_>) -> Result<Resolved, Error> {
        let name = named.name.clone();
        let obstacle = if column.within.contains(&name) || column.within.len() == MAX_NESTING {
            Some(format!("has {name} within itself or deeper than {MAX_NESTING} types; kept as JSON there"))
        } else if named.element.attribute("Abstract") == Some("true") {
            Some(format!("may hold any type that derives from {name}, and is kept as JSON"))
        } else {
            None
        };
        if let Some(reason) = obstacle {
            self.notes.add(column.place, reason);
            return Ok(Resolved::json());
        }
        let Some(chain) = self.schemas.with_bases(named)? else {
            let reason = format!("{name} derives from a type that the description does not have; kept as JSON");
            self.notes.add(column.place, reason);
            return Ok(Resolved::json());
        };
        column.within.push(name);
        let fields = self.fields(&chain, column)?;
        column.within.pop();
        // A struct without fields is none in Arrow, and would lose what an open type holds.
        Ok(if fields.is_empty() {
            Resolved::json()
        } else {
            Resolved::new(ColumnType::Struct(fields), Compared::Never)
        })
    }

    /// Fields of a complex type, without their SQL names.
    fn fields(&mut self, chain: &[Named<'a>], column: &mut Column<'_>) -> Result<Vec<Field>, Error> {
        let mut fields: Vec<Field> = Vec::new();
        for property in chain.iter().flat_map(|part| part.element.all("Property")) {
            column.fields += 1;
            if column.fields > MAX_FIELDS {
                break;
            }
            let api_name = self.schemas.required(property, "Name")?.to_owned();
            let Some(resolved) = self.member(property, column)? else { continue };
            // Within MAX_FIELDS, so that the square of it is bearable.
            if fields.iter().all(|field| field.api_name != api_name) {
                let nullable = is_nullable(property);
                fields.push(Field { name: String::new(), api_name, data_type: resolved.data_type, nullable });
            }
        }
        Ok(fields)
    }

    fn primitive(&mut self, name: &str, facets: Facets, column: &Column<'_>) -> Option<Resolved> {
        let old = self.schemas.version < ODataVersion::V4;
        let (data_type, compared) = match name {
            "Boolean" => (ColumnType::Bool, Compared::AsBool),
            "Byte" | "SByte" | "Int16" => (ColumnType::Int16, Compared::Exactly),
            "Int32" => (ColumnType::Int32, Compared::Exactly),
            "Int64" => (ColumnType::Int64, Compared::Exactly),
            "Single" => (ColumnType::Float32, Compared::AsSingle),
            "Double" => (ColumnType::Float64, Compared::AsDouble),
            "Decimal" => (decimal(facets), Compared::Exactly),
            "String" => (ColumnType::Text, Compared::AsText),
            "Guid" => (ColumnType::Uuid, Compared::AsUuid),
            "Binary" => (ColumnType::Binary, Compared::Never),
            "Date" => (ColumnType::Date, Compared::Exactly),
            "DateTime" if old && facets.date_only => (ColumnType::Date, Compared::Exactly),
            "DateTime" if old => return Some(self.timestamp(facets, false)),
            "DateTimeOffset" => return Some(self.timestamp(facets, true)),
            "TimeOfDay" | "Time" => (ColumnType::Time, cut(facets, 6, Compared::CutToMicros)),
            "Duration" => (ColumnType::Text, Compared::OnlyWithNull),
            "Stream" => {
                self.notes.add(column.place, "is a stream, which does not stand in rows; left out");
                return None;
            }
            _ if is_free_form(name) => return Some(Resolved::json()),
            _ => return self.unknown(&format!("Edm.{name}"), column),
        };
        Some(Resolved::new(data_type, compared))
    }

    fn timestamp(&self, facets: Facets, instant: bool) -> Resolved {
        let (format, compared) = if self.schemas.version == ODataVersion::V2 {
            (TimestampFormat::MicrosoftJson, cut(facets, 3, Compared::CutToMillis))
        } else {
            (TimestampFormat::Iso8601, cut(facets, 6, Compared::CutToMicros))
        };
        Resolved::new(ColumnType::Timestamp { format, instant }, compared)
    }
}

/// CSDL's default of `Nullable`. A collection itself is never null, but may be left out of a row; the facet tells
/// of its items.
pub(super) fn is_nullable(property: &Element) -> bool {
    let collection = property.attribute("Type").is_some_and(|name| name.starts_with("Collection("));
    collection || property.attribute("Nullable") != Some("false")
}

/// `cut` for values with more digits behind the second than are shown. Without the facet they have none (CSDL 4.01,
/// 7.2.3), which is believed.
fn cut(facets: Facets, shown: u32, cut: Compared) -> Compared {
    if facets.precision.is_some_and(|digits| digits > shown) { cut } else { Compared::Exactly }
}

/// Types whose values are objects of many forms, GeoJSON for one.
fn is_free_form(primitive: &str) -> bool {
    primitive.starts_with("Geography")
        || primitive.starts_with("Geometry")
        || matches!(primitive, "Untyped" | "PrimitiveType" | "ComplexType")
}

/// Scale defaults to 0 where there is a precision (CSDL 4.01, 7.2.4).
fn decimal(facets: Facets) -> ColumnType {
    let precision = facets.precision.filter(|digits| *digits > 0);
    let (precision, scale) = match (precision, facets.scale) {
        (None, None | Some(Scale::Open)) => return OPEN_DECIMAL,
        (Some(digits), Some(Scale::Open)) if digits <= 26 => return OPEN_DECIMAL,
        (Some(digits), Some(Scale::Open)) => (MAX_PRECISION, MAX_PRECISION.saturating_sub(digits)),
        (Some(digits), None) => (digits, 0),
        (Some(digits), Some(Scale::Digits(scale))) => (digits.max(scale), scale),
        (None, Some(Scale::Digits(scale))) => (MAX_PRECISION, scale),
    };
    let bounded = |digits: u32| u8::try_from(digits.min(MAX_PRECISION)).unwrap_or_default();
    ColumnType::Decimal { precision: bounded(precision), scale: i8::try_from(bounded(scale)).unwrap_or_default() }
}
