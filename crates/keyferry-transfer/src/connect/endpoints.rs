//! Where the regions are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use keyferry_policy::Region;

/// Base URL of an S3 service: scheme, host and perhaps a port, nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    text: String,
    plaintext: bool,
    host: Host,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// Endpoints by region; AWS's own where none is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For regions that are not in `regions`.
    pub default: Option<EndpointUrl>,
    /// For these regions.
    pub regions: BTreeMap<Region, EndpointUrl>,
}

/// Text that names no endpoints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an endpoint: {rule}")]
pub struct ParseEndpointsError {
    text: String,
    rule: String,
}

impl ParseEndpointsError {
    fn new(text: &str, rule: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            rule: rule.into(),
        }
    }
}

impl EndpointUrl {
    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for `http://`.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        self.plaintext
    }

    /// True when the host is this machine by address, `localhost`, or a name under `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// True when buckets cannot be put before the host: it is an address, or a name without a dot.
    pub(super) fn needs_path_style(&self) -> bool {
        match &self.host {
            Host::Address(_) => true,
            Host::Name(name) => !name.contains('.'),
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for EndpointUrl {
    type Err = ParseEndpointsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |rule: &str| ParseEndpointsError::new(text, rule);
        let text_without_slash = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = text_without_slash
            .parse()
            .map_err(|_| error("it must look like `https://host:port`"))?;
        let plaintext = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(error("it must begin with `https://`")),
        };
        if uri.path() != "/" || uri.query().is_some() {
            return Err(error("nothing may follow the host and port"));
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(error("no user name may stand in it"));
        }
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = match bare.parse() {
            Ok(address) => Host::Address(address),
            Err(_) if bare.is_empty() => return Err(error("it names no host")),
            Err(_) => Host::Name(bare.to_ascii_lowercase()),
        };
        Ok(Self {
            text: text_without_slash.to_owned(),
            plaintext,
            host,
        })
    }
}

impl Endpoints {
    /// The endpoint of a region; `None` for AWS's own.
    #[must_use]
    pub fn of(&self, region: &Region) -> Option<&EndpointUrl> {
        self.regions.get(region).or(self.default.as_ref())
    }

    /// True when no endpoint was given at all.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        self.default.is_none() && self.regions.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &EndpointUrl> {
        self.default.iter().chain(self.regions.values())
    }

    /// True when endpoints were given and none of them uses TLS.
    pub(super) fn is_plaintext_only(&self) -> bool {
        !self.is_aws() && self.iter().all(EndpointUrl::is_plaintext)
    }
}

impl fmt::Display for Endpoints {
    /// As it is parsed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let regions = self.regions.iter();
        let all: Vec<String> = regions
            .map(|(region, url)| format!("{region}={url}"))
            .chain(self.default.iter().map(ToString::to_string))
            .collect();
        formatter.write_str(&all.join(","))
    }
}

impl FromStr for Endpoints {
    type Err = ParseEndpointsError;

    /// `https://host:port` for all regions, or `REGION=URL,REGION=URL`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut endpoints = Self::default();
        for item in text.split(',') {
            let taken = match item.split_once('=') {
                Some((region, url)) => {
                    let region: Region = region
                        .trim()
                        .parse()
                        .map_err(|error| ParseEndpointsError::new(text, format!("{error}")))?;
                    endpoints.regions.insert(region, url.trim().parse()?)
                }
                None => endpoints.default.replace(item.trim().parse()?),
            };
            if taken.is_some() {
                return Err(ParseEndpointsError::new(text, "a region is named twice"));
            }
        }
        Ok(endpoints)
    }
}
