//! Checksums and digests computed while a body streams by.
//!
//! S3 stores one additional checksum per object, of a type: `FULL_OBJECT`, or `COMPOSITE` for
//! a digest over the parts' digests (`S3-SUM-1`).

use aws_lc_rs::digest;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
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

impl Digests {
    /// The digests of bytes at hand.
    pub(crate) fn of(plan: &DigestPlan, bytes: &[u8]) -> Self {
        let mut hashers = Hashers::new(plan);
        hashers.update(bytes);
        hashers.finish()
    }

    /// The digest of an algorithm, base64, as headers carry it.
    pub(crate) fn base64(&self, algorithm: ChecksumAlgorithm) -> Option<String> {
        self.checksums
            .iter()
            .find(|(a, _)| *a == algorithm)
            .map(|(_, digest)| BASE64_STANDARD.encode(digest))
    }
}

impl ChecksumAlgorithm {
    /// The CRC behind it, if it is one.
    pub(super) fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Self::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Self::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Self::Crc64Nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// A CRC as its big-endian bytes.
pub(super) fn crc_bytes(value: u64, width: usize) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    bytes
        .get(bytes.len() - width..)
        .unwrap_or_default()
        .to_vec()
}

/// One running checksum.
pub(super) enum Hasher {
    Crc(Box<crc_fast::Digest>, usize),
    Sha(digest::Context),
}

impl Hasher {
    pub(super) fn new(algorithm: ChecksumAlgorithm) -> Self {
        match (algorithm.crc(), algorithm) {
            (Some((crc, width)), _) => Self::Crc(Box::new(crc_fast::Digest::new(crc)), width),
            (None, ChecksumAlgorithm::Sha1) => {
                Self::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))
            }
            (None, _) => Self::Sha(digest::Context::new(&digest::SHA256)),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc, _) => crc.update(bytes),
            Self::Sha(sha) => sha.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(crc, width) => crc_bytes(crc.finalize(), width),
            Self::Sha(sha) => sha.finish().as_ref().to_vec(),
        }
    }
}

/// All digests of a plan, running.
pub(super) struct Hashers {
    md5: Option<Md5>,
    checksums: Vec<(ChecksumAlgorithm, Hasher)>,
}

impl Hashers {
    pub(super) fn new(plan: &DigestPlan) -> Self {
        Self {
            md5: plan.md5.then(Md5::new),
            checksums: plan
                .checksums
                .iter()
                .map(|algorithm| (*algorithm, Hasher::new(*algorithm)))
                .collect(),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        for (_, hasher) in &mut self.checksums {
            hasher.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Digests {
        Digests {
            md5: self.md5.map(|md5| md5.finalize().into()),
            checksums: self
                .checksums
                .into_iter()
                .map(|(algorithm, hasher)| (algorithm, hasher.finish()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values() {
        let plan = DigestPlan {
            md5: true,
            checksums: vec![
                ChecksumAlgorithm::Crc32,
                ChecksumAlgorithm::Crc32c,
                ChecksumAlgorithm::Crc64Nvme,
                ChecksumAlgorithm::Sha1,
                ChecksumAlgorithm::Sha256,
            ],
        };
        let mut hashers = Hashers::new(&plan);
        hashers.update(b"12345");
        hashers.update(b"6789");
        let digests = hashers.finish();
        let hex: Vec<_> = digests
            .checksums
            .iter()
            .map(|(_, d)| hex::encode(d))
            .collect();
        assert_eq!(
            hex,
            [
                "cbf43926",
                "e3069283",
                "ae8b14860a799888",
                "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ]
        );
        assert_eq!(
            digests.md5.map(hex::encode).as_deref(),
            Some("25f9e794323b453885f5181f1b624d0b")
        );
        assert_eq!(
            digests.base64(ChecksumAlgorithm::Crc32).as_deref(),
            Some("y/Q5Jg==")
        );
    }
}
