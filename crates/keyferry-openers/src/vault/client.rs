//! The few calls to a Vault server that are needed, over TLS.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyferry_keystore::WrapError;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{HeaderValue, Uri, header::LOCATION};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

pub(super) const SERVICE: &str = "Vault";

/// No answer that is expected is nearly as long.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Where a Vault is and who asks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its address: `https://host:port`.
    pub address: String,
    /// The token that requests are made with.
    pub token: SecretString,
    /// The namespace, if it is not the root.
    pub namespace: Option<String>,
    /// PEM file with the only authorities to trust, instead of the system's.
    pub ca_cert: Option<PathBuf>,
    /// Allows `http://` to loopback addresses.
    pub allow_plaintext_loopback: bool,
    /// How long one answer may take.
    pub timeout: Duration,
}

impl Settings {
    /// What the environment says, by the variables of the `vault` command: `VAULT_ADDR`,
    /// `VAULT_TOKEN` or the file `~/.vault-token`, `VAULT_NAMESPACE`, `VAULT_CACERT`; or by those of
    /// `bao`, which begin with `BAO_`.
    ///
    /// # Errors
    /// [`WrapError::Unavailable`] without an address or a token. There is no default address: a
    /// token must not go to whatever listens on this machine.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WrapError> {
        let either = |name: &str| {
            let given = variable(&format!("VAULT_{name}"));
            given.or_else(|| variable(&format!("BAO_{name}")))
        };
        let missing = |reason: &str, hint: &str| WrapError::Unavailable {
            service: SERVICE.to_owned(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        };
        let address = either("ADDR")
            .ok_or_else(|| missing("VAULT_ADDR is not set", "set it to `https://HOST:PORT`"))?;
        let token = either("TOKEN").map(SecretString::from).or_else(|| {
            let path = Path::new(&variable("HOME")?).join(".vault-token");
            let text = Zeroizing::new(std::fs::read_to_string(path).ok()?);
            Some(SecretString::from(text.trim()))
        });
        let token = token
            .ok_or_else(|| missing("there is no token", "`vault login`, or set VAULT_TOKEN"))?;
        Ok(Self {
            address,
            token,
            namespace: either("NAMESPACE"),
            ca_cert: either("CACERT").map(PathBuf::from),
            allow_plaintext_loopback: false,
            timeout: Duration::from_secs(30),
        })
    }
}

/// Speaks to one Vault.
pub struct Client {
    agent: Agent,
    base: String,
    token: HeaderValue,
    namespace: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base", &self.base)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the settings and reads certificates; connects to nothing.
    ///
    /// # Errors
    /// [`WrapError::Unavailable`] if the address is not TLS, or the certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, WrapError> {
        let base = settings.address.trim_end_matches('/').to_owned();
        let plaintext = check_address(&base, settings.allow_plaintext_loopback)?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .root_certs(RootCerts::Specific(Arc::new(if plaintext {
                Vec::new()
            } else {
                authorities(settings.ca_cert.as_deref())?
            })))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(!plaintext)
            .http_status_as_error(false)
            // A token goes to the address that was given, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(settings.timeout))
            .user_agent(concat!("keyferry/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let bad_token = |_| {
            unavailable(
                "the token has characters that no token has",
                "`vault login`",
            )
        };
        let mut token = HeaderValue::from_str(settings.token.expose_secret()).map_err(bad_token)?;
        token.set_sensitive(true);
        Ok(Self {
            agent,
            base,
            token,
            namespace: settings.namespace.clone(),
        })
    }

    /// Reads a path of the API.
    ///
    /// # Errors
    /// [`WrapError::Unavailable`] if there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer, WrapError> {
        let request = self.with_headers(self.agent.get(self.url(path)));
        self.answer(request.call())
    }

    /// Writes to a path of the API.
    ///
    /// # Errors
    /// [`WrapError::Unavailable`] if there is no answer.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, WrapError> {
        // Large enough that it never moves, for what is sent here: keys in base64.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *bytes, body)
            .map_err(|_| unavailable("the request cannot be written as JSON", "report this"))?;
        let request = self
            .with_headers(self.agent.post(self.url(path)))
            .header("content-type", "application/json");
        self.answer(request.send(bytes.as_slice()))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base)
    }

    fn with_headers<T>(&self, request: ureq::RequestBuilder<T>) -> ureq::RequestBuilder<T> {
        let request = request
            .header("x-vault-token", self.token.clone())
            .header("x-vault-request", "true");
        match &self.namespace {
            Some(namespace) => request.header("x-vault-namespace", namespace),
            None => request,
        }
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<Answer, WrapError> {
        let unreachable = |error: ureq::Error| {
            unavailable(
                &format!("`{}` does not answer: {}", self.base, said(&error)),
                "check VAULT_ADDR, VAULT_CACERT and the network",
            )
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let location = answer.headers().get(LOCATION);
        let location = location
            .and_then(|location| location.to_str().ok())
            .map(str::to_owned);
        if (300..400).contains(&status) {
            let elsewhere = location.unwrap_or_default();
            return Err(unavailable(
                &format!("`{}` refers to `{elsewhere}`", self.base),
                "set VAULT_ADDR to the active node, or to a load balancer that finds it",
            ));
        }
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER);
        Ok(Answer {
            status,
            body: Zeroizing::new(body.read_to_vec().map_err(unreachable)?),
        })
    }
}

