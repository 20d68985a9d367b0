//! Objects copied onto themselves, each under its own key.

use std::collections::BTreeSet;

use futures::StreamExt;
use keyferry_key::{CustomerKey, KeyId, KeyMd5};
use keyferry_keystore::ObjectUse;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{
    Candidates, Handled, KeyFinder, Left, ListedVersion, ObjectAddress, Outcome, Rekey, Rekeyed,
    Rekeyer, Silent, UnfinishedUploads,
};
use tokio_util::sync::CancellationToken;

use super::Item;
use crate::args::VerifyArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::commands::rekey::{note, record_place};
use crate::commands::sent::Sent;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::terminal::printable;
use crate::{find_key, keys};

/// Objects of one bucket under one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    bucket: BucketName,
    region: Region,
    key: KeyMd5,
}

/// The one key of a group.
struct OneKey(KeyId, CustomerKey);

impl KeyFinder for OneKey {
    fn candidates(&self, _: &ListedVersion, _: Option<&KeyId>) -> Candidates {
        Candidates {
            hinted: Some((self.0.clone(), self.1.clone())),
            others: Vec::new(),
        }
    }
}

/// Copies all of them, and gives how many have a new version now.
pub(super) async fn copy_all(
    invocation: &Invocation,
    aws: &Aws,
    arguments: &VerifyArgs,
    items: &mut Sent<Item>,
    cancel: &CancellationToken,
) -> Result<u64, Failure> {
    let mut groups = BTreeSet::new();
    for item in items.again()? {
        groups.extend(group_of(&item?));
    }
    let mut repaired = 0;
    for group in groups {
        if cancel.is_cancelled() {
            return Err(interrupted(repaired));
        }
        let course = Course {
            invocation,
            aws,
            arguments,
            group,
            cancel,
        };
        repaired += course.run(items).await?;
    }
    match cancel.is_cancelled() {
        true => Err(interrupted(repaired)),
        false => Ok(repaired),
    }
}

fn interrupted(repaired: u64) -> Failure {
    Failure::new(
        Exit::Interrupted,
        format!(
            "interrupted: {} got a new version",
            super::objects(repaired)
        ),
    )
    .hint("the same command verifies again and goes on with what is left")
}

fn group_of(item: &Item) -> Option<Group> {
    Some(Group {
        bucket: item.address.bucket.clone(),
        region: item.region.clone(),
        key: item.key_md5?,
    })
}

/// The work on one group.
struct Course<'a> {
    invocation: &'a Invocation,
    aws: &'a Aws,
    arguments: &'a VerifyArgs,
    group: Group,
    cancel: &'a CancellationToken,
}

