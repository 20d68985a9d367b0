//! What could not be seen, in words.

use keyferry_verify::{Refusal, Unseen};

use super::differences::side_name;

/// The same without what only one object has, such as its ARN in a message.
pub(crate) fn not_seen_briefly(unseen: &Unseen) -> String {
    let brief = |refusal: &Refusal| Refusal {
        message: None,
        ..refusal.clone()
    };
    let unseen = match unseen {
        Unseen::Tags { side, refusal } => Unseen::Tags {
            side: *side,
            refusal: brief(refusal),
        },
        Unseen::ObjectLock { side, refusal } => Unseen::ObjectLock {
            side: *side,
            refusal: brief(refusal),
        },
        other => other.clone(),
    };
    not_seen(&unseen)
}

/// One thing that was not seen.
#[must_use]
pub fn not_seen(unseen: &Unseen) -> String {
    match unseen {
        Unseen::ReplicationStatus => "the server gives no replication status".to_owned(),
        Unseen::ReplicationConfiguration { refusal } => {
            format!("the replication configuration could not be read: {refusal}")
        }
        Unseen::ActingRule => {
            "no rule matches today; the configuration's only destination was looked at".to_owned()
        }
        Unseen::Destination => {
            "the source says COMPLETED, and no rule tells any more where its replica is".to_owned()
        }
        Unseen::Checksum => "the sides store no checksums that can be compared".to_owned(),
        Unseen::Tags { side, refusal } => {
            format!(
                "tags of the {} could not be read: {refusal}",
                side_name(*side)
            )
        }
        Unseen::ObjectLock { side, refusal } => {
            format!(
                "Object Lock of the {} may not be seen: {refusal}",
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
        Unseen::FailureEvents { detail } => format!("events of failed replication: {detail}"),
        Unseen::Content => {
            "the content was not read: that the replica decrypts is not proven".to_owned()
        }
        Unseen::RestOfContent => {
            "of the content only samples were read: what lies between them is not proven".to_owned()
        }
        Unseen::PartBoundaries => {
            "where the object's parts end is not known: samples could not be laid across".to_owned()
        }
        Unseen::KeyMd5 => "the server does not say under which key the object is".to_owned(),
        _ => "something else".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use keyferry_verify::Side;

    use super::*;

    #[test]
    fn what_only_one_object_has_is_left_out_of_brief_words() {
        let unseen = |key: &str| Unseen::Tags {
            side: Side::Replica,
            refusal: Refusal {
                status: 403,
                code: Some("AccessDenied".to_owned()),
                message: Some(format!("not authorized on arn:aws:s3:::osaka/{key}")),
            },
        };
        assert!(not_seen(&unseen("one")).contains("osaka/one"));
        assert_eq!(
            not_seen_briefly(&unseen("one")),
            not_seen_briefly(&unseen("two"))
        );
        assert!(not_seen_briefly(&unseen("one")).contains("403 AccessDenied"));
    }
}
