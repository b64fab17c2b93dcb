//! The inference over bodies in the shapes of well-known APIs.

mod asking;
mod parts;
mod shapes;
mod whole;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidegate_spec::{Manifest, Model};
use url::Url;

use super::{Inferred, Sample, manifest};

/// An answer with this status, these headers and this body.
fn sample(url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Sample {
    let header =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    Sample {
        url: Url::parse(url).unwrap(),
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.iter().map(header).collect::<HeaderMap>(),
        body: body.as_bytes().to_vec(),
        signed: false,
    }
}

fn ok(url: &str, body: &str) -> Sample {
    sample(url, 200, &[], body)
}

/// Asserts that the manifest has each of these lines, in this order, whatever stands between and behind them as a
/// comment.
fn check(what: &str, samples: &[Sample], lines: &[&str]) {
    let yaml = inferred(samples).yaml;
    let mut rest = yaml.lines().map(|line| line.trim().split("  # ").next().unwrap_or_default());
    for line in lines {
        assert!(rest.any(|is| is == *line), "{what}: no line {line:?} at its place in\n{yaml}");
    }
}

/// The manifest of these samples, which is valid as it is and with all that it offers in comments.
fn inferred(samples: &[Sample]) -> Inferred {
    let inferred = manifest("shop", samples, None).unwrap();
    assert_eq!(manifest("shop", samples, None).unwrap(), inferred);
    valid(&inferred.yaml);
    valid(&with_offers(&inferred.yaml));
    inferred
}

fn with_offers(yaml: &str) -> String {
    let offers = ["options:", "  token:", "auth:", "  bearer:", "paging:", "count:", "count_header:"];
    let is_offer = |text: &str| offers.iter().any(|offer| text.starts_with(offer));
    let offers_paging = yaml.contains("# paging: ");
    let mut text = String::new();
    for line in yaml.lines().filter(|line| !(offers_paging && line.trim() == "paging: single")) {
        match line.split_once("# ").filter(|(indent, offer)| indent.trim().is_empty() && is_offer(offer)) {
            Some((indent, offer)) => text.extend([indent, offer, "\n"]),
            None => text.extend([line, "\n"]),
        }
    }
    text
}

/// The model of a manifest, which has no problems.
fn valid(yaml: &str) -> Model {
    let options = [("token".to_owned(), "x".to_owned())];
    let manifest = Manifest::parse(yaml, "shop.yaml").unwrap_or_else(|problems| panic!("{problems:#?} in\n{yaml}"));
    let is_declared = yaml.contains("\noptions:");
    let options = options.into_iter().filter(|_| is_declared).collect();
    manifest.compile(&options).unwrap_or_else(|problems| panic!("{problems:#?} in\n{yaml}"))
}

fn refused(samples: &[Sample]) -> String {
    manifest("shop", samples, None).unwrap_err().to_string()
}
