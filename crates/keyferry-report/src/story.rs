//! What a run came to, told in plain words.

use keyferry_verify::{Conclusion, Level, Summary};

use crate::run::Ending;
use crate::size::{counted, grouped};
use crate::verdict::{WORST_FIRST, label};
use crate::{level_name, printable};

/// The verdict on a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Story {
    /// What decides: the worst that was found.
    pub(crate) conclusion: Conclusion,
    /// The verdict.
    pub(crate) title: String,
    /// What it means, a sentence each.
    pub(crate) sentences: Vec<String>,
}

/// Tells what a run came to. What was not looked at counts as not proven.
pub(crate) fn tell(asked: Level, ending: &Ending<'_>) -> Story {
    let summary = ending.summary;
    // What needs no replica is not counted here.
    let all = [
        Conclusion::Verified,
        Conclusion::Pending,
        Conclusion::Refuted,
        Conclusion::Undetermined,
    ]
    .map(|conclusion| summary.concluded(conclusion))
    .iter()
    .sum();
    let [refuted, pending, undetermined] = [
        Conclusion::Refuted,
        Conclusion::Pending,
        Conclusion::Undetermined,
    ]
    .map(|conclusion| summary.concluded(conclusion));
    let of_all = |count: u64, one: &str, many: &str| match all {
        1 => format!("the object {one}"),
        _ => format!(
            "{} of {} objects {}",
            grouped(count),
            grouped(all),
            if count == 1 { one } else { many }
        ),
    };
    let (conclusion, title) = if refuted > 0 {
        let title = of_all(
            refuted,
            "is not as it should be",
            "are not as they should be",
        );
        (Conclusion::Refuted, format!("Not verified: {title}."))
    } else if all == 0 {
        let title = match summary.total() {
            0 if ending.broken_off.is_some() => "Nothing was verified: the run was broken off.",
            0 => "Nothing was verified: no object was found.",
            _ => "Nothing was verified: none of what was found needs a replica.",
        };
        (Conclusion::Undetermined, title.to_owned())
    } else if undetermined > 0 {
        let title = of_all(undetermined, "is not proven", "are not proven");
        (
            Conclusion::Undetermined,
            format!("Nothing contradicts, but {title}."),
        )
    } else if pending > 0 {
        let title = of_all(pending, "is still replicating", "are still replicating");
        (Conclusion::Pending, format!("Not confirmed yet: {title}."))
    } else if ending.broken_off.is_some() {
        (
            Conclusion::Undetermined,
            format!("Broken off: {} verified so far.", counted(all, "object")),
        )
    } else {
        let title = match all {
            1 => "the object arrived.".to_owned(),
            _ => format!("all {} objects arrived.", grouped(all)),
        };
        (Conclusion::Verified, format!("Verified: {title}"))
    };
    let mut sentences = Vec::new();
    if let Some(why) = ending.broken_off {
        sentences.push(
            "The run was broken off before everything was looked at: nothing is known of the rest."
                .to_owned(),
        );
        if !why.message.is_empty() {
            sentences.push(format!("Why: {}.", printable(&why.message)));
        }
        if let Some(hint) = &why.hint {
            sentences.push(format!("Hint: {}.", printable(hint)));
        }
    }
    if conclusion == Conclusion::Verified {
        sentences.extend(summary.level.map(proven).map(str::to_owned));
    } else if all > 1 {
        let verified = summary.concluded(Conclusion::Verified);
        sentences.push(match verified {
            0 => "No object is verified.".to_owned(),
            _ => format!(
                "{} verified at `{}`.",
                counted(verified, "object"),
                level_name(asked)
            ),
        });
    }
    if let Some(rest) = rest(summary, conclusion) {
        sentences.push(rest);
    }
    if summary.key_echoed {
        sentences.push(
            "A server echoed the customer key in an answer: treat that key as leaked.".to_owned(),
        );
    }
    Story {
        conclusion,
        title,
        sentences,
    }
}

/// What neither the title nor the count of the verified tells of, so that all adds up.
fn rest(summary: &Summary, told: Conclusion) -> Option<String> {
    let parts: Vec<_> = [
        (Conclusion::Undetermined, "not proven"),
        (Conclusion::Pending, "still replicating"),
    ]
    .into_iter()
    .filter(|(conclusion, _)| *conclusion != told)
    .map(|(conclusion, what)| (summary.concluded(conclusion), what.to_owned()))
    .chain(
        WORST_FIRST
            .into_iter()
            .filter(|verdict| verdict.conclusion().is_none())
            .map(|verdict| {
                (
                    summary.count(verdict),
                    format!("{} (needs no replica)", label(verdict)),
                )
            }),
    )
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", grouped(count)))
    .collect();
    match parts.is_empty() {
        true => None,
        false => Some(format!("Besides: {}.", parts.join(", "))),
    }
}

/// What a level proves, of all objects that reach it.
fn proven(level: Level) -> &'static str {
    match level {
        Level::Status => {
            "S3 says that replication is complete, and a replica is there. What it holds was not \
             compared."
        }
        Level::Equal => {
            "Version, size, stored checksum, key, metadata and tags are equal on both sides. The \
             content was not read: that the replica decrypts is not proven."
        }
        Level::Sample => {
            "Samples across the boundaries of parts and at random places were read with the key and \
             found to be the same. What lies between them was not read."
        }
        Level::Deep => {
            "Every byte was read with the key and found to be the same. The replica decrypts, and \
             is what was sent."
        }
    }
}

/// What a rung of the ladder means: what it proves, and what it does not.
pub(crate) fn rung(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Status => (
            "S3 says that replication is complete, and the replica is there.",
            "S3's word alone: says nothing about what the replica holds.",
        ),
        Level::Equal => (
            "Version id, size, stored checksum, MD5 of the key, metadata, tags and lock are equal.",
            "The servers' claims: they show accidents, not that the replica decrypts.",
        ),
        Level::Sample => (
            "Ranges across part boundaries, both ends and random places, read with the key, are the same.",
            "Shows that the replica decrypts there; what lies between was not read.",
        ),
        Level::Deep => (
            "Every byte was read with the key and compared.",
            "Nothing is left out.",
        ),
    }
}
