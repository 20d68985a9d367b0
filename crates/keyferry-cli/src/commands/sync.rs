//! `keyferry sync`

mod compare;
mod deletions;
mod jobs;
mod join;
mod listed;
mod moves;
mod sides;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{Stream, StreamExt};
use keyferry_transfer::{Filter, TransferError};

use super::Invocation;
use super::moving::{Copies, Moving, MovingJob, all_keys};
use crate::args::SyncArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::resume;
use crate::terminal::printable;
use deletions::{Names, Removing};
use jobs::{Place, Route, Way};
use join::{Pair, join};
use sides::{Ends, Side};

pub(super) async fn run(invocation: &Invocation, arguments: SyncArgs) -> Result<Exit, Failure> {
    let ends = Ends::parse(&arguments)?;
    let filter = arguments.moving.choice.filter.filter()?;
    ends.must_be_there()?;
    if arguments.delete && !arguments.yes && !arguments.moving.choice.dry_run {
        deletions::somebody_must_be_there()?;
    }
    let (keys, encrypting) = all_keys(
        invocation,
        &arguments.moving,
        ends.any_bucket(),
        ends.destination.bucket(),
    )?;
    let moving = Moving::begin(invocation, &arguments.moving, keys).await?;
    let route = route(&moving, &arguments, &ends, encrypting).await?;
    let course = Course {
        invocation,
        arguments: &arguments,
        ends,
        filter,
        moving,
        route: Arc::new(route),
    };
    course.run().await
}

async fn route(
    moving: &Moving<'_>,
    arguments: &SyncArgs,
    ends: &Ends,
    encrypting: Option<super::moving::Encrypting>,
) -> Result<Route, Failure> {
    let dry_run = arguments.moving.choice.dry_run;
    let place = async |scope: &keyferry_verify::Scope| {
        let region = moving.aws.bucket_region(&scope.bucket).await?;
        let place = Place {
            client: moving.aws.client(&region)?,
            bucket: scope.bucket.clone(),
            prefix: scope.prefix.clone(),
        };
        Ok::<_, Failure>((place, region))
    };
    let no_key = || Failure::new(Exit::Key, "there is no key to encrypt under");
    let mut unfinished = None;
    let way = match (&ends.source, &ends.destination) {
        (Side::Folder(_), Side::Prefix(scope)) => {
            let (place, region) = place(scope).await?;
            unfinished = resume::place(&moving.invocation.settings, &region, true);
            Way::Up {
                place,
                region,
                encrypting: encrypting.ok_or_else(no_key)?,
            }
        }
        (Side::Prefix(scope), Side::Folder(root)) => Way::Down {
            place: place(scope).await?.0,
            root: root.clone(),
            folder: match dry_run {
                true => None,
                false => Some(Arc::new(keyferry_transfer::TargetFolder::open(root).await?)),
            },
        },
        (Side::Prefix(source), Side::Prefix(destination)) => Way::Across {
            copies: Copies::begin(
                moving,
                &source.bucket,
                &destination.bucket,
                encrypting.ok_or_else(no_key)?,
            )
            .await?,
            from: source.prefix.clone(),
            to: destination.prefix.clone(),
        },
        (Side::Folder(_), Side::Folder(_)) => {
            return Err(Failure::new(Exit::Usage, "neither side is in S3"));
        }
    };
    Ok(Route {
        how: arguments.how(),
        dry_run,
        keys: Arc::clone(&moving.keys),
        engine: moving.engine.clone(),
        progress: Arc::clone(&moving.progress),
        unfinished,
        way,
    })
}

/// What the steps of a run share.
struct Course<'a> {
    invocation: &'a Invocation,
    arguments: &'a SyncArgs,
    ends: Ends,
    filter: Filter,
    moving: Moving<'a>,
    route: Arc<Route>,
}

/// What a look at both sides shows beside what is to be moved.
#[derive(Default)]
struct Noticed {
    /// Names that only the destination has.
    surplus: Mutex<Names>,
    /// How many names the source has.
    source_names: AtomicU64,
    /// Whether a part of the source could not be looked at.
    is_incomplete: AtomicBool,
    /// Why the look ended early.
    failed: Mutex<Option<Failure>>,
}

