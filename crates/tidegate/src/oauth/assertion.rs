//! Signed assertions (RFC 7523), with the crypto that TLS brings along.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};
use tidegate_transport::Secret;

use super::config::OAuthConfig;

/// How long an assertion holds: servers take at most an hour, and some ten minutes.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// A private key.
pub(super) enum SigningKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

const NO_KEY: &str = "private_key is no key that can be used: it must be PEM, RSA of 2048 bits or more (BEGIN PRIVATE KEY, BEGIN RSA \
     PRIVATE KEY) or P-256 (BEGIN PRIVATE KEY), without a password";

impl SigningKey {
    /// Reads PEM. The error shows nothing of the key.
    pub(super) fn read(pem: &Secret) -> Result<Self, String> {
        let (label, der) = decode_pem(pem.expose()).ok_or(NO_KEY)?;
        match label.as_str() {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map(Self::Rsa).map_err(|_| NO_KEY.to_owned()),
            "PRIVATE KEY" => {
                if let Ok(key) = RsaKeyPair::from_pkcs8(&der) {
                    return Ok(Self::Rsa(key));
                }
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
                    .map(Self::P256)
                    .map_err(|_| NO_KEY.to_owned())
            }
            "EC PRIVATE KEY" => {
                Err("private_key is in the old form for curves: convert it with openssl pkcs8 -topk8 -nocrypt"
                    .to_owned())
            }
            _ => Err(NO_KEY.to_owned()),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}

/// Label and content of the first PEM block.
fn decode_pem(pem: &str) -> Option<(String, Vec<u8>)> {
    // A key in an environment variable often has `\n` where its lines ended.
    let pem = pem.replace("\\n", "\n");
    let (_, after) = pem.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (content, _) = after.split_once("-----END ")?;
    let content: String = content.split_whitespace().collect();
    Some((label.to_owned(), STANDARD.decode(content).ok()?))
}

/// The assertion of a connection; otherwise what is wrong.
pub(super) fn assertion(config: &OAuthConfig, now: SystemTime) -> Result<Secret, String> {
    let key = SigningKey::read(config.private_key.as_ref().ok_or("private_key is missing")?)?;
    let mut header = Map::from_iter([("alg".to_owned(), json!(key.algorithm())), ("typ".to_owned(), json!("JWT"))]);
    if let Some(id) = &config.key_id {
        header.insert("kid".to_owned(), json!(id));
    }
    let signed = format!("{}.{}", encode(&Value::Object(header)), encode(&claims(config, now)?));
    let signature = key.sign(signed.as_bytes()).map_err(|_| "the assertion cannot be signed with private_key")?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn claims(config: &OAuthConfig, now: SystemTime) -> Result<Value, String> {
    let issuer = config.issuer.as_deref().or(config.client_id.as_deref()).ok_or("issuer is missing")?;
    let issued = now.duration_since(UNIX_EPOCH).map_err(|_| "this machine's clock is before 1970")?.as_secs();
    let mut claims = json!({
        "iss": issuer,
        "sub": config.subject.as_deref().unwrap_or(issuer),
        "aud": config.audience.as_deref().unwrap_or(config.token_url.as_str()),
        "iat": issued,
        "exp": issued + LIFETIME.as_secs(),
        "jti": random_text::<16>()?,
    });
    // RFC 7523 has the scope in the request; some servers read it here.
    if let Some(scope) = &config.scope {
        claims["scope"] = json!(scope);
    }
    Ok(claims)
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// So many bytes that nobody can foretell, fit for a URL.
pub(super) fn random_text<const BYTES: usize>() -> Result<String, String> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system has no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
