//! S3's own word on failed replication, read from a queue.
//!
//! A bucket with replication metrics can send an event for each version that fails
//! (`s3:Replication:OperationFailedReplication`), with the exact reason. Whoever has them sent to SQS has
//! them here: messages are received, read, and given back, so that whoever else waits for them gets them
//! as well. Nothing is deleted. A queue with a dead-letter queue counts each reading.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Builder, Region as SdkRegion};
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{ConnectError, Connector, NameEndpoint, UntrustedIsFinal};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::answer::chain;

/// How long messages are hidden from other readers, in seconds, should they not be given back.
const HIDDEN: i32 = 60;
/// How long to wait for a message, in seconds.
const PATIENCE: i32 = 1;
/// How often a queue has to have nothing before it is taken to be empty: SQS asks only some of its
/// servers each time.
const EMPTY: u32 = 3;
/// How many messages are read at most.
const MOST: usize = 20_000;
/// After this time the queue may have something new.
const AGAIN: Duration = Duration::from_secs(20);

/// That replication of a version failed, as S3 reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureEvent {
    /// The source bucket.
    pub bucket: String,
    /// The object key.
    pub key: String,
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// S3's code: `DstPutObjectNotPermitted` and the like.
    pub reason: String,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The destination bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl fmt::Display for FailureEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.reason)?;
        if let Some(destination) = &self.destination {
            write!(formatter, " for `{destination}`")?;
        }
        match &self.time {
            Some(time) => write!(formatter, " at {time}"),
            None => Ok(()),
        }
    }
}

/// What S3 reported, by object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureEvents {
    by_object: BTreeMap<(String, String), Vec<FailureEvent>>,
    messages: usize,
    /// Messages that are no events of S3.
    others: usize,
}

impl FailureEvents {
    /// Takes in the body of a message: an event of S3, as it comes or wrapped by SNS.
    pub fn take_in(&mut self, body: &str) {
        self.messages += 1;
        let Some(events) = parse::events(body) else {
            self.others += 1;
            return;
        };
        for event in events {
            let object = (event.bucket.clone(), event.key.clone());
            let known = self.by_object.entry(object).or_default();
            if !known.contains(&event) {
                known.push(event);
            }
        }
    }

    /// What was reported about a version.
    pub fn of<'a>(
        &'a self,
        bucket: &BucketName,
        key: &str,
        version: Option<&'a str>,
    ) -> impl Iterator<Item = &'a FailureEvent> {
        let object = (bucket.to_string(), key.to_owned());
        let known = self.by_object.get(&object).into_iter().flatten();
        known.filter(move |event| version.is_none() || event.version_id.as_deref() == version)
    }

    /// How many messages were read, and how many of them were something else.
    #[must_use]
    pub fn read(&self) -> (usize, usize) {
        (self.messages, self.others)
    }

    /// How many failures they report.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.by_object.values().map(Vec::len).sum()
    }
}

/// Why a queue cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// It is no URL of a queue.
    #[error("`{url}` is not the URL of a queue")]
    NotAQueue {
        /// What was given.
        url: String,
    },
    /// There is no client.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// SQS does not give messages.
    #[error("the queue `{url}` cannot be read: {detail}")]
    Unreadable {
        /// The queue.
        url: String,
        /// What it answered.
        detail: String,
    },
}

impl EventsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAQueue { .. } => Some(
                "it looks like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME: `aws sqs get-queue-url` prints it"
                    .to_owned(),
            ),
            Self::Connect(error) => error.hint(),
            Self::Unreadable { .. } => Some(
                "it takes sqs:ReceiveMessage and sqs:ChangeMessageVisibility on the queue".to_owned(),
            ),
        }
    }
}

/// A queue that S3's events go to, and what was read from it so far.
#[derive(Debug)]
pub struct FailureQueue {
    url: String,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    events: FailureEvents,
    at: Option<Instant>,
}

impl FromStr for FailureQueue {
    type Err = EventsError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match parse::queue(url) {
            Some(_) => Ok(Self {
                url: url.to_owned(),
                read: Mutex::default(),
            }),
            None => Err(EventsError::NotAQueue {
                url: url.to_owned(),
            }),
        }
    }
}

impl FailureQueue {
    /// What S3 reported about a version. The queue is read when it is first asked for, and again when
    /// nothing is known of a version and the last time is a while ago.
    ///
    /// # Cancellation
    /// When the future is dropped, messages come back to the queue by themselves after a minute.
    ///
    /// # Errors
    /// When the queue may not be read.
    pub async fn about(
        &self,
        connector: &Connector,
        near: &Region,
        (bucket, key, version): (&BucketName, &str, Option<&str>),
    ) -> Result<Vec<FailureEvent>, EventsError> {
        let mut read = self.read.lock().await;
        let known = |events: &FailureEvents| -> Vec<FailureEvent> {
            events.of(bucket, key, version).cloned().collect()
        };
        let found = known(&read.events);
        let fresh = read.at.is_some_and(|at| at.elapsed() < AGAIN);
        if !found.is_empty() || fresh {
            return Ok(found);
        }
        // What fails now is not tried again for every object.
        read.at = Some(Instant::now());
        self.receive(connector, near, &mut read.events).await?;
        read.at = Some(Instant::now());
        Ok(known(&read.events))
    }

    /// Reads all messages, and gives them back.
    async fn receive(
        &self,
        connector: &Connector,
        near: &Region,
        events: &mut FailureEvents,
    ) -> Result<(), EventsError> {
        let url = self.url.as_str();
        let client = client(connector, near, url)?;
        let mut seen = BTreeSet::new();
        let mut handles = Vec::new();
        let mut empty = 0;
        while empty < EMPTY && seen.len() < MOST {
            let answer = client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10)
                .visibility_timeout(HIDDEN)
                .wait_time_seconds(PATIENCE)
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    give_back(&client, url, &handles).await;
                    return Err(EventsError::Unreadable {
                        url: url.to_owned(),
                        detail: chain(&error),
                    });
                }
            };
            if answer.messages().is_empty() {
                empty += 1;
                continue;
            }
            for message in answer.messages() {
                handles.extend(message.receipt_handle().map(str::to_owned));
                // A queue may deliver twice.
                let id = message.message_id().unwrap_or_default().to_owned();
                if seen.insert(id) {
                    events.take_in(message.body().unwrap_or_default());
                }
            }
        }
        give_back(&client, url, &handles).await;
        Ok(())
    }
}

/// Lets others see the messages at once. What does not work comes back by itself.
async fn give_back(client: &Client, url: &str, handles: &[String]) {
    for ten in handles.chunks(10) {
        let entries = ten.iter().enumerate().filter_map(|(index, handle)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(handle)
                .visibility_timeout(0)
                .build()
                .ok()
        });
        let _ = client
            .change_message_visibility_batch()
            .queue_url(url)
            .set_entries(Some(entries.collect()))
            .send()
            .await;
    }
}

/// A client of the queue's server, which its URL names.
fn client(connector: &Connector, near: &Region, url: &str) -> Result<Client, EventsError> {
    let queue = parse::queue(url).ok_or_else(|| EventsError::NotAQueue {
        url: url.to_owned(),
    })?;
    let shared = connector.shared_config(near)?;
    let region = queue.region.unwrap_or_else(|| near.to_string());
    let config = Builder::from(&shared)
        .region(SdkRegion::new(region))
        .endpoint_url(queue.endpoint)
        .interceptor(NameEndpoint)
        .retry_classifier(UntrustedIsFinal)
        .build();
    Ok(Client::from_conf(config))
}

#[cfg(test)]
mod tests;
