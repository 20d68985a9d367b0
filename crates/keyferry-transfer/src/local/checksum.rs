//! The checksum of a file, to compare it with what S3 keeps of an object.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use tokio_util::sync::CancellationToken;

use crate::checksum::Summing;
use crate::{ChecksumAlgorithm, TransferError};

const BUFFER: usize = 1 << 20;

/// Reads a file and sums it, in base64 as S3 writes checksums over full objects.
///
/// # Errors
/// When it cannot be read, and when the token is cancelled.
pub async fn file_checksum(
    path: &Path,
    algorithm: ChecksumAlgorithm,
    cancel: &CancellationToken,
) -> Result<String, TransferError> {
    let (path, cancel) = (path.to_owned(), cancel.clone());
    tokio::task::spawn_blocking(move || sum(path, algorithm, &cancel)).await?
}

fn sum(
    path: PathBuf,
    algorithm: ChecksumAlgorithm,
    cancel: &CancellationToken,
) -> Result<String, TransferError> {
    let unreadable = |source| TransferError::SourceUnreadable {
        path: path.clone(),
        source,
    };
    let mut file = File::open(&path).map_err(unreadable)?;
    let mut summing = Summing::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    loop {
        if cancel.is_cancelled() {
            return Err(TransferError::Interrupted);
        }
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(BASE64_STANDARD.encode(summing.finish())),
            read => summing.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_summed_as_s3_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "123456789").unwrap();
        let cancel = CancellationToken::new();
        let sum = async |algorithm| file_checksum(&path, algorithm, &cancel).await.unwrap();
        // The check values of the algorithms, of these nine digits.
        assert_eq!(sum(ChecksumAlgorithm::Crc64Nvme).await, "rosUhgp5mIg=");
        assert_eq!(sum(ChecksumAlgorithm::Crc32C).await, "4waSgw==");
        let missing = folder.path().join("missing");
        let missing = file_checksum(&missing, ChecksumAlgorithm::Crc32, &cancel).await;
        assert!(matches!(
            missing,
            Err(TransferError::SourceUnreadable { .. })
        ));
    }
}
