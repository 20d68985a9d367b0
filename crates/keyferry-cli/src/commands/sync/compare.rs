//! Whether two things of one name and one size are the same.
//!
//! The entity tag of an object under a customer key says nothing of its content (S3-ETAG-1), so
//! checksums are compared: S3 keeps one with the object and tells it to whoever shows the key. Where
//! the two sides have none of the same kind, the time decides.

use std::path::Path;

use aws_sdk_s3::Client;
use jiff::Timestamp;
use keyferry_key::KeyId;
use keyferry_transfer::{ChecksumAlgorithm, ObjectAddress, TransferError, file_checksum};
use keyferry_verify::{Determined, KeyVerdict, ObjectView, key_of};
use tokio_util::sync::CancellationToken;

use crate::commands::many::JobFailure;
use crate::commands::moving::Reason;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::StoreKeys;

/// What S3 tells of an object, once its key is found.
pub(super) struct Seen {
    pub(super) key_id: Option<KeyId>,
    pub(super) version_id: Option<String>,
    pub(super) view: ObjectView,
}

/// Looks at an object that is to be replaced if it differs: the look, or why it is to be replaced
/// whatever is in it.
pub(super) async fn destination(
    client: &Client,
    address: &ObjectAddress,
    keys: &StoreKeys,
    wanted: &KeyId,
) -> Result<Result<Seen, Reason>, JobFailure> {
    let found = key_of(client, address, None, keys).await;
    Ok(match found.verdict {
        KeyVerdict::Known { ref id, .. } if id == wanted => seen(found).ok_or(Reason::New),
        KeyVerdict::Known { id, .. } => Err(Reason::OtherKey { key_id: id }),
        KeyVerdict::Foreign { .. } => Err(Reason::UnknownKey),
        KeyVerdict::NotCustomerKey { .. } => Err(Reason::NoCustomerKey),
        KeyVerdict::Gone => Err(Reason::New),
        KeyVerdict::Unreadable { reason } => return Err(unreadable(address, &reason)),
    })
}

/// Looks at an object that is to be read.
pub(super) async fn source(
    client: &Client,
    address: &ObjectAddress,
    keys: &StoreKeys,
) -> Result<Seen, JobFailure> {
    let found = key_of(client, address, None, keys).await;
    let gone = || TransferError::NoSuchObject {
        address: address.clone(),
        version_id: None,
    };
    match &found.verdict {
        KeyVerdict::Known { .. } | KeyVerdict::NotCustomerKey { .. } => {
            seen(found).ok_or_else(|| gone().into())
        }
        KeyVerdict::Foreign { tried, .. } => Err(Failure::new(
            Exit::Key,
            format!("no key of the store opens `{address}` ({tried} tried)"),
        )
        .hint("`keyferry key usage` with its address tells more")
        .into()),
        KeyVerdict::Gone => Err(gone().into()),
        KeyVerdict::Unreadable { reason } => Err(unreadable(address, reason)),
    }
}

fn seen(found: Determined) -> Option<Seen> {
    let view = found.view?;
    Some(Seen {
        key_id: match found.verdict {
            KeyVerdict::Known { id, .. } => Some(id),
            _ => None,
        },
        version_id: found.version_id,
        view: *view,
    })
}

fn unreadable(address: &ObjectAddress, reason: &str) -> JobFailure {
    Failure::new(
        Exit::Failure,
        format!("`{address}` cannot be looked at: {reason}"),
    )
    .hint("allow s3:GetObject and s3:GetObjectTagging; --compare time asks for no object")
    .into()
}

/// Why a file and an object differ; nothing if they are the same. `is_newer` is whether the source is
/// newer than the destination.
pub(super) async fn with_file(
    path: &Path,
    view: &ObjectView,
    is_newer: bool,
    cancel: &CancellationToken,
) -> Result<Option<Reason>, TransferError> {
    for algorithm in [
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Sha256,
        ChecksumAlgorithm::Sha1,
    ] {
        if let Some(stored) = view.full_object_checksum(algorithm.as_str()) {
            let computed = file_checksum(path, algorithm, cancel).await?;
            return Ok((computed != stored.value).then_some(Reason::Content));
        }
    }
    Ok(is_newer.then_some(Reason::Newer))
}

/// Why two objects differ; nothing if they are the same.
pub(super) fn two(source: &ObjectView, there: &ObjectView) -> Option<Reason> {
    for checksum in &source.checksums {
        let same_kind = there
            .checksums
            .iter()
            .find(|other| other.algorithm == checksum.algorithm && other.kind == checksum.kind);
        if let Some(other) = same_kind {
            return (other.value != checksum.value).then_some(Reason::Content);
        }
    }
    is_newer(source.last_modified, there.last_modified).then_some(Reason::Newer)
}

/// Whether the source is newer; if it is not known, it may be.
pub(super) fn is_newer(source: Option<Timestamp>, there: Option<Timestamp>) -> bool {
    match (source, there) {
        (Some(source), Some(there)) => source > there,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_verify::{ChecksumKind, StoredChecksum};

    fn view(sums: &[(&str, ChecksumKind, &str)], second: i64) -> ObjectView {
        ObjectView {
            checksums: sums
                .iter()
                .map(|(algorithm, kind, value)| StoredChecksum {
                    algorithm: (*algorithm).to_owned(),
                    kind: *kind,
                    value: (*value).to_owned(),
                })
                .collect(),
            last_modified: Timestamp::from_second(second).ok(),
            ..ObjectView::default()
        }
    }

    #[test]
    fn checksums_of_one_kind_decide_and_otherwise_the_time() {
        let full = ChecksumKind::FullObject;
        let crc = |value| view(&[("CRC64NVME", full, value)], 5);
        assert_eq!(two(&crc("a"), &crc("a")), None);
        assert_eq!(two(&crc("a"), &crc("b")), Some(Reason::Content));
        let composite = view(&[("CRC64NVME", ChecksumKind::Composite, "a")], 6);
        assert_eq!(two(&composite, &crc("a")), Some(Reason::Newer));
        assert_eq!(two(&crc("a"), &composite), None);
        let several = view(&[("SHA256", full, "x"), ("CRC64NVME", full, "b")], 0);
        assert_eq!(two(&several, &crc("a")), Some(Reason::Content));
    }
}
