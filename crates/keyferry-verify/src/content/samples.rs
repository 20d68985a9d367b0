//! Ranges of both sides, read with the key and compared.
//!
//! Faults of replication under customer keys have begun at the boundary of two parts, so ranges lie
//! across boundaries: the first, the last and some between. The others are the beginning, the end and
//! random places.

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use keyferry_key::CustomerKeyHeaders;
use rand::RngExt;

use super::parts::{boundaries, part_at};
use super::{Read, Readable, SampleProof};
use crate::answer::{Trouble, chain};
use crate::difference::Difference;
use crate::report::Unseen;
use crate::{Subject, VerifyError};

/// Bytes on each side of a boundary.
const AROUND: u64 = 4096;
/// Bytes of the other ranges.
const LENGTH: u64 = 8192;
/// Boundaries besides the first and the last.
const MORE_BOUNDARIES: usize = 4;
/// Random places.
const PLACES: usize = 4;
/// Tries of a range whose reading breaks off.
const TRIES: u32 = 3;

/// Reads samples of both sides and compares them.
pub(crate) async fn sample(
    subject: &Subject,
    key: Option<&CustomerKeyHeaders>,
    source: Readable<'_>,
    replica: Readable<'_>,
) -> Result<Read, VerifyError> {
    let size = source.view.size;
    let mut read = Read::default();
    let count = part_count(subject, key, &source).await;
    let meets = match count {
        Some(count) => {
            let numbers = chosen_parts(count, &mut rand::rng());
            boundaries(subject.parts, source.access, key, count, numbers).await
        }
        None => Vec::new(),
    };
    let in_parts = source.view.is_in_parts() || subject.parts.is_some();
    if meets.is_empty() && in_parts && count != Some(1) {
        read.unseen.push(Unseen::PartBoundaries);
    }
    let ranges = ranges(size, &meets, &mut rand::rng());
    let mut proof = SampleProof {
        ranges: 0,
        bytes: 0,
        boundaries: 0,
    };
    let mut first: Option<u64> = None;
    let mut differing = 0;
    for range in ranges {
        let (one, other) = tokio::join!(source.range(key, range), replica.range(key, range));
        let (one, other) = match (one?, other?) {
            (Ok(one), Ok(other)) => (one, other),
            (Err(difference), _) | (_, Err(difference)) => {
                read.differences.push(*difference);
                return Ok(read);
            }
        };
        proof.ranges += 1;
        proof.bytes += one.len() as u64;
        let across = |meets: &u64| range.0 < *meets && *meets < range.1;
        proof.boundaries += u32::from(meets.iter().any(across));
        let unequal = one.iter().zip(&other).enumerate();
        let mut unequal = unequal.filter(|(_, (one, other))| one != other);
        if let Some((index, _)) = unequal.next() {
            let offset = range.0 + index as u64;
            first = Some(first.map_or(offset, |first| first.min(offset)));
            differing += 1 + unequal.count() as u64;
        }
    }
    if let Some(first_offset) = first {
        read.differences.push(Difference::Content {
            first_offset,
            part: part_at(subject.parts, source.access, key, first_offset).await,
            bytes: differing,
        });
    }
    if proof.bytes < size {
        read.unseen.push(Unseen::RestOfContent);
    }
    read.samples = Some(proof);
    Ok(read)
}

/// How many parts the object has, if it was uploaded in parts and somebody tells.
async fn part_count(
    subject: &Subject,
    key: Option<&CustomerKeyHeaders>,
    source: &Readable<'_>,
) -> Option<u32> {
    match subject.parts {
        Some(layout) => Some(layout.count),
        None if source.view.is_in_parts() => Some(source.access.part(key, 1).await?.count),
        None => None,
    }
}

