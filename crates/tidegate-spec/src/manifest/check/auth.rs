//! Authentication: what each way needs, and that no credential is written down.

use crate::manifest::document::{Auth, AuthMembers, Grant, OAuth2, OneOrMany, Pair};
use crate::manifest::lower::Lower;
use crate::manifest::lower::values::Use;
use crate::manifest::problem::At;
use crate::manifest::secrets::looks_like_secret;
use crate::manifest::template::{self, Template};

impl Lower<'_, '_, '_> {
    pub(super) fn auth(&mut self) {
        let Some(auth) = &self.document.auth else { return };
        let at = At::root().member("auth");
        let alternatives = auth.as_slice();
        if alternatives.is_empty() {
            self.report.say(&at, "there is no way of signing in the list; expected one, or `none`");
        }
        for (index, alternative) in alternatives.iter().enumerate() {
            let at = if matches!(auth, OneOrMany::Many(_)) { at.member(index) } else { at.clone() };
            match alternative {
                Auth::None(_) if index + 1 < alternatives.len() => {
                    self.report
                        .say(&at, "`none` always holds, so that what follows it is never taken; expected it last");
                }
                Auth::None(_) => {}
                Auth::Members(members) => {
                    self.members(members, &at);
                    self.has_secret(members);
                }
            }
        }
    }

    fn members(&mut self, members: &AuthMembers, at: &At) {
        let authorization = [members.bearer.is_some(), members.basic.is_some(), members.oauth2.is_some()];
        match authorization.iter().filter(|given| **given).count() {
            // What stands there and could not be read was reported already.
            0 if members.header.is_none() && members.query.is_none() && self.members_at(at) == 0 => {
                self.report.say(at, "this signs nothing; expected bearer, basic, header, query or oauth2");
            }
            0 | 1 => {}
            _ => self.report.say(at, "found several of bearer, basic and oauth2; a request has one Authorization"),
        }
        if let Some(token) = &members.bearer {
            self.credential(token, &at.member("bearer"));
        }
        if let Some(basic) = &members.basic {
            let at = at.member("basic");
            let literal = Template::new(format!("{}{}", basic.user, basic.password)).options().is_empty();
            if literal {
                self.report.say(&at, "user and password are written out; expected an option, such as `{password}`");
            }
            self.expand(&basic.user, Use::Auth, &at.member("user"));
            self.expand(&basic.password, Use::Auth, &at.member("password"));
        }
        for (name, pairs) in [("header", &members.header), ("query", &members.query)] {
            let Some(pairs) = pairs else { continue };
            let at = at.member(name);
            for (index, pair) in pairs.as_slice().iter().enumerate() {
                let at = if matches!(pairs, OneOrMany::Many(_)) { at.member(index) } else { at.clone() };
                self.pair(name, pair, &at);
            }
        }
        if let Some(oauth2) = &members.oauth2 {
            self.oauth2(oauth2, &at.member("oauth2"));
        }
    }

    /// That options which sign are said to be secret: they would be shown like any other.
    fn has_secret(&mut self, members: &AuthMembers) {
        let oauth2 = members.oauth2.as_ref();
        let texts = [
            ("bearer", members.bearer.as_ref()),
            ("password", members.basic.as_ref().map(|basic| &basic.password)),
            ("client_secret", oauth2.and_then(|oauth2| oauth2.client_secret.as_ref())),
            ("refresh_token", oauth2.and_then(|oauth2| oauth2.refresh_token.as_ref())),
            ("private_key", oauth2.and_then(|oauth2| oauth2.private_key.as_ref())),
        ];
        for (name, text) in texts {
            for option in text.map(|text| Template::new(text.clone()).options()).unwrap_or_default() {
                self.expect_secret(&option, name);
            }
        }
        let pairs = [&members.header, &members.query];
        let values = pairs.iter().copied().flatten().flat_map(|pairs| pairs.as_slice()).map(|pair| pair.value.clone());
        let options: Vec<String> = values.flat_map(|value| Template::new(value).options()).collect();
        // A key may come with what is none, such as the name of an account.
        if !options.iter().any(|option| self.is_secret(option)) {
            for option in options {
                self.expect_secret(&option, "a key");
            }
        }
    }

    fn is_secret(&self, option: &str) -> bool {
        self.document.options.iter().any(|(name, spec)| name == option && spec.secret)
    }

    fn expect_secret(&mut self, option: &str, what: &str) {
        let is_known = self.document.options.iter().any(|(name, _)| name == option);
        if is_known && !self.is_secret(option) {
            let at = At::root().member("options").member(option);
            self.report
                .say(&at, format!("{what} of `auth` is made of it, so that it is a secret; expected `secret: true`"));
        }
    }

    fn members_at(&self, at: &At) -> usize {
        self.report.root().find(at.steps()).map_or(0, |node| node.members().len())
    }

    fn pair(&mut self, place: &str, pair: &Pair, at: &At) {
        let is_authorization = place == "header" && pair.name.eq_ignore_ascii_case("authorization");
        if place == "header" && !is_authorization {
            self.header_name(&pair.name, &at.member("name"));
        } else if pair.name.is_empty() {
            self.report.say(&at.member("name"), "the name is empty");
        }
        self.credential(&pair.value, &at.member("value"));
    }

    /// A text that must hold an option, and no secret itself.
    fn credential(&mut self, text: &str, at: &At) {
        if self.expand(text, Use::Auth, at).is_some() && Template::new(text).options().is_empty() {
            let message =
                "the credential is written out; make it an option with `secret: true`, and write {option} here";
            self.report.say(at, message);
        }
    }

    fn oauth2(&mut self, spec: &OAuth2, at: &At) {
        self.url(&spec.token_url, &at.member("token_url"));
        if let Some(url) = &spec.authorize_url {
            self.url(url, &at.member("authorize_url"));
        }
        let needs: &[(&str, bool)] = &match spec.grant {
            Grant::ClientCredentials => {
                vec![("client_id", spec.client_id.is_some()), ("client_secret", spec.client_secret.is_some())]
            }
            Grant::RefreshToken => vec![("refresh_token", spec.refresh_token.is_some())],
            Grant::AuthorizationCode => {
                vec![("authorize_url", spec.authorize_url.is_some()), ("client_id", spec.client_id.is_some())]
            }
            Grant::JwtBearer => vec![("private_key", spec.private_key.is_some()), ("issuer", spec.issuer.is_some())],
        };
        for (name, _) in needs.iter().filter(|(_, is_given)| !is_given) {
            self.report.say(at, format!("{name:?} is missing, which this grant needs"));
        }
        for (name, text) in [
            ("client_secret", &spec.client_secret),
            ("refresh_token", &spec.refresh_token),
            ("private_key", &spec.private_key),
        ] {
            if let Some(text) = text {
                self.credential(text, &at.member(name));
            }
        }
        let texts = [
            ("client_id", &spec.client_id),
            ("scope", &spec.scope),
            ("audience", &spec.audience),
            ("issuer", &spec.issuer),
            ("subject", &spec.subject),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.expand(text, Use::Auth, &at.member(name));
            }
        }
        for (name, text) in spec.extra.iter() {
            let at = at.member("extra").member(name);
            if looks_like_secret(text) {
                self.report.say(&at, "this looks like a secret; make it an option with `secret: true`");
            }
            self.expand(text, Use::Auth, &at);
        }
        if let Some(age) = &spec.min_age {
            self.duration(age, &at.member("min_age"));
        }
    }

    /// Says when a text is no length of time.
    pub(super) fn duration(&mut self, text: &str, at: &At) {
        if template::duration(text).is_none() {
            let message =
                format!("{text:?} is no length of time; expected a whole number and ms, s, m, h or d, such as 60s");
            self.report.say(at, message);
        }
    }
}
