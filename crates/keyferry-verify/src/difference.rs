//! What is not the same on both sides, or not as the receipt says.
//!
//! Replication keeps version id, metadata, tags and content (S3-VERIFY-2). Storage class may be
//! changed by the rule and is not compared. Entity tags are not MD5s under SSE-C: equal ones corroborate, different
//! ones prove nothing, so they never make a difference here.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html>

use std::collections::{BTreeMap, BTreeSet};

use keyferry_key::KeyMd5;
use keyferry_transfer::Authenticity;
use serde::Serialize;

use crate::object_view::{ChecksumKind, ObjectLock, ObjectView, ReplicationStatus, StoredChecksum};
use crate::report::{Side, Unseen};
use crate::{Refusal, Subject};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Difference {
    /// A side has another size than the receipt, or than the source.
    Size {
        /// The source's size.
        source: u64,
        /// The replica's size.
        replica: u64,
    },
    /// The stored checksums differ.
    Checksum {
        /// The source's.
        source: StoredChecksum,
        /// The replica's.
        replica: StoredChecksum,
    },
    /// The replica is under another key, or under none, by what the server says.
    KeyMd5 {
        /// MD5 of the object's key.
        expected: KeyMd5,
        /// What the server says.
        replica: Option<String>,
    },
    /// A header of the content differs.
    SystemMetadata {
        /// Header name.
        name: String,
        /// The source's value.
        source: Option<String>,
        /// The replica's value.
        replica: Option<String>,
    },
    /// User metadata differs.
    UserMetadata {
        /// Name without `x-amz-meta-`.
        name: String,
        /// The source's value.
        source: Option<String>,
        /// The replica's value.
        replica: Option<String>,
    },
    /// A tag differs.
    Tag {
        /// Tag key.
        key: String,
        /// The source's value.
        source: Option<String>,
        /// The replica's value.
        replica: Option<String>,
    },
    /// The replica is encrypted in another way, though S3 says that it was made by replication.
    Encryption {
        /// The source's: `AES256`, `aws:kms` or `aws:kms:dsse`.
        source: Option<String>,
        /// The replica's.
        replica: Option<String>,
    },
    /// Object Lock protects the replica in another way.
    ObjectLock {
        /// `mode`, `retain-until` or `legal-hold`.
        what: &'static str,
        /// The source's.
        source: Option<String>,
        /// The replica's.
        replica: Option<String>,
    },
    /// The replica has another version id than was asked for.
    VersionId {
        /// The source's.
        source: Option<String>,
        /// The replica's.
        replica: Option<String>,
    },
    /// The object on the other side was not made by replication: it was written on both sides.
    NotAReplica {
        /// The status that it has instead of `REPLICA`.
        status: Option<ReplicationStatus>,
    },
    /// The source is not what the receipt says was uploaded.
    Receipt {
        /// What about it.
        what: &'static str,
        /// What the receipt says.
        receipt: String,
        /// What the source says.
        source: String,
    },
    /// The receipt is not as it was written: its seal does not fit. Nothing that it says counts.
    ReceiptChanged,
    /// The content differs.
    Content {
        /// Offset of the first byte that differs.
        first_offset: u64,
        /// Number of the part that this byte belongs to, from 1, where the cut is known.
        part: Option<u32>,
        /// How many bytes differ.
        bytes: u64,
    },
    /// The content that was read has another digest than somebody claims.
    Digest {
        /// The side that was read.
        side: Side,
        /// Which digest.
        digest: Digest,
        /// Who claims another.
        claim: Claim,
        /// The digest that is claimed.
        claimed: String,
        /// The digest of what was read.
        computed: String,
    },
    /// A side could not be read to its end, again and again at the same place, while the server
    /// answered otherwise.
    Unreadable {
        /// The side.
        side: Side,
        /// Bytes that could be read.
        offset: u64,
        /// Number of the part that follows, where the cut is known.
        part: Option<u32>,
        /// The last answer.
        detail: String,
    },
    /// A version changed while it was read. Versions never change.
    ChangedWhileRead {
        /// The side.
        side: Side,
        /// What happened.
        detail: String,
    },
}