/// Numbers of parts to look at the beginning of.
fn chosen_parts(count: u32, random: &mut impl rand::Rng) -> Vec<u32> {
    let mut numbers = vec![2, count];
    if count > 3 {
        numbers.extend((0..MORE_BOUNDARIES).map(|_| random.random_range(3..count)));
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Ranges to read, from the first offset up to the one behind the last, none over another.
fn ranges(size: u64, meets: &[u64], random: &mut impl rand::Rng) -> Vec<(u64, u64)> {
    let mut ranges = vec![(0, LENGTH), (size.saturating_sub(LENGTH), size)];
    ranges.extend(
        meets
            .iter()
            .map(|meets| (meets.saturating_sub(AROUND), meets.saturating_add(AROUND))),
    );
    if size > 2 * LENGTH {
        ranges.extend((0..PLACES).map(|_| {
            let start = random.random_range(0..size - LENGTH);
            (start, start + LENGTH)
        }));
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        let end = end.min(size);
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ if start < end => merged.push((start, end)),
            _ => {}
        }
    }
    merged
}

impl Readable<'_> {
    /// Reads a range. The inner error is a side that cannot be read there.
    async fn range(
        &self,
        key: Option<&CustomerKeyHeaders>,
        (start, end): (u64, u64),
    ) -> Result<Result<Bytes, Box<Difference>>, VerifyError> {
        let side = self.side;
        let changed = |detail: &str| {
            Ok(Err(Box::new(Difference::ChangedWhileRead {
                side,
                detail: detail.to_owned(),
            })))
        };
        let mut last = String::new();
        for _ in 0..TRIES {
            let range = format!("bytes={start}-{}", end - 1);
            let etag = self.view.etag.as_deref();
            match self.access.get(key, Some(range), etag).await {
                Ok(output) => match collected(output.body, end - start).await {
                    Ok(bytes) => return Ok(Ok(bytes)),
                    Err(detail) => last = detail,
                },
                Err(Trouble::Refused(refusal)) if refusal.status == 412 => {
                    return changed("its entity tag is another now");
                }
                Err(Trouble::Refused(refusal)) if refusal.is_absence() => {
                    return changed("it is gone");
                }
                Err(Trouble::Refused(refusal)) if refusal.status >= 500 => {
                    last = refusal.to_string();
                }
                Err(trouble) => return Err(self.access.error("GetObject", trouble)),
            }
        }
        Ok(Err(Box::new(Difference::Unreadable {
            side,
            offset: start,
            part: part_at(None, self.access, key, start).await,
            detail: last,
        })))
    }
}

/// All of a range, or what is wrong with the answer.
async fn collected(mut body: ByteStream, length: u64) -> Result<Bytes, String> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| chain(&error))?);
        if bytes.len() as u64 > length {
            return Err("the server sends more than the range that was asked for".to_owned());
        }
    }
    match bytes.len() as u64 == length {
        true => Ok(bytes.freeze()),
        false => Err("the response ended early".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The first and the last byte are read, every boundary is crossed, and no byte is read twice.
        #[test]
        fn ranges_cover_ends_and_boundaries(
            size in 1_u64..50_000_000,
            at in proptest::collection::vec(0.0_f64..1.0, 0..6),
        ) {
            let meets: Vec<u64> = at.iter().map(|at| 1 + (at * (size - 1) as f64) as u64).collect();
            let meets: Vec<u64> = meets.into_iter().filter(|meets| *meets < size).collect();
            let ranges = ranges(size, &meets, &mut rand::rng());
            prop_assert_eq!(ranges.first().map(|range| range.0), Some(0));
            prop_assert_eq!(ranges.last().map(|range| range.1), Some(size));
            prop_assert!(ranges.iter().all(|range| range.0 < range.1));
            prop_assert!(ranges.windows(2).all(|two| two[0].1 < two[1].0));
            for meets in meets {
                prop_assert!(ranges.iter().any(|range| range.0 < meets && meets < range.1));
            }
        }
    }

    #[test]
    fn an_empty_object_has_no_ranges() {
        assert!(ranges(0, &[], &mut rand::rng()).is_empty());
    }

    #[test]
    fn the_first_and_the_last_boundary_are_always_chosen() {
        assert_eq!(chosen_parts(2, &mut rand::rng()), [2]);
        assert_eq!(chosen_parts(3, &mut rand::rng()), [2, 3]);
        let many = chosen_parts(10_000, &mut rand::rng());
        assert_eq!((many.first(), many.last()), (Some(&2), Some(&10_000)));
    }
}
