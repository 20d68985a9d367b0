//! Messages and queue URLs as text.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::FailureEvent;

/// Where a queue is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Queue {
    /// Scheme, host and port.
    pub(super) endpoint: String,
    /// The region that the host names, if it does.
    pub(super) region: Option<String>,
}

/// `https://HOST/ACCOUNT/NAME`; plain http on this machine only.
pub(super) fn queue(url: &str) -> Option<Queue> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let name = host.split(':').next().unwrap_or(host);
    let local = ["localhost", "127.0.0.1"].contains(&name) || host.starts_with("[::1]");
    let safe = scheme == "https" || scheme == "http" && local;
    let has_name = path.split('/').filter(|part| !part.is_empty()).count() >= 2;
    if !safe || host.is_empty() || host.contains('@') || !has_name {
        return None;
    }
    let region = host
        .strip_prefix("sqs.")
        .filter(|rest| rest.contains(".amazonaws.com"))
        .and_then(|rest| rest.split('.').next());
    Some(Queue {
        endpoint: format!("{scheme}://{host}"),
        region: region.map(str::to_owned),
    })
}

/// The failures in the body of a message; `None` if it is no notification of S3.
pub(super) fn events(body: &str) -> Option<Vec<FailureEvent>> {
    let body: Body = serde_json::from_str(body).ok()?;
    match body {
        Body::S3 { records } => Some(records.into_iter().filter_map(Record::failure).collect()),
        // What came through a topic has the notification as text inside.
        Body::Sns { message } => match serde_json::from_str(&message).ok()? {
            Body::S3 { records } => Some(records.into_iter().filter_map(Record::failure).collect()),
            Body::Sns { .. } => None,
        },
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    S3 {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    Sns {
        #[serde(rename = "Message")]
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    event_name: String,
    event_time: Option<String>,
    s3: Option<S3>,
    replication_event_data: Option<Replication>,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replication {
    replication_rule_id: Option<String>,
    destination_bucket: Option<String>,
    failure_reason: Option<String>,
}

impl Record {
    fn failure(self) -> Option<FailureEvent> {
        if !self
            .event_name
            .ends_with("Replication:OperationFailedReplication")
        {
            return None;
        }
        let (s3, data) = (self.s3?, self.replication_event_data?);
        // Keys come as in forms: percent-encoded, a space as `+`.
        let key = s3.object.key.replace('+', " ");
        let destination = data.destination_bucket.map(|arn| {
            let name = arn.rsplit_once(":::").map(|(_, name)| name.to_owned());
            name.unwrap_or(arn)
        });
        Some(FailureEvent {
            bucket: s3.bucket.name,
            key: percent_decode_str(&key).decode_utf8_lossy().into_owned(),
            version_id: s3.object.version_id,
            reason: data.failure_reason?,
            rule: data.replication_rule_id,
            destination,
            time: self.event_time,
        })
    }
}
