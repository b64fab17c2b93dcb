//! What each grant sends, and what is made of what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Value, json};
use tidegate_state::StoredToken;
use tidegate_transport::ErrorKind;

use super::*;

/// A key that was made for this test and opens nothing.
pub(super) const RSA_KEY: &str = include_str!("rsa.pem");

/// `grant_type=…&…` of the only request, in the order of the names, and its `Authorization`.
async fn sent(config: OAuthConfig) -> (String, Option<String>) {
    let setup = Setup::new(config, [pair(1)]);
    assert_eq!(setup.token().await.unwrap(), "access-1");
    let seen = setup.endpoint.seen.lock().unwrap();
    let (form, authorization) = &seen[0];
    let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (form.join("&"), authorization.clone())
}

#[tokio::test]
async fn forms_are_what_the_rfcs_say() {
    let with = |grant, change: fn(&mut OAuthConfig)| {
        let mut config = config(grant);
        change(&mut config);
        config
    };
    let basic = |text: &str| Some(format!("Basic {}", STANDARD.encode(text)));
    let cases = [
        (with(Grant::ClientCredentials, |_| ()), "grant_type=client_credentials", basic("me:client-s3cret")),
        (
            with(Grant::ClientCredentials, |config| {
                config.client_id = Some("m e".into());
                config.client_secret = Some(Secret::new("a:b&ü"));
                config.scope = Some("read write".into());
                config.audience = Some("https://api.example/".into());
                config.extra.insert("resource".into(), "x".into());
            }),
            "audience=https://api.example/&grant_type=client_credentials&resource=x&scope=read write",
            basic("m+e:a%3Ab%26%C3%BC"),
        ),
        (
            with(Grant::ClientCredentials, |config| config.client_auth = ClientAuth::Body),
            "client_id=me&client_secret=client-s3cret&grant_type=client_credentials",
            None,
        ),
        (
            with(Grant::RefreshToken, |config| config.scope = Some("all".into())),
            "client_id=me&grant_type=refresh_token&refresh_token=refresh-0",
            None,
        ),
        (
            with(Grant::RefreshToken, |config| config.client_secret = Some(Secret::new("x"))),
            "grant_type=refresh_token&refresh_token=refresh-0",
            basic("me:x"),
        ),
    ];
    for (config, form, authorization) in cases {
        assert_eq!(sent(config).await, (form.to_owned(), authorization));
    }
}

/// The three parts of the assertion, and what was signed.
async fn assertion(config: OAuthConfig) -> (Value, Value, Vec<u8>, String) {
    let setup = Setup::new(config, [pair(1)]);
    setup.token().await.unwrap();
    let form = setup.endpoint.forms().remove(0);
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let parts: Vec<_> = form["assertion"].split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice(&decode(part)).unwrap();
    (json(parts[0]), json(parts[1]), decode(parts[2]), format!("{}.{}", parts[0], parts[1]))
}

fn pem(label: &str, der: &[u8]) -> Secret {
    Secret::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)))
}

fn verify(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], signed: &str, signature: &[u8]) {
    UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), signature).unwrap();
}

#[tokio::test]
async fn assertions_verify_with_the_public_key() {
    let der = STANDARD.decode(RSA_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let public = RsaKeyPair::from_pkcs8(&der).unwrap().public_key().as_ref().to_vec();
    // The head of PKCS#8 for such a key has 26 bytes; the rest is PKCS#1.
    let old = pem("RSA PRIVATE KEY", &der[26..]);
    let in_one_line = Secret::new(RSA_KEY.replace('\n', "\\n"));
    for key in [Secret::new(RSA_KEY), old, in_one_line] {
        let config = OAuthConfig { private_key: Some(key), key_id: Some("k1".into()), ..config(Grant::JwtBearer) };
        let (header, claims, signature, signed) = assertion(config).await;
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
        assert_eq!((&claims["iss"], &claims["sub"], &claims["aud"]), (&json!("me"), &json!("me"), &json!(TOKEN_URL)));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_300)));
        verify(&RSA_PKCS1_2048_8192_SHA256, &public, &signed, &signature);
    }

    let random = ring::rand::SystemRandom::new();
    let curve = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, curve.as_ref(), &random).unwrap();
    let config = OAuthConfig {
        private_key: Some(pem("PRIVATE KEY", curve.as_ref())),
        client_id: None,
        issuer: Some("app".into()),
        subject: Some("ann".into()),
        audience: Some("https://aud.example".into()),
        scope: Some("read".into()),
        ..config(Grant::JwtBearer)
    };
    let (header, claims, signature, signed) = assertion(config).await;
    assert_eq!(header["alg"], "ES256");
    let found = ["iss", "sub", "aud", "scope"].map(|claim| claims[claim].as_str().unwrap());
    assert_eq!(found, ["app", "ann", "https://aud.example", "read"]);
    verify(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref(), &signed, &signature);
}

