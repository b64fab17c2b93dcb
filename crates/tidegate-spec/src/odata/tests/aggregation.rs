//! What a service says of `$apply`.

use super::*;
use crate::odata::{Apply, TextComparison};
use crate::{Aggregate, Aggregation};

/// What is made of a set with `n` (Int32), `d` (Decimal), `f` (Double) and `s` (String) under this annotation of its set,
/// and these of `n`.
fn aggregation(options: &Options, of_set: &str, of_n: &str) -> Option<Aggregation> {
    let document = format!(
        "<Edmx Version=\"4.0\"><DataServices><Schema Namespace=\"A\">
           <EntityType Name=\"X\"><Property Name=\"n\" Type=\"Edm.Int32\">{of_n}</Property>
             <Property Name=\"d\" Type=\"Edm.Decimal\" Precision=\"9\" Scale=\"2\"/>
             <Property Name=\"f\" Type=\"Edm.Double\"/><Property Name=\"s\"/></EntityType>
           <EntityContainer Name=\"C\"><EntitySet Name=\"S\" EntityType=\"A.X\">{of_set}</EntitySet></EntityContainer>
         </Schema></DataServices></Edmx>"
    );
    parse(&document, options).unwrap().tables.remove(0).endpoints.remove(0).aggregate
}

/// Groups, values and whether filters are taken, in short.
fn short(aggregation: Option<Aggregation>) -> String {
    let Some(found) = aggregation else { return "none".to_owned() };
    let name = |column: usize| ["n", "d", "f", "s"][column];
    let value = |value: &Aggregate| format!("{}{}", value.function(), value.column().map_or("", name));
    let groups: Vec<&str> = found.groups.iter().map(|&column| name(column)).collect();
    let values: Vec<String> = found.values.iter().map(value).collect();
    format!("by {} {} filter {}", groups.join(","), values.join(","), found.filters)
}

fn supported(members: &str) -> String {
    format!("<Annotation Term=\"Org.OData.Aggregation.V1.ApplySupported\"><Record>{members}</Record></Annotation>")
}

fn collection(property: &str, items: &[&str]) -> String {
    let items: String = items.iter().map(|item| format!("<String>{item}</String>")).collect();
    format!("<PropertyValue Property=\"{property}\"><Collection>{items}</Collection></PropertyValue>")
}

const ALL: &str = "by n,d count,sumn,minn,maxn,sumd,mind,maxd,minf,maxf filter true";

#[test]
fn only_what_is_declared_is_computed() {
    let tag = |term: &str| format!("<Annotation Term=\"Org.OData.Aggregation.V1.{term}\"/>");
    let restricted = "<PropertyValue Property=\"PropertyRestrictions\" Bool=\"true\"/>";
    let sums = "<PropertyValue Property=\"AggregatableProperties\"><Collection><Record>\
                <PropertyValue Property=\"Property\" PropertyPath=\"d\"/>\
                <PropertyValue Property=\"SupportedAggregationMethods\"><Collection><String>sum</String></Collection>\
                </PropertyValue></Record></Collection></PropertyValue>";
    let cases = [
        (String::new(), String::new(), "none"),
        (supported(""), String::new(), ALL),
        (supported(&collection("Transformations", &["aggregate", "groupby", "filter"])), String::new(), ALL),
        (
            supported(&collection("Transformations", &["aggregate", "groupby"])),
            String::new(),
            "by n,d count,sumn,minn,maxn,sumd,mind,maxd,minf,maxf filter false",
        ),
        (supported(&collection("Transformations", &["filter", "aggregate"])), String::new(), "none"),
        (supported(restricted), String::new(), "by  count filter true"),
        (supported(restricted), tag("Groupable"), "by n count filter true"),
        (supported(restricted), tag("Aggregatable"), "by  count,sumn,minn,maxn filter true"),
        (supported(sums), String::new(), "by  count,sumd filter true"),
        (supported(&collection("GroupableProperties", &["d"])), String::new(), "by d count filter true"),
    ];
    for (of_set, of_n, expected) in cases {
        assert_eq!(short(aggregation(&Options::default(), &of_set, &of_n)), expected, "{of_set} {of_n}");
    }
}

#[test]
fn a_user_may_know_better() {
    let with = |apply, text| Options { apply, text, ..Options::default() };
    let collated = TextComparison::Collated;
    let without = supported(&collection("Transformations", &["filter"]));
    assert_eq!(short(aggregation(&with(Apply::Always, collated), "", "")), ALL);
    assert_eq!(short(aggregation(&with(Apply::Always, collated), &without, "")), ALL);
    assert_eq!(short(aggregation(&with(Apply::Ignore, collated), &supported(""), "")), "none");
    assert_eq!(
        short(aggregation(&with(Apply::Always, TextComparison::Binary), "", "")),
        "by n,d,s count,sumn,minn,maxn,sumd,mind,maxd,minf,maxf,mins,maxs filter true"
    );
}
