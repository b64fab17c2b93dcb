//! Manifests that are part of the program.

/// A bundled manifest, before it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bundled {
    /// Name of the connector, and of the connection that is there without being made.
    pub(super) name: &'static str,
    /// Name of its file in errors.
    pub(super) file: &'static str,
    /// Its text.
    pub(super) text: &'static str,
    /// The variable that is usually set where it is used. It stands in the manifest too; here it can be asked for
    /// without reading that.
    pub(super) variable: &'static str,
    /// Whether it can be used without that.
    pub(super) anonymous: bool,
}

pub(super) const BUNDLED: &[Bundled] = &[
    Bundled {
        name: "github",
        file: "github/manifest.yaml",
        text: include_str!("../../../../connectors/github/manifest.yaml"),
        variable: "GITHUB_TOKEN",
        anonymous: true,
    },
    Bundled {
        name: "hubspot",
        file: "hubspot/manifest.yaml",
        text: include_str!("../../../../connectors/hubspot/manifest.yaml"),
        variable: "HUBSPOT_ACCESS_TOKEN",
        anonymous: false,
    },
    Bundled {
        name: "stripe",
        file: "stripe/manifest.yaml",
        text: include_str!("../../../../connectors/stripe/manifest.yaml"),
        variable: "STRIPE_API_KEY",
        anonymous: false,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_spec::Manifest;

    use super::*;

    #[test]
    fn what_is_said_here_is_what_the_manifests_say() {
        for bundled in BUNDLED {
            let manifest = Manifest::parse(bundled.text, bundled.file)
                .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()));
            assert_eq!(manifest.name(), bundled.name);
            assert_eq!(manifest.auth().iter().any(|auth| auth.options.is_empty()), bundled.anonymous);
            let options = manifest.options();
            let variable = |option: &&String| {
                let option = options.iter().find(|known| known.name == **option);
                option.is_some_and(|option| option.secret && option.env.as_deref() == Some(bundled.variable))
            };
            let auth = manifest.auth();
            assert_eq!(auth.iter().flat_map(|auth| &auth.options).filter(variable).count(), 1, "{}", bundled.name);
            let model = manifest.compile(&BTreeMap::new()).unwrap();
            assert!(!model.tables.is_empty() && model.tables.iter().all(|table| !table.endpoints.is_empty()));
        }
    }
}
