//! The content of every object: one block of random bytes, over and over.
//!
//! Its checksum is computed from the block's, so that clients can verify what they fetched and it
//! costs nothing here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum, checksum_combine};
use http_body::{Body, Frame, SizeHint};
use rand::Rng as _;

/// Small enough to stay in a processor's cache while it is encrypted. Odd, so that bytes of another
/// range are never the right ones by chance.
const BLOCK: usize = (512 << 10) - 1;

fn block() -> &'static Bytes {
    static BLOCK_BYTES: OnceLock<Bytes> = OnceLock::new();
    BLOCK_BYTES.get_or_init(|| {
        let mut block = vec![0; BLOCK];
        rand::rng().fill_bytes(&mut block);
        block.into()
    })
}

/// CRC64NVME of an object of this size, as S3 writes it.
pub(crate) fn crc64_nvme(size: u64) -> String {
    let algorithm = CrcAlgorithm::Crc64Nvme;
    let (blocks, rest) = (size / BLOCK as u64, (size % BLOCK as u64) as usize);
    let sum = |bytes: &[u8]| checksum(algorithm, bytes);
    let append = |left: Option<u64>, right: u64, length: u64| match left {
        Some(left) => checksum_combine(algorithm, left, right, length),
        None => right,
    };
    // By doubling: twice as many blocks each time, added where the count has that bit.
    let mut all = None;
    let (mut power, mut length) = (sum(block()), BLOCK as u64);
    let mut left = blocks;
    while left > 0 {
        if left & 1 == 1 {
            all = Some(append(all, power, length));
        }
        left >>= 1;
        if left > 0 {
            power = checksum_combine(algorithm, power, power, length);
            length *= 2;
        }
    }
    let tail = block().get(..rest).unwrap_or_default();
    if !tail.is_empty() {
        all = Some(append(all, sum(tail), rest as u64));
    }
    BASE64_STANDARD.encode(all.unwrap_or_else(|| sum(b"")).to_be_bytes())
}

/// Bytes of an object, as a body.
pub(crate) struct Stretch {
    offset: u64,
    left: u64,
}

impl Stretch {
    pub(crate) fn new(offset: u64, length: u64) -> Self {
        Self {
            offset,
            left: length,
        }
    }
}

impl Body for Stretch {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let from = (self.offset % BLOCK as u64) as usize;
        let length = self.left.min((BLOCK - from) as u64);
        self.offset += length;
        self.left -= length;
        let bytes = block().slice(from..from + length as usize);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(size: usize) -> Vec<u8> {
        block().iter().copied().cycle().take(size).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_sum_is_that_of_the_content(size in 0_usize..9 * BLOCK) {
            let expected = checksum(CrcAlgorithm::Crc64Nvme, &content(size)).to_be_bytes();
            prop_assert_eq!(crc64_nvme(size as u64), BASE64_STANDARD.encode(expected));
        }
    }

    #[test]
    fn whole_blocks_sum_up_too() {
        for blocks in [1, 2, 3, 8] {
            let expected = checksum(CrcAlgorithm::Crc64Nvme, &content(blocks * BLOCK));
            let expected = BASE64_STANDARD.encode(expected.to_be_bytes());
            assert_eq!(crc64_nvme((blocks * BLOCK) as u64), expected);
        }
    }
}
