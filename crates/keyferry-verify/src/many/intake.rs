//! Where a run's items come from: listings, or what was recorded.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aws_sdk_s3::Client;
use futures::StreamExt;
use futures::stream::BoxStream;
use keyferry_policy::BucketName;
use keyferry_transfer::{Entry as ListedEntry, Listing, TransferError};

use super::context::Context;
use super::item::Item;
use super::join::{Found, Join, Next, version_id};
use super::lane::{Head, Lane};
use super::ledger::State;
use super::options::{Listed, Recorded, Versions};
use crate::VerifyError;
use crate::bucket::{Bucket, Place};
use crate::destination::bucket_of;
use crate::rules::{is_enabled, prefixes};

/// Items, in the order in which a later run could go on from any of them.
pub(super) struct Intake<'a> {
    /// What an earlier run had begun and not finished.
    unfinished: VecDeque<Item>,
    source: Source<'a>,
}

enum Source<'a> {
    Listed(Box<Listings>),
    Recorded(Box<Records<'a>>),
}

/// The listings of all buckets.
struct Listings {
    join: Join,
    buckets: Vec<BucketName>,
    versions: Versions,
    extras: bool,
    /// Versions of the first key that an earlier run has looked at.
    done: Option<(String, BTreeSet<Option<String>>)>,
}

/// What was recorded.
struct Records<'a> {
    stream: BoxStream<'a, Result<Recorded, VerifyError>>,
    /// How many an earlier run has looked at.
    skip: u64,
    /// Of each version, what its first receipt says.
    known: HashMap<u64, u64>,
}

impl<'a> Intake<'a> {
    /// Begins to list what is asked for, behind what an earlier run has done.
    pub(super) async fn listed(
        context: &Arc<Context<'a>>,
        listed: &Listed,
        state: Option<&mut State>,
    ) -> Result<Self, VerifyError> {
        let source = context.source(&listed.bucket, &listed.region)?;
        let (after, of_key, unfinished) = match state {
            Some(state) => (
                state.after.clone(),
                state.of_key.clone(),
                std::mem::take(&mut state.unfinished),
            ),
            None => (None, None, Vec::new()),
        };
        let listing = |client: &Client, bucket: &BucketName| {
            Listing::new(client, bucket, listed.scope.clone()).behind(after.clone())
        };
        let mut first = Lane::start(listing(&source.client, &listed.bucket), true);
        let mut with_versions = true;
        if let Head::Failed(error) = first.fill().await {
            // Current versions can be listed with a permission of their own.
            let may_do_without = listed.versions == Versions::Current && is_refused(&error);
            if !may_do_without {
                return Err(error.into());
            }
            context.not_listed(&listed.bucket, &error);
            with_versions = false;
            first = Lane::start(listing(&source.client, &listed.bucket), false);
        }
        let mut lanes = vec![Some(first)];
        let mut buckets = vec![listed.bucket.clone()];
        for (bucket, place) in destinations(&source, listed).await? {
            let found = place.found.as_ref().filter(|_| with_versions);
            let lane = found.map(|(_, client)| Lane::start(listing(client, &bucket), true));
            lanes.push(lane);
            buckets.push(bucket);
        }
        Ok(Self {
            unfinished: unfinished.into(),
            source: Source::Listed(Box::new(Listings {
                join: Join::new(lanes),
                buckets,
                versions: listed.versions,
                extras: context.options.extras && with_versions,
                done: of_key.map(|(key, done)| (key, done.into_iter().collect())),
            })),
        })
    }

    pub(super) fn recorded(
        stream: BoxStream<'a, Result<Recorded, VerifyError>>,
        state: Option<&mut State>,
    ) -> Self {
        let (skip, unfinished) = state.map_or_else(Default::default, |state| {
            (state.taken, std::mem::take(&mut state.unfinished))
        });
        Self {
            unfinished: unfinished.into(),
            source: Source::Recorded(Box::new(Records {
                stream,
                skip,
                known: HashMap::new(),
            })),
        }
    }

    /// The next item, and whether it is new to the position. May be dropped and asked again.
    pub(super) async fn next(
        &mut self,
        context: &Context<'_>,
    ) -> Result<Option<(Item, bool)>, VerifyError> {
        if let Some(item) = self.unfinished.pop_front() {
            return Ok(Some((item, false)));
        }
        let next = match &mut self.source {
            Source::Listed(listings) => listings.next(context).await?,
            Source::Recorded(records) => records.next(context).await?,
        };
        Ok(next.map(|item| (item, true)))
    }
}

impl Listings {
    async fn next(&mut self, context: &Context<'_>) -> Result<Option<Item>, VerifyError> {
        loop {
            match self.join.next().await {
                Next::Over => return Ok(None),
                Next::Failed(0, error) => return Err(error.into()),
                Next::Failed(index, error) => {
                    if let Some(bucket) = self.buckets.get(index) {
                        context.not_listed(bucket, &error);
                    }
                }
                Next::Found(found) => {
                    if let Some(item) = self.item(found) {
                        return Ok(Some(item));
                    }
                }
            }
        }
    }

