//! What became of one object, as data and in words.

use keyferry_transfer::{Handled, Left, Note, Outcome};
use serde::Serialize;

/// One line of the output.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    pub(super) key: String,
    /// The version that was looked at.
    pub(super) version_id: Option<String>,
    pub(super) size: u64,
    pub(super) outcome: &'static str,
    /// The key it was under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<u32>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) overwritten_meanwhile: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    /// What went wrong, or differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replication: Option<&'static str>,
    /// Whether the replica of the version under the new key is still to be looked at.
    #[serde(skip)]
    pub(super) awaits_replica: bool,
    #[serde(skip)]
    pub(super) was_replicated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Line {
    pub(super) fn of(handled: &Handled) -> Self {
        let object = &handled.object;
        let mut line = Self {
            key: object.key.clone(),
            version_id: object.version_id.clone().filter(|id| id != "null"),
            size: object.size,
            outcome: "",
            from: None,
            new_version_id: None,
            parts: None,
            overwritten_meanwhile: handled.overtaken,
            notes: handled.notes.iter().map(note).collect(),
            reason: None,
            hint: None,
            replication: None,
            awaits_replica: false,
            was_replicated: false,
        };
        line.take_in(&handled.outcome);
        line
    }

    fn take_in(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Rekeyed(made) | Outcome::Differs { rekeyed: made, .. } => {
                self.outcome = "re-encrypted";
                self.from = made.from.as_ref().map(ToString::to_string);
                self.version_id.clone_from(&made.source_version);
                self.new_version_id.clone_from(&made.version_id);
                self.size = made.size;
                self.parts = made.parts;
                self.was_replicated = made.was_replicated;
                if let Outcome::Differs { differences, .. } = outcome {
                    self.outcome = "differs";
                    self.reason = Some(differences.join("; "));
                }
            }
            Outcome::Already {
                version_id, size, ..
            } => {
                self.outcome = "already";
                self.version_id.clone_from(version_id);
                self.new_version_id.clone_from(version_id);
                self.size = *size;
            }
            Outcome::Planned(planned) => {
                self.outcome = "to be re-encrypted";
                self.from = planned.from.as_ref().map(ToString::to_string);
                self.parts = planned.parts;
            }
            Outcome::Left(left) => {
                (self.outcome, self.reason) = why(left);
                if let Left::OtherKey(id) = left {
                    self.from = Some(id.to_string());
                }
            }
            Outcome::Failed(error) => {
                self.outcome = "failed";
                self.reason = Some(error.to_string());
                self.hint = error.hint();
            }
            _ => self.outcome = "unknown",
        }
    }
}

fn why(left: &Left) -> (&'static str, Option<String>) {
    match left {
        Left::UnknownKey { tag, tried } => {
            let tag = match tag {
                Some(tag) => format!("its tag names `{tag}`"),
                None => "it has no tag that names its key".to_owned(),
            };
            let reason = format!("none of the store's keys opens it ({tried} tried; {tag})");
            ("unknown key", Some(reason))
        }
        Left::OtherKey(_) => ("other key", None),
        Left::NotCustomerKey => ("no customer key", None),
        Left::Archived(class) => (
            "archived",
            Some(format!("it has to be restored from {class} first")),
        ),
        Left::Replica => (
            "replica",
            Some("its source is to be re-encrypted, and the replica will follow".to_owned()),
        ),
        Left::Gone => ("deleted meanwhile", None),
        _ => ("left", None),
    }
}

pub(in crate::commands) fn note(note: &Note) -> String {
    match note {
        Note::WrongTag { tag } => format!("its tag named `{tag}`, and was put right"),
        Note::TagSetFull => {
            "it has ten tags, so that none names its key: only the store knows it".to_owned()
        }
        Note::TagDenied => {
            "tags may not be written, so that none names its key: only the store knows it"
                .to_owned()
        }
        Note::GrantsNotKept { grants } => format!(
            "its access control list gave rights that the new version does not give: {}",
            grants.join(", ")
        ),
        Note::GrantsUnknown => {
            "its access control list may not be read; the new version gives rights to its owner only"
                .to_owned()
        }
        Note::NoChecksum => {
            "it had no checksum, so that only sizes could be compared".to_owned()
        }
        Note::LockedByDefault => {
            "it had no retention in force, and now has the bucket's default".to_owned()
        }
        Note::BroughtBack => {
            "it was deleted while it was copied, and the copy brought it back: delete it again"
                .to_owned()
        }
        Note::NewerRedone { .. } => {
            "it was overwritten while it was copied; the newer content was re-encrypted in its turn"
                .to_owned()
        }
        _ => "something about it is new to this version of keyferry".to_owned(),
    }
}
