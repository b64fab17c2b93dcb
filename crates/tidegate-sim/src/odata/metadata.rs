//! Service document and `$metadata`.

mod annotate;

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::hash::Hasher;

use http::header;

use crate::data::sales::{ADDRESS, KIND, NAMESPACE, SETS};
use crate::data::schema::{Column, EntitySet, Type};
use crate::reply::Reply;

use super::Call;
use super::filter::ast::Dialect;
use super::v2;

pub(crate) fn service_document(call: &Call<'_>) -> Reply {
    let names: Vec<&str> = SETS.iter().map(|s| s.name).collect();
    let body = match call.dialect {
        Dialect::V2 => serde_json::json!({ "d": { "EntitySets": names } }),
        Dialect::V4 => {
            let sets: Vec<_> =
                names.iter().map(|n| serde_json::json!({ "name": n, "kind": "EntitySet", "url": n })).collect();
            let context = format!("{}{}$metadata", call.origin, call.root);
            serde_json::json!({ "@odata.context": context, "value": sets })
        }
    };
    Reply::new(200, "application/json", body.to_string())
}

pub(crate) fn metadata(call: &Call<'_>) -> Reply {
    let body = match call.dialect {
        Dialect::V4 => document_v4(call),
        Dialect::V2 => document_v2(call),
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(body.as_bytes());
    let etag = format!("W/\"{:016x}\"", hasher.finish());
    if !call.config.odata.metadata_etag {
        return Reply::new(200, "application/xml", body);
    }
    let known = call.headers.get_all(header::IF_NONE_MATCH).iter().any(|v| {
        let text = v.to_str().unwrap_or_default();
        text.split(',').any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == &etag[2..])
    });
    let reply = if known { Reply::empty(304) } else { Reply::new(200, "application/xml", body) };
    reply.with("ETag", etag)
}

fn document_v4(call: &Call<'_>) -> String {
    let mut x = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">",
    );
    annotate::references(&mut x, &call.config.odata);
    x.push_str("<edmx:DataServices>");
    let ns = "http://docs.oasis-open.org/odata/ns/edm";
    let _ = write!(x, "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"{ns}\">");
    let _ = write!(x, "<EnumType Name=\"{}\">", KIND.name);
    for (i, member) in KIND.members.iter().enumerate() {
        let _ = write!(x, "<Member Name=\"{member}\" Value=\"{i}\"/>");
    }
    x.push_str("</EnumType>");
    complex_type(&mut x, Dialect::V4);
    for set in &SETS {
        entity_type(&mut x, set, call);
    }
    x.push_str("<EntityContainer Name=\"Container\">");
    for set in &SETS {
        let _ = write!(x, "<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\">", set.name, set.type_name);
        for nav in set.navs {
            let _ = write!(x, "<NavigationPropertyBinding Path=\"{}\" Target=\"{}\"/>", nav.name, nav.set);
        }
        annotate::set(&mut x, &call.config.odata, set);
        x.push_str("</EntitySet>");
    }
    x.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    x
}

fn document_v2(call: &Call<'_>) -> String {
    let mut x = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\">\
         <edmx:DataServices m:DataServiceVersion=\"2.0\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">",
    );
    let ns = "http://schemas.microsoft.com/ado/2008/09/edm";
    let _ = write!(x, "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"{ns}\">");
    complex_type(&mut x, Dialect::V2);
    for set in &SETS {
        entity_type(&mut x, set, call);
    }
    x.push_str("<EntityContainer Name=\"Container\" m:IsDefaultEntityContainer=\"true\">");
    for set in &SETS {
        let _ = write!(x, "<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\"/>", set.name, set.type_name);
    }
    x.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    x
}

fn complex_type(x: &mut String, dialect: Dialect) {
    let _ = write!(x, "<ComplexType Name=\"{}\">", ADDRESS.name);
    ADDRESS.fields.iter().for_each(|f| property(x, f, dialect, "", ""));
    x.push_str("</ComplexType>");
}

fn entity_type(x: &mut String, set: &EntitySet, call: &Call<'_>) {
    let dialect = call.dialect;
    let _ = write!(x, "<EntityType Name=\"{}\"><Key>", set.type_name);
    for c in set.key {
        let _ = write!(x, "<PropertyRef Name=\"{}\"/>", set.columns[*c].name);
    }
    x.push_str("</Key>");
    for (index, column) in set.columns.iter().enumerate().filter(|(_, c)| dialect == Dialect::V4 || v2::has(c)) {
        let options = &call.config.odata;
        let fixed = annotate::attribute(options, dialect, index);
        property(x, column, dialect, fixed, &annotate::column(options, dialect, set, column));
    }
    // In V2 a navigation property needs an association; this service declares none there.
    for nav in set.navs.iter().filter(|_| dialect == Dialect::V4) {
        let target = format!("{NAMESPACE}.{}", nav.ty);
        let ty = if nav.many { format!("Collection({target})") } else { target };
        let _ = write!(x, "<NavigationProperty Name=\"{}\" Type=\"{ty}\">", nav.name);
        for (here, there) in nav.on {
            let _ = write!(x, "<ReferentialConstraint Property=\"{here}\" ReferencedProperty=\"{there}\"/>");
        }
        x.push_str("</NavigationProperty>");
    }
    x.push_str("</EntityType>");
}

/// `more` are attributes, `inside` are elements.
fn property(x: &mut String, column: &Column, dialect: Dialect, more: &str, inside: &str) {
    let v4 = dialect == Dialect::V4;
    let facets = match column.ty {
        Type::Str(Some(n)) => format!(" MaxLength=\"{n}\""),
        Type::Decimal { precision, scale } => format!(" Precision=\"{precision}\" Scale=\"{scale}\""),
        Type::Stamp | Type::Time if v4 => " Precision=\"3\"".to_owned(),
        _ => String::new(),
    };
    let ty = match column.ty {
        Type::Str(_) => "Edm.String".to_owned(),
        Type::Int16 => "Edm.Int16".to_owned(),
        Type::Int32 => "Edm.Int32".to_owned(),
        Type::Int64 => "Edm.Int64".to_owned(),
        Type::Decimal { .. } => "Edm.Decimal".to_owned(),
        Type::Double => "Edm.Double".to_owned(),
        Type::Bool => "Edm.Boolean".to_owned(),
        Type::Date if v4 => "Edm.Date".to_owned(),
        Type::Time if v4 => "Edm.TimeOfDay".to_owned(),
        Type::Stamp if v4 => "Edm.DateTimeOffset".to_owned(),
        Type::Date | Type::Stamp => "Edm.DateTime".to_owned(),
        Type::Time => "Edm.Time".to_owned(),
        Type::Guid => "Edm.Guid".to_owned(),
        Type::Enum(e) if v4 => format!("{NAMESPACE}.{}", e.name),
        Type::Enum(_) => "Edm.Int32".to_owned(),
        Type::Complex(c) => format!("{NAMESPACE}.{}", c.name),
        Type::Strings => "Collection(Edm.String)".to_owned(),
    };
    let nullable = if column.nullable { "" } else { " Nullable=\"false\"" };
    let _ = write!(x, "<Property Name=\"{}\" Type=\"{ty}\"{nullable}{facets}{more}", column.name);
    match inside {
        "" => x.push_str("/>"),
        inside => {
            let _ = write!(x, ">{inside}</Property>");
        }
    }
}
