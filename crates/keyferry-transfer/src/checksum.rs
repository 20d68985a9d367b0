//! Checksums over full objects and parts.
//!
//! CRC64NVME is what S3 computes for every object unless told otherwise, and the only algorithm that
//! always covers the full object, multipart included. CRCs of pieces combine into the CRC of the
//! whole, so pieces are summed where they are, in any order (S3-XFER-7).
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// An algorithm whose checksums can be verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme,
    /// CRC-32C (Castagnoli), 4 bytes.
    Crc32C,
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-1, 20 bytes.
    Sha1,
}

impl ChecksumAlgorithm {
    /// The algorithm's name in S3's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC64NVME",
            Self::Crc32C => "CRC32C",
            Self::Crc32 => "CRC32",
            Self::Sha256 => "SHA256",
            Self::Sha1 => "SHA1",
        }
    }

    /// The CRC behind the name; `None` for the hashes, which cannot be combined.
    pub(crate) fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Crc32C => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Sha256 | Self::Sha1 => None,
        }
    }
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Begins a CRC.
///
/// Not inlined, as [`add`]: code that is inlined into a coroutine is compiled where that is polled, in a
/// crate that may be optimised for size.
#[inline(never)]
pub(crate) fn begin(algorithm: CrcAlgorithm) -> crc_fast::Digest {
    crc_fast::Digest::new(algorithm)
}

/// Adds bytes to a CRC.
#[inline(never)]
pub(crate) fn add(digest: &mut crc_fast::Digest, bytes: &[u8]) {
    digest.update(bytes);
}

/// The CRC of some bytes, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Crc {
    algorithm: CrcAlgorithm,
    value: u64,
    length: u64,
}

impl Crc {
    pub(crate) fn of_nothing(algorithm: CrcAlgorithm) -> Self {
        Self::of(&begin(algorithm), algorithm)
    }

    pub(crate) fn of(digest: &crc_fast::Digest, algorithm: CrcAlgorithm) -> Self {
        Self {
            algorithm,
            value: digest.finalize(),
            length: digest.get_amount(),
        }
    }

    /// The CRC of these bytes and, behind them, those of `next`.
    pub(crate) fn then(self, next: Self) -> Self {
        let value = match (self.length, next.length) {
            (_, 0) => self.value,
            (0, _) => next.value,
            _ => crc_fast::checksum_combine(self.algorithm, self.value, next.value, next.length),
        };
        Self {
            value,
            length: self.length + next.length,
            ..self
        }
    }

    pub(crate) fn length(self) -> u64 {
        self.length
    }

    /// As in S3's headers: base64 of the value, most significant byte first.
    pub(crate) fn to_base64(self) -> String {
        let bytes = self.value.to_be_bytes();
        match self.algorithm {
            CrcAlgorithm::Crc64Nvme => BASE64_STANDARD.encode(bytes),
            _ => BASE64_STANDARD.encode(bytes.get(4..).unwrap_or_default()),
        }
    }
}

/// Sums bytes in order, by any algorithm.
pub(crate) enum Summing {
    Crc(CrcAlgorithm, crc_fast::Digest),
    Sha256(Sha256),
    Sha1(Sha1),
}

impl Summing {
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (_, Some(crc)) => Self::Crc(crc, begin(crc)),
            (ChecksumAlgorithm::Sha1, _) => Self::Sha1(Sha1::new()),
            _ => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, digest) => add(digest, bytes),
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sha1(digest) => digest.update(bytes),
        }
    }

    /// The bytes of the checksum.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(algorithm, digest) => {
                let bytes = digest.finalize().to_be_bytes();
                let from = if algorithm == CrcAlgorithm::Crc64Nvme {
                    0
                } else {
                    4
                };
                bytes.get(from..).unwrap_or_default().to_vec()
            }
            Self::Sha256(digest) => digest.finalize().to_vec(),
            Self::Sha1(digest) => digest.finalize().to_vec(),
        }
    }
}

/// What S3 says of an object's checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredChecksum {
    /// Over all bytes of the object.
    Full(ChecksumAlgorithm, String),
    /// Over the checksums of the parts: `VALUE-COUNT`.
    Composite(ChecksumAlgorithm, String, u32),
    /// By an algorithm that is not known here.
    Unknown(&'static str),
}

