//! What is on either side, by name, in the order of the names' bytes.

use std::path::PathBuf;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use keyferry_transfer::{Filter, Found, ListedVersion, Listing, Special, TransferError, Walk};

/// Something that has a name on one side.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Below the folder or prefix, with `/` between its parts.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) at: At,
}

/// Where it is.
#[derive(Debug, Clone)]
pub(super) enum At {
    File(PathBuf),
    Object(ListedVersion),
}

/// Something else that a walk comes by.
#[derive(Debug)]
pub(super) enum Aside {
    /// What is no file.
    Special(PathBuf, Special),
    /// What cannot be looked at, and may be a folder of many files.
    Failed(TransferError),
}

/// What one side shows.
#[derive(Debug)]
pub(super) enum Listed {
    Item(Item),
    Aside(Aside),
}

pub(super) type Side = BoxStream<'static, Result<Listed, TransferError>>;

/// The files of a folder.
pub(super) fn files(walk: &Walk, filter: Filter) -> Side {
    walk.clone()
        .by_key()
        .stream()
        .filter_map(move |found| {
            let listed = match found {
                Found::File(file) => {
                    let is_taken = filter.takes(&file.name) && !is_unfinished(&file.name);
                    is_taken.then_some(Listed::Item(Item {
                        name: file.name,
                        size: file.size,
                        modified: file.modified,
                        at: At::File(file.path),
                    }))
                }
                Found::Special { name, path, what } => filter
                    .takes(&name)
                    .then_some(Listed::Aside(Aside::Special(path, what))),
                Found::Failed(error) => Some(Listed::Aside(Aside::Failed(error))),
            };
            std::future::ready(listed.map(Ok))
        })
        .boxed()
}

/// The objects below a prefix. Names that end in a slash stand for folders: where the other side has
/// real ones, `markers` leaves them out.
pub(super) fn objects(listing: Listing, prefix: &str, filter: Filter, markers: bool) -> Side {
    let skip = prefix.len();
    listing
        .objects()
        .try_filter_map(move |object| {
            let name = object.key.get(skip..).unwrap_or_default();
            let is_taken =
                !name.is_empty() && (markers || !name.ends_with('/')) && filter.takes(name);
            let listed = is_taken.then(|| {
                Listed::Item(Item {
                    name: name.to_owned(),
                    size: object.size,
                    modified: object.last_modified,
                    at: At::Object(object.clone()),
                })
            });
            std::future::ready(Ok(listed))
        })
        .boxed()
}

/// Nothing.
pub(super) fn nothing() -> Side {
    futures::stream::empty().boxed()
}

/// What downloads leave until they are complete is nobody's content.
fn is_unfinished(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default();
    name.starts_with('.')
        && (name.ends_with(".keyferry-part")
            || name.ends_with(".keyferry-state")
            || (name.starts_with(".keyferry-") && name.ends_with(".part")))
}
