//! One connection: hyper over rustls over TCP.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failure;

/// A key like any other. It is public, and so is what it protects.
const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const KEY_MD5: &str = "KYvwGXoFFJ42a2u2GDWhwQ==";

/// Where to connect to.
#[derive(Clone)]
pub(crate) struct Server {
    connector: TlsConnector,
    name: ServerName<'static>,
    address: String,
}

/// An open connection.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Server {
    pub(crate) fn new(endpoint: &http::Uri, ca: &Path) -> Result<Self, Failure> {
        let authority = endpoint.authority().ok_or("the endpoint has no host")?;
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from(authority.host().to_owned())?,
            address: authority.to_string(),
        })
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        let stream = self.connector.connect(self.name.clone(), socket).await?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Connection {
            sender,
            host: self.address.parse()?,
        })
    }
}

impl Connection {
    /// Sends a request under the key; an answer that is no success is an error.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        target: &str,
        range: Option<(u64, u64)>,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", self.host.clone())
            .header("x-amz-server-side-encryption-customer-algorithm", "AES256")
            .header("x-amz-server-side-encryption-customer-key", KEY)
            .header("x-amz-server-side-encryption-customer-key-md5", KEY_MD5);
        if let Some((from, to)) = range {
            request = request.header("range", format!("bytes={from}-{}", to - 1));
        }
        self.sender.ready().await?;
        let answer = self
            .sender
            .send_request(request.body(Full::new(body))?)
            .await?;
        match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(answer),
            status => Err(format!("{target}: {status}").into()),
        }
    }

    /// The same, for answers whose body is short.
    pub(crate) async fn ask_text(
        &mut self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<Bytes, Failure> {
        let answer = self.ask(method, target, None, body).await?;
        Ok(answer.into_body().collect().await?.to_bytes())
    }
}
