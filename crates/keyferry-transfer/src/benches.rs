//! What the benches measure of the inside. Nothing here is meant for other users.

use std::fs::File;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use crate::checksum::Crc;
use crate::download::reassemble;

/// The CRC64NVME of some bytes, as S3 writes it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    crc(bytes).to_base64()
}

/// The CRC64NVME of a whole, from those of its parts.
#[must_use]
pub fn combined_checksum(parts: &[&[u8]]) -> String {
    let nothing = Crc::of_nothing(CrcAlgorithm::Crc64Nvme);
    let whole = parts
        .iter()
        .fold(nothing, |whole, part| whole.then(crc(part)));
    whole.to_base64()
}

/// Writes ranges, each in pieces, to their places in a file; the CRC64NVME of the whole.
///
/// # Errors
/// When the file cannot be written.
pub fn reassembled(file: &File, ranges: &[(u64, Vec<Bytes>)]) -> std::io::Result<String> {
    Ok(reassemble(file, ranges)?.to_base64())
}

fn crc(bytes: &[u8]) -> Crc {
    let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(bytes);
    Crc::of(&digest, CrcAlgorithm::Crc64Nvme)
}
