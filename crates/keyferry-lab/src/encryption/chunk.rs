//! Sealed chunks.

/// Bytes of plaintext in every chunk but the last.
pub(crate) const CHUNK_PLAINTEXT: usize = 64 * 1024;

/// Seals and opens the chunks of one segment.
#[derive(Debug)]
pub(crate) struct SegmentCipher {}
