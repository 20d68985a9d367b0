//! What a run came to, told in plain words.

use keyferry_verify::{Conclusion, Level};

use crate::run::Ending;
use crate::size::{counted, grouped};
use crate::tally::Tally;
use crate::{Run, Verdict};

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
pub(crate) fn tell(run: &Run, tally: &Tally, ending: &Ending) -> Story {
    let all = tally.objects;
    let [refuted, pending, undetermined] = [
        Conclusion::Refuted,
        Conclusion::Pending,
        Conclusion::Undetermined,
    ]
    .map(|conclusion| tally.concluded(conclusion));
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
        let title = of_all(refuted, "is not as it should be", "are not as they should be");
        (Conclusion::Refuted, format!("Not verified: {title}."))
    } else if all == 0 {
        (
            Conclusion::Undetermined,
            "Nothing was verified: no object was found.".to_owned(),
        )
    } else if undetermined > 0 {
        let title = of_all(undetermined, "is not proven", "are not proven");
        (
            Conclusion::Undetermined,
            format!("Nothing contradicts, but {title}."),
        )
    } else if pending > 0 {
        let title = of_all(pending, "is still replicating", "are still replicating");
        (Conclusion::Pending, format!("Not confirmed yet: {title}."))
    } else if !ending.complete {
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
    if !ending.complete {
        sentences.push(
            "The run was broken off before everything was looked at: nothing is known of the rest."
                .to_owned(),
        );
    }
    if conclusion == Conclusion::Verified {
        sentences.extend(tally.least().map(proven).map(str::to_owned));
    } else {
        sentences.extend(parts(tally));
        let verified = tally.of(Verdict::Verified);
        if verified > 0 && all > 1 {
            sentences.push(format!(
                "{} verified, at `{}` or higher.",
                counted(verified, "object"),
                crate::level_name(tally.least().unwrap_or(run.level))
            ));
        }
    }
    if tally.keys_echoed > 0 {
        sentences.push(format!(
            "A server echoed the customer key in its answers about {}: treat that key as leaked.",
            counted(tally.keys_echoed, "object")
        ));
    }
    Story {
        conclusion,
        title,
        sentences,
    }
}

/// How many objects had each verdict that is no proof.
fn parts(tally: &Tally) -> Option<String> {
    let parts: Vec<_> = Verdict::ALL
        .into_iter()
        .filter(|verdict| *verdict != Verdict::Verified && tally.of(*verdict) > 0)
        .map(|verdict| format!("{} {}", grouped(tally.of(verdict)), verdict.label()))
        .collect();
    (!parts.is_empty() && tally.objects > 1).then(|| format!("{}.", parts.join(", ")))
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
        Level::Deep => (
            "Every byte was read with the key and compared.",
            "Nothing is left out.",
        ),
    }
}
