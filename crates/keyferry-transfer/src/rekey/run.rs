//! Going through all objects of a scope, several at once.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use super::Rekeyer;
use super::outcome::{Handled, Outcome};
use crate::{ListedVersion, Listing, Scope, TransferError};

/// How often the receiver gets a chance to write down what happened.
const TICK: Duration = Duration::from_secs(2);
/// After so many denials in a row without anything that worked, permission is taken to be missing.
const DENIALS: u32 = 20;

/// Is told what becomes of each object, from the task that runs [`Rekeyer::run`].
pub trait Receiver {
    /// What stops the run.
    type Error;

    /// Takes in an object that was dealt with.
    ///
    /// # Errors
    /// An error stops the run; objects that are under way are finished.
    fn handled(&mut self, handled: Handled) -> Result<(), Self::Error>;

    /// Takes in a version that is not current, in the order of the listing.
    fn old_version(&mut self, _version: ListedVersion) {}

    /// A chance to write down what was taken in; comes every few seconds.
    ///
    /// # Errors
    /// An error stops the run; objects that are under way are finished.
    fn tick(&mut self) -> Result<(), Self::Error>;
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Current versions.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Versions that are not current.
    pub old_versions: u64,
    /// Their bytes.
    pub old_bytes: u64,
}

/// How a run came to its end.
#[derive(Debug)]
pub enum Ended<E> {
    /// All objects were dealt with.
    Complete,
    /// The token was cancelled. What was under way is finished or aborted.
    Interrupted,
    /// The versions could not be listed, or what earlier runs had left could not be removed.
    Stopped(TransferError),
    /// The receiver was told of a failure that every object would meet.
    Hopeless,
    /// The receiver stopped it.
    ByReceiver(E),
}

impl Rekeyer<'_> {
    /// Counts what is there.
    ///
    /// # Errors
    /// When the versions cannot be listed; it takes s3:ListBucketVersions.
    pub async fn totals(&self, scope: &Scope) -> Result<Totals, TransferError> {
        let mut totals = Totals::default();
        let listing = Listing::new(self.client, &self.rekey.bucket, scope.clone()).versions();
        let mut listing = std::pin::pin!(listing);
        while let Some(version) = listing.next().await {
            if self.cancel.is_cancelled() {
                return Err(TransferError::Interrupted);
            }
            let version = version?;
            if version.is_latest {
                totals.objects += 1;
                totals.bytes += version.size;
            } else {
                totals.old_versions += 1;
                totals.old_bytes += version.size;
            }
        }
        Ok(totals)
    }

    /// Deals with every object of a scope, and tells the receiver of each.
    ///
    /// A run that is complete has aborted the multipart uploads that earlier ones had left. Not so
    /// one that stops before.
    pub async fn run<R: Receiver>(&self, scope: &Scope, receiver: &mut R) -> Ended<R::Error> {
        let listing = Listing::new(self.client, &self.rekey.bucket, scope.clone()).versions();
        let mut listing = std::pin::pin!(listing);
        let mut under_way = FuturesUnordered::new();
        let mut ticks = tokio::time::interval(TICK);
        let (mut listed, mut stop, mut denials) = (false, None, 0);
        loop {
            let goes_on = !listed && stop.is_none() && !self.cancel.is_cancelled();
            if !goes_on && under_way.is_empty() {
                break;
            }
            let has_room = under_way.len() < self.rekey.concurrency.get();
            tokio::select! {
                biased;
                Some(handled) = under_way.next(), if !under_way.is_empty() => {
                    let handled: Handled = handled;
                    if is_hopeless(&handled, &mut denials) {
                        stop = stop.or(Some(Ended::Hopeless));
                    }
                    if let Err(error) = receiver.handled(handled) {
                        stop = Some(Ended::ByReceiver(error));
                    }
                }
                _ = ticks.tick() => {
                    if let Err(error) = receiver.tick() {
                        stop = Some(Ended::ByReceiver(error));
                    }
                }
                version = listing.next(), if goes_on && has_room => match version {
                    Some(Ok(version)) if version.is_latest => under_way.push(self.handle(version)),
                    Some(Ok(version)) => receiver.old_version(version),
                    Some(Err(error)) => stop = Some(Ended::Stopped(error)),
                    None => listed = true,
                },
                () = self.cancel.cancelled(), if goes_on => {}
            }
        }
        if let Err(error) = receiver.tick() {
            return stop.unwrap_or(Ended::ByReceiver(error));
        }
        match stop {
            Some(stop) => stop,
            None if self.cancel.is_cancelled() => Ended::Interrupted,
            None if self.rekey.dry_run => Ended::Complete,
            None => match self.sweep().await {
                Ok(()) => Ended::Complete,
                Err(error) => Ended::Stopped(error),
            },
        }
    }
}

/// Whether what happened to one object will happen to all.
fn is_hopeless(handled: &Handled, denials: &mut u32) -> bool {
    let Outcome::Failed(error) = &handled.outcome else {
        *denials = 0;
        return false;
    };
    if matches!(error, TransferError::AccessDenied { .. }) {
        *denials += 1;
    }
    error.concerns_all() || *denials >= DENIALS
}