impl Difference {
    /// Whether it is the source that is wrong, or the receipt: then its content must not spread.
    #[must_use]
    pub fn is_about_source(&self) -> bool {
        matches!(
            self,
            Self::Receipt { .. }
                | Self::ReceiptChanged
                | Self::Digest {
                    side: Side::Source,
                    ..
                }
                | Self::Unreadable {
                    side: Side::Source,
                    ..
                }
                | Self::ChangedWhileRead {
                    side: Side::Source,
                    ..
                }
        )
    }
}

/// A digest of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Digest {
    /// CRC-64/NVME, in base64.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// SHA-256, in hex.
    #[serde(rename = "SHA256")]
    Sha256,
}

/// Who says what the content should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// The receipt of the upload.
    Receipt,
    /// The checksum that this side stores with the object.
    StoredChecksum,
}

/// Two views side by side.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) differences: Vec<Difference>,
    pub(crate) unseen: Vec<Unseen>,
    /// The checksum that both sides store alike: the proof of content, as far as claims go.
    pub(crate) checksum: Option<StoredChecksum>,
}

type Tags = Result<BTreeMap<String, String>, Refusal>;

/// Compares what the source says with the subject. Says nothing when the subject came from there.
pub(crate) fn against_receipt(subject: &Subject, source: &ObjectView) -> Vec<Difference> {
    let mut differences = Vec::new();
    if !subject.from_receipt {
        return differences;
    }
    if subject.receipt == Some(Authenticity::Changed) {
        differences.push(Difference::ReceiptChanged);
        return differences;
    }
    let mut differs = |what, receipt: &str, source: &str| {
        if receipt != source {
            differences.push(Difference::Receipt {
                what,
                receipt: receipt.to_owned(),
                source: source.to_owned(),
            });
        }
    };
    differs("size", &subject.size.to_string(), &source.size.to_string());
    if let Some(checksum) = &subject.checksum
        && let Some(stored) = source.full_object_checksum(&checksum.algorithm)
    {
        differs("checksum", &checksum.value, &stored.value);
    }
    if let (Some(receipt), Some(source)) = (&subject.etag, &source.etag) {
        differs("entity tag", receipt, source);
    }
    differences
}

/// Compares the replica with the source.
pub(crate) fn between(
    source: &ObjectView,
    source_tags: &Tags,
    replica: &ObjectView,
    replica_tags: &Tags,
    key_md5: Option<&KeyMd5>,
) -> Comparison {
    let mut comparison = Comparison::default();
    let differences = &mut comparison.differences;
    if source.size != replica.size {
        differences.push(Difference::Size {
            source: source.size,
            replica: replica.size,
        });
    }
    if source.version_id != replica.version_id {
        differences.push(Difference::VersionId {
            source: source.version_id.clone(),
            replica: replica.version_id.clone(),
        });
    }
    match key_md5 {
        Some(_) if source.key_md5.is_none() && replica.key_md5.is_none() => {
            comparison.unseen.push(Unseen::KeyMd5);
        }
        Some(key_md5) if replica.key_md5.as_deref() != Some(&key_md5.to_string()) => {
            differences.push(Difference::KeyMd5 {
                expected: *key_md5,
                replica: replica.key_md5.clone(),
            });
        }
        // A replica has its source's kind of encryption (S3-REPL-6); what others copied may have theirs.
        None if replica.status == Some(ReplicationStatus::Replica)
            && source.server_side_encryption != replica.server_side_encryption =>
        {
            differences.push(Difference::Encryption {
                source: source.server_side_encryption.clone(),
                replica: replica.server_side_encryption.clone(),
            });
        }
        _ => {}
    }
    compare_locks(&source.lock, &replica.lock, differences);
    for (name, source, replica) in unequal(&source.system_metadata, &replica.system_metadata) {
        differences.push(Difference::SystemMetadata {
            name: (*name).to_owned(),
            source,
            replica,
        });
    }
    for (name, source, replica) in unequal(&source.user_metadata, &replica.user_metadata) {
        differences.push(Difference::UserMetadata {
            name: name.clone(),
            source,
            replica,
        });
    }
    compare_tags(source_tags, replica_tags, &mut comparison);
    compare_status(source, replica, &mut comparison);
    compare_checksums(source, replica, &mut comparison);
    if source.unseen_metadata + replica.unseen_metadata > 0 {
        comparison.unseen.push(Unseen::Metadata);
    }
    comparison
}

