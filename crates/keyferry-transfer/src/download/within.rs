//! An object that came whole with the first answer, to a file among many.
//!
//! It is collected in memory first, so that one switch to the blocking threads is enough to sum it,
//! make the file and write it. The file takes its name later, together with others.

use std::io::Write;

use bytes::Bytes;

use super::Verification;
use super::object::{Fetching, RemoteObject};
use super::opening::FirstBody;
use super::range::{Range, RangeReader};
use super::target::Within;
use super::verification::{Expected, InOrder};
use crate::local::{SYNCS_TOGETHER, Unnamed};
use crate::{Event, TransferError};

pub(super) async fn fetch(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    first: FirstBody,
    within: Within,
) -> Result<(Verification, Unnamed), TransferError> {
    let size = object.size;
    let content = collect(fetching, object, Some(first)).await?;
    fetching.events.on(Event::Advanced { bytes: size });
    fetching.events.on(Event::PartDone {
        number: 1,
        bytes: size,
    });
    let expected = Expected::of(fetching, object).await?;
    match write(fetching, expected.clone(), content, size, within).await? {
        Written::Done(verification, file) => Ok((verification, file)),
        // What was damaged on the way comes whole the second time.
        Written::Damaged(_, within) => {
            fetching.events.on(Event::Retried { number: 1 });
            let content = collect(fetching, object, None).await?;
            match write(fetching, expected, content, size, within).await? {
                Written::Done(verification, file) => Ok((verification, file)),
                Written::Damaged(error, _) => Err(error),
            }
        }
    }
}

/// Whether the content was what was uploaded, and is in a file.
enum Written {
    Done(Verification, Unnamed),
    /// It did not reach the disk.
    Damaged(TransferError, Within),
}

async fn collect(
    fetching: &Fetching<'_>,
    object: &RemoteObject,
    first: Option<FirstBody>,
) -> Result<Vec<Bytes>, TransferError> {
    let range = Range {
        number: 1,
        start: 0,
        end: object.size,
    };
    let mut reader = RangeReader::new(fetching, object, range, first);
    let mut content = Vec::new();
    while let Some(bytes) = reader.next().await? {
        content.push(bytes);
    }
    Ok(content)
}

async fn write(
    fetching: &Fetching<'_>,
    expected: Expected,
    content: Vec<Bytes>,
    size: u64,
    within: Within,
) -> Result<Written, TransferError> {
    let mut in_order = InOrder::new(expected, size);
    let source = fetching.source.clone();
    tokio::task::spawn_blocking(move || {
        for bytes in &content {
            in_order.update(bytes);
        }
        let verification = match in_order.finish(&source) {
            Ok(verification) => verification,
            Err(error) => return Ok(Written::Damaged(error, within)),
        };
        let (mut file, unnamed) = within.place.begin(within.overwrite)?;
        let written = content
            .iter()
            .try_for_each(|bytes| file.write_all(bytes))
            .and_then(|()| match SYNCS_TOGETHER {
                true => Ok(()),
                false => file.sync_all(),
            });
        match written {
            Ok(()) => Ok(Written::Done(verification, unnamed)),
            Err(error) => Err(unnamed.unwritable(error, size)),
        }
    })
    .await?
}
