//! Which part of an object holds an offset, and where parts meet.
//!
//! A receipt tells how its object was cut. Otherwise the server is asked, part by part (S3-XFER-19);
//! the parts need not be of one size.

use keyferry_key::CustomerKeyHeaders;
use keyferry_transfer::PartLayout;

use crate::access::{ObjectAccess, Part};

/// Number of the part that holds an offset, from 1; none where the cut is not known, or the object is in
/// one piece.
pub(super) async fn part_at(
    known: Option<PartLayout>,
    access: &ObjectAccess,
    key: Option<&CustomerKeyHeaders>,
    offset: u64,
) -> Option<u32> {
    if let Some(layout) = known {
        return in_layout(layout, offset);
    }
    let mut halving = Halving::new(access.part(key, 1).await?.count);
    while let Some(number) = halving.number() {
        if halving.take(&access.part(key, number).await?, offset)? {
            return Some(number);
        }
    }
    None
}

/// Number of the part that holds an offset, where all but the last are of one size.
fn in_layout(parts: PartLayout, offset: u64) -> Option<u32> {
    let index = offset.checked_div(parts.part_size)?;
    let number = u32::try_from(index).ok()?.checked_add(1)?;
    (number <= parts.count).then_some(number)
}

/// The search for a part by halves.
struct Halving {
    low: u32,
    high: u32,
}

impl Halving {
    fn new(count: u32) -> Self {
        Self {
            low: 1,
            high: count,
        }
    }

    /// The part to ask for.
    fn number(&self) -> Option<u32> {
        (self.low <= self.high).then(|| self.low + (self.high - self.low) / 2)
    }

    /// Takes it in, and says whether it holds the offset.
    fn take(&mut self, part: &Part, offset: u64) -> Option<bool> {
        let number = self.number()?;
        let start = part.start?;
        if offset < start {
            self.high = number.checked_sub(1)?;
        } else if offset >= start.checked_add(part.length)? {
            self.low = number.checked_add(1)?;
        } else {
            return Some(true);
        }
        Some(false)
    }
}

/// Where some parts begin, the first one apart: where parts meet. Those asked for by number; fewer
/// where the server does not tell.
pub(super) async fn boundaries(
    known: Option<PartLayout>,
    access: &ObjectAccess,
    key: Option<&CustomerKeyHeaders>,
    count: u32,
    numbers: impl IntoIterator<Item = u32>,
) -> Vec<u64> {
    let mut found = Vec::new();
    for number in numbers {
        if !(2..=count).contains(&number) {
            continue;
        }
        let start = match known {
            Some(layout) => layout.part_size.checked_mul(u64::from(number - 1)),
            None => access.part(key, number).await.and_then(|part| part.start),
        };
        found.extend(start);
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_belong_to_parts() {
        let parts = PartLayout {
            part_size: 10,
            count: 3,
        };
        assert_eq!(in_layout(parts, 0), Some(1));
        assert_eq!(in_layout(parts, 9), Some(1));
        assert_eq!(in_layout(parts, 10), Some(2));
        assert_eq!(in_layout(parts, 29), Some(3));
        assert_eq!(in_layout(parts, 30), None);
        let none = PartLayout {
            part_size: 0,
            count: 3,
        };
        assert_eq!(in_layout(none, 0), None);
    }

    #[test]
    fn parts_of_any_size_are_found_by_halves() {
        let lengths = [5_u64, 1, 70, 3, 3, 40, 1];
        let count = lengths.len() as u32;
        let find = |offset| {
            let mut halving = Halving::new(count);
            while let Some(number) = halving.number() {
                let before = &lengths[..number as usize - 1];
                let part = Part {
                    count,
                    length: lengths[before.len()],
                    start: Some(before.iter().sum()),
                };
                if halving.take(&part, offset).unwrap() {
                    return Some(number);
                }
            }
            None
        };
        let mut offset = 0;
        for (index, length) in lengths.iter().enumerate() {
            for _ in 0..*length {
                assert_eq!(find(offset), Some(index as u32 + 1), "{offset}");
                offset += 1;
            }
        }
        assert_eq!(find(offset), None);
    }
}
