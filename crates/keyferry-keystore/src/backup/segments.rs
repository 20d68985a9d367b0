//! The journal, cut into documents.
//!
//! Where it is cut depends on the lines alone, so a full segment never changes while the journal
//! grows; only the last one, below the limit, is replaced by a longer one.

use crate::journal::Head;

/// A segment ends with the line that brings it to this size.
const FULL: usize = 1 << 20;

pub(crate) const FOLDER: &str = "journal/";
const SUFFIX: &str = ".jsonl.age";

/// Consecutive lines of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) lines: &'a [u8],
}

impl Segment<'_> {
    pub(crate) fn name(&self) -> String {
        format!("{FOLDER}{:08}-{:08}{SUFFIX}", self.first, self.last)
    }
}

/// The first and last line in a document of this name.
pub(crate) fn bounds_of(name: &str) -> Option<(u64, u64)> {
    let numbers = name.strip_prefix(FOLDER)?.strip_suffix(SUFFIX)?;
    let (first, last) = numbers.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Cuts a whole journal.
pub(crate) fn cut(journal: &[u8]) -> Vec<Segment<'_>> {
    cut_at(journal, FULL)
}

fn cut_at(journal: &[u8], full: usize) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let (mut first, mut line, mut begin, mut end) = (1, 0, 0, 0);
    for text in journal.split_inclusive(|byte| *byte == b'\n') {
        line += 1;
        end += text.len();
        if end - begin >= full || end == journal.len() {
            segments.push(Segment {
                first,
                last: line,
                lines: journal.get(begin..end).unwrap_or_default(),
            });
            (first, begin) = (line + 1, end);
        }
    }
    segments
}

/// Whether segments of these bounds, in order, are the journal up to a line and nothing else.
pub(crate) fn are_whole(bounds: &[(u64, u64)], journal: &Head) -> bool {
    let mut next = 1;
    for (first, last) in bounds {
        if *first != next || last < first {
            return false;
        }
        next = last + 1;
    }
    next == journal.seq + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_segments_stay_while_the_journal_grows() {
        let lines: Vec<String> = (1..=50).map(|line| format!("line {line}\n")).collect();
        let mut before: Vec<(u64, u64)> = Vec::new();
        for count in 1..=lines.len() {
            let journal = lines[..count].concat();
            let segments = cut_at(journal.as_bytes(), 30);
            let bounds: Vec<_> = segments
                .iter()
                .map(|each| (each.first, each.last))
                .collect();
            let joined: Vec<u8> = segments
                .iter()
                .flat_map(|each| each.lines.to_vec())
                .collect();
            assert_eq!(joined, journal.as_bytes());
            let head = Head {
                seq: count as u64,
                entry: String::new(),
            };
            assert!(are_whole(&bounds, &head));
            let changed = bounds.iter().filter(|each| !before.contains(each)).count();
            assert_eq!(changed, 1, "{bounds:?}");
            before = bounds;
        }
        assert!(before.len() > 5);
        let name = cut_at(b"x\ny\n", 30)[0].name();
        assert_eq!(bounds_of(&name), Some((1, 2)), "{name}");
    }

    #[test]
    fn gaps_are_noticed() {
        let head = Head {
            seq: 4,
            entry: String::new(),
        };
        assert!(are_whole(&[(1, 2), (3, 4)], &head));
        for bad in [
            &[(1, 2)][..],
            &[(3, 4)],
            &[(1, 2), (4, 4)],
            &[(1, 2), (2, 4)],
            &[(1, 5)],
            &[],
        ] {
            assert!(!are_whole(bad, &head), "{bad:?}");
        }
    }
}
