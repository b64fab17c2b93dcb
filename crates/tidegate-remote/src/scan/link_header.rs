//! The `Link` header (RFC 8288, section 3): which URL it names as the next page.
//!
//! A header that cannot be read is an error and not the end: rows would be lost in silence.

use http::HeaderMap;
use http::header::LINK;
use url::Url;

use crate::ErrorKind;

/// One link of a header.
#[derive(Debug, Default, PartialEq)]
struct Link<'h> {
    target: &'h str,
    /// Relation types, between blanks.
    rel: Option<String>,
    /// What the link starts from, where that is not the response.
    anchor: Option<String>,
}

/// Where the first link with `rel="next"` points, taken relative to the URL that answered.
pub(super) fn next(headers: &HeaderMap, answered: &Url) -> Result<Option<Url>, ErrorKind> {
    for value in headers.get_all(LINK) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let links = Parser { rest: &text }.links().ok_or_else(|| {
            ErrorKind::Body(format!("the header Link cannot be read, so that the next page is not known: {text:?}"))
        })?;
        if let Some(link) = links.iter().find(|link| link.is_next(answered)) {
            return follow(answered, link.target).map(Some);
        }
    }
    Ok(None)
}

fn follow(answered: &Url, target: &str) -> Result<Url, ErrorKind> {
    let bad = |why: &str| ErrorKind::Body(format!("the next link {target:?} cannot be followed: {why}"));
    let mut url = answered.join(target).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(&format!("its scheme is {}", url.scheme())));
    }
    url.set_fragment(None);
    Ok(url)
}

impl Link<'_> {
    fn is_next(&self, answered: &Url) -> bool {
        let rel = self.rel.as_deref().unwrap_or_default();
        let from_here =
            self.anchor.as_deref().is_none_or(|anchor| answered.join(anchor).is_ok_and(|url| url == *answered));
        from_here && rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
    }
}

/// What is left to read of one field.
struct Parser<'h> {
    rest: &'h str,
}

impl<'h> Parser<'h> {
    /// All links; `None` when the field is not as RFC 8288 wants it.
    fn links(mut self) -> Option<Vec<Link<'h>>> {
        let mut links = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
            if self.rest.is_empty() {
                return Some(links);
            }
            links.push(self.link()?);
            if !self.rest.is_empty() && !self.rest.starts_with(',') {
                return None;
            }
        }
    }

    fn link(&mut self) -> Option<Link<'h>> {
        let (target, rest) = self.rest.strip_prefix('<')?.split_once('>')?;
        self.rest = rest;
        let mut link = Link { target: target.trim(), ..Link::default() };
        loop {
            self.blanks();
            let Some(rest) = self.rest.strip_prefix(';') else { return Some(link) };
            self.rest = rest;
            self.blanks();
            let name = self.until(&['=', ';', ',', ' ', '\t']);
            self.blanks();
            let value = match self.rest.strip_prefix('=') {
                Some(rest) => {
                    self.rest = rest;
                    self.blanks();
                    self.value()?
                }
                None => String::new(),
            };
            // Of a parameter that stands twice the first counts (RFC 8288, 3.3).
            match name.to_ascii_lowercase().as_str() {
                "rel" => drop(link.rel.get_or_insert(value)),
                "anchor" => drop(link.anchor.get_or_insert(value)),
                _ => {}
            }
        }
    }

    /// A token, or a quoted string with its escapes resolved.
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            // Single quotes are no quotes in HTTP; some servers write them, and no relation has them in its name.
            let token = self.until(&[';', ',', ' ', '\t']);
            return Some(token.trim_matches('\'').to_owned());
        };
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(letters.next()?.1),
                other => value.push(other),
            }
        }
        None
    }

    fn until(&mut self, ends: &[char]) -> &'h str {
        let (taken, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(fields: &[&str]) -> Result<Option<String>, ErrorKind> {
        let answered = Url::parse("https://api.test/v1/items?page=1").unwrap();
        let headers = fields.iter().map(|field| (LINK, HeaderValue::from_bytes(field.as_bytes()).unwrap())).collect();
        next(&headers, &answered).map(|url| url.map(|url| url.to_string()))
    }

    #[test]
    fn the_next_page_is_found_in_every_form() {
        let two = Some("https://api.test/v1/items?page=2");
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&[""], None),
            (&["<https://api.test/v1/items?page=2>; rel=\"next\""], two),
            (&["<https://api.test/v1/items?page=2>;rel=next"], two),
            (&["<https://api.test/v1/items?page=2>; rel='next'"], two),
            (&["</v1/items?page=2>; REL=\"Next\""], two),
            (&["<items?page=2> ; rel = \"prefetch next\""], two),
            (&["<?page=2>; title=\"a, b; <c>; rel=\\\"last\\\"\"; rel=\"next\""], two),
            (&["<?page=1>; rel=\"prev\", <?page=2>; rel=\"next\",\t<?page=9>; rel=\"last\""], two),
            (&["<?page=1>; rel=prev,,<?page=2>; rel=next"], two),
            (&["<?page=9>; rel=\"last\"", "<?page=2>; rel=\"next\""], two),
            (&["<?a=1,2;3&page=2>; rel=next"], Some("https://api.test/v1/items?a=1,2;3&page=2")),
            (&["<https://other.test/x>; rel=next#"], None),
            (&["<https://other.test/x>; rel=next"], Some("https://other.test/x")),
            (&["<?page=9>; rel=\"last\"; rel=\"next\""], None),
            (&["<?page=3>; rel=next; anchor=\"/elsewhere\", <?page=2>; rel=next; anchor=\"\""], two),
            (&["<?page=9>; rel=nextish, <?page=8>; crossorigin; rel=next-archive"], None),
            (&["<?page=2#top>; crossorigin; rel=next"], two),
        ];
        for (fields, expected) in cases {
            assert_eq!(found(fields).unwrap().as_deref(), *expected, "{fields:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_end() {
        for field in
            ["https://api.test/2; rel=next", "<?page=2; rel=next", "<?page=2>; rel=\"next", "<a> <b>; rel=next"]
        {
            let error = found(&[field]).unwrap_err().to_string();
            assert!(error.contains("Link cannot be read"), "{field}: {error}");
        }
        for field in ["<https://>; rel=next", "<ftp://api.test/x>; rel=next"] {
            let error = found(&[field]).unwrap_err().to_string();
            assert!(error.contains("cannot be followed"), "{field}: {error}");
        }
    }
}