    fn item(&mut self, found: Found) -> Option<Item> {
        let in_source = found.shown.first() == Some(&true);
        let id = version_id(&found.entry).map(str::to_owned);
        if let Some((key, done)) = &self.done {
            if found.entry.name() != key {
                self.done = None;
            } else if done.contains(&id) {
                return None;
            }
        }
        let current = self.versions == Versions::Current;
        if !in_source {
            return self.extra(found, id).filter(|_| self.extras);
        }
        match found.entry {
            ListedEntry::Version(version) if version.is_latest || !current => Some(Item::Version {
                key: version.key,
                // Buckets without versions, and servers without them, know no id.
                version_id: id.filter(|id| !(current && id == "null")),
            }),
            ListedEntry::DeleteMarker(marker) if marker.is_latest || !current => {
                Some(Item::Marker {
                    of: None,
                    key: marker.key,
                    version_id: id,
                    is_latest: marker.is_latest,
                    made: marker.last_modified,
                    shown_in: self.shown(&found.shown),
                })
            }
            _ => None,
        }
    }

    /// Of current versions, only what a read of the replica bucket would get.
    fn extra(&self, found: Found, version_id: Option<String>) -> Option<Item> {
        let shown_in = self.shown(&found.shown);
        // The source's listing may have ended, or failed, before this key.
        if !self.join.is_listed(0) {
            return None;
        }
        let current = self.versions == Versions::Current;
        let bucket = shown_in.into_iter().next()?;
        let (key, is_delete_marker, is_latest, size, made) = match found.entry {
            ListedEntry::Version(version) => (
                version.key,
                false,
                version.is_latest,
                version.size,
                version.last_modified,
            ),
            ListedEntry::DeleteMarker(marker) => {
                (marker.key, true, marker.is_latest, 0, marker.last_modified)
            }
            ListedEntry::Prefix(_) => return None,
        };
        (is_latest || !current).then_some(Item::Extra {
            bucket,
            key,
            version_id,
            is_delete_marker,
            is_latest,
            size,
            made,
        })
    }

    /// The buckets behind the source's whose listings show something.
    fn shown(&self, shown: &[bool]) -> Vec<BucketName> {
        self.buckets
            .iter()
            .zip(shown)
            .skip(1)
            .filter(|(_, shown)| **shown)
            .map(|(bucket, _)| bucket.clone())
            .collect()
    }
}

impl Records<'_> {
    async fn next(&mut self, context: &Context<'_>) -> Result<Option<Item>, VerifyError> {
        while let Some(recorded) = self.stream.next().await {
            let recorded = recorded?;
            let is_new = match &recorded {
                Recorded::Receipt(receipt) => self.is_new(
                    context,
                    (&receipt.source, &receipt.version_id),
                    &serde_json::to_string(receipt).unwrap_or_default(),
                ),
                Recorded::Subject(_) => true,
            };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            if !is_new {
                context.ledger().taken += 1;
                continue;
            }
            return Ok(Some(match recorded {
                Recorded::Receipt(receipt) => Item::Receipt { receipt },
                Recorded::Subject(subject) => Item::Subject { subject },
            }));
        }
        Ok(None)
    }

    /// Whether a receipt is not the repetition of one that came before. One that contradicts it is new:
    /// which of the two is wrong, the source shows.
    fn is_new(&mut self, context: &Context<'_>, version: impl Hash, text: &str) -> bool {
        let said = hash(text);
        match self.known.entry(hash(version)) {
            Entry::Vacant(vacant) => {
                vacant.insert(said);
                true
            }
            Entry::Occupied(before) => {
                let repeats = *before.get() == said;
                if self.skip == 0 {
                    let summary = &mut context.ledger().summary;
                    match repeats {
                        true => summary.repeated_receipts += 1,
                        false => summary.contradicting_receipts += 1,
                    }
                }
                !repeats
            }
        }
    }
}

/// The replica buckets of what is listed.
async fn destinations(
    source: &Bucket<'_>,
    listed: &Listed,
) -> Result<Vec<(BucketName, Arc<Place>)>, VerifyError> {
    let mut buckets = Vec::new();
    for target in &source.given {
        let place = source.place(&target.bucket, Some(&target.region)).await?;
        buckets.push((target.bucket.clone(), place));
    }
    if !buckets.is_empty() {
        return Ok(buckets);
    }
    let wanted = listed.scope.prefix();
    let mut named = BTreeSet::new();
    for rule in source.configuration().await?.rules() {
        let overlaps = |prefix: &str| prefix.starts_with(wanted) || wanted.starts_with(prefix);
        if is_enabled(rule) && prefixes(rule).all(overlaps) {
            named.extend(rule.destination().and_then(|to| bucket_of(to.bucket())));
        }
    }
    for bucket in named {
        let place = source.place(&bucket, None).await?;
        buckets.push((bucket, place));
    }
    Ok(buckets)
}

/// Whether a bucket may not be listed, or its server has no such listing.
fn is_refused(error: &TransferError) -> bool {
    !matches!(
        error,
        TransferError::NoSuchBucket { .. } | TransferError::Interrupted
    )
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
