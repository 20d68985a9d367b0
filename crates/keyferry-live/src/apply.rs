//! Makes changes, one by one, each checked before and read back after.

mod patience;
mod write;

use keyferry_policy::BucketName;
use tokio_util::sync::CancellationToken;

use crate::change::{Change, ChangeKind, Subject};
use crate::connections::Connections;
use crate::content::Content;
use crate::service_error::ServiceError;
use patience::Patience;

/// Told what happens.
pub trait Observer: Send + Sync {
    /// A change is about to be made.
    fn began(&self, change: &Change);
    /// AWS is not ready for a change yet; it is tried again.
    fn waits(&self, change: &Change, why: &ServiceError);
    /// A change was made, and read back.
    fn done(&self, change: &Change);
}

/// Told nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn began(&self, _: &Change) {}
    fn waits(&self, _: &Change, _: &ServiceError) {}
    fn done(&self, _: &Change) {}
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// How many changes were made.
    pub changes: usize,
}

/// Why not all changes were made. What was made stays; comparing and applying again goes on from
/// there.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It was interrupted between two changes.
    #[error("interrupted after {done} of {of} changes")]
    Interrupted {
        /// Changes that were made.
        done: usize,
        /// Changes that were to be made.
        of: usize,
    },
    /// A change failed.
    #[error("cannot {change} (after {done} of {of} changes)")]
    Failed {
        /// The change.
        change: String,
        /// Changes that were made before.
        done: usize,
        /// Changes that were to be made.
        of: usize,
        /// What went wrong.
        source: ServiceError,
    },
    /// Somebody else has changed it since it was compared.
    #[error("the {what} has changed since it was read (after {done} of {of} changes)")]
    ChangedMeanwhile {
        /// What.
        what: String,
        /// Changes that were made before.
        done: usize,
        /// Changes that were to be made.
        of: usize,
    },
    /// AWS took a change and does not give it back.
    #[error("the {what} was set, and reads back otherwise (after {done} of {of} changes)")]
    ReadsBackOtherwise {
        /// What.
        what: String,
        /// Changes that were made before.
        done: usize,
        /// Changes that were to be made.
        of: usize,
    },
}

/// Why one change was not made.
enum Trouble {
    Service(ServiceError),
    ChangedMeanwhile,
    ReadsBackOtherwise,
    Interrupted,
}

impl From<ServiceError> for Trouble {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

/// Makes the changes in order.
///
/// # Cancellation
/// Cancel the token and wait for the call to return: the change at hand is finished, no other begins.
/// Waiting for AWS to be ready ends at once.
///
/// # Errors
/// At the first change that cannot be made.
pub async fn apply(
    changes: &[Change],
    connections: &Connections,
    observer: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<Applied, ApplyError> {
    let of = changes.len();
    for (done, change) in changes.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(ApplyError::Interrupted { done, of });
        }
        observer.began(change);
        let what = || format!("{} of {}", change.kind.title(), change.subject);
        make(change, connections, observer, cancel)
            .await
            .map_err(|trouble| match trouble {
                Trouble::Service(source) => ApplyError::Failed {
                    change: change.to_string(),
                    done,
                    of,
                    source,
                },
                Trouble::ChangedMeanwhile => ApplyError::ChangedMeanwhile {
                    what: what(),
                    done,
                    of,
                },
                Trouble::ReadsBackOtherwise => ApplyError::ReadsBackOtherwise {
                    what: what(),
                    done,
                    of,
                },
                Trouble::Interrupted => ApplyError::Interrupted { done, of },
            })?;
        observer.done(change);
    }
    Ok(Applied { changes: of })
}

async fn make(
    change: &Change,
    connections: &Connections,
    observer: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<(), Trouble> {
    let target = write::Target::of(change, connections)?;
    let is = |content: Option<&Content>, other: Option<&Content>| match (content, other) {
        (Some(one), Some(other)) => one.says_the_same(other),
        (None, None) => true,
        _ => false,
    };
    // What a bucket made in this run has, S3 has given it.
    if !change.on_new {
        let now = target.current(change).await?;
        if is(now.as_ref(), Some(&change.after)) && change.kind != ChangeKind::Encryption {
            return Ok(());
        }
        if !is(now.as_ref(), change.before.as_ref()) {
            return Err(Trouble::ChangedMeanwhile);
        }
    }
    let mut patience = Patience::default();
    loop {
        let Err(error) = target.write(change).await else {
            break;
        };
        if !patience::is_about_time(&error) || !patience.wait(cancel).await {
            return Err(if cancel.is_cancelled() {
                Trouble::Interrupted
            } else {
                error.into()
            });
        }
        observer.waits(change, &error);
    }
    // What was just written may take a moment to be read; an interrupted run still looks once.
    let mut patience = Patience::default();
    loop {
        let now = target.current(change).await;
        match now {
            Ok(now) if is(now.as_ref(), Some(&change.after)) => return Ok(()),
            Ok(_) if patience.wait(cancel).await => {}
            Err(error) if patience::is_about_time(&error) && patience.wait(cancel).await => {}
            _ if cancel.is_cancelled() => return Err(Trouble::Interrupted),
            Ok(_) => return Err(Trouble::ReadsBackOtherwise),
            Err(error) => return Err(error.into()),
        }
    }
}

impl Change {
    /// The bucket, where the change is about one.
    fn bucket(&self) -> Option<&BucketName> {
        match &self.subject {
            Subject::Bucket(bucket) => Some(bucket),
            Subject::Role(_) | Subject::Key(_) => None,
        }
    }
}
