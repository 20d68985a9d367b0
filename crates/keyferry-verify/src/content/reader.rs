//! One side as a stream that survives broken connections.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use keyferry_key::CustomerKeyHeaders;

use crate::ObjectView;
use crate::access::ObjectAccess;
use crate::answer::{Trouble, chain};

/// Tries to go on after a break, as long as no byte comes.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Reads an object from its beginning to its end, asking again from where it broke off.
pub(super) struct Reader<'a> {
    access: &'a ObjectAccess,
    key: Option<&'a CustomerKeyHeaders>,
    etag: Option<&'a str>,
    size: u64,
    /// Bytes handed out and at hand.
    received: u64,
    stream: Option<ByteStream>,
    at_hand: Bytes,
}

/// Why reading cannot go on.
pub(super) enum Broken {
    /// The object is another now.
    Changed,
    /// The server says no.
    Denied(Trouble),
    /// No byte came past `offset`, in several tries.
    At {
        /// Bytes that came before.
        offset: u64,
        /// What went wrong last.
        trouble: String,
    },
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        access: &'a ObjectAccess,
        key: Option<&'a CustomerKeyHeaders>,
        view: &'a ObjectView,
    ) -> Self {
        Self {
            access,
            key,
            etag: view.etag.as_deref(),
            size: view.size,
            received: 0,
            stream: None,
            at_hand: Bytes::new(),
        }
    }

    /// Waits until bytes are at hand, and shows them. Call only while the object has more.
    pub(super) async fn chunk(&mut self) -> Result<Bytes, Broken> {
        let mut tries = 0;
        let mut pause = FIRST_PAUSE;
        while self.at_hand.is_empty() {
            let Err(trouble) = self.receive().await? else {
                continue;
            };
            tries += 1;
            if tries == TRIES {
                return Err(Broken::At {
                    offset: self.received,
                    trouble,
                });
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(self.at_hand.clone())
    }

    /// Takes bytes that are at hand.
    pub(super) fn take(&mut self, length: usize) -> Bytes {
        self.at_hand.split_to(length.min(self.at_hand.len()))
    }

    /// Receives once. The inner error is one that may pass.
    async fn receive(&mut self) -> Result<Result<(), String>, Broken> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => match self.open().await? {
                Ok(stream) => self.stream.insert(stream),
                Err(trouble) => return Ok(Err(trouble)),
            },
        };
        let trouble = match stream.next().await {
            Some(Ok(bytes)) => {
                // A server that sends more than it announced is not followed.
                let left = self.size.saturating_sub(self.received);
                let take = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.at_hand = bytes.slice(..take);
                self.received += take as u64;
                return Ok(Ok(()));
            }
            Some(Err(error)) => chain(&error),
            None => "the response ended early".to_owned(),
        };
        self.stream = None;
        Ok(Err(trouble))
    }

    async fn open(&self) -> Result<Result<ByteStream, String>, Broken> {
        let range = (self.received > 0).then(|| format!("bytes={}-", self.received));
        let resumed = range.is_some();
        match self.access.get(self.key, range, self.etag).await {
            // Without a content range the answer begins at the beginning.
            Ok(output) if resumed && output.content_range().is_none() => {
                Ok(Err("the server ignores ranges".to_owned()))
            }
            Ok(output) => Ok(Ok(output.body)),
            Err(Trouble::Refused(refusal)) if refusal.status == 412 => Err(Broken::Changed),
            Err(Trouble::Refused(refusal)) if refusal.status < 500 => {
                Err(Broken::Denied(Trouble::Refused(refusal)))
            }
            Err(Trouble::Refused(refusal)) => Ok(Err(refusal.to_string())),
            Err(Trouble::Unreachable(detail)) => Ok(Err(detail)),
        }
    }
}
