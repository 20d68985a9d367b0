//! Sizes and durations as people read them.

use std::fmt::Display;

/// Bytes: `64.0 MiB`.
pub fn human_bytes(bytes: u64) -> impl Display {
    bytesize::ByteSize(bytes).display().iec()
}
