//! Why a verification came out as it did, in sentences.

use keyferry_verify::{
    Cause, Certainty, Difference, FailureReason, NotCovered, Outcome, RuleMiss, Side, Unseen,
    WhyMissed,
};

/// Why the outcome is what it is.
pub(super) fn details(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Failed { reasons } => reasons.iter().map(reason).collect(),
        Outcome::NotCovered { why } => not_covered(why),
        Outcome::Differs(differences) => differences.iter().map(difference).collect(),
        Outcome::ReplicaRefused { refusal, .. } => vec![refusal.to_string()],
        Outcome::NotRefused { buckets } => buckets
            .iter()
            .map(|bucket| {
                format!("`{bucket}` answered a request without the key, or with another one")
            })
            .collect(),
        Outcome::Unproven { missing, .. } => missing.iter().map(describe_unseen).collect(),
        _ => Vec::new(),
    }
}

fn not_covered(why: &NotCovered) -> Vec<String> {
    match why {
        NotCovered::NoConfiguration => {
            vec!["the bucket has no replication configuration".to_owned()]
        }
        NotCovered::NoRuleMatches { rules } => rules.iter().map(miss).collect(),
        NotCovered::RulesDisabled { rules } => rules
            .iter()
            .map(|id| format!("rule {} is disabled", named(id.as_deref())))
            .collect(),
        NotCovered::OlderThanRule => vec![
            "S3 has not taken the object up: it is older than the rule, or the rule did not work when it was written".to_owned(),
        ],
        NotCovered::IsReplica => {
            vec!["the object is a replica itself, and replicas are not replicated onward".to_owned()]
        }
        NotCovered::KmsNotIncluded => {
            vec!["the object is under an AWS KMS key, and no rule includes those".to_owned()]
        }
        NotCovered::NotVersioned => vec!["the bucket is not versioned".to_owned()],
        _ => Vec::new(),
    }
}

fn reason(reason: &FailureReason) -> String {
    let cause = match &reason.cause {
        Cause::DestinationMissing { bucket } => {
            format!("the destination bucket `{bucket}` does not exist")
        }
        Cause::DestinationBlocksCustomerKeys { bucket } => format!(
            "the destination bucket `{bucket}` blocks SSE-C; allow it with `aws s3api put-bucket-encryption`, BlockedEncryptionTypes NONE"
        ),
        Cause::NotVersioned { bucket } => {
            format!("versioning of `{bucket}` is not enabled")
        }
        Cause::KmsNotIncluded { rule } => format!(
            "rule {} does not include objects under AWS KMS keys",
            named(rule.as_deref())
        ),
        Cause::RolePermissions { role } => format!(
            "the role `{role}` does not exist, does not trust s3.amazonaws.com, or lacks a permission"
        ),
        _ => "a cause that this version cannot describe".to_owned(),
    };
    let certainty = match reason.certainty {
        Certainty::Certain => "certain",
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    };
    format!("{cause} ({certainty})")
}

fn miss(miss: &RuleMiss) -> String {
    let why = match &miss.why {
        WhyMissed::Prefix { prefix } => format!("only covers keys that begin with `{prefix}`"),
        WhyMissed::Tag { key, value } => format!("asks for the tag `{key}={value}`"),
        WhyMissed::Disabled => "is disabled".to_owned(),
        _ => "does not cover the object".to_owned(),
    };
    format!("rule {} {why}", named(miss.id.as_deref()))
}

fn named(id: Option<&str>) -> String {
    id.map_or_else(|| "without a name".to_owned(), |id| format!("`{id}`"))
}

fn difference(difference: &Difference) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    match difference {
        Difference::Size { source, replica } => {
            format!("size: {source} bytes in the source, {replica} in the replica")
        }
        Difference::Checksum { source, replica } => format!(
            "checksum {}: {} in the source, {} in the replica",
            source.algorithm, source.value, replica.value
        ),
        Difference::KeyMd5 { expected, replica } => {
            format!(
                "key MD5: {expected} expected, the replica has {}",
                shown(replica)
            )
        }
        Difference::SystemMetadata {
            name,
            source,
            replica,
        }
        | Difference::UserMetadata {
            name,
            source,
            replica,
        } => format!(
            "metadata `{name}`: {} in the source, {} in the replica",
            shown(source),
            shown(replica)
        ),
        Difference::Tag {
            key,
            source,
            replica,
        } => format!(
            "tag `{key}`: {} in the source, {} in the replica",
            shown(source),
            shown(replica)
        ),
        Difference::VersionId { source, replica } => {
            format!(
                "version: {} in the source, {} in the replica",
                shown(source),
                shown(replica)
            )
        }
        Difference::NotAReplica { .. } => {
            "the object on the other side was written there, not replicated".to_owned()
        }
        Difference::Receipt {
            what,
            receipt,
            source,
        } => format!("{what}: {receipt} in the receipt, {source} in the source"),
        Difference::ReceiptChanged => {
            "the receipt was changed after it was written: its seal does not fit".to_owned()
        }
        Difference::Content {
            first_offset,
            part,
            bytes,
        } => {
            let part = part
                .map(|part| format!(" (part {part})"))
                .unwrap_or_default();
            format!("content: {bytes} bytes differ, the first at offset {first_offset}{part}")
        }
        Difference::Digest {
            side,
            claimed,
            computed,
            ..
        } => format!(
            "content of the {}: digest {computed}, {claimed} claimed",
            side_name(*side)
        ),
        Difference::Unreadable {
            side,
            offset,
            part,
            detail,
        } => {
            let part = part
                .map(|part| format!(" (part {part})"))
                .unwrap_or_default();
            format!(
                "the {} cannot be read beyond offset {offset}{part}: {detail}",
                side_name(*side)
            )
        }
        Difference::ChangedWhileRead { side, detail } => {
            format!(
                "the {} changed while it was read: {detail}",
                side_name(*side)
            )
        }
        _ => "differs".to_owned(),
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Replica => "replica",
    }
}

pub(super) fn describe_unseen(unseen: &Unseen) -> String {
    match unseen {
        Unseen::ReplicationStatus => "the server gives no replication status".to_owned(),
        Unseen::ReplicationConfiguration { refusal } => {
            format!("the replication configuration could not be read: {refusal}")
        }
        Unseen::ActingRule => {
            "no rule matches today; the configuration's only destination was looked at".to_owned()
        }
        Unseen::Checksum => "the sides store no checksums that can be compared".to_owned(),
        Unseen::Tags { side, refusal } => {
            format!(
                "tags of the {} could not be read: {refusal}",
                side_name(*side)
            )
        }
        Unseen::Metadata => "some metadata cannot be put into headers".to_owned(),
        Unseen::ReplicaModifications { status } => {
            format!("the replica's own changes are still being replicated: {status}")
        }
        Unseen::ReceiptSeal => {
            "the receipt has no seal, so nothing shows whether it was changed".to_owned()
        }
        Unseen::Probes => "requests without the key were not tried".to_owned(),
        Unseen::Probe { side } => {
            format!(
                "the {} answered a probe in a way that shows nothing",
                side_name(*side)
            )
        }
        Unseen::DestinationSettings { operation, detail } => {
            format!("{operation} on the destination: {detail}")
        }
        Unseen::Content => {
            "the content was not read: that the replica decrypts is not proven".to_owned()
        }
        _ => "something else".to_owned(),
    }
}
