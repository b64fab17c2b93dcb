//! The shape of an entity set: columns, keys, navigation, and where its values come from.

use super::Source;
use super::value::Value;

/// A type of the Entity Data Model.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Str(Option<u32>),
    Int16,
    Int32,
    Int64,
    Decimal { precision: u8, scale: u8 },
    Double,
    Bool,
    Date,
    Time,
    Stamp,
    Guid,
    Enum(&'static EnumType),
    Complex(&'static ComplexType),
    Strings,
}

/// Members have the values 0, 1, 2 …
#[derive(Debug)]
pub(crate) struct EnumType {
    pub(crate) name: &'static str,
    pub(crate) members: &'static [&'static str],
}

#[derive(Debug)]
pub(crate) struct ComplexType {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Column],
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
    pub(crate) nullable: bool,
}

/// A navigation property; declared in `$metadata`, not served.
#[derive(Debug)]
pub(crate) struct Nav {
    pub(crate) name: &'static str,
    /// Name of the target entity set.
    pub(crate) set: &'static str,
    /// Name of the target entity type.
    pub(crate) ty: &'static str,
    pub(crate) many: bool,
    /// Column here, column there: empty on the side without the foreign key.
    pub(crate) on: &'static [(&'static str, &'static str)],
}

/// An entity set and its generator.
#[derive(Debug)]
pub(crate) struct EntitySet {
    /// Index in the list of sets; also the salt of its values.
    pub(crate) id: usize,
    pub(crate) name: &'static str,
    pub(crate) type_name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) key: &'static [usize],
    pub(crate) navs: &'static [Nav],
    /// Value of a column in a row.
    pub(crate) value: fn(&Source, u64, usize) -> Value,
    /// Row with these key values (in the order of `key`), if the set were endless.
    pub(crate) find: fn(&Source, &[Value]) -> Option<u64>,
}

impl EntitySet {
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    pub(crate) fn rows(&self, source: &Source) -> u64 {
        source.sizes.get(self.id).copied().unwrap_or(0)
    }
}

/// A nullable column.
pub(crate) const fn null(name: &'static str, ty: Type) -> Column {
    Column { name, ty, nullable: true }
}

/// A column that is never null.
pub(crate) const fn col(name: &'static str, ty: Type) -> Column {
    Column { name, ty, nullable: false }
}
