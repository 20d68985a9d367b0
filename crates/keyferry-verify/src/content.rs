//! Both sides read with the key, and compared byte by byte in constant memory.
//!
//! Only this shows that a replica decrypts to what was sent. Stored sizes, entity tags and checksums
//! have been seen to agree while an encrypted replica was corrupt from its second part on.

use keyferry_key::CustomerKeyHeaders;
use keyferry_policy::BucketName;
use keyferry_transfer::PartLayout;
use serde::Serialize;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::difference::{Claim, Difference, Digest};
use crate::event::{Event, Observer};
use crate::report::Side;
use crate::{ObjectView, ReadSides, Subject, VerifyError};

mod digests;
mod reader;
mod scan;

use digests::{Digests, Values};
use reader::{Broken, Reader};
use scan::Scan;

/// What reading both sides gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentProof {
    /// Bytes compared.
    pub bytes: u64,
    /// CRC-64/NVME of the source's content, or of the replica's where only that was read, in base64.
    pub crc64nvme: String,
    /// SHA-256 of the same, in hex.
    pub sha256: String,
    /// Whether the content was held against a receipt's SHA-256.
    pub receipt: bool,
    /// What was read.
    pub read: ReadSides,
}

/// What reading samples of both sides gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SampleProof {
    /// Ranges that were read.
    pub ranges: u32,
    /// Bytes in them.
    pub bytes: u64,
    /// How many of the ranges lie across the boundary of two parts.
    pub boundaries: u32,
}

/// One side to be read.
pub(crate) struct Readable<'a> {
    pub(crate) access: &'a ObjectAccess,
    pub(crate) view: &'a ObjectView,
}

/// What was found by reading.
pub(crate) struct Read {
    pub(crate) differences: Vec<Difference>,
    pub(crate) proof: Option<ContentProof>,
}

/// Streams both sides at once and compares them.
///
/// After a difference reading goes on, so that the digests can tell which side is not as sent.
pub(crate) async fn compare(
    subject: &Subject,
    key: &CustomerKeyHeaders,
    source: Readable<'_>,
    replica: Readable<'_>,
    bucket: &BucketName,
    observer: &dyn Observer,
) -> Result<Read, VerifyError> {
    let total = source.view.size;
    let mut readers = (
        Reader::new(source.access, key, source.view),
        Reader::new(replica.access, key, replica.view),
    );
    let mut scan = Scan::default();
    let mut digests = Digests::default();
    while scan.offset < total {
        let (ours, theirs) = tokio::join!(readers.0.chunk(), readers.1.chunk());
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(broken), _) => {
                return stopped(subject, key, &source, Side::Source, broken).await;
            }
            (_, Err(broken)) => {
                return stopped(subject, key, &replica, Side::Replica, broken).await;
            }
        };
        let length = ours.len().min(theirs.len());
        let (ours, theirs) = (readers.0.take(length), readers.1.take(length));
        scan.compare(&ours, &theirs);
        digests.update(&ours, &theirs, scan.differing > 0);
        observer.on(Event::Comparing {
            bucket: bucket.clone(),
            bytes: scan.offset,
            total,
        });
        // Chunks that are already here would otherwise keep others from running.
        tokio::task::yield_now().await;
    }
    let mut differences: Vec<_> = scan
        .first
        .map(|first_offset| Difference::Content {
            first_offset,
            part: part_at(subject.parts, first_offset),
            bytes: scan.differing,
        })
        .into_iter()
        .collect();
    let (ours, theirs) = digests.finish();
    differences.extend(contradictions(subject, Side::Source, source.view, &ours));
    differences.extend(contradictions(
        subject,
        Side::Replica,
        replica.view,
        &theirs,
    ));
    Ok(Read {
        proof: Some(ContentProof {
            bytes: scan.offset,
            crc64nvme: ours.crc64nvme,
            sha256: ours.sha256,
            receipt: subject.sha256.is_some(),
            read: ReadSides::Both,
        }),
        differences,
    })
}

/// What is said about the content against what was read.
fn contradictions(
    subject: &Subject,
    side: Side,
    view: &ObjectView,
    computed: &Values,
) -> Vec<Difference> {
    let crc64nvme = Digest::Crc64Nvme;
    let receipt = subject.checksum.as_ref().filter(|_| subject.from_receipt);
    let claims = [
        (
            Claim::Receipt,
            crc64nvme,
            receipt
                .filter(|checksum| checksum.algorithm == "CRC64NVME")
                .map(|checksum| &checksum.value),
        ),
        (Claim::Receipt, Digest::Sha256, subject.sha256.as_ref()),
        (
            Claim::StoredChecksum,
            crc64nvme,
            view.full_object_checksum("CRC64NVME")
                .map(|checksum| &checksum.value),
        ),
    ];
    claims
        .into_iter()
        .filter_map(|(claim, digest, claimed)| {
            let claimed = claimed?;
            let (computed, same) = match digest {
                Digest::Crc64Nvme => (&computed.crc64nvme, claimed == &computed.crc64nvme),
                Digest::Sha256 => (
                    &computed.sha256,
                    claimed.eq_ignore_ascii_case(&computed.sha256),
                ),
            };
            (!same).then(|| Difference::Digest {
                side,
                digest,
                claim,
                claimed: claimed.clone(),
                computed: computed.clone(),
            })
        })
        .collect()
}

/// A side broke off. If its server still answers for the object, the content is what is broken.
async fn stopped(
    subject: &Subject,
    key: &CustomerKeyHeaders,
    side: &Readable<'_>,
    which: Side,
    broken: Broken,
) -> Result<Read, VerifyError> {
    let difference = match broken {
        Broken::Changed => Difference::ChangedWhileRead {
            side: which,
            detail: "its entity tag is another now".to_owned(),
        },
        Broken::Denied(Trouble::Refused(refusal)) if refusal.is_absence() => gone(which),
        Broken::Denied(trouble) => return Err(side.access.error("GetObject", trouble)),
        Broken::At { offset, trouble } => match side.access.head(Some(key)).await {
            Err(Trouble::Refused(refusal)) if refusal.is_absence() => gone(which),
            Ok(_) => Difference::Unreadable {
                side: which,
                offset,
                part: part_at(subject.parts, offset),
                detail: trouble,
            },
            Err(trouble) => return Err(side.access.error("GetObject", trouble)),
        },
    };
    Ok(Read {
        differences: vec![difference],
        proof: None,
    })
}

fn gone(side: Side) -> Difference {
    Difference::ChangedWhileRead {
        side,
        detail: "it is gone".to_owned(),
    }
}

/// Number of the part that holds an offset.
fn part_at(parts: Option<PartLayout>, offset: u64) -> Option<u32> {
    let parts = parts.filter(|parts| parts.part_size > 0)?;
    let index = u32::try_from(offset / parts.part_size).ok()?;
    index.checked_add(1).filter(|number| *number <= parts.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_belong_to_parts() {
        let parts = Some(PartLayout {
            part_size: 10,
            count: 3,
        });
        assert_eq!(part_at(parts, 0), Some(1));
        assert_eq!(part_at(parts, 9), Some(1));
        assert_eq!(part_at(parts, 10), Some(2));
        assert_eq!(part_at(parts, 29), Some(3));
        assert_eq!(part_at(parts, 30), None);
        assert_eq!(part_at(None, 0), None);
    }
}
