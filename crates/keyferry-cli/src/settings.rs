//! What the command line, the environment and the configuration file mean together.
//!
//! An option wins over its `KEYFERRY_*` variable, that over the configuration file, and that over
//! what the AWS CLI's own variables say.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use keyferry_keystore::OpenerName;
use keyferry_policy::{BucketName, Region};
use keyferry_remote::{ParseAddressError, StoreAddress};
use keyferry_transfer::Endpoints;
use serde::Deserialize;

#[cfg(feature = "pkcs11")]
use crate::args::SecretPlace;
use crate::args::{GlobalArgs, KeySource, ReplicaAddress};
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// Everything the commands need to know of their surroundings.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<Region>,
    pub(crate) endpoints: Option<Endpoints>,
    /// Where services other than S3 are, where `endpoints` are those of S3 alone.
    pub(crate) other_services: Option<Endpoints>,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) allow_plaintext_loopback: bool,
    pub(crate) store: StoreAddress,
    /// Where the working copies of stores that live elsewhere lie.
    pub(crate) caches: Option<PathBuf>,
    /// Where unfinished work is remembered: `$XDG_STATE_HOME/keyferry`.
    pub(crate) state: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) passphrase_fd: Option<u32>,
    pub(crate) identity: Option<PathBuf>,
    pub(crate) open_with: Option<OpenerName>,
    #[cfg(feature = "pkcs11")]
    pub(crate) pkcs11_module: Option<PathBuf>,
    #[cfg(feature = "pkcs11")]
    pub(crate) pkcs11_pin: Option<SecretPlace>,
    default_key: Option<String>,
    pairs: Vec<Pair>,
}

/// Two buckets that belong together, from the configuration file.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) source: ReplicaAddress,
    pub(crate) replica: ReplicaAddress,
    pub(crate) key: Option<String>,
}

/// `config.toml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    profile: Option<String>,
    region: Option<Region>,
    endpoint_url: Option<String>,
    ca_bundle: Option<PathBuf>,
    store: Option<String>,
    key: Option<String>,
    pairs: BTreeMap<String, PairEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairEntry {
    source: String,
    replica: String,
    key: Option<String>,
}

impl Settings {
    /// Reads the configuration file, if there is one, and puts everything together.
    pub(crate) fn load(global: &GlobalArgs) -> Result<Self, Failure> {
        let places = choose_app_strategy(AppStrategyArgs {
            top_level_domain: String::new(),
            author: String::new(),
            app_name: "keyferry".to_owned(),
        })
        .map_err(|error| {
            Failure::from_error(Exit::Failure, &error)
                .hint("set HOME, or give --store and --config")
        });
        let file = match (&global.config, &places) {
            (Some(path), _) => read_config(path, true)?,
            (None, Ok(places)) => read_config(&places.config_dir().join("config.toml"), false)?,
            (None, Err(_)) => ConfigFile::default(),
        };
        let parsed = |text: String| text.parse::<Endpoints>().context("use the endpoint", &text);
        let everything = variable("AWS_ENDPOINT_URL").map(parsed).transpose()?;
        let own = variable("KEYFERRY_ENDPOINT_URL").or(file.endpoint_url);
        let (endpoints, other_services) = match (&global.endpoint_url, own) {
            (Some(endpoints), _) => (Some(endpoints.clone()), None),
            (None, Some(text)) => (Some(parsed(text)?), None),
            (None, None) => match variable("AWS_ENDPOINT_URL_S3").map(parsed).transpose()? {
                Some(s3) => (Some(s3), Some(everything.unwrap_or_default())),
                None => (everything, None),
            },
        };
        let caches = places.as_ref().ok().map(AppStrategy::cache_dir);
        let state = places.as_ref().ok().and_then(AppStrategy::state_dir);
        let store = match (&global.store, file.store) {
            (Some(store), _) => store.clone(),
            (None, Some(text)) => text.parse().map_err(|error: ParseAddressError| {
                Failure::new(Exit::Usage, format!("configuration: `store`: {error}"))
            })?,
            (None, None) => StoreAddress::Folder(places?.data_dir().join("store")),
        };
        let beside_store = match &store {
            StoreAddress::Folder(path) => path.parent(),
            _ => caches.as_deref(),
        };
        let state = state.or_else(|| Some(beside_store?.join("state")));
        let pairs = file
            .pairs
            .into_iter()
            .map(|(name, entry)| Pair::parse(&name, entry))
            .collect::<Result<_, _>>()?;
        tracing::info!(%store, ?endpoints, "settled the surroundings");
        Ok(Self {
            profile: global.profile.clone().or(file.profile),
            region: global.region.clone().or(file.region),
            endpoints,
            other_services,
            ca_bundle: global
                .ca_bundle
                .clone()
                .or(file.ca_bundle)
                .or_else(|| variable("AWS_CA_BUNDLE").map(PathBuf::from)),
            allow_plaintext_loopback: global.allow_plaintext_loopback,
            store,
            caches,
            state,
            passphrase_file: global.passphrase_file.clone(),
            passphrase_fd: global.passphrase_fd,
            identity: global.identity.clone(),
            open_with: global.open_with.clone(),
            #[cfg(feature = "pkcs11")]
            pkcs11_module: global.pkcs11_module.clone(),
            #[cfg(feature = "pkcs11")]
            pkcs11_pin: global.pkcs11_pin.clone(),
            default_key: file.key,
            pairs,
        })
    }

