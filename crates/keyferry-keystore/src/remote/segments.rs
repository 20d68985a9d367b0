//! The journal in segments.

use super::Remote;
use crate::DocumentsError;
use crate::documents::Revision;

/// A segment of at least this many bytes takes no more entries. Part of the format: it decides where a
/// segment ends.
pub(crate) const FULL: usize = 32 << 10;

/// The longest entry. A segment is then smaller than 64 KiB, which is what places can hold.
pub(super) const LONGEST_LINE: usize = 30 << 10;

/// How many segments there can be: as many as their names have numbers.
const MOST: u32 = 999_999;

/// The last segment of a journal.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) bytes: Vec<u8>,
    /// `None` if it is yet to be begun.
    pub(super) revision: Option<Revision>,
}

/// What a place has of the journal from some segment on.
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    pub(super) last: Segment,
}

pub(super) fn name(number: u32) -> String {
    format!("journal/{number:06}")
}

/// The number of the segment that the last of these lines is in, and where that segment begins in them.
pub(super) fn last_of(lines: &[u8]) -> (u32, usize) {
    let (mut number, mut start, mut end) = (1, 0, 0);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if end - start >= FULL {
            number += 1;
            start = end;
        }
        end += line.len();
    }
    (number, start)
}

impl Remote {
    /// Reads the journal from a segment on.
    pub(super) fn fetch_from(&self, mut number: u32) -> Result<Fetched, DocumentsError> {
        let mut bytes = Vec::new();
        while number <= MOST {
            let document = self.documents.read(&name(number))?;
            let Some(document) = document else {
                break;
            };
            bytes.extend_from_slice(&document.bytes);
            if document.bytes.len() < FULL {
                let last = Segment {
                    number,
                    bytes: document.bytes.to_vec(),
                    revision: Some(document.revision),
                };
                return Ok(Fetched { bytes, last });
            }
            number += 1;
        }
        let last = Segment {
            number,
            bytes: Vec::new(),
            revision: None,
        };
        Ok(Fetched { bytes, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_segment_ends_is_seen_from_its_lines() {
        assert_eq!(last_of(b""), (1, 0));
        assert_eq!(last_of(b"{}\n{}\n"), (1, 0));
        let full = format!("{}\n", "x".repeat(FULL - 1));
        assert_eq!(last_of(full.as_bytes()), (1, 0));
        assert_eq!(last_of(format!("{full}{{}}\n").as_bytes()), (2, FULL));
        let short = format!("{}\n", "x".repeat(FULL - 2));
        assert_eq!(last_of(format!("{short}{{}}\n").as_bytes()), (1, 0));
        let two = format!("{short}{{}}\n{short}{{}}\n{{}}\n");
        assert_eq!(last_of(two.as_bytes()), (3, 2 * (short.len() + 3)));
    }
}
