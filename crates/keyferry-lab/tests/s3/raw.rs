//! Requests below the SDK: what only the bytes on the connection show.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::World;

fn connector(world: &World) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(world.lab.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server may close without the TLS farewell.
    let _closed = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn split(answer: &str) -> (u16, String) {
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {answer:?}"));
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

async fn tcp(world: &World) -> TcpStream {
    TcpStream::connect(("127.0.0.1", world.lab.regions()[0].port()))
        .await
        .unwrap()
}

async fn tls(world: &World, host: &str, request: &str) -> String {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = connector(world)
        .connect(name, tcp(world).await)
        .await
        .unwrap();
    exchange(stream, request).await
}

/// GET of a URL of the first region.
pub(crate) async fn get(world: &World, url: &str) -> (u16, String) {
    let (authority, path) = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    split(&tls(world, "127.0.0.1", &request).await)
}

/// GET of a path from a virtual host, its certificate checked.
pub(crate) async fn get_host(world: &World, host: &str, path: &str) -> (u16, String) {
    let port = world.lab.regions()[0].port();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    split(&tls(world, host, &request).await)
}

/// S3-HTTP-1, S3-HTTP-2: ids on every answer; errors in S3's form.
#[tokio::test]
async fn errors_have_the_form_of_s3() {
    let world = World::start().await;
    let answer = tls(
        &world,
        "localhost",
        "GET /nobucket/key HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    let lower = answer.to_ascii_lowercase();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    for header in [
        "x-amz-request-id: ",
        "x-amz-id-2: ",
        "server: amazons3",
        "date: ",
    ] {
        assert!(lower.contains(header), "{header} in {answer}");
    }
    assert!(answer.contains(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>"
    ));
}

/// S3-SSEC-9: the same port answers plain http.
#[tokio::test]
async fn plain_http_on_the_same_port() {
    let world = World::start().await;
    let answer = exchange(
        tcp(&world).await,
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("<Code>AccessDenied</Code>"));
}

/// S3-AUTH-6, S3-AUTH-7, S3-SSEC-31, S3-HTTP-4: refused before anything is looked at.
#[tokio::test]
async fn refused_at_the_gate() {
    let world = World::start().await;
    for (head, status, code) in [
        (
            "GET /b/k HTTP/1.1\r\nAuthorization: AWS AKIA:c2lnbmF0dXJl\r\n",
            400,
            "InvalidRequest",
        ),
        (
            "GET /b/k?X-Amz-Server-Side-Encryption-Customer-Key=c2VjcmV0 HTTP/1.1\r\n",
            400,
            "InvalidRequest",
        ),
        (
            "POST /b HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 0\r\n",
            501,
            "NotImplemented",
        ),
        (
            "GET /bucket/k HTTP/1.1\r\nRange: bytes=5-2\r\n",
            403,
            "AccessDenied",
        ),
        (
            "POST /bucket?delete HTTP/1.1\r\nContent-Length: 0\r\n",
            403,
            "AccessDenied",
        ),
    ] {
        let request = format!("{head}Host: localhost\r\nConnection: close\r\n\r\n");
        let (got, body) = split(&tls(&world, "localhost", &request).await);
        assert_eq!(got, status, "{body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    }
}

/// S3-LIMIT-1: more than 5 GiB is refused before it is sent.
#[tokio::test]
async fn uploads_over_the_limit() {
    let world = World::start().await;
    world.bucket("limits").await;
    let url = world
        .plain_client()
        .put_object()
        .bucket("limits")
        .key("a")
        .presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
    let (authority, path) = url
        .uri()
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let put = |length: u64| {
        format!(
            "PUT /{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
    };
    let (status, body) = split(&tls(&world, "127.0.0.1", &put(5_368_709_121)).await);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("<Code>EntityTooLarge</Code>"), "{body}");
    assert!(
        body.contains("<ProposedSize>5368709121</ProposedSize>"),
        "{body}"
    );
}

/// S3-HTTP-5: an upload refused half-way gets its answer, not a reset connection.
#[tokio::test]
async fn refused_uploads_are_drained() {
    let world = World::start().await;
    let length = 4 * 1024 * 1024;
    let head = format!(
        "PUT /nobucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let request = head + &"x".repeat(length);
    let (status, body) = split(&exchange(tcp(&world).await, &request).await);
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code>"));
}

/// S3-HTTP-6: the answer does not wait for a body that does not come, and says that the
/// connection ends; with all of the body read, the connection goes on.
#[tokio::test]
async fn unread_bodies_end_the_connection() {
    let world = World::start().await;
    let put = "PUT /nobucket/key HTTP/1.1\r\nHost: localhost\r\n";
    for head in [
        "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
        "Content-Length: 1000000\r\n\r\n",
    ] {
        let mut stream = tcp(&world).await;
        stream
            .write_all(format!("{put}{head}").as_bytes())
            .await
            .unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(5), first_answer(&mut stream))
            .await
            .unwrap();
        assert!(answer.starts_with("http/1.1 403 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    let mut stream = tcp(&world).await;
    for _ in 0..2 {
        stream
            .write_all(format!("{put}Content-Length: 1\r\n\r\nx").as_bytes())
            .await
            .unwrap();
        let answer = first_answer(&mut stream).await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
}

/// One error answer of a connection that stays open, in lower case.
async fn first_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        if text.contains("</error>") {
            return text;
        }
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "closed after {text}");
    }
}
