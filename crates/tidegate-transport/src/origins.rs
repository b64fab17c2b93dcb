//! Comparing a URL with an origin without making an [`Origin`] of it, which each request would pay for in several layers.

use url::{Origin, Url};

/// Whether a URL is at this origin: the same as `url.origin() == *origin`.
pub(crate) fn is_at(url: &Url, origin: &Origin) -> bool {
    match origin {
        // Equal to nothing but itself, and so to no URL's.
        Origin::Opaque(_) => false,
        Origin::Tuple(scheme, host, port) if matches!(url.scheme(), "http" | "https") => {
            url.scheme() == scheme
                && url.port_or_known_default() == Some(*port)
                && url.host().is_some_and(|own| own == *host)
        }
        Origin::Tuple(..) => url.origin() == *origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_where_its_origin_is() {
        let urls = [
            "https://a.example/x?y=1#z",
            "https://a.example:443/",
            "https://u:p@a.example/",
            "https://A.example/",
            "https://a.example:8443/",
            "https://b.example/",
            "http://a.example/",
            "http://a.example:443/",
            "http://127.0.0.1:80/",
            "http://127.0.0.1/x",
            "http://[::1]:8080/",
            "ws://a.example/",
            "blob:https://a.example/1",
            "file:///x",
            "data:text/plain,x",
        ];
        let urls = urls.map(|url| Url::parse(url).unwrap());
        for url in &urls {
            for other in &urls {
                assert_eq!(is_at(url, &other.origin()), url.origin() == other.origin(), "{url} {other}");
            }
        }
    }
}
