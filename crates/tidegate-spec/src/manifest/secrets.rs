//! Texts that look like credentials, so that none is written into a manifest.

/// How tokens of well-known services and of common formats begin, with the fewest characters that follow.
const PREFIXES: [(&str, usize); 16] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("AKIA", 16),
    ("AIza", 30),
    ("eyJ", 20),
    ("pat-", 24),
    ("-----BEGIN", 0),
];

/// Whether a literal text looks like a token, key or password.
pub(super) fn looks_like_secret(text: &str) -> bool {
    let scheme = ["Bearer ", "Basic ", "Token ", "bearer ", "basic ", "token "];
    if let Some(credential) = scheme.iter().find_map(|scheme| text.trim().strip_prefix(scheme)) {
        return !credential.contains('{') && credential.trim().len() >= 8;
    }
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-').any(is_token)
}

fn is_token(word: &str) -> bool {
    let known = PREFIXES.iter().any(|(prefix, more)| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *more));
    known || is_random(word)
}

/// 32 characters or more with upper case, lower case and several digits are no word of a language, nor a UUID.
fn is_random(word: &str) -> bool {
    let count = |class: fn(&char) -> bool| word.chars().filter(class).count();
    word.len() >= 32
        && !word.contains(['_', '-'])
        && count(char::is_ascii_uppercase) >= 4
        && count(char::is_ascii_lowercase) >= 4
        && count(char::is_ascii_digit) >= 4
}