#[test]
fn mistakes_are_told_all_at_once() {
    let open =
        |config: OAuthConfig, state: State| token_source(config, "crm", &parts(Endpoint::new([]), state, clock()));
    let wrong = OAuthConfig {
        client_id: None,
        authorize_url: Some(url("http://login.example/")),
        refresh_token: Some(Secret::new("refresh-0")),
        private_key: Some(pem("EC PRIVATE KEY", b"x")),
        extra: [("scope".to_owned(), "x".to_owned())].into(),
        ..OAuthConfig::new(Grant::ClientCredentials, url("http://u:p@192.0.2.1/token"))
    };
    let error = open(wrong, State::in_memory()).unwrap_err();
    check_message(
        &error,
        &[
            "crm",
            "client_credentials",
            "client_id is missing",
            "client_secret is missing",
            "a refresh_token needs",
            "token_url must begin with https",
            "authorize_url must begin with https",
            "extra cannot set scope",
            "openssl pkcs8",
        ],
    );
    for here in ["http://127.0.0.1:1/", "http://[::1]/", "http://localhost/"] {
        let config = OAuthConfig { token_url: url(here), ..config(Grant::ClientCredentials) };
        open(config, State::in_memory()).unwrap();
    }
    let error =
        open(OAuthConfig { private_key: Some(Secret::new("x")), ..config(Grant::JwtBearer) }, State::in_memory());
    check_message(&error.unwrap_err(), &["private_key", "PEM"]);
}

#[test]
fn what_can_be_used_once_needs_a_folder() {
    let open = |config| token_source(config, "crm", &parts(Endpoint::new([]), State::in_memory(), clock()));
    check_message(&open(config(Grant::RefreshToken)).unwrap_err(), &["--state", "rotates: false", "used once"]);
    check_message(&open(config(Grant::AuthorizationCode)).unwrap_err(), &["--state"]);
    open(OAuthConfig { rotates: false, ..config(Grant::RefreshToken) }).unwrap();
    open(config(Grant::ClientCredentials)).unwrap();
}

#[tokio::test]
async fn refusals_say_what_and_where_and_what_to_do() {
    let long = format!(r#"{{"error":"invalid_scope","error_description":"{}"}}"#, "x".repeat(5_000));
    let cases = [
        (Grant::RefreshToken, 400, r#"{"error":"invalid_grant"}"#, vec!["invalid_grant", "refresh_token"]),
        (Grant::AuthorizationCode, 400, r#"{"error":"invalid_grant"}"#, vec!["tidegate login crm"]),
        (
            Grant::ClientCredentials,
            401,
            r#"{"error":"invalid_client","error_description":"client-s3cret\n is\u001b wrong"}"#,
            vec!["invalid_client: *** is wrong", "client_secret"],
        ),
        (Grant::ClientCredentials, 400, &long, vec!["invalid_scope"]),
        (Grant::ClientCredentials, 404, "<html>", vec!["status 404"]),
        (Grant::ClientCredentials, 200, "{}", vec!["without access_token"]),
        (Grant::ClientCredentials, 200, r#"{"access_token":"x","token_type":"mac"}"#, vec!["no bearer token"]),
        (Grant::ClientCredentials, 200, r#"{"error":"bad_verification_code"}"#, vec!["bad_verification_code"]),
        (Grant::JwtBearer, 400, r#"{"error":"invalid_grant"}"#, vec!["this machine's clock"]),
    ];
    for (grant, status, body, words) in cases {
        let setup = Setup::new(config(grant), [answer(status, body)]);
        if grant == Grant::AuthorizationCode {
            let error = setup.token().await.unwrap_err();
            check_message(&error, &["nobody has logged in", "tidegate login crm"]);
            let login = StoredToken { access: "a".into(), ..renewals::stored(0, -1) };
            setup.parts.state.replace_token(&setup.config.key("crm"), &login).unwrap();
        }
        let error = setup.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        assert!(error.to_string().len() < 700, "{error}");
        check_message(&error, &[vec!["connection crm", TOKEN_URL], words].concat());
    }
}

#[tokio::test]
async fn a_lifetime_may_be_a_text_or_missing() {
    for (expires_in, lives) in
        [("600", Some(600)), ("\"600\"", Some(600)), ("null", None), ("-1", None), ("1e300", None)]
    {
        let body = format!(r#"{{"access_token":"a","expires_in":{expires_in}}}"#);
        let setup = Setup::new(config(Grant::ClientCredentials), [answer(200, &body)]);
        setup.token().await.unwrap();
        let kept = setup.parts.state.token(&setup.config.key("crm")).unwrap().unwrap();
        let life = kept.expires_at.map(|end| end.duration_since(kept.obtained_at).unwrap().as_secs());
        assert_eq!(life, lives, "{expires_in}");
    }
}
