//! Whose quotas a connection's calls come out of.
//!
//! Counters are kept under keys that say who shares them: the provider, the origin that is called, and who signs. Two
//! connections that sign with the same credential share; two people do not. Keys stand in the state folder, so no secret
//! is in them: of each, 32 bits of its hash, which tell two apart and find none again.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tidegate_quota::{Ledger, Unit};
use tidegate_transport::{Credentials, Metering, Secret, Warn};
use url::Url;

use crate::connector::Access;

/// The quotas of a connection under this name.
pub(crate) fn metering(name: &str, access: &Access, ledger: Arc<Ledger>, warn: Box<Warn>) -> Metering {
    Metering {
        quotas: access.quotas.clone(),
        throttles: access.throttles.clone(),
        warn,
        ..Metering::new(ledger, &key(&access.provider, &access.base, &access.credentials), name)
    }
}

/// Whether its requests for tokens are counted, too.
pub(crate) fn counts_tokens(metering: &Metering) -> bool {
    metering.quotas.iter().any(|metered| metered.quota.unit == Unit::TokenRequests)
}

/// Names who signs, and at which origin: without a credential, the origin alone.
fn key(provider: &str, base: &Url, credentials: &[Credentials]) -> String {
    let origin = base.origin().ascii_serialization();
    match signer(credentials) {
        Some(signer) => format!("{provider}|{origin}|{signer}"),
        None => format!("{provider}|{origin}"),
    }
}

fn signer(credentials: &[Credentials]) -> Option<String> {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part);
        hash.update([0]);
    };
    let mut signs = false;
    for credential in credentials {
        let (kind, name, secret): (&str, &str, &[u8]) = match credential {
            Credentials::None => continue,
            Credentials::Basic { user, password } => ("basic", user, &part_of(password)),
            Credentials::Bearer(token) => ("bearer", "", &part_of(token)),
            Credentials::Header { name, value } => ("header", name, &part_of(value)),
            Credentials::Query { name, value } => ("query", name, &part_of(value)),
            Credentials::Token(source) => ("token", source.identity(), &[]),
        };
        signs = true;
        [kind.as_bytes(), name.as_bytes(), secret].into_iter().for_each(&mut add);
    }
    signs.then(|| hex(&hash.finalize()[..16]))
}

/// What of a secret may go into a key or fingerprint: enough to tell two apart, too little to find it again.
pub(crate) fn part_of(secret: &Secret) -> [u8; 4] {
    let hash = Sha256::digest(secret.expose().as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(url: &str, credentials: &[Credentials]) -> String {
        key("api", &Url::parse(url).unwrap(), credentials)
    }

    #[test]
    fn one_signer_at_one_origin_has_one_key() {
        let bearer = |token: &str| vec![Credentials::Bearer(Secret::new(token))];
        let basic = |user: &str, password: &str| {
            vec![Credentials::Basic { user: user.to_owned(), password: Secret::new(password) }]
        };
        let same = keyed("https://a.example/v1/", &bearer("one"));
        assert_eq!(same, keyed("https://a.example:443/v2/%7Bpartition%7D/", &bearer("one")));
        for (url, credentials) in [
            ("https://a.example/v1/", bearer("other")),
            ("https://b.example/v1/", bearer("one")),
            ("http://a.example/v1/", bearer("one")),
            ("https://a.example/v1/", basic("", "one")),
            ("https://a.example/v1/", Vec::new()),
        ] {
            assert_ne!(same, keyed(url, &credentials), "{url}");
        }
        assert_ne!(keyed("https://a/", &basic("u", "x")), keyed("https://a/", &basic("v", "x")));
        assert_eq!(keyed("https://a/x", &[Credentials::None]), "api|https://a");
        assert!(!same.contains("one"));
    }
}
