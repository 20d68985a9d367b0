//! Whatever is logged at any level with a key in it comes from a secret target.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail by panicking, and say why"
)]

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use keyferry_key::CustomerKey;
use keyferry_lab::{Lab, LabOptions};
use keyferry_tests::buckets::make_for_customer_keys;
use keyferry_transfer::{
    Connector, ConnectorSettings, Download, DownloadTarget, SECRET_LOG_TARGETS, Silent, Upload,
    UploadSource, download, upload,
};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Keeps the text of all events and spans, with their targets.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<(String, String)>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{value:?} {value:#?} ");
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        let _ = write!(self.0, "{value} ");
    }

    fn record_bytes(&mut self, _: &Field, value: &[u8]) {
        self.0.extend(value.iter().map(|byte| char::from(*byte)));
    }
}

impl Captured {
    fn keep(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Text)) {
        let mut text = Text(String::new());
        record(&mut text);
        let kept = (metadata.target().to_owned(), text.0);
        self.0.lock().unwrap().push(kept);
    }
}

impl<S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>> Layer<S> for Captured {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.keep(event.metadata(), |text| event.record(text));
    }

    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.keep(span.metadata(), |text| span.record(text));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            self.keep(span.metadata(), |text| values.record(text));
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle))
}

/// All forms in which the key could be written.
fn forms(key: &CustomerKey) -> Vec<Vec<u8>> {
    let base64 = key.headers().expose_key().to_owned();
    vec![
        key.expose().to_vec(),
        hex::encode(key.expose()).into_bytes(),
        base64.trim_end_matches('=').as_bytes().to_vec(),
        base64.replace('+', "%2B").replace('/', "%2F").into_bytes(),
        format!("{:?}", key.expose()).into_bytes(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_holds_a_key() {
    let captured = Captured::default();
    tracing_subscriber::registry().with(captured.clone()).init();

    // Letters and digits, so that it could be seen in raw form as well.
    let key = CustomerKey::from_bytes(*b"Zq3nR8vT1xW6yB4mK9pL2sD7fG5hJ0cE");
    let content = run(&key).await;

    let log = captured.0.lock().unwrap().clone();
    let secret = |target: &str| {
        // The lab runs in this process, too: it is no part of what a user's log can hold.
        let of_the_lab = ["keyferry_lab", "s3s"];
        let mut off = SECRET_LOG_TARGETS.iter().chain(&of_the_lab);
        off.any(|off| target.starts_with(off))
    };
    let forms = forms(&key);
    let mut leaking = Vec::new();
    for (target, text) in &log {
        let leaks = forms.iter().any(|form| contains(text.as_bytes(), form))
            || contains(text.as_bytes(), &content[..64]);
        if leaks {
            leaking.push(target);
        }
    }
    // Were there none, this test would prove nothing.
    assert!(leaking.iter().any(|target| target.starts_with("aws_sigv4")));
    leaking.sort();
    leaking.dedup();
    println!("logged by {leaking:?}");
    leaking.retain(|target| !secret(target));
    assert!(leaking.is_empty(), "the key is logged by {leaking:?}");
    let others: Vec<_> = log.iter().filter(|(target, _)| !secret(target)).collect();
    assert!(!others.is_empty(), "nothing else was logged");
}

/// Up and down, in one piece and in parts, and once with a wrong key.
async fn run(key: &CustomerKey) -> Vec<u8> {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let credentials = Credentials::new(
        lab.credentials().access_key_id(),
        lab.credentials().secret_access_key(),
        None,
        None,
        "test",
    );
    let region = &lab.regions()[0];
    let connector = Connector::new(ConnectorSettings {
        endpoints: region.endpoint_url().parse().unwrap(),
        ca_bundle: Some(lab.ca_path().to_owned()),
        ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
    })
    .unwrap();
    let region: keyferry_policy::Region = region.name().parse().unwrap();
    let client = connector.client(&region).unwrap();
    let made = make_for_customer_keys(&client, "bucket").await;
    made.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    let content: Vec<u8> = (0..9_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for size in [100, content.len()] {
        std::fs::write(&path, &content[..size]).unwrap();
        let destination: keyferry_transfer::ObjectAddress = "s3://bucket/key".parse().unwrap();
        let new = Upload::new(
            UploadSource::File(path.clone()),
            destination.clone(),
            region.clone(),
            key.clone(),
        );
        upload(&client, new, &Silent, CancellationToken::new())
            .await
            .unwrap();
        for (name, key, right) in [
            ("right", key.clone(), true),
            ("wrong", CustomerKey::from_bytes([7; 32]), false),
        ] {
            let target = DownloadTarget::File(folder.path().join(format!("{name}-{size}")));
            let new = Download::new(destination.clone(), key, target);
            let got = download(&client, new, &Silent, CancellationToken::new()).await;
            assert_eq!(got.is_ok(), right);
        }
    }
    content
}
