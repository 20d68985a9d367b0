//! From one bucket to another through this machine, where the server cannot copy: a download and an
//! upload side by side, with a bounded buffer between them. Nothing touches a disk.
//!
//! The upload is completed only when the download has been verified: a content that broke off, or was
//! damaged, is not stored.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::Client;
use futures::future::{self, BoxFuture, FutureExt};
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    Download, DownloadTarget, Downloaded, Observer, Silent, TransferError, Upload, UploadSource,
    Uploaded, download, upload,
};

/// What is between the two at most.
const BUFFER: usize = 4 << 20;

/// Downloads and uploads at once. Where the content goes and comes from is set here; `events` is told
/// of the upload.
///
/// # Errors
/// Whatever failed first. Nothing is stored then, as after any failed upload.
pub(crate) fn relay<'a>(
    from: &'a Client,
    mut source: Download,
    to: &'a Client,
    mut destination: Upload,
    events: &'a dyn Observer,
    cancel: &'a CancellationToken,
) -> BoxFuture<'a, Result<(Downloaded, Uploaded), TransferError>> {
    let (writer, reader) = tokio::io::duplex(BUFFER);
    let (verdict, awaited) = oneshot::channel();
    source.destination = DownloadTarget::Writer(Box::new(writer));
    destination.source = UploadSource::Reader(Box::new(Verified {
        content: reader,
        verdict: Some(awaited),
    }));
    // Boxed, so that the compiler can tell that all of it may be sent to another thread.
    let downloading = async move {
        let downloaded = download(from, source, &Silent, cancel.child_token()).await;
        if downloaded.is_ok() {
            // The upload may have failed meanwhile, and then nobody listens.
            let _ = verdict.send(());
        } else {
            drop(verdict);
        }
        downloaded
    }
    .boxed();
    let uploading = upload(to, destination, events, cancel.child_token()).boxed();
    future::join(downloading, uploading)
        .map(|both| match both {
            (Ok(downloaded), Ok(uploaded)) => Ok((downloaded, uploaded)),
            // It broke off because nobody took what it gave.
            (Err(TransferError::OutputUnwritable { .. }), Err(error)) => Err(error),
            (Err(error), _) | (_, Err(error)) => Err(error),
        })
        .boxed()
}

/// Content that ends well only if it was verified.
struct Verified {
    content: DuplexStream,
    verdict: Option<oneshot::Receiver<()>>,
}

impl AsyncRead for Verified {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.content).poll_read(context, buffer))?;
        if buffer.filled().len() > before || buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(verdict) = &mut self.verdict else {
            return Poll::Ready(Ok(()));
        };
        let verified = ready!(Pin::new(verdict).poll(context));
        self.verdict = None;
        Poll::Ready(verified.map_err(|_| io::Error::other("the source was not read to its end")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn read(verified: bool) -> io::Result<Vec<u8>> {
        let (mut writer, content) = tokio::io::duplex(4);
        let (verdict, awaited) = oneshot::channel();
        let mut reader = Verified {
            content,
            verdict: Some(awaited),
        };
        let write = async move {
            writer.write_all(b"some content").await.unwrap();
            drop(writer);
            tokio::task::yield_now().await;
            if verified {
                verdict.send(()).unwrap();
            }
        };
        let mut bytes = Vec::new();
        let (_, read) = tokio::join!(write, reader.read_to_end(&mut bytes));
        read.map(|_| bytes)
    }

    #[tokio::test]
    async fn content_ends_well_only_if_it_was_verified() {
        assert_eq!(read(true).await.unwrap(), b"some content");
        assert!(read(false).await.is_err());
    }
}
