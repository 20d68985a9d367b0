//! `keyferry verify --repair`: what failed is replicated anew.
//!
//! S3 never tries a failed version again by itself (S3-REPL-2). A new version of the object does
//! replicate, and S3 Batch Replication replicates versions that are there. Neither helps while the cause is
//! there, or where it is the source that is not as it should be: such objects are left, and it is said why.

mod copies;
mod judgement;
mod manifest;

use std::collections::BTreeMap;

use keyferry_key::{KeyId, KeyMd5};
use keyferry_policy::Region;
use keyferry_transfer::ObjectAddress;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::args::{self, VerifyArgs};
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::commands::sent::Sent;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{human_bytes, printable};
pub(super) use judgement::{Judgement, judge};

/// How many reasons for leaving objects are told apart.
const MOST_REASONS: usize = 20;

/// A version that is to be replicated anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Item {
    address: ObjectAddress,
    region: Region,
    version_id: Option<String>,
    size: u64,
    key_id: Option<KeyId>,
    /// Absent for an object that is under no customer key.
    key_md5: Option<KeyMd5>,
}

/// What is to be repaired, and how. Lists are on disk: memory does not grow with them.
pub(super) struct Repair {
    how: args::Repair,
    items: Sent<Item>,
    bytes: u64,
    left: BTreeMap<String, u64>,
}

impl Repair {
    pub(super) fn begin(how: args::Repair) -> Result<Self, Failure> {
        if let args::Repair::Manifest(path) = &how {
            manifest::is_free(path)?;
        }
        Ok(Self {
            how,
            items: Sent::begin(None)?,
            bytes: 0,
            left: BTreeMap::new(),
        })
    }

    /// Takes in what was found of one object.
    pub(super) fn add(&mut self, judgement: &Judgement) -> Result<(), Failure> {
        match judgement {
            Judgement::Fine => {}
            Judgement::Left(why) => self.leave(why),
            Judgement::Anew(item) if self.how == args::Repair::Copy && item.key_md5.is_none() => {
                self.leave("it is under no customer key: --repair=manifest=FILE repairs it");
            }
            Judgement::Anew(item) => {
                self.bytes += item.size;
                self.items.add(item)?;
            }
        }
        Ok(())
    }

    fn leave(&mut self, why: &str) {
        if let Some(count) = self.left.get_mut(why) {
            *count += 1;
        } else if self.left.len() < MOST_REASONS {
            self.left.insert(why.to_owned(), 1);
        }
    }

    /// Says what is left, asks, and repairs. The run ends as the verification did: that repairing helped
    /// is not proven before all has been verified again.
    pub(super) async fn run(
        mut self,
        invocation: &Invocation,
        aws: &Aws,
        arguments: &VerifyArgs,
        exit: Exit,
        cancel: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let terminal = invocation.terminal;
        for (why, count) in &self.left {
            terminal.warn(format!(
                "not repaired: {}: {}",
                objects(*count),
                printable(why)
            ));
        }
        let count = self.items.count();
        if count == 0 {
            terminal.say("there is nothing to repair");
            return Ok(exit);
        }
        match self.how.clone() {
            args::Repair::Manifest(path) => {
                manifest::write(invocation, &mut self.items, &path)?;
            }
            args::Repair::Copy => {
                if !arguments.yes && !self.is_wanted(cancel).await? {
                    terminal.say("nothing was repaired");
                    return Ok(exit);
                }
                let repaired =
                    copies::copy_all(invocation, aws, arguments, &mut self.items, cancel).await?;
                terminal.say(format!(
                    "{} got a new version that replicates, of {count}",
                    objects(repaired)
                ));
                terminal.hint("verify again: only then is it known whether they arrived");
                if repaired < count {
                    return Ok(match exit {
                        Exit::Done => Exit::Failure,
                        other => other,
                    });
                }
            }
        }
        Ok(exit)
    }

    /// Asks. Whoever declines has still verified, and the run ends so.
    async fn is_wanted(&self, cancel: &CancellationToken) -> Result<bool, Failure> {
        let what = format!(
            "copy {} ({}) onto {}",
            objects(self.items.count()),
            human_bytes(self.bytes),
            match self.items.count() {
                1 => "itself under its key, so that it replicates anew; the old version stays",
                _ =>
                    "themselves under their keys, so that they replicate anew; the old versions stay",
            }
        );
        let nobody = || {
            Failure::new(
                Exit::Usage,
                format!("nothing was repaired: nobody is there to ask whether to {what}"),
            )
            .hint("--yes does it without asking; --repair=manifest=FILE changes nothing")
        };
        confirmed(format!("{what}?"), cancel, nobody).await
    }
}

fn objects(count: u64) -> String {
    match count {
        1 => "1 object".to_owned(),
        many => format!("{many} objects"),
    }
}
