//! What was removed, one by one and in all.

use keyferry_transfer::{Deleted, ErrorKind, Removed};
use serde::Serialize;

use super::Course;
use super::items::Item;
use crate::commands::actions::Actions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{human_bytes, printable};

/// How many.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    removed: u64,
    bytes: u64,
    /// Of those removed, how many got a delete marker.
    marked: u64,
    planned: u64,
    failed: u64,
    #[serde(skip)]
    denied_by_key: bool,
}

impl Tally {
    pub(super) fn exit(&self) -> Exit {
        match self.failed {
            0 => Exit::Done,
            _ if self.denied_by_key => Exit::Key,
            _ => Exit::Failure,
        }
    }
}

/// One action as data.
#[derive(Serialize)]
struct Action<'a> {
    action: &'static str,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<serde_json::Value>,
}

impl<'a> Action<'a> {
    fn new(course: &Course<'_>, item: &'a Item, status: &'static str) -> Self {
        Self {
            action: "remove",
            address: address(course, item),
            version_id: item.deletion.version_id.as_deref(),
            status,
            delete_marker: None,
            error: None,
        }
    }
}

fn address(course: &Course<'_>, item: &Item) -> String {
    format!("s3://{}/{}", course.scope.bucket, item.deletion.key)
}

fn shown(course: &Course<'_>, item: &Item) -> String {
    let address = address(course, item);
    let name = printable(&address);
    match &item.deletion.version_id {
        Some(id) => format!("{name} version {id}"),
        None => name.into_owned(),
    }
}

pub(super) fn planned(
    course: &Course<'_>,
    actions: &mut Actions,
    tally: &mut Tally,
    item: &Item,
) -> Result<(), Failure> {
    tally.planned += 1;
    tally.bytes += item.size;
    actions.done(&Action::new(course, item, "would"), || {
        format!("would remove {}", shown(course, item))
    })
}

pub(super) fn handled(
    course: &Course<'_>,
    actions: &mut Actions,
    tally: &mut Tally,
    item: &Item,
    deleted: Deleted,
) -> Result<(), Failure> {
    let removed = match deleted.result {
        Ok(removed) => removed,
        Err(error) => {
            tally.failed += 1;
            tally.denied_by_key |= error.kind() == ErrorKind::Key;
            let failure = Failure::from(error);
            let mut action = Action::new(course, item, "failed");
            action.error = failure.to_json().get("error").cloned();
            return actions.failed(&action, failure);
        }
    };
    tally.removed += 1;
    tally.bytes += item.size;
    let (result, marker, what) = match &removed {
        Removed::Gone => ("removed", None, "removed"),
        Removed::Marked(id) => {
            tally.marked += 1;
            ("marked", id.as_deref(), "marked as deleted")
        }
        Removed::Unmarked => ("unmarked", None, "removed the delete marker of"),
    };
    let mut action = Action::new(course, item, result);
    action.delete_marker = marker;
    actions.done(&action, || format!("{what} {}", shown(course, item)))
}

pub(super) fn end(course: &Course<'_>, actions: Actions, tally: &Tally) -> Result<(), Failure> {
    let destroys = course.arguments.versions || course.arguments.version_id.is_some();
    let count = |count: u64| match (destroys, count) {
        (false, 1) => "1 object".to_owned(),
        (false, _) => format!("{count} objects"),
        (true, 1) => "1 version or delete marker".to_owned(),
        (true, _) => format!("{count} versions and delete markers"),
    };
    let size = match tally.bytes {
        0 => String::new(),
        bytes => format!(" ({})", human_bytes(bytes)),
    };
    let mut text = match course.arguments.dry_run {
        true => format!("would remove {}{size}", count(tally.planned)),
        false => format!("removed {}{size}", count(tally.removed)),
    };
    if tally.failed > 0 {
        text.push_str(&format!(", {} failed", tally.failed));
    }
    if tally.marked > 0 {
        text.push_str(
            "; the bucket keeps versions: they stay below delete markers, and --versions removes both",
        );
    } else if course.arguments.dry_run && !destroys && course.versioned == Some(true) {
        text.push_str("; the bucket keeps versions: they would stay below delete markers");
    }
    actions.end(tally, text)
}
