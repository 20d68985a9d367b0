//! Both sides read with the key, and compared byte by byte in constant memory.
//!
//! Only this shows that a replica decrypts to what was sent. Stored sizes, entity tags and checksums
//! have been seen to agree while an encrypted replica was corrupt from its second part on.

use keyferry_key::CustomerKeyHeaders;
use keyferry_policy::BucketName;
use serde::Serialize;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::difference::{Claim, Difference, Digest};
use crate::event::{Event, Observer};
use crate::report::{Side, Unseen};
use crate::{ObjectView, ReadSides, Subject, VerifyError};

mod digests;
mod parts;
mod reader;
mod samples;
mod scan;

use digests::{Digests, Values};
use parts::part_at;
use reader::{Broken, Reader};
use scan::Scan;

pub(crate) use samples::sample;

/// What reading the content gave.
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
    pub(crate) side: Side,
    pub(crate) access: &'a ObjectAccess,
    pub(crate) view: &'a ObjectView,
}

/// What was found by reading.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) differences: Vec<Difference>,
    pub(crate) proof: Option<ContentProof>,
    pub(crate) samples: Option<SampleProof>,
    pub(crate) unseen: Vec<Unseen>,
}

/// Streams both sides at once and compares them, or the replica alone and compares it with the receipt.
///
/// After a difference reading goes on, so that the digests can tell which side is not as sent.
pub(crate) async fn compare(
    subject: &Subject,
    key: Option<&CustomerKeyHeaders>,
    source: Readable<'_>,
    replica: Readable<'_>,
    (read, bucket): (ReadSides, &BucketName),
    observer: &dyn Observer,
) -> Result<Read, VerifyError> {
    if read == ReadSides::Replica && subject.sha256.is_some() {
        return read_replica(subject, key, replica, bucket, observer).await;
    }
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
                return stopped(subject, key, &source, broken).await;
            }
            (_, Err(broken)) => {
                return stopped(subject, key, &replica, broken).await;
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
    let mut differences = Vec::new();
    if let Some(first_offset) = scan.first {
        differences.push(Difference::Content {
            first_offset,
            part: part_at(subject.parts, source.access, key, first_offset).await,
            bytes: scan.differing,
        });
    }
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
        ..Read::default()
    })
}

/// Streams the replica, and compares its digests with what the receipt says.
async fn read_replica(
    subject: &Subject,
    key: Option<&CustomerKeyHeaders>,
    replica: Readable<'_>,
    bucket: &BucketName,
    observer: &dyn Observer,
) -> Result<Read, VerifyError> {
    let total = replica.view.size;
    let mut reader = Reader::new(replica.access, key, replica.view);
    let mut digests = Digests::default();
    let mut offset = 0;
    while offset < total {
        let length = match reader.chunk().await {
            Ok(chunk) => chunk.len(),
            Err(broken) => return stopped(subject, key, &replica, broken).await,
        };
        let chunk = reader.take(length);
        digests.update(&chunk, &chunk, false);
        offset += length as u64;
        observer.on(Event::Comparing {
            bucket: bucket.clone(),
            bytes: offset,
            total,
        });
        tokio::task::yield_now().await;
    }
    let (values, _) = digests.finish();
    Ok(Read {
        differences: contradictions(subject, Side::Replica, replica.view, &values),
        proof: Some(ContentProof {
            bytes: offset,
            crc64nvme: values.crc64nvme,
            sha256: values.sha256,
            receipt: true,
            read: ReadSides::Replica,
        }),
        ..Read::default()
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
    key: Option<&CustomerKeyHeaders>,
    side: &Readable<'_>,
    broken: Broken,
) -> Result<Read, VerifyError> {
    let which = side.side;
    let difference = match broken {
        Broken::Changed => Difference::ChangedWhileRead {
            side: which,
            detail: "its entity tag is another now".to_owned(),
        },
        Broken::Denied(Trouble::Refused(refusal)) if refusal.is_absence() => gone(which),
        Broken::Denied(trouble) => return Err(side.access.error("GetObject", trouble)),
        Broken::At { offset, trouble } => match side.access.head(key).await {
            Err(Trouble::Refused(refusal)) if refusal.is_absence() => gone(which),
            Ok(_) => Difference::Unreadable {
                side: which,
                offset,
                part: part_at(subject.parts, side.access, key, offset).await,
                detail: trouble,
            },
            Err(trouble) => return Err(side.access.error("GetObject", trouble)),
        },
    };
    Ok(Read {
        differences: vec![difference],
        ..Read::default()
    })
}

fn gone(side: Side) -> Difference {
    Difference::ChangedWhileRead {
        side,
        detail: "it is gone".to_owned(),
    }
}
