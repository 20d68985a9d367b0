//! What an earlier download wrote, and whether it still holds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};

use super::{Header, Partial, WrittenLine};
use crate::TransferError;
use crate::checksum::Crc;

/// A download that can be continued.
#[derive(Debug)]
pub(in crate::download) struct Earlier {
    pub(in crate::download) header: Header,
    pub(in crate::download) file: Arc<File>,
    pub(super) written: Vec<WrittenLine>,
}

impl Earlier {
    /// Sums again what was written, and keeps what is as it was: where each stretch starts, and its
    /// CRC.
    pub(in crate::download) async fn checked(
        &mut self,
        partial: &Partial,
        mut each: impl FnMut(u64),
    ) -> Result<Vec<(u64, Crc)>, TransferError> {
        let mut sound = Vec::new();
        for range in std::mem::take(&mut self.written) {
            let file = Arc::clone(&self.file);
            let length = range.to - range.from;
            let summed =
                tokio::task::spawn_blocking(move || sum(&file, range.from, length)).await?;
            match summed {
                Ok(crc) if crc.to_base64() == range.crc => {
                    sound.push((range.from, crc));
                    each(length);
                }
                // Not readable is as good as not written.
                _ => partial.take_off(length),
            }
        }
        Ok(sound)
    }
}

pub(super) fn sum(file: &File, from: u64, length: u64) -> io::Result<Crc> {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    let mut buffer = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(1 << 20)];
    let mut done = 0;
    while done < length {
        let piece = (length - done).min(buffer.len() as u64);
        let piece = usize::try_from(piece).unwrap_or(usize::MAX);
        let space = buffer.get_mut(..piece).unwrap_or_default();
        file.read_exact_at(space, from + done)?;
        digest.update(space);
        done += piece as u64;
    }
    Ok(Crc::of(&digest, CrcAlgorithm::Crc64Nvme))
}
