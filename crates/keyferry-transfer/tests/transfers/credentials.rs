//! Credentials that are missing, expired or wrong, and a clock that is: said as such, although the
//! answers to HEAD do not tell.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use keyferry_policy::Region;
use keyferry_transfer::{
    BucketRegionError, Connector, ConnectorSettings, Download, DownloadTarget, Silent,
    TransferError, download,
};
use tokio_util::sync::CancellationToken;

use crate::fake_server::{Answer, FakeServer};
use crate::setup::{Output, Setup, address, content, credentials, refusal, settings};

#[derive(Debug)]
struct NoCredentials(fn() -> CredentialsError);

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(self.0()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_credentials() {
    let setup = Setup::start().await;
    setup.put(b"x", "s3://tokyo/key").await;
    let with = |credentials| ConnectorSettings {
        credentials,
        ..settings(&setup.lab)
    };
    let none = NoCredentials(|| CredentialsError::not_loaded("no providers in chain"));
    let none = SharedCredentialsProvider::new(none);
    let error = refusal(&setup, with(none.clone())).await;
    assert!(
        matches!(&error, TransferError::NoCredentials { .. }),
        "{error:?}"
    );
    let error = region_refusal(&setup, with(none)).await;
    assert!(
        matches!(&error, TransferError::NoCredentials { .. }),
        "{error:?}"
    );

    let unknown = credentials("AKIAUNKNOWN000000000", "secret");
    for error in [
        refusal(&setup, with(unknown.clone())).await,
        region_refusal(&setup, with(unknown)).await,
    ] {
        assert!(
            matches!(error, TransferError::RefusedCredentials { .. }),
            "{error:?}"
        );
    }

    let known = setup.lab.credentials().access_key_id();
    let wrong = credentials(known, "another secret");
    for error in [
        refusal(&setup, with(wrong.clone())).await,
        region_refusal(&setup, with(wrong)).await,
    ] {
        assert!(
            matches!(error, TransferError::RefusedCredentials { .. }),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
    }

    let session = setup.lab.session_credentials(Duration::ZERO);
    let expired = Credentials::new(
        session.access_key_id(),
        session.secret_access_key(),
        session.session_token().map(str::to_owned),
        None,
        "test",
    );
    let expired = SharedCredentialsProvider::new(expired);
    for error in [
        refusal(&setup, with(expired.clone())).await,
        region_refusal(&setup, with(expired)).await,
    ] {
        assert!(
            matches!(error, TransferError::ExpiredCredentials { .. }),
            "{error:?}"
        );
    }
}

/// Asks for the region of a bucket that exists; the error.
async fn region_refusal(setup: &Setup, settings: ConnectorSettings) -> TransferError {
    let connector = Connector::new(settings).unwrap();
    let bucket = "tokyo".parse().unwrap();
    let error = connector.bucket_region(&bucket, &setup.region).await;
    transfer_error(error.unwrap_err())
}

fn transfer_error(error: BucketRegionError) -> TransferError {
    match error {
        BucketRegionError::Transfer(error) => {
            assert!(error.hint().is_some(), "{error:?}");
            error
        }
        BucketRegionError::Connect(error) => unreachable!("{error:?}"),
    }
}

/// The region of a bucket where HEAD is answered with this status, without a body, and GET with this
/// error.
async fn region(
    status: u16,
    named: Option<&'static str>,
    refused: (u16, &'static str),
) -> Result<Region, TransferError> {
    let server = FakeServer::start(move |request, _| {
        Some(match (request.method.as_str(), named) {
            ("HEAD", Some(region)) => Answer::new(status).header("x-amz-bucket-region", region),
            ("HEAD", None) => Answer::new(status),
            _ => Answer::error(refused.0, refused.1),
        })
    })
    .await;
    let (bucket, start) = ("bucket".parse().unwrap(), "us-east-1".parse().unwrap());
    let region = server.connector.bucket_region(&bucket, &start).await;
    region.map_err(transfer_error)
}

/// S3-XFER-15.
#[tokio::test]
async fn a_head_does_not_hide_the_reason() {
    for named in [None, Some("eu-west-1")] {
        let error = region(400, named, (400, "ExpiredToken")).await.unwrap_err();
        assert!(
            matches!(error, TransferError::ExpiredCredentials { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("expired"));
        for code in ["InvalidAccessKeyId", "SignatureDoesNotMatch"] {
            let error = region(403, named, (403, code)).await.unwrap_err();
            assert!(
                matches!(error, TransferError::RefusedCredentials { .. }),
                "{error:?}"
            );
            assert!(error.to_string().contains("credentials"));
        }
        let error = region(403, named, (403, "RequestTimeTooSkewed")).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, TransferError::ClockSkewed { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("clock"));
    }
}

/// S3-XFER-16.
#[tokio::test]
async fn the_region_is_known_without_permission() {
    let ireland: Region = "eu-west-1".parse().unwrap();
    let named = Some("eu-west-1");
    for (status, refused) in [
        (403, (403, "AccessDenied")),
        (400, (400, "AuthorizationHeaderMalformed")),
        (301, (301, "PermanentRedirect")),
    ] {
        let found = region(status, named, refused).await.unwrap();
        assert_eq!(found, ireland, "{status}");
    }
    let error = region(403, None, (403, "AccessDenied")).await.unwrap_err();
    assert!(
        matches!(error, TransferError::AccessDenied { .. }),
        "{error:?}"
    );
}

async fn fetch(server: &FakeServer) -> TransferError {
    let target = DownloadTarget::Writer(Box::new(Output::default()));
    let mut new = Download::new(address("s3://bucket/key"), server.key.clone(), target);
    new.range_size = 1000.try_into().unwrap();
    let outcome = download(&server.client, new, &Silent, CancellationToken::new()).await;
    outcome.unwrap_err()
}

/// The first ranges come; the HEAD for the checksum is refused.
#[tokio::test]
async fn credentials_that_expire_before_the_checksum_is_known() {
    let server = FakeServer::start(|request, key| {
        let bytes = content(1500);
        if request.method == "HEAD" {
            return Some(Answer::new(400));
        }
        let Some((from, to)) = request.range() else {
            return Some(Answer::error(400, "ExpiredToken"));
        };
        let to = to.min(bytes.len() - 1);
        let answer = Answer::new(206).confirming(key).header("etag", "\"e1\"");
        let range = format!("bytes {from}-{to}/{}", bytes.len());
        Some(
            answer
                .header("content-range", range)
                .body(&bytes[from..=to]),
        )
    })
    .await;
    let error = fetch(&server).await;
    assert!(
        matches!(error, TransferError::ExpiredCredentials { .. }),
        "{error:?}"
    );
    let asked = server.requests();
    assert!(asked.iter().any(|request| request.contains("location")));
}

/// Expired between the request with the key and the one without: no reason to doubt the key.
#[tokio::test]
async fn credentials_that_expire_before_the_key_is_doubted() {
    let server = FakeServer::start(|request, _| {
        let has_key = request
            .headers
            .contains_key("x-amz-server-side-encryption-customer-key");
        Some(match has_key {
            true => Answer::error(403, "AccessDenied"),
            false => Answer::error(400, "ExpiredToken"),
        })
    })
    .await;
    let error = fetch(&server).await;
    assert!(
        matches!(error, TransferError::ExpiredCredentials { .. }),
        "{error:?}"
    );
}
