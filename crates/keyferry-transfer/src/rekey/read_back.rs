//! Reading a copy to see that it is right, where the server keeps no checksum that could tell.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use super::Rekeyer;
use super::copier::Copying;
use super::facts::StoredSum;
use crate::checksum::{add, begin};
use crate::{Download, DownloadTarget, ObjectAddress, Silent, TransferError, download};

impl Rekeyer<'_> {
    /// Reads what was stored, with the new key, and compares its CRC64NVME with what was sent.
    pub(super) async fn read_back(
        &self,
        with: &Copying,
        copy: &ObjectAddress,
        version_id: Option<&str>,
        sent: &StoredSum,
    ) -> Result<(), TransferError> {
        let sum = Sum::new();
        let target = DownloadTarget::Writer(Box::new(sum.clone()));
        let mut request = Download::new(copy.clone(), self.rekey.key.clone(), target);
        request.version_id = version_id.map(str::to_owned);
        request.engine = with.engine.clone();
        download(self.client, request, &Silent, self.cancel.child_token()).await?;
        let computed = sum.to_base64();
        if computed == sent.value {
            return Ok(());
        }
        Err(TransferError::ChecksumMismatch {
            place: format!("the copy `{copy}`, read back"),
            algorithm: sent.algorithm.to_owned(),
            expected: sent.value.clone(),
            computed,
        })
    }
}

/// Sums what is written to it. Clones share the sum.
#[derive(Clone)]
struct Sum(Arc<Mutex<crc_fast::Digest>>);

impl Sum {
    fn new() -> Self {
        let digest = begin(crc_fast::CrcAlgorithm::Crc64Nvme);
        Self(Arc::new(Mutex::new(digest)))
    }

    fn to_base64(&self) -> String {
        let digest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        crate::checksum::Crc::of(&digest, crc_fast::CrcAlgorithm::Crc64Nvme).to_base64()
    }
}

impl AsyncWrite for Sum {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut digest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut digest, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    /// The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
    #[tokio::test]
    async fn what_is_written_is_summed() {
        let sum = Sum::new();
        let mut writer = sum.clone();
        writer.write_all(b"12345").await.unwrap();
        writer.write_all(b"6789").await.unwrap();
        assert_eq!(sum.to_base64(), "rosUhgp5mIg=");
    }
}
