//! Digests of both sides, computed once for as long as they are equal.

use base64::prelude::{BASE64_STANDARD, Engine};
use crc_fast::CrcAlgorithm;
use sha2::{Digest as _, Sha256};

/// The digests of one stream.
#[derive(Clone)]
struct Running {
    crc64nvme: crc_fast::Digest,
    sha256: Sha256,
}

/// The digests of two streams that are equal until they are not.
#[derive(Default)]
pub(super) struct Digests {
    source: Running,
    /// Of its own only after the first difference: most often there is none.
    replica: Option<Running>,
}

/// Finished digests, written as S3 and receipts write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    /// In base64.
    pub(super) crc64nvme: String,
    /// In hex.
    pub(super) sha256: String,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            crc64nvme: crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme),
            sha256: Sha256::new(),
        }
    }
}

impl Running {
    fn update(&mut self, bytes: &[u8]) {
        self.crc64nvme.update(bytes);
        self.sha256.update(bytes);
    }

    fn finish(self) -> Values {
        Values {
            crc64nvme: BASE64_STANDARD.encode(self.crc64nvme.finalize().to_be_bytes()),
            sha256: self
                .sha256
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}

impl Digests {
    /// Takes the next bytes of both; `differ` says whether the streams differ by now.
    pub(super) fn update(&mut self, source: &[u8], replica: &[u8], differ: bool) {
        if differ {
            self.replica
                .get_or_insert_with(|| self.source.clone())
                .update(replica);
        }
        self.source.update(source);
    }

    /// The digests of the source and of the replica.
    pub(super) fn finish(self) -> (Values, Values) {
        let source = self.source.finish();
        let replica = self.replica.map_or_else(|| source.clone(), Running::finish);
        (source, replica)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC from the catalogue of parametrised CRC algorithms, SHA-256 from `printf 123456789 | sha256sum`.
    #[test]
    fn values_are_the_known_ones() {
        let mut digests = Digests::default();
        digests.update(b"1234", b"1234", false);
        digests.update(b"56789", b"56789", false);
        let (source, replica) = digests.finish();
        assert_eq!(
            source.crc64nvme,
            BASE64_STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes())
        );
        assert_eq!(
            source.sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(source, replica);
    }

    #[test]
    fn a_replica_that_strays_has_digests_of_its_own() {
        let mut digests = Digests::default();
        digests.update(b"12", b"12", false);
        digests.update(b"34", b"3x", true);
        digests.update(b"56", b"56", true);
        let (source, replica) = digests.finish();
        let whole = |bytes: &[u8]| {
            let mut running = Running::default();
            running.update(bytes);
            running.finish()
        };
        assert_eq!(source, whole(b"123456"));
        assert_eq!(replica, whole(b"123x56"));
    }
}