impl StoredChecksum {
    /// Reads it from an answer's headers, the strongest algorithm for the purpose first.
    pub(crate) fn from_headers(headers: [(&'static str, Option<&str>); 10]) -> Option<Self> {
        let (name, value) = headers
            .into_iter()
            .find_map(|(name, value)| value.map(|value| (name, value)))?;
        let algorithm = match name {
            "CRC64NVME" => ChecksumAlgorithm::Crc64Nvme,
            "CRC32C" => ChecksumAlgorithm::Crc32C,
            "CRC32" => ChecksumAlgorithm::Crc32,
            "SHA256" => ChecksumAlgorithm::Sha256,
            "SHA1" => ChecksumAlgorithm::Sha1,
            other => return Some(Self::Unknown(other)),
        };
        let count = value.rsplit_once('-').map(|(_, count)| count.parse());
        Some(match count {
            None => Self::Full(algorithm, value.to_owned()),
            Some(Ok(count)) => Self::Composite(algorithm, value.to_owned(), count),
            Some(Err(_)) => Self::Unknown(name),
        })
    }
}

/// Reads the stored checksum out of an SDK output.
macro_rules! stored_checksum {
    ($output:expr) => {
        $crate::checksum::StoredChecksum::from_headers([
            ("CRC64NVME", $output.checksum_crc64_nvme()),
            ("SHA256", $output.checksum_sha256()),
            ("SHA1", $output.checksum_sha1()),
            ("CRC32C", $output.checksum_crc32_c()),
            ("CRC32", $output.checksum_crc32()),
            ("SHA512", $output.checksum_sha512()),
            ("MD5", $output.checksum_md5()),
            ("XXHASH64", $output.checksum_xxhash64()),
            ("XXHASH3", $output.checksum_xxhash3()),
            ("XXHASH128", $output.checksum_xxhash128()),
        ])
    };
}
pub(crate) use stored_checksum;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn crc(bytes: &[u8]) -> Crc {
        let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        digest.update(bytes);
        Crc::of(&digest, CrcAlgorithm::Crc64Nvme)
    }

    /// Check values of the catalogue of CRC algorithms, and of FIPS 180.
    #[test]
    fn check_values() {
        assert_eq!(crc(b"123456789").value, 0xae8b_1486_0a79_9888);
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Crc32C, "e3069283"),
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (
                ChecksumAlgorithm::Sha1,
                "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
            ),
            (
                ChecksumAlgorithm::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let mut summing = Summing::new(algorithm);
            summing.update(b"12345");
            summing.update(b"6789");
            assert_eq!(hex(&summing.finish()), expected, "{algorithm}");
        }
    }

    #[test]
    fn the_crc_of_nothing_is_what_s3_says() {
        assert_eq!(
            Crc::of_nothing(CrcAlgorithm::Crc64Nvme).to_base64(),
            "AAAAAAAAAAA="
        );
    }

    #[test]
    fn stored_checksums_are_told_apart() {
        let read = |name, value| {
            let mut headers = [("CRC64NVME", None); 10];
            headers[3] = (name, Some(value));
            StoredChecksum::from_headers(headers)
        };
        assert_eq!(
            read("CRC32", "AAAAAA=="),
            Some(StoredChecksum::Full(
                ChecksumAlgorithm::Crc32,
                "AAAAAA==".to_owned()
            ))
        );
        assert_eq!(
            read("SHA256", "abc=-3"),
            Some(StoredChecksum::Composite(
                ChecksumAlgorithm::Sha256,
                "abc=-3".to_owned(),
                3
            ))
        );
        assert_eq!(
            read("XXHASH3", "x"),
            Some(StoredChecksum::Unknown("XXHASH3"))
        );
        assert_eq!(StoredChecksum::from_headers([("CRC32", None); 10]), None);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    proptest! {
        #[test]
        fn pieces_combine(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let combined = pieces
                .iter()
                .fold(Crc::of_nothing(CrcAlgorithm::Crc64Nvme), |sum, piece| sum.then(crc(piece)));
            prop_assert_eq!(combined, crc(&pieces.concat()));
        }
    }
}
