//! Request bodies: bytes of a part in frames, counted as they go, and again from the beginning for
//! each attempt.

use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::meter::PartMeter;
use super::reading::PartBytes;

/// Small enough for smooth progress, large enough to cost nothing.
const FRAME: u64 = 256 << 10;

/// A body for the SDK, which asks for a fresh one at each attempt.
pub(super) fn body(bytes: &PartBytes, meter: &PartMeter) -> ByteStream {
    let (bytes, meter) = (bytes.clone(), meter.clone());
    ByteStream::new(SdkBody::retryable(move || {
        meter.begin_attempt();
        SdkBody::from_body_1_x(PartBody {
            left: bytes.len(),
            bytes: bytes.clone(),
            sent: 0,
            reading: None,
            meter: meter.clone(),
        })
    }))
}

struct PartBody {
    bytes: PartBytes,
    sent: u64,
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    meter: PartMeter,
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let length = this.left.min(FRAME);
        if length == 0 {
            return Poll::Ready(None);
        }
        let frame = match &this.bytes {
            PartBytes::Memory(bytes) => {
                let from = usize::try_from(this.sent).map_err(io::Error::other)?;
                let to = usize::try_from(this.sent + length).map_err(io::Error::other)?;
                bytes.slice(from..to)
            }
            PartBytes::File { file, offset, .. } => {
                let at = offset + this.sent;
                let reading = this.reading.get_or_insert_with(|| {
                    let file = std::sync::Arc::clone(file);
                    tokio::task::spawn_blocking(move || {
                        let mut frame = vec![0; usize::try_from(length).unwrap_or(0)];
                        file.file.read_exact_at(&mut frame, at)?;
                        Ok(Bytes::from(frame))
                    })
                });
                let read = ready!(Pin::new(reading).poll(context));
                this.reading = None;
                read.map_err(io::Error::other)??
            }
        };
        this.sent += length;
        this.left -= length;
        this.meter.count(length);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
