//! Verification against servers that are not what they seem. Each twist was met on some real server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod content;
mod fake;
mod keys;
mod silence;

use std::sync::Arc;
use std::time::Duration;

use fake::{FakeS3, Request, Response};
use futures::future::BoxFuture;
use keyferry_key::CustomerKey;
use keyferry_verify::{
    Level, Outcome, ReadSides, ReplicaTarget, Report, Silent, Subject, Verification, VerifyError,
    receipt_of, verify,
};
use tokio_util::sync::CancellationToken;

const CONTENT: &[u8] = b"the quick brown fox jumps over the lazy dog";

fn key() -> CustomerKey {
    CustomerKey::from_bytes(*b"0123456789abcdef0123456789ABCDEF")
}

struct Run {
    server: FakeS3,
    level: Level,
    wait: Duration,
    given: bool,
    probe: bool,
}

impl Run {
    async fn on(twist: impl Fn(&Request, Response) -> Response + Send + Sync + 'static) -> Self {
        Self {
            server: FakeS3::start(&key(), CONTENT, Arc::new(twist)).await,
            level: Level::Equal,
            wait: Duration::ZERO,
            given: false,
            probe: true,
        }
    }

    async fn subject(&self) -> Result<Subject, VerifyError> {
        receipt_of(
            self.server.client(),
            &"s3://tokyo/key".parse().unwrap(),
            Some("v1"),
            &"ap-northeast-1".parse().unwrap(),
            &key(),
        )
        .await
    }

    async fn verify(&self, subject: &Subject) -> Result<Report, VerifyError> {
        let key = key();
        let verification = Verification {
            subject,
            key: Some(&key),
            wait: self.wait,
            level: self.level,
            read: ReadSides::Both,
            replica: self.given.then(|| ReplicaTarget {
                bucket: "osaka".parse().unwrap(),
                region: "ap-northeast-3".parse().unwrap(),
            }),
            probe: self.probe,
        };
        let cancel = CancellationToken::new();
        // Boxed to show that the future may move between threads.
        let verifying: BoxFuture<'_, _> =
            Box::pin(verify(&self.server, verification, &Silent, cancel));
        verifying.await
    }

    async fn report(&self) -> Report {
        let subject = self.subject().await.unwrap();
        self.verify(&subject).await.unwrap()
    }
}

fn on_replica(request: &Request) -> bool {
    request.bucket == "osaka" && request.is_for_object()
}

fn difference_names(report: &Report) -> Vec<String> {
    let Outcome::Differs(differences) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    differences
        .iter()
        .map(|difference| {
            let value = serde_json::to_value(difference).unwrap();
            value["difference"].as_str().unwrap().to_owned()
        })
        .collect()
}
