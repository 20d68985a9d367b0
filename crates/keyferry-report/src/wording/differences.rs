//! What is not the same, in words.

use keyferry_verify::{Difference, Side};

/// One difference.
#[must_use]
pub fn difference(difference: &Difference) -> String {
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

pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Replica => "replica",
    }
}
