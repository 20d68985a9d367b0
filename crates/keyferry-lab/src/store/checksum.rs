//! Checksums and digests computed while a body streams by.
//!
//! S3 stores one additional checksum per object, of a type: `FULL_OBJECT`, or `COMPOSITE` for
//! a digest over the parts' digests (`S3-SUM-1`).

use serde::{Deserialize, Serialize};

/// An additional checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum ChecksumAlgorithm {
    /// `CRC32`
    Crc32,
    /// `CRC32C`
    Crc32c,
    /// `CRC64NVME`
    Crc64Nvme,
    /// `SHA1`
    Sha1,
    /// `SHA256`
    Sha256,
}

/// Whether a checksum covers the object's bytes or its parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ChecksumKind {
    /// `FULL_OBJECT`
    FullObject,
    /// `COMPOSITE`
    Composite,
}

/// The checksum S3 stores with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectChecksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    pub(crate) kind: ChecksumKind,
    /// As in the header: base64, with `-N` after a composite one.
    pub(crate) value: String,
}

/// What to compute while a segment is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DigestPlan {
    /// The MD5 of the plaintext: for ETags that are one, and for `Content-MD5`. It is the
    /// slowest digest of all, so ask for it only then.
    pub(crate) md5: bool,
    /// Additional checksums.
    pub(crate) checksums: Vec<ChecksumAlgorithm>,
}

/// The digests of a whole segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) md5: Option<[u8; 16]>,
    /// Raw digests, big-endian for CRCs, in the plan's order.
    pub(crate) checksums: Vec<(ChecksumAlgorithm, Vec<u8>)>,
}