    /// The pair that a bucket belongs to, seen from that bucket.
    pub(crate) fn pair(&self, bucket: &BucketName) -> Option<Pair> {
        self.pairs.iter().find_map(|pair| {
            if pair.source.bucket == *bucket {
                Some(pair.clone())
            } else if pair.replica.bucket == *bucket {
                Some(Pair {
                    source: pair.replica.clone(),
                    replica: pair.source.clone(),
                    key: pair.key.clone(),
                })
            } else {
                None
            }
        })
    }

    /// Where it is remembered, outside the stores, how far their journals reach.
    pub(crate) fn witness(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("stores"))
    }

    /// Every bucket of the pairs.
    pub(crate) fn paired_buckets(&self) -> impl Iterator<Item = BucketName> {
        self.pairs
            .iter()
            .flat_map(|pair| [pair.source.bucket.clone(), pair.replica.bucket.clone()])
    }

    /// The key to use for a bucket when none was asked for.
    pub(crate) fn default_key(&self, bucket: &BucketName) -> Option<KeySource> {
        self.pair(bucket)
            .and_then(|pair| pair.key)
            .or_else(|| self.default_key.clone())
            .map(KeySource::Store)
    }
}

impl Pair {
    fn parse(name: &str, entry: PairEntry) -> Result<Self, Failure> {
        let side = |field: &str, text: &str| {
            text.parse::<ReplicaAddress>().map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!("configuration: `pairs.{name}.{field}`: {error}"),
                )
            })
        };
        Ok(Self {
            source: side("source", &entry.source)?,
            replica: side("replica", &entry.replica)?,
            key: entry.key,
        })
    }
}

fn read_config(path: &Path, required: bool) -> Result<ConfigFile, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
            return Ok(ConfigFile::default());
        }
        Err(error) => {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "cannot read the configuration `{}`: {error}",
                    path.display()
                ),
            ));
        }
    };
    toml::from_str(&text).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!(
                "configuration `{}`: {}",
                path.display(),
                error.to_string().trim_end()
            ),
        )
    })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_reads_and_refuses_typos() {
        let file: ConfigFile = toml::from_str(
            r#"
            region = "ap-northeast-1"
            key = "default"
            [pairs.backup]
            source = "tokyo@ap-northeast-1"
            replica = "osaka@ap-northeast-3"
            key = "backup"
            "#,
        )
        .unwrap();
        let (name, entry) = file.pairs.into_iter().next().unwrap();
        let pair = Pair::parse(&name, entry).unwrap();
        assert_eq!(pair.replica.bucket.as_str(), "osaka");
        assert!(toml::from_str::<ConfigFile>("regoin = 'x'").is_err());
    }
}
