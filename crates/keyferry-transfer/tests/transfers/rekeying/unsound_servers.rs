//! Servers that do not do what they say.

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_transfer::{Ended, Outcome, Rekey, Rekeyer, Scope, Silent, TransferError};
use keyferry_transfer::{Handled, UnfinishedUploads};
use tokio_util::sync::CancellationToken;

use super::hooks::Without;
use super::ring::{Finder, Kept, Ring, only};
use crate::fake_server::{Answer, FakeServer, Request};

const MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

/// A server with one object under `old`, that answers writes as a test wants.
async fn run_against(
    old: &CustomerKey,
    etag: &'static str,
    write: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
) -> (Vec<Handled>, Ended<std::convert::Infallible>, FakeServer) {
    let known = old.clone();
    let server = FakeServer::start(move |request, _| {
        let ours = request.headers.get(MD5) == Some(&known.md5().to_string());
        Some(match (request.method.as_str(), request.target.as_str()) {
            ("GET", target) if target.contains("versions") => Answer::new(200).body(format!(
                "<ListVersionsResult><Version><Key>key</Key><VersionId>v1</VersionId>\
                 <IsLatest>true</IsLatest><ETag>\"{etag}\"</ETag><Size>10</Size></Version>\
                 </ListVersionsResult>"
            )),
            ("GET", target) if target.contains("tagging") => {
                Answer::new(200).body("<Tagging><TagSet></TagSet></Tagging>")
            }
            ("HEAD", _) if ours => Answer::new(200)
                .confirming(&known)
                .header("etag", format!("\"{etag}\""))
                .header("content-length", "10")
                .header("x-amz-version-id", "v1"),
            ("HEAD", _) if request.headers.contains_key(MD5) => Answer::new(403),
            ("HEAD", _) => Answer::new(400),
            ("GET", target) if target.contains('?') => Answer::error(404, "NotFoundError"),
            ("GET", _) => Answer::error(400, "InvalidRequest"),
            _ => return write(request),
        })
    })
    .await;
    let (old, new) = (
        (KeyId::generate().unwrap(), old.clone()),
        (KeyId::generate().unwrap(), CustomerKey::generate().unwrap()),
    );
    let folder = tempfile::tempdir().unwrap();
    let unfinished = UnfinishedUploads::open(folder.path(), "b", "bucket").unwrap();
    let finder = Finder(vec![old, new.clone()]);
    let rekey = Rekey::new("bucket".parse().unwrap(), new.1, new.0);
    let cancel = CancellationToken::new();
    let client: &Client = &server.client;
    let rekeyer = Rekeyer::new(client, &rekey, &finder, &unfinished, &Silent, &cancel)
        .await
        .unwrap();
    let mut kept = Kept::default();
    let ended = rekeyer.run(&Scope::Prefix(String::new()), &mut kept).await;
    (kept.0, ended, server)
}

/// 200, and no word of the key: it may hold plaintext now, and the run stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_the_new_key() {
    let key = CustomerKey::generate().unwrap();
    let (handled, ended, _server) = run_against(&key, "e", |request| {
        assert!(request.headers.contains_key("x-amz-copy-source"));
        if request.headers.get("if-match").map(String::as_str) == Some("\"e\"") {
            return Some(
                Answer::new(200)
                    .header("x-amz-version-id", "v2")
                    .body("<CopyObjectResult><ETag>\"f\"</ETag></CopyObjectResult>"),
            );
        }
        Some(Answer::error(412, "PreconditionFailed"))
    })
    .await;
    let Outcome::Failed(
        error @ TransferError::SseCNotConfirmed {
            version_id: Some(version),
            ..
        },
    ) = &only(&handled).outcome
    else {
        panic!("{handled:?}");
    };
    assert_eq!(version, "v2");
    assert!(error.to_string().contains("plaintext"), "{error}");
    assert!(error.hint().unwrap().contains("delete"));
    assert!(matches!(ended, Ended::Hopeless), "{ended:?}");
}

/// In parts it is noticed before any content is copied, and nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_the_new_key_in_parts() {
    let key = CustomerKey::generate().unwrap();
    let (handled, _, server) = run_against(&key, "e-1", |request| {
        Some(match request.method.as_str() {
            "POST" => Answer::new(200).body(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            ),
            "DELETE" => Answer::error(404, "NoSuchUpload"),
            // The trial: nobody's content.
            "PUT" if request.body == b"\0" => Answer::new(200).header("etag", "\"p\""),
            _ => panic!("{request:?}"),
        })
    })
    .await;
    assert!(
        matches!(&only(&handled).outcome, Outcome::Failed(TransferError::UnexpectedAnswer { what, .. }) if what.contains("no content was copied")),
        "{handled:?}"
    );
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.starts_with("DELETE") && request.contains("u1"))
    );
}

/// A copy that says 200 and then fails has no entity tag. It is tried again, and given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_behind_its_200() {
    let key = CustomerKey::generate().unwrap();
    let (handled, ..) = run_against(&key, "e", |request| {
        let fits = request.headers.get("if-match").map(String::as_str) == Some("\"e\"");
        Some(if fits {
            Answer::error(200, "InternalError")
        } else {
            Answer::error(412, "PreconditionFailed")
        })
    })
    .await;
    assert!(
        matches!(only(&handled).outcome, Outcome::Failed(_)),
        "{handled:?}"
    );
}

/// A server that loses what it was given: both versions are there, and the differences are named.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_the_storage_class_and_the_tags() {
    let ring = Ring::start().await;
    ring.put("tagged", b"x").await;
    let client = ring.hooked(Without("x-amz-tagging"));
    let (handled, _) = ring.run_as(&client, &ring.rekey()).await;
    let Outcome::Differs {
        differences,
        rekeyed,
    } = &only(&handled).outcome
    else {
        panic!("{handled:?}");
    };
    assert_eq!(
        differences[..],
        [format!("tag keyferry-key: `{}` became `none`", ring.new.0)]
    );
    assert!(rekeyed.version_id.is_some());
    assert_eq!(ring.versions("tagged").await.len(), 2);
}
