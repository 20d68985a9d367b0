//! An object that came whole with the first answer, to a file among many.
//!
//! It is collected in memory first, so that one switch to the blocking threads is enough to sum it,
//! make the file and write it. The file takes its name later, together with others.

use std::io::Write;

use super::Verification;
use super::object::{Fetching, FirstBody, RemoteObject};
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
    let range = Range {
        number: 1,
        start: 0,
        end: size,
    };
    let mut reader = RangeReader::new(fetching, object, range, Some(first));
    let mut content = Vec::new();
    while let Some(bytes) = reader.next().await? {
        fetching.events.on(Event::Advanced {
            bytes: bytes.len() as u64,
        });
        content.push(bytes);
    }
    fetching.events.on(Event::PartDone {
        number: 1,
        bytes: size,
    });
    let expected = Expected::of(fetching, object).await?;
    let mut in_order = InOrder::new(expected, size);
    let source = fetching.source.clone();
    tokio::task::spawn_blocking(move || {
        for bytes in &content {
            in_order.update(bytes);
        }
        // What is not what was uploaded does not reach the disk.
        let verification = in_order.finish(&source)?;
        let (mut file, unnamed) = within.place.begin(within.overwrite)?;
        let written = content
            .iter()
            .try_for_each(|bytes| file.write_all(bytes))
            .and_then(|()| match SYNCS_TOGETHER {
                true => Ok(()),
                false => file.sync_all(),
            });
        match written {
            Ok(()) => Ok((verification, unnamed)),
            Err(error) => Err(unnamed.unwritable(error, size)),
        }
    })
    .await?
}
