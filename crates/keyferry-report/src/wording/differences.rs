//! What is not the same, in words.

use keyferry_verify::{Claim, Difference, Side};

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
        Difference::Encryption { source, replica } => format!(
            "encryption: {} in the source, {} in the replica",
            shown(source),
            shown(replica)
        ),
        Difference::ObjectLock {
            what,
            source,
            replica,
        } => format!(
            "Object Lock, {what}: {} in the source, {} in the replica",
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
            match bytes {
                1 => format!("content: 1 byte differs, at offset {first_offset}{part}"),
                _ => format!(
                    "content: {bytes} bytes differ, the first at offset {first_offset}{part}"
                ),
            }
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

/// What differs, without the values: the same words for all objects of which the same is wrong.
pub(super) fn what_differs(difference: &Difference) -> String {
    let in_part = |part: &Option<u32>| match part {
        Some(part) => format!("content, from part {part} on"),
        None => "content".to_owned(),
    };
    match difference {
        Difference::Size { .. } => "size".to_owned(),
        Difference::Checksum { .. } => "stored checksum".to_owned(),
        Difference::KeyMd5 { .. } => "MD5 of the key".to_owned(),
        Difference::SystemMetadata { name, .. } => format!("`{name}`"),
        Difference::UserMetadata { name, .. } => format!("metadata `{name}`"),
        Difference::Tag { key, .. } => format!("tag `{key}`"),
        Difference::Encryption { .. } => "encryption".to_owned(),
        Difference::ObjectLock { what, .. } => format!("Object Lock ({what})"),
        Difference::ReceiptChanged => "the receipt was changed after it was written".to_owned(),
        Difference::VersionId { .. } => "version id".to_owned(),
        Difference::NotAReplica { .. } => "written there, not replicated".to_owned(),
        Difference::Receipt { what, .. } => format!("{what}, against the receipt"),
        Difference::Content { part, .. } => in_part(part),
        Difference::Digest { side, claim, .. } => format!(
            "content of the {}, against {}",
            side_name(*side),
            match claim {
                Claim::Receipt => "the receipt",
                Claim::StoredChecksum => "its stored checksum",
            }
        ),
        Difference::Unreadable { side, part, .. } => {
            let part = part.map(|part| format!(" from part {part} on"));
            format!(
                "the {} cannot be read{}",
                side_name(*side),
                part.unwrap_or_default()
            )
        }
        Difference::ChangedWhileRead { side, .. } => {
            format!("the {} changed while it was read", side_name(*side))
        }
        _ => "something that this version has no words for".to_owned(),
    }
}

pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Replica => "replica",
    }
}
