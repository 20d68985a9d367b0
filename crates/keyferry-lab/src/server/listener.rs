//! A region's port: TLS, and plain http beside it.
//!
//! SSE-C over plain http has an error of its own in S3 (`S3-SSEC-9`), so http must reach the
//! service. A TLS connection starts with a handshake record, whose first byte is 0x16; no HTTP
//! method starts with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::certificates::HostCertificates;
use super::exchange::Transport;
use super::gate::Gate;
use crate::lab_error::LabError;

const HANDSHAKE_RECORD: u8 = 0x16;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long running requests may take after a shutdown began.
const GRACE: Duration = Duration::from_secs(5);

/// Binds a loopback port; 0 takes any free one.
pub(crate) async fn bind(port: u16) -> Result<TcpListener, LabError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address)
        .await
        .map_err(|source| LabError::Bind { address, source })
}

/// TLS as the lab's clients meet it: TLS 1.2 and 1.3 on aws-lc-rs, HTTP/1.1 as S3.
pub(crate) fn tls(certificates: Arc<HostCertificates>) -> Result<TlsAcceptor, LabError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop`, then lets running requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    gate: Arc<Gate>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(
                        stream,
                        tls.clone(),
                        Arc::clone(&gate),
                        graceful.watcher(),
                    ));
                }
                Err(error) => {
                    // Out of descriptors, most likely: let others close theirs.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::debug!("closing connections that are still busy");
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, gate: Arc<Gate>, watcher: Watcher) {
    let _best_effort = stream.set_nodelay(true);
    let mut first = [0];
    match timeout(HANDSHAKE_TIME, stream.peek(&mut first)).await {
        Ok(Ok(1)) => {}
        // Closed, silent or broken: nobody to answer.
        _ => return,
    }
    if first == [HANDSHAKE_RECORD] {
        match timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, Transport::Tls, gate, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake timed out"),
        }
    } else {
        requests(stream, Transport::Plain, gate, watcher).await;
    }
}

async fn requests<S>(stream: S, transport: Transport, gate: Arc<Gate>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { gate.handle(request, transport).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended early");
    }
}
