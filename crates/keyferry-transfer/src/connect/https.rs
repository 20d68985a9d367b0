//! HTTP/1.1 over TLS for the SDK.
//!
//! The same parts as in the SDK's own client (hyper, rustls on aws-lc-rs), but on connections that are
//! read in large pieces (see `wire`), which the SDK's client cannot be given.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpInfo, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use super::wire::{Tcp, WithinTime};
use crate::error::links;

/// A client that trusts these authorities.
pub(super) fn client(authorities: RootCertStore) -> SharedHttpClient {
    SharedHttpClient::new(Https {
        authorities: Arc::new(authorities),
        connectors: Mutex::default(),
    })
}

/// How long connecting, and the answer's beginning, may take.
type Timeouts = (Option<Duration>, Option<Duration>);

#[derive(Debug)]
struct Https {
    authorities: Arc<RootCertStore>,
    /// One for each pair of timeouts that was asked for; there are hardly ever two.
    connectors: Mutex<Vec<(Timeouts, SharedHttpConnector)>>,
}

impl HttpClient for Https {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self
            .connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = connectors.iter().find(|(known, _)| *known == timeouts);
        if let Some((_, connector)) = known {
            return connector.clone();
        }
        let connector = match tls(&self.authorities) {
            Ok(tls) => SharedHttpConnector::new(Pool::new(tls, timeouts)),
            Err(error) => SharedHttpConnector::new(NoTls(error)),
        };
        connectors.push((timeouts, connector.clone()));
        connector
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

fn tls(authorities: &Arc<RootCertStore>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(Arc::clone(authorities))
        .with_no_client_auth())
}

/// Answers every request with the reason why there is no TLS.
#[derive(Debug)]
struct NoTls(rustls::Error);

impl HttpConnector for NoTls {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(self.0.clone().into())))
    }
}

/// Connections, and requests on them.
struct Pool {
    client: Client<WithinTime, SdkBody>,
    answer_timeout: Option<Duration>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pool")
    }
}

impl Pool {
    fn new(tls: ClientConfig, (connect_timeout, answer_timeout): Timeouts) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Tcp::new());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(WithinTime {
                connector,
                limit: connect_timeout,
            });
        Self {
            client,
            answer_timeout,
        }
    }
}

impl HttpConnector for Pool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() {
            asked.set_connection_retriever(move || describe(&connection));
        }
        let answer = self.client.request(request);
        let limit = self.answer_timeout;
        HttpConnectorFuture::new(async move {
            let answer = match limit {
                None => answer.await,
                Some(limit) => tokio::time::timeout(limit, answer).await.map_err(|_| {
                    let why = format!("no answer within {} s", limit.as_secs_f32());
                    ConnectorError::timeout(why.into())
                })?,
            };
            let answer = answer.map_err(|error| connector_error(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK wants to know of a connection: above all, how not to use it again.
fn describe(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let mut extras = http::Extensions::new();
    {
        let metadata = connection.connection_metadata();
        let connected = metadata.as_ref()?;
        connected.get_extras(&mut extras);
    }
    let addresses = extras.get::<HttpInfo>();
    let connection = connection.clone();
    let mut builder = ConnectionMetadata::builder()
        .proxied(false)
        .poison_fn(move || {
            if let Some(connected) = connection.connection_metadata().as_ref() {
                connected.poison();
            }
        });
    builder
        .set_local_addr(addresses.map(HttpInfo::local_addr))
        .set_remote_addr(addresses.map(HttpInfo::remote_addr));
    Some(builder.build())
}

/// Sorts an error of hyper's into the kinds that the SDK decides on retries by.
fn connector_error(error: BoxError) -> ConnectorError {
    let is_timeout = links(error.as_ref()).any(|link| {
        link.downcast_ref::<ConnectorError>()
            .is_some_and(ConnectorError::is_timeout)
            || link
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_timeout)
    });
    if is_timeout {
        return ConnectorError::timeout(error);
    }
    let has_io = links(error.as_ref()).any(<dyn Error>::is::<std::io::Error>);
    let of_hyper = links(error.as_ref()).find_map(|link| link.downcast_ref::<hyper::Error>());
    match of_hyper {
        Some(hyper) if hyper.is_user() => ConnectorError::user(error),
        Some(hyper) if hyper.is_closed() || hyper.is_canceled() || has_io => {
            ConnectorError::io(error)
        }
        // A server that closed a connection just when it was used again.
        Some(hyper) if hyper.is_incomplete_message() => {
            ConnectorError::other(error, Some(ErrorKind::TransientError))
        }
        Some(_) => ConnectorError::other(error, None),
        None if has_io || is_connect(error.as_ref()) => ConnectorError::io(error),
        None => ConnectorError::other(error, None),
    }
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    links(error)
        .filter_map(|link| link.downcast_ref::<ClientError>())
        .any(ClientError::is_connect)
}
