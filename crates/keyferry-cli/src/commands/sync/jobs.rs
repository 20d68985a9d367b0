//! From what a name has on both sides to what is done about it.

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_s3::Client;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{Engine, ObjectAddress, ResumePlace, Running, TargetFolder};

use super::compare;
use super::listed::{Aside, At, Item};
use crate::args::Compare;
use crate::commands::many::JobFailure;
use crate::commands::moving::{Came, Copies, Encrypting, MovingJob, Reason, What};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::StoreKeys;
use crate::terminal::ManyProgress;

/// How to get from one side to the other.
pub(super) struct Route {
    pub(super) how: Compare,
    pub(super) dry_run: bool,
    pub(super) keys: Arc<StoreKeys>,
    pub(super) engine: Engine,
    pub(super) progress: Arc<ManyProgress>,
    /// Where large uploads that break off are remembered, to be continued.
    pub(super) unfinished: Option<ResumePlace>,
    pub(super) way: Way,
}

/// From where to where.
pub(super) enum Way {
    Up {
        place: Place,
        region: Region,
        encrypting: Encrypting,
    },
    Down {
        place: Place,
        root: PathBuf,
        /// Opened unless nothing is to be written.
        folder: Option<Arc<TargetFolder>>,
    },
    Across {
        copies: Copies,
        /// What the keys begin with, on either side.
        from: String,
        to: String,
    },
}

/// Where objects are.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) bucket: BucketName,
    pub(super) prefix: String,
}

impl Place {
    pub(super) fn address(&self, name: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.clone(),
            key: format!("{}{name}", self.prefix),
        }
    }
}

impl Route {
    /// What is done about a name that the source has.
    pub(super) fn job(self: &Arc<Self>, item: Item, there: Option<Item>) -> MovingJob {
        let what = self.what(&item);
        let settled = match &there {
            None => Some(Some(Reason::New)),
            Some(there) => self.settled(&item, there),
        };
        let size = match self.way {
            Way::Across { .. } => 0,
            _ => item.size,
        };
        let size = if settled == Some(None) { 0 } else { size };
        let route = Arc::clone(self);
        MovingJob::new(what, size, move |running: Running| async move {
            match settled {
                Some(None) => Ok(Came::unchanged()),
                Some(Some(reason)) => route.go(running, item, there, Some(reason)).await,
                None => route.go(running, item, there, None).await,
            }
        })
    }

    /// What is done about what has no name.
    pub(super) fn aside(&self, aside: Aside) -> MovingJob {
        let what = |source: String| What {
            action: "look",
            source,
            destination: String::new(),
            object: None,
            size: 0,
        };
        match aside {
            Aside::Special(path, special) => {
                let why = format!("is {special}");
                MovingJob::new(what(path.display().to_string()), 0, |_| async move {
                    Ok(Came::skipped(why))
                })
            }
            Aside::Failed(error) => {
                MovingJob::new(what(String::new()), 0, |_| async move { Err(error.into()) })
            }
        }
    }

    fn what(&self, item: &Item) -> What {
        let size = item.size;
        match &self.way {
            Way::Up { place, .. } => {
                let stored = place.address(&item.name);
                What {
                    action: "upload",
                    source: match &item.at {
                        At::File(path) => path.display().to_string(),
                        At::Object(object) => object.key.clone(),
                    },
                    destination: stored.to_string(),
                    object: Some(stored),
                    size,
                }
            }
            Way::Down { place, root, .. } => {
                let read = place.address(&item.name);
                What {
                    action: "download",
                    source: read.to_string(),
                    destination: root.join(&item.name).display().to_string(),
                    object: Some(read),
                    size,
                }
            }
            Way::Across { copies, from, to } => {
                let read = ObjectAddress {
                    bucket: copies.source.clone(),
                    key: format!("{from}{}", item.name),
                };
                let stored = ObjectAddress {
                    bucket: copies.destination.clone(),
                    key: format!("{to}{}", item.name),
                };
                What {
                    action: "copy",
                    source: read.to_string(),
                    destination: stored.to_string(),
                    object: Some(stored),
                    size,
                }
            }
        }
    }

    /// What is clear without asking: why it is to be moved, or that it is not; nothing if it is not
    /// clear.
    fn settled(&self, item: &Item, there: &Item) -> Option<Option<Reason>> {
        if item.size != there.size {
            return Some(Some(Reason::Size));
        }
        match self.how {
            Compare::Size => Some(None),
            Compare::Time => {
                Some(compare::is_newer(item.modified, there.modified).then_some(Reason::Newer))
            }
            Compare::Checksum => None,
        }
    }

    async fn go(
        &self,
        running: Running,
        item: Item,
        there: Option<Item>,
        reason: Option<Reason>,
    ) -> Result<Came, JobFailure> {
        match (&self.way, &item.at) {
            (
                Way::Up {
                    place,
                    region,
                    encrypting,
                },
                At::File(path),
            ) => {
                let stored = place.address(&item.name);
                let reason = match reason {
                    Some(reason) => reason,
                    None => match self
                        .up(&running, place, encrypting, &item, there, path)
                        .await?
                    {
                        Some(reason) => reason,
                        None => return Ok(Came::unchanged()),
                    },
                };
                if self.dry_run {
                    return Ok(Came::planned(reason));
                }
                let name = &item.name;
                self.upload(
                    &running, place, stored, region, encrypting, path, name, reason,
                )
                .await
            }
            (
                Way::Down {
                    place,
                    root,
                    folder,
                },
                At::Object(_),
            ) => {
                self.down(running, place, root, folder.as_ref(), item, there, reason)
                    .await
            }
            (Way::Across { copies, to, .. }, At::Object(object)) => {
                let key = format!("{to}{}", item.name);
                let reason = match reason {
                    Some(reason) => Some(reason),
                    None => self.across(copies, object, &key).await?,
                };
                match reason {
                    None => Ok(Came::unchanged()),
                    Some(reason) if self.dry_run => Ok(Came::planned(reason)),
                    Some(reason) => copies.copy(&running, object, &key, reason).await,
                }
            }
            _ => Err(Failure::new(Exit::Failure, "the sides were mixed up").into()),
        }
    }
}