impl Course<'_> {
    async fn run(&self, items: &mut Sent<Item>) -> Result<u64, Failure> {
        let group = &self.group;
        let mut of_group = items
            .again()?
            .filter(|item| {
                item.as_ref()
                    .map_or(true, |item| group_of(item).as_ref() == Some(group))
            })
            .peekable();
        let first = match of_group.peek() {
            Some(Ok(first)) => first.clone(),
            Some(Err(_)) | None => return of_group.next().transpose().map(|_| 0),
        };
        let (id, key) = self.key(&first).await?;
        let client = self.aws.client(&group.region)?;
        // A key that no store knows has no id, and needs one only to be told from others here.
        let name = match &id {
            Some(id) => id.clone(),
            None => {
                KeyId::generate().map_err(|error| Failure::from_error(Exit::Failure, &error))?
            }
        };
        let rekey = Rekey::renewing(group.bucket.clone(), key.clone(), name.clone());
        let finder = OneKey(name, key);
        let (folder, record) =
            record_place(&self.invocation.settings, &group.bucket, &group.region)?;
        let unfinished =
            UnfinishedUploads::open(&folder.join("repair"), &record, group.bucket.as_str())?;
        let renewer =
            Rekeyer::new(&client, &rekey, &finder, &unfinished, &Silent, self.cancel).await?;
        let mut repaired = 0;
        let mut uses = Vec::new();
        let mut copies = futures::stream::iter(of_group)
            .take_while(|_| std::future::ready(!self.cancel.is_cancelled()))
            .map(|item| async { Ok::<_, Failure>(renewer.renew(listed(item?)).await) })
            .buffer_unordered(self.arguments.concurrency.get());
        while let Some(handled) = copies.next().await {
            if let Some(made) = self.told(handled?) {
                repaired += 1;
                uses.push(made);
            }
        }
        drop(copies);
        self.record(id.as_ref(), &uses);
        renewer.finish().await?;
        Ok(repaired)
    }

    /// The key of the group, found at its first object, and its id where a store knows it.
    async fn key(&self, first: &Item) -> Result<(Option<KeyId>, CustomerKey), Failure> {
        let client = self.aws.client(&self.group.region)?;
        let wanted = find_key::Wanted {
            client: &client,
            region: &self.group.region,
            address: &first.address,
            version_id: first.version_id.as_deref(),
            asked: self.arguments.key.as_ref(),
            is_replica: false,
        };
        let opened = find_key::open(self.invocation, wanted).await?;
        if opened.key.key.md5() == self.group.key {
            Ok((opened.key.id, opened.key.key))
        } else {
            Err(Failure::new(
                Exit::Key,
                format!(
                    "the key with MD5 `{}` opens `{}`, and it was verified with the one with MD5 `{}`",
                    opened.key.key.md5(),
                    first.address,
                    self.group.key
                ),
            ))
        }
    }

    /// Tells what became of an object; gives the version that was made.
    fn told(&self, handled: Handled) -> Option<ObjectUse> {
        let terminal = self.invocation.terminal;
        let address = ObjectAddress {
            bucket: self.group.bucket.clone(),
            key: handled.object.key.clone(),
        };
        let name = printable(&address.to_string()).into_owned();
        let not = |why: String| terminal.warn(format!("`{name}` was not repaired: {why}"));
        for known in &handled.notes {
            terminal.warn(format!("`{name}`: {}", note(known)));
        }
        let made = |rekeyed: &Rekeyed| {
            ObjectUse::new(
                address.bucket.as_str(),
                &*address.key,
                rekeyed.version_id.as_deref(),
            )
        };
        match handled.outcome {
            Outcome::Rekeyed(rekeyed) => {
                if terminal.is_verbose() {
                    let version = rekeyed.version_id.as_deref().unwrap_or("without an id");
                    terminal.say(format!("{name} has a new version, {version}"));
                }
                Some(made(&rekeyed))
            }
            Outcome::Differs {
                rekeyed,
                differences,
            } => {
                terminal.warn(format!(
                    "`{name}` has a new version that is not what the old one is: {}",
                    differences.join("; ")
                ));
                Some(made(&rekeyed))
            }
            Outcome::Already { .. } => {
                not(
                    "there is a newer version, and a copy of the older one would hide it"
                        .to_owned(),
                );
                None
            }
            Outcome::Left(left) => {
                not(why_left(&left));
                None
            }
            Outcome::Failed(error) => {
                not(chain(&error));
                if let Some(hint) = error.hint() {
                    terminal.hint(hint);
                }
                None
            }
            other => {
                not(format!("{other:?}"));
                None
            }
        }
    }

    /// The store learns which key the new versions are under. Their tags still tell where it cannot.
    fn record(&self, id: Option<&KeyId>, uses: &[ObjectUse]) {
        let Some(id) = id.filter(|_| !uses.is_empty()) else {
            return;
        };
        let Invocation {
            settings, terminal, ..
        } = self.invocation;
        let recorded = keys::open_store(settings, terminal).and_then(|mut store| {
            store.record_use(id, uses)?;
            Ok(())
        });
        if let Err(failure) = recorded {
            terminal.warn(format!(
                "the key store cannot record the keys of new versions: {}",
                failure.message()
            ));
        }
    }
}

fn listed(item: Item) -> ListedVersion {
    ListedVersion {
        key: item.address.key,
        version_id: item.version_id,
        etag: String::new(),
        size: item.size,
        storage_class: String::new(),
        is_latest: true,
        last_modified: None,
    }
}

fn why_left(left: &Left) -> String {
    match left {
        Left::Gone => "it was deleted".to_owned(),
        Left::UnknownKey { .. } => "its current version is under another key".to_owned(),
        Left::OtherKey(id) => format!("its current version is under key {id}"),
        Left::NotCustomerKey => "its current version is under no customer key".to_owned(),
        Left::Archived(class) => format!("it has to be restored from {class} first"),
        _ => "it was left as it is".to_owned(),
    }
}