impl Noticed {
    fn fail(&self, failure: Failure) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    fn failure(&self) -> Option<Failure> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }

    fn surplus(&self) -> Names {
        std::mem::take(&mut self.surplus.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Course<'_> {
    async fn run(&self) -> Result<Exit, Failure> {
        let arguments = self.arguments;
        let confirmed = match arguments.delete && !arguments.yes && !arguments.moving.choice.dry_run
        {
            true => Some(self.preview().await?),
            false => None,
        };
        let noticed = Arc::new(Noticed::default());
        let to = match &self.route.way {
            Way::Up {
                region, encrypting, ..
            } => Some((region, encrypting)),
            Way::Across { copies, .. } => Some((&copies.region, &copies.encrypting)),
            Way::Down { .. } => None,
        };
        let jobs = self.jobs(&noticed);
        let address = &arguments.destination;
        let mut moved = self.moving.run(jobs, to, address).await?;
        let finished = match &self.route.way {
            Way::Across { copies, .. } => copies.copier.finish().await,
            Way::Down {
                folder: Some(folder),
                ..
            } => folder.settle().await,
            _ => Ok(()),
        };
        if let Err(error) = finished {
            noticed.fail(error.into());
        }
        let failed = noticed.failure();
        let surplus = noticed.surplus();
        let stays = match () {
            () if !arguments.delete || surplus.is_empty() => None,
            () if failed.is_some() || moved.stopped.is_some() => Some("as the run stopped early"),
            () if noticed.is_incomplete.load(Ordering::Relaxed) => {
                Some("as a part of the source could not be looked at")
            }
            () if moved.tally.failures() > 0 => Some("as not everything was copied"),
            () if noticed.source_names.load(Ordering::Relaxed) == 0 => {
                Some("as the source has nothing at all; `keyferry rm --recursive` empties a prefix")
            }
            () => {
                let removing = Removing {
                    moving: &self.moving,
                    way: &self.route.way,
                };
                removing
                    .run(surplus, confirmed, &mut moved.actions, &mut moved.tally)
                    .await?;
                None
            }
        };
        if noticed.source_names.load(Ordering::Relaxed) == 0 && failed.is_none() {
            self.invocation.terminal.warn(format!(
                "there is nothing in `{}`",
                printable(&arguments.source)
            ));
        }
        let encrypting = to.map(|(_, encrypting)| encrypting);
        let exit = self.moving.end(moved, encrypting).await?;
        match (failed, stays) {
            (Some(failure), _) => Err(failure),
            (None, Some(why)) => Err(Failure::new(
                if exit == Exit::Done {
                    Exit::Failure
                } else {
                    exit
                },
                format!("nothing was removed from the destination, {why}"),
            )
            .hint("what is not in the source is removed once all of the source was copied")),
            (None, None) => Ok(exit),
        }
    }

    /// Both sides next to each other.
    fn pairs(&self) -> impl Stream<Item = Result<Pair, TransferError>> + Send + use<> {
        let (source, destination) = self.ends.lists(
            &self.route.way,
            &self.filter,
            self.arguments.follow_symlinks,
        );
        join(source, destination)
    }

    /// What is to be done, as both sides are read.
    fn jobs(&self, noticed: &Arc<Noticed>) -> impl Stream<Item = MovingJob> + Send + use<> {
        let (route, noticed) = (Arc::clone(&self.route), Arc::clone(noticed));
        let (delete, terminal) = (self.arguments.delete, self.invocation.terminal);
        self.pairs().filter_map(move |pair| {
            let job = match pair {
                Ok(Pair::Source(item)) => {
                    noticed.source_names.fetch_add(1, Ordering::Relaxed);
                    Some(route.job(item, None))
                }
                Ok(Pair::Both(item, there)) => {
                    noticed.source_names.fetch_add(1, Ordering::Relaxed);
                    Some(route.job(item, Some(there)))
                }
                Ok(Pair::Destination(item)) => {
                    if delete {
                        let mut surplus = noticed
                            .surplus
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner);
                        if let Err(failure) = surplus.push(&item.name, item.size) {
                            noticed.fail(failure);
                        }
                    }
                    None
                }
                Ok(Pair::Aside(aside)) => {
                    let is_failure = matches!(aside, listed::Aside::Failed(_));
                    noticed
                        .is_incomplete
                        .fetch_or(is_failure, Ordering::Relaxed);
                    Some(route.aside(aside))
                }
                Ok(Pair::AsideThere(aside)) => {
                    if let listed::Aside::Failed(error) = aside {
                        terminal.warn(error);
                    }
                    None
                }
                Err(error) => {
                    noticed.fail(error.into());
                    None
                }
            };
            std::future::ready(job)
        })
    }

    /// Shows what would be removed, and asks. What was agreed to.
    async fn preview(&self) -> Result<Names, Failure> {
        let mut surplus = Names::default();
        let mut pairs = std::pin::pin!(self.pairs());
        while let Some(pair) = self
            .moving
            .cancel
            .run_until_cancelled(pairs.next())
            .await
            .ok_or_else(|| Failure::new(Exit::Interrupted, "nothing was changed"))?
        {
            if let Pair::Destination(item) = pair? {
                surplus.push(&item.name, item.size)?;
            }
        }
        let destination = &self.arguments.destination;
        deletions::ask(
            self.invocation.terminal,
            &self.moving.cancel,
            destination,
            surplus,
        )
        .await
    }
}
