//! Fetching into a file, or what an earlier run did not fetch.
//!
//! An earlier download is continued when the object is still the one it was of, which If-Match makes
//! sure of, with those of its ranges that sum up to what was written down. The first request asks for
//! the first bytes that are missing.

use std::sync::{Arc, OnceLock};

use super::object::{Fetching, RemoteObject};
use super::opening::FirstBody;
use super::partial::{Earlier, Header, Left, Partial};
use super::range::Range;
use super::target::{Complete, Incomplete};
use super::{Verification, to_file};
use crate::checksum::Crc;
use crate::resume::FORMAT;
use crate::{Event, Resume, StartedOver, TransferError};

/// Stretches of the object that are in the file already: where each starts, and its CRC.
pub(super) type Done = Vec<(u64, Crc)>;

/// Fills the file and verifies it. `kept` gets what stays when the download breaks off.
pub(super) async fn fetch(
    fetching: &Fetching<'_>,
    mut file: Incomplete,
    resume: Option<Resume>,
    kept: &OnceLock<Arc<Partial>>,
) -> Result<(RemoteObject, Verification, Complete), TransferError> {
    let mut may_keep = resume.is_some();
    let mut old = None;
    if let Some(resume) = resume {
        match file.left(fetching, resume).await? {
            Left::Nothing { busy } => may_keep = !busy,
            Left::Unfit(partial, why) => {
                start_over(fetching, why);
                old = Some(partial);
            }
            Left::Fits(partial, earlier) => {
                let _only_once = kept.set(Arc::clone(&partial));
                match reopen(fetching, &partial, earlier).await? {
                    Some(again) => {
                        let file = file.adopt(again.file, partial).await?;
                        return fill(fetching, again.object, again.first, again.done, file).await;
                    }
                    None => {
                        start_over(fetching, StartedOver::ObjectChanged);
                        old = Some(partial);
                    }
                }
            }
        }
    }
    let (object, first) = fetching.open().await?;
    fetching.events.on(Event::Started {
        total: Some(object.size),
    });
    if may_keep && object.size > first.length {
        let header = Header {
            format: FORMAT,
            source: fetching.source.clone(),
            version_id: object.version_id.clone(),
            etag: object.etag.clone(),
            size: object.size,
        };
        file = file.keep(old, header).await?;
        if let Some(partial) = &file.partial {
            let _already = kept.set(Arc::clone(partial));
        }
    } else if let Some(old) = old {
        Partial::remove(old).await;
    }
    fill(fetching, object, first, Done::new(), file).await
}

async fn fill(
    fetching: &Fetching<'_>,
    object: RemoteObject,
    first: FirstBody,
    done: Done,
    file: Incomplete,
) -> Result<(RemoteObject, Verification, Complete), TransferError> {
    let (verification, file) = to_file::fetch(fetching, &object, first, done, file).await?;
    Ok((object, verification, file))
}

fn start_over(fetching: &Fetching<'_>, why: StartedOver) {
    fetching.events.on(Event::StartedOver { why });
}

/// An earlier download that goes on.
struct Again {
    object: RemoteObject,
    first: FirstBody,
    done: Done,
    file: Arc<std::fs::File>,
}

/// Checks what is there, and asks for the first bytes that are not; `None` when the object is
/// another one by now.
async fn reopen(
    fetching: &Fetching<'_>,
    partial: &Partial,
    mut earlier: Earlier,
) -> Result<Option<Again>, TransferError> {
    let events = fetching.events;
    let size = earlier.header.size;
    events.on(Event::Started { total: Some(size) });
    let done = earlier
        .checked(partial, |bytes| events.on(Event::AlreadyThere { bytes }))
        .await?;
    events.on(Event::Resuming {
        there: partial.kept(),
    });
    // With all bytes there the object is asked for one, to hear of it.
    let (from, to) = missing(&done, size, fetching.range_size)
        .next()
        .map_or((0, 1), |range| (range.start, range.end));
    let Header {
        etag, version_id, ..
    } = earlier.header;
    match fetching.reopen(&etag, from, to).await {
        Ok((object, first)) if object.size == size && object.version_id == version_id => {
            Ok(Some(Again {
                object,
                first,
                done,
                file: earlier.file,
            }))
        }
        Ok(_) | Err(TransferError::ChangedDuringDownload { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Cuts what is missing into ranges.
pub(super) fn missing(
    done: &[(u64, Crc)],
    size: u64,
    range_size: u64,
) -> impl Iterator<Item = Range> + use<> {
    let mut gaps = Vec::new();
    let mut end = 0;
    for (start, crc) in done {
        if *start > end {
            gaps.push((end, *start));
        }
        end = start + crc.length();
    }
    if end < size {
        gaps.push((end, size));
    }
    let mut gaps = gaps.into_iter();
    let mut gap = gaps.next();
    let mut number = 0;
    std::iter::from_fn(move || {
        let (start, to) = gap?;
        let end = start.saturating_add(range_size).min(to);
        gap = if end < to {
            Some((end, to))
        } else {
            gaps.next()
        };
        number += 1;
        Some(Range { number, start, end })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crc_fast::{CrcAlgorithm, Digest};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_missing_is_cut(lengths in prop::collection::vec((0_u64..50, any::<bool>()), 0..20), range_size in 1_u64..30) {
            let mut at = 0;
            let mut done = Vec::new();
            for (length, there) in lengths {
                if there && length > 0 {
                    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
                    digest.update(&vec![0; usize::try_from(length).unwrap()]);
                    done.push((at, Crc::of(&digest, CrcAlgorithm::Crc64Nvme)));
                }
                at += length;
            }
            let mut covered: Vec<(u64, u64)> = done
                .iter()
                .map(|(start, crc)| (*start, start + crc.length()))
                .collect();
            for (index, range) in missing(&done, at, range_size).enumerate() {
                prop_assert_eq!(range.number as usize, index + 1);
                prop_assert!(range.start < range.end && range.end - range.start <= range_size);
                covered.push((range.start, range.end));
            }
            covered.sort_unstable();
            let mut end = 0;
            for (from, to) in covered {
                prop_assert_eq!(from, end);
                end = to;
            }
            prop_assert_eq!(end, at);
        }
    }
}
