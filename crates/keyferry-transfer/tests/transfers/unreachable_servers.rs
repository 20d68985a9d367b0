//! Servers that cannot be reached: which one, why, and how soon that is said.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keyferry_transfer::{BucketRegionError, Connector, ConnectorSettings, TransferError};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{Setup, refusal, settings};

/// Settings that lead to one endpoint, and give up soon.
fn leading_to(setup: &Setup, endpoint: &str) -> ConnectorSettings {
    ConnectorSettings {
        endpoints: endpoint.parse().unwrap(),
        max_attempts: 2,
        allow_plaintext_loopback: true,
        ..settings(&setup.lab)
    }
}

/// Forwards connections, and counts them.
async fn counting_proxy(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_certificate_is_not_tried_again() {
    let setup = Setup::start().await;
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bundle = setup.folder.path().join("put");
    std::fs::write(&bundle, authority.cert.pem()).unwrap();
    let port = setup.lab.regions()[0].port();
    let (address, connections) = counting_proxy(([127, 0, 0, 1], port).into()).await;
    let error = refusal(
        &setup,
        ConnectorSettings {
            ca_bundle: Some(bundle),
            max_attempts: 5,
            ..leading_to(&setup, &format!("https://{address}"))
        },
    )
    .await;
    assert!(
        matches!(error, TransferError::UntrustedCertificate { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains(&format!("`https://{address}`")));
    assert!(error.hint().unwrap().contains("--ca-bundle"));
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_named() {
    let setup = Setup::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = refusal(&setup, leading_to(&setup, &url)).await;
    assert!(
        matches!(error, TransferError::ConnectionRefused { .. }),
        "{error:?}"
    );
    let refused = format!("`{url}` refused the connection: ");
    assert!(error.to_string().starts_with(&refused), "{error}");

    let url = "https://no-such-host.invalid";
    let error = refusal(&setup, leading_to(&setup, url)).await;
    assert!(
        matches!(error, TransferError::HostNotFound { .. }),
        "{error:?}"
    );
    // The bucket is part of the host name.
    assert!(
        error.to_string().contains("no-such-host.invalid`"),
        "{error}"
    );

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let error = refusal(
        &setup,
        ConnectorSettings {
            answer_timeout: Duration::from_millis(200),
            ..leading_to(&setup, &url)
        },
    )
    .await;
    assert!(matches!(error, TransferError::TimedOut { .. }), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");

    let url = format!("http://{}", silent.local_addr().unwrap());
    tokio::spawn(async move { while silent.accept().await.is_ok() {} });
    let error = refusal(&setup, leading_to(&setup, &url)).await;
    assert!(
        matches!(error, TransferError::ConnectionLost { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains(&url), "{error}");
}

/// Who types a wrong address should not wait for attempts that cannot succeed.
#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_ever_listened_it_is_said_at_the_first_attempt() {
    let setup = Setup::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    // A second attempt would find somebody.
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        while listener.accept().await.is_ok() {}
    });
    let connector = Connector::new(ConnectorSettings {
        max_attempts: 5,
        ..leading_to(&setup, &format!("https://{address}"))
    })
    .unwrap();
    let bucket = "tokyo".parse().unwrap();
    let answer = connector.bucket_region(&bucket, &setup.region).await;
    let Err(BucketRegionError::Transfer(error)) = answer else {
        panic!("{answer:?}");
    };
    assert!(
        matches!(error, TransferError::ConnectionRefused { .. }),
        "{error:?}"
    );
    later.abort();
}