fn compare_locks(source: &ObjectLock, replica: &ObjectLock, differences: &mut Vec<Difference>) {
    if source == replica {
        return;
    }
    let until = |lock: &ObjectLock| lock.retain_until.map(|until| until.to_string());
    let hold = |lock: &ObjectLock| lock.legal_hold.then(|| "ON".to_owned());
    for (what, source, replica) in [
        ("mode", source.mode.clone(), replica.mode.clone()),
        ("retain-until", until(source), until(replica)),
        ("legal-hold", hold(source), hold(replica)),
    ] {
        if source != replica {
            differences.push(Difference::ObjectLock {
                what,
                source,
                replica,
            });
        }
    }
}

type Pair<'m, K> = (&'m K, Option<String>, Option<String>);

fn unequal<'m, K: Ord>(
    source: &'m BTreeMap<K, String>,
    replica: &'m BTreeMap<K, String>,
) -> Vec<Pair<'m, K>> {
    if source == replica {
        return Vec::new();
    }
    let names: BTreeSet<&K> = source.keys().chain(replica.keys()).collect();
    names
        .into_iter()
        .filter(|name| source.get(name) != replica.get(name))
        .map(|name| (name, source.get(name).cloned(), replica.get(name).cloned()))
        .collect()
}

fn compare_tags(source: &Tags, replica: &Tags, comparison: &mut Comparison) {
    match (source, replica) {
        (Ok(source), Ok(replica)) => {
            for (key, source, replica) in unequal(source, replica) {
                comparison.differences.push(Difference::Tag {
                    key: key.clone(),
                    source,
                    replica,
                });
            }
        }
        (source, replica) => {
            for (side, tags) in [(Side::Source, source), (Side::Replica, replica)] {
                if let Err(refusal) = tags {
                    comparison.unseen.push(Unseen::Tags {
                        side,
                        refusal: refusal.clone(),
                    });
                }
            }
        }
    }
}

/// `REPLICA` is expected. A server that gives the source no status gives the replica none either.
/// While replica modifications are synchronised, a replica may read `PENDING` or `FAILED`.
fn compare_status(source: &ObjectView, replica: &ObjectView, comparison: &mut Comparison) {
    use ReplicationStatus::{Failed, Pending, Replica};
    match (&source.status, &replica.status) {
        (_, Some(Replica)) => {}
        (None, None) => comparison.unseen.push(Unseen::ReplicationStatus),
        (_, Some(status @ (Pending | Failed))) => {
            comparison.unseen.push(Unseen::ReplicaModifications {
                status: status.clone(),
            });
        }
        (_, status) => comparison.differences.push(Difference::NotAReplica {
            status: status.clone(),
        }),
    }
}

/// Only like is compared with like: the same algorithm and kind; composite ones only when they speak
/// of equally many parts.
fn compare_checksums(source: &ObjectView, replica: &ObjectView, comparison: &mut Comparison) {
    let mut comparable = false;
    for ours in &source.checksums {
        let like = |theirs: &&StoredChecksum| {
            theirs.algorithm == ours.algorithm
                && theirs.kind == ours.kind
                && (ours.kind == ChecksumKind::FullObject || parts(ours) == parts(theirs))
        };
        let Some(theirs) = replica.checksums.iter().find(like) else {
            continue;
        };
        comparable = true;
        if ours == theirs {
            comparison.checksum = Some(ours.clone());
        } else {
            comparison.differences.push(Difference::Checksum {
                source: ours.clone(),
                replica: theirs.clone(),
            });
        }
    }
    if !comparable {
        comparison.unseen.push(Unseen::Checksum);
    }
}

fn parts(checksum: &StoredChecksum) -> Option<&str> {
    checksum.value.rsplit_once('-').map(|(_, parts)| parts)
}

#[cfg(test)]
mod tests;
