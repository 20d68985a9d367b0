//! Requests and answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::{HeaderValue, Request, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use zeroize::Zeroizing;

use crate::{Address, Settings, VaultError};

/// Larger than anything a server sends for one entry: OpenBao takes 1 MiB, of base64, in JSON.
const LARGEST_ANSWER: u64 = 4 << 20;
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);

/// Requests with a key in them are shorter, so that it is never moved, and left behind, as they grow.
const REQUEST: usize = 4096;

/// What may stand in a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What to do with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read it.
    Get,
    /// List what is below it.
    List,
    /// Write to it, or ask something with a body.
    Post,
    /// Remove it.
    Delete,
}

/// A server, as seen by one token.
pub struct Vault {
    agent: Agent,
    address: Address,
    token: HeaderValue,
    namespace: Option<HeaderValue>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Vault")
            .field("address", &self.address)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Makes a client; connects to nothing yet.
    ///
    /// # Errors
    /// [`VaultError::Plaintext`], [`VaultError::Authorities`], [`VaultError::BadToken`].
    pub fn connect(settings: Settings) -> Result<Self, VaultError> {
        let Settings {
            address,
            token,
            namespace,
            authorities,
            allow_plaintext_loopback,
        } = settings;
        if address.is_plaintext() && !(address.is_loopback() && allow_plaintext_loopback) {
            return Err(VaultError::Plaintext { address });
        }
        let mut config = Agent::config_builder()
            .user_agent(concat!("keyferry/", env!("CARGO_PKG_VERSION")))
            // Answers of all kinds are read: they say what is wrong.
            .http_status_as_error(false)
            // The token would go along.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER));
        if !address.is_plaintext() {
            config = config.tls_config(tls(authorities.as_deref())?);
        }
        if address.is_loopback() {
            config = config.proxy(None);
        }
        let namespace = namespace
            .map(|name| HeaderValue::from_str(&name))
            .transpose()
            .map_err(|_| VaultError::BadAddress {
                text: address.to_string(),
                rule: "the namespace given with it has characters that none has",
            })?;
        Ok(Self {
            agent: config.build().new_agent(),
            token: token.header()?,
            address,
            namespace,
        })
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The namespace that all paths are in.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_ref()?.to_str().ok()
    }

    /// Asks for something; `path` is what follows `/v1/`.
    ///
    /// # Errors
    /// Any that tells why no answer, or not this one, came: see [`VaultError`].
    pub fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<T, VaultError> {
        let (status, answer) = self.send(method, path, body)?;
        if !status.is_success() {
            return Err(self.refusal(status, path, &answer));
        }
        // Some answers have no content at all.
        let answer = if answer.is_empty() {
            b"null"
        } else {
            answer.as_slice()
        };
        // serde's messages may quote the answer, which may hold a secret.
        serde_json::from_slice(answer).map_err(|_| VaultError::Unreadable {
            path: path.to_owned(),
            reason: "it is not in the form expected".to_owned(),
        })
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), VaultError> {
        let unreadable = |reason: String| VaultError::Unreadable {
            path: path.to_owned(),
            reason,
        };
        let (verb, query) = match method {
            Method::Get => ("GET", ""),
            Method::List => ("GET", "?list=true"),
            Method::Post => ("POST", ""),
            Method::Delete => ("DELETE", ""),
        };
        let path_text = utf8_percent_encode(path, IN_PATH);
        let mut request = Request::builder()
            .method(verb)
            .uri(format!("{}/v1/{path_text}{query}", self.address))
            .header("x-vault-token", &self.token)
            // An agent between can demand it, so that no page in a browser asks through it.
            .header("x-vault-request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let answered = match body {
            None => {
                let request = request
                    .body(())
                    .map_err(|error| unreadable(error.to_string()))?;
                self.agent.run(request)
            }
            Some(body) => {
                let mut content = Zeroizing::new(Vec::with_capacity(REQUEST));
                serde_json::to_writer(&mut *content, body)
                    .map_err(|_| unreadable("the request is not JSON".to_owned()))?;
                let request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(content.as_slice())
                    .map_err(|error| unreadable(error.to_string()))?;
                self.agent.run(request)
            }
        };
        let mut response = answered.map_err(|error| self.no_answer(&error))?;
        let status = response.status();
        tracing::debug!(%verb, %path, status = status.as_u16(), "asked Vault");
        if status.is_redirection() {
            let location = response.headers().get(header::LOCATION);
            return Err(VaultError::Redirected {
                address: self.address.clone(),
                location: location
                    .and_then(|location| location.to_str().ok())
                    .map(str::to_owned),
            });
        }
        let content = response
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| self.no_answer(&error))?;
        Ok((status, Zeroizing::new(content)))
    }

    fn no_answer(&self, error: &ureq::Error) -> VaultError {
        let address = self.address.clone();
        let untrusted = match error {
            ureq::Error::Rustls(rustls::Error::InvalidCertificate(reason)) => {
                Some(reason.to_string())
            }
            // A handshake fails inside of reading and writing.
            ureq::Error::Io(error) => error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                .and_then(|inner| match inner {
                    rustls::Error::InvalidCertificate(reason) => Some(reason.to_string()),
                    _ => None,
                }),
            _ => None,
        };
        match untrusted {
            Some(reason) => VaultError::Untrusted { address, reason },
            None => VaultError::Unreachable {
                address,
                reason: error.to_string(),
            },
        }
    }

    fn refusal(&self, status: StatusCode, path: &str, answer: &[u8]) -> VaultError {
        let body: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let texts = |field: &str| -> Vec<String> {
            let list = body.get(field).and_then(serde_json::Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        let mut errors = texts("errors");
        errors.extend(texts("warnings"));
        let path = path.to_owned();
        let address = self.address.clone();
        match status.as_u16() {
            403 => VaultError::Denied { path, errors },
            404 => VaultError::NotFound {
                path,
                errors,
                body: Box::new(body),
            },
            503 if errors.iter().any(|error| error.contains("sealed")) => {
                VaultError::Sealed { address }
            }
            status if status >= 500 => VaultError::Unavailable {
                address,
                status,
                errors,
            },
            status => VaultError::Refused {
                path,
                status,
                errors,
            },
        }
    }
}

/// TLS by rustls on aws-lc-rs, with the authorities of the file or the system's.
fn tls(authorities: Option<&Path>) -> Result<TlsConfig, VaultError> {
    let unusable = |reason: String| VaultError::Authorities {
        path: authorities.map(Path::to_owned),
        reason,
    };
    let certificates: Vec<CertificateDer<'static>> = match authorities {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
            CertificateDer::pem_slice_iter(&bytes)
                .collect::<Result<_, _>>()
                .map_err(|error| unusable(error.to_string()))?
        }
        // Some of a system's certificates may be unreadable; what counts is that there are any.
        None => rustls_native_certs::load_native_certs().certs,
    };
    if certificates.is_empty() {
        return Err(unusable("there is none".to_owned()));
    }
    let certificates: Vec<Certificate<'static>> = certificates
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::new_with_certs(&certificates))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build())
}
