//! TCP connections that are read in large pieces.
//!
//! rustls asks the socket for 4 KiB at a time, which is a system call for every quarter of a TLS record.
//! Behind a buffer of this size a download of a gigabyte takes tens of thousands of them instead of
//! hundreds of thousands.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

/// How much is read at once. A connection has such a buffer as long as it lives.
const READ_AHEAD: usize = 64 << 10;

/// A socket with what was read ahead from it. Writing goes straight through.
#[derive(Debug)]
pub(super) struct Wire(BufReader<TcpStream>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.0.get_ref().connected()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().0.get_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().0.get_mut()).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_shutdown(context)
    }
}

type Connecting<S> = Pin<Box<dyn Future<Output = Result<S, BoxError>> + Send>>;

/// Connects by TCP.
#[derive(Debug, Clone)]
pub(super) struct Tcp(HttpConnector);

impl Tcp {
    pub(super) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        // TLS comes on top.
        tcp.enforce_http(false);
        // A request is a few writes; none should wait for the answer to the one before.
        tcp.set_nodelay(true);
        Self(tcp)
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<Wire>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = self.0.call(server);
        Box::pin(async move {
            let socket = connecting.await?.into_inner();
            Ok(TokioIo::new(Wire(BufReader::with_capacity(
                READ_AHEAD, socket,
            ))))
        })
    }
}

/// Connects by TCP and TLS within a time.
#[derive(Clone)]
pub(super) struct WithinTime {
    pub(super) connector: HttpsConnector<Tcp>,
    pub(super) limit: Option<Duration>,
}

impl Service<Uri> for WithinTime {
    type Response = <HttpsConnector<Tcp> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = self.connector.call(server);
        let Some(limit) = self.limit else {
            return connecting;
        };
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectorError::timeout(
                    format!("no connection within {} s", limit.as_secs_f32()).into(),
                )
                .into()),
            }
        })
    }
}