/// What a Vault answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer, if it is a success.
    ///
    /// # Errors
    /// What [`Self::refused`] makes of it.
    pub fn succeeded(&self) -> Result<&Self, WrapError> {
        if self.is_success() {
            Ok(self)
        } else {
            Err(self.refused())
        }
    }

    /// The content as JSON of this form.
    ///
    /// # Errors
    /// [`WrapError::Malformed`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, WrapError> {
        // serde's messages may quote what they did not expect, so they are not repeated.
        serde_json::from_slice(&self.body).map_err(|_| WrapError::Malformed {
            service: SERVICE.to_owned(),
            reason: "it is not the JSON that was expected".to_owned(),
        })
    }

    /// What the server says is wrong.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Errors {
            errors: Vec<String>,
        }
        let errors = serde_json::from_slice(&self.body);
        errors.map_or_else(
            |_| Vec::new(),
            |Errors { errors }| {
                let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
                errors.into_iter().map(one_line).collect()
            },
        )
    }

    /// The answer as an error: <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.
    #[must_use]
    pub fn refused(&self) -> WrapError {
        let said = self.errors().join("; ");
        let sealed = "unseal it (`vault operator unseal`), or open the store by another opener";
        match self.status {
            503 if said.contains("sealed") || said.is_empty() => unavailable("it is sealed", sealed),
            501 => unavailable("it is not initialised", "`vault operator init`, then unseal it"),
            429 | 472 | 473 => unavailable(
                "the server is a standby",
                "set VAULT_ADDR to the active node, or to a load balancer that finds it",
            ),
            403 => WrapError::Refused {
                service: SERVICE.to_owned(),
                reason: if said.is_empty() { "permission denied".to_owned() } else { said },
                hint: "renew the token (`vault login`); its policy must allow `update` on encrypt/NAME and decrypt/NAME of the engine".to_owned(),
            },
            status => WrapError::Refused {
                service: SERVICE.to_owned(),
                reason: format!("HTTP {status}: {said}"),
                hint: "see the server's log; nothing was changed".to_owned(),
            },
        }
    }
}

fn unavailable(reason: &str, hint: &str) -> WrapError {
    WrapError::Unavailable {
        service: SERVICE.to_owned(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    }
}

/// The error in the operating system's or the TLS library's words.
fn said(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(io) => io.to_string(),
        other => other.to_string(),
    }
}

/// Whether the address is plaintext, if it may be.
fn check_address(base: &str, allow_plaintext_loopback: bool) -> Result<bool, WrapError> {
    let bad = || {
        unavailable(
            &format!("`{base}` is not an address"),
            "give `https://HOST:PORT`",
        )
    };
    let uri: Uri = base.parse().map_err(|_| bad())?;
    let host = uri.host().ok_or_else(bad)?;
    if uri.query().is_some() || uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(bad());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(false),
        Some("http") if loopback && allow_plaintext_loopback => Ok(true),
        Some("http") => Err(unavailable(
            &format!("`{base}` is refused: a token travels over TLS only"),
            if loopback {
                "use `https://`, or `--allow-plaintext-loopback` for a server on this machine"
            } else {
                "use `https://`"
            },
        )),
        _ => Err(bad()),
    }
}

fn authorities(file: Option<&Path>) -> Result<Vec<Certificate<'static>>, WrapError> {
    let Some(path) = file else {
        let found = rustls_native_certs::load_native_certs().certs;
        return Ok(found
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect());
    };
    let unusable = |reason: String| {
        unavailable(
            &format!(
                "the certificates in `{}` cannot be used: {reason}",
                path.display()
            ),
            "VAULT_CACERT must name a PEM file of certificates",
        )
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| unusable(error.to_string()))?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(unusable("there are none".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_is_for_loopback_and_only_if_allowed() {
        assert!(!check_address("https://vault.example.com:8200", false).unwrap());
        assert!(check_address("http://127.0.0.1:8200", true).unwrap());
        assert!(check_address("http://[::1]:8200", true).unwrap());
        for (address, allowed) in [
            ("http://127.0.0.1:8200", false),
            ("http://vault.example.com", true),
            ("http://127.0.0.1.example.com", true),
            ("https://user@vault.example.com", true),
            ("ftp://127.0.0.1", true),
            ("vault", true),
        ] {
            assert!(check_address(address, allowed).is_err(), "{address}");
        }
    }

    #[test]
    fn the_environment_of_the_vault_command() {
        let given = |pairs: &'static [(&str, &str)]| {
            Settings::from_environment(move |name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let bao = given(&[("BAO_ADDR", "https://a"), ("BAO_TOKEN", "t-secret")]).unwrap();
        assert_eq!(bao.address, "https://a");
        assert!(!format!("{bao:?}").contains("t-secret"));
        let client = Client::new(&Settings {
            ca_cert: None,
            ..bao
        });
        assert!(!format!("{client:?}").contains("t-secret"));
        assert!(given(&[("VAULT_TOKEN", "t")]).is_err(), "no address");
        assert!(given(&[("VAULT_ADDR", "https://a")]).is_err(), "no token");
    }
}
