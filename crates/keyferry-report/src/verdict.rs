//! Verdicts as reports order, name and explain them.

use keyferry_verify::{Conclusion, Verdict};

/// All verdicts, the worst first.
pub(crate) const WORST_FIRST: [Verdict; 21] = [
    Verdict::NotRefused,
    Verdict::Differs,
    Verdict::ReplicaMissing,
    Verdict::NoOriginal,
    Verdict::ReplicaKey,
    Verdict::Failed,
    Verdict::MarkerMissing,
    Verdict::NotCovered,
    Verdict::Extra,
    Verdict::WrongKey,
    Verdict::Error,
    Verdict::ReplicaRefused,
    Verdict::Unproven,
    Verdict::MarkerNotSeen,
    Verdict::Pending,
    Verdict::MarkerPending,
    Verdict::Gone,
    Verdict::Replica,
    Verdict::MarkerLeftOut,
    Verdict::MarkerReplicated,
    Verdict::Verified,
];

/// How bad a verdict is: 0 is the worst.
pub(crate) fn rank(verdict: Verdict) -> usize {
    WORST_FIRST
        .iter()
        .position(|known| *known == verdict)
        .unwrap_or_default()
}

/// A verdict for people, in a word or two.
#[must_use]
pub fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotRefused => "open without key",
        Verdict::ReplicaMissing => "replica missing",
        Verdict::NoOriginal => "no original",
        Verdict::ReplicaKey => "under another key",
        Verdict::MarkerMissing => "deletion missing",
        Verdict::NotCovered => "not replicated",
        Verdict::Extra => "only in replica",
        Verdict::WrongKey => "no key fits",
        Verdict::ReplicaRefused => "refused",
        Verdict::MarkerNotSeen => "deletion not seen",
        Verdict::MarkerPending => "deletion pending",
        Verdict::Replica => "is a replica",
        Verdict::MarkerLeftOut => "deletion left out",
        Verdict::MarkerReplicated => "deletion arrived",
        other => other.name(),
    }
}

/// What a verdict means, in a sentence or two.
#[must_use]
pub fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "Proven on both sides, as far as the level says.",
        Verdict::Pending => "Replication was not finished when the time to wait was over.",
        Verdict::Failed => {
            "S3 gave up on at least one destination. It does not try again by itself."
        }
        Verdict::NotCovered => {
            "S3 will not replicate it: no rule covers it, or it is older than the rule."
        }
        Verdict::Replica => {
            "It came by replication itself. Its original is verified from the bucket that that is in."
        }
        Verdict::Differs => {
            "The two sides are not the same, or the source is not what the receipt says."
        }
        Verdict::ReplicaMissing => {
            "S3 says that replication is complete, and the replica is not there: lost, or deleted \
             since."
        }
        Verdict::ReplicaRefused => {
            "The replica bucket did not show the replica. That does not mean that it is missing."
        }
        Verdict::ReplicaKey => "What stands in the replica's place is under another key.",
        Verdict::NotRefused => {
            "A request without the key, or with a throw-away key, was answered: on that side the \
             data is not protected by the key."
        }
        Verdict::Unproven => "Nothing contradicts, and the level asked for is not proven.",
        Verdict::NoOriginal => "All sides call it a replica: the original is nowhere.",
        Verdict::MarkerReplicated => "A delete marker that is on all sides.",
        Verdict::MarkerMissing => {
            "A delete marker that the rule replicates, and that a replica bucket does not have: \
             there the object lives on."
        }
        Verdict::MarkerPending => "A delete marker that was made a moment ago and is on its way.",
        Verdict::MarkerLeftOut => {
            "A delete marker that no rule replicates. In the replica bucket the object lives on, as \
             the rules say."
        }
        Verdict::MarkerNotSeen => {
            "A delete marker that could not be looked for, since the replica bucket may not be \
             listed."
        }
        Verdict::Extra => "The replica bucket holds a version that the source does not have.",
        Verdict::Gone => "It was deleted between the listing and the look at it.",
        Verdict::WrongKey => "No key at hand opens it, so nothing is known about it.",
        Verdict::Error => "It could not be looked at, so nothing is known about it.",
        _ => "This version has no words for it.",
    }
}

/// The class of what a verdict means, for colours.
pub(crate) fn class(conclusion: Option<Conclusion>) -> &'static str {
    match conclusion {
        Some(Conclusion::Verified) => "verified",
        Some(Conclusion::Pending) => "pending",
        Some(Conclusion::Refuted) => "refuted",
        Some(Conclusion::Undetermined) => "undetermined",
        None => "aside",
    }
}

/// Whether nothing needs to be done about it.
pub(crate) fn is_fine(verdict: Verdict) -> bool {
    matches!(verdict.conclusion(), None | Some(Conclusion::Verified))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_verdict_has_words_and_a_place() {
        let labels: BTreeSet<_> = WORST_FIRST.iter().map(|verdict| label(*verdict)).collect();
        assert_eq!(labels.len(), WORST_FIRST.len());
        let places: BTreeSet<_> = WORST_FIRST.iter().map(|verdict| rank(*verdict)).collect();
        assert_eq!(places.len(), WORST_FIRST.len());
        let bad = WORST_FIRST.iter().take_while(|verdict| !is_fine(**verdict));
        assert_eq!(bad.count(), 16);
        assert!(WORST_FIRST[16..].iter().all(|verdict| is_fine(*verdict)));
        for verdict in WORST_FIRST {
            assert!(!meaning(verdict).contains("no words"), "{verdict:?}");
        }
    }
}
