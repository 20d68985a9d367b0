//! Two sides next to each other: both are read in the order of their names, once, so that any number
//! of names takes no memory.

use std::cmp::Ordering;

use futures::stream::{self, Stream, StreamExt};
use keyferry_transfer::TransferError;

use super::listed::{Aside, Item, Listed, Side};

/// What has one name.
#[derive(Debug)]
pub(super) enum Pair {
    /// Only in the source.
    Source(Item),
    /// Only in the destination.
    Destination(Item),
    /// On both sides.
    Both(Item, Item),
    /// No name at all, in the source.
    Aside(Aside),
    /// No name at all, in the destination.
    AsideThere(Aside),
}

/// One side, as far as it was read.
struct Lane {
    side: Side,
    next: Option<Item>,
    last: Option<String>,
    is_over: bool,
}

impl Lane {
    fn new(side: Side) -> Self {
        Self {
            side,
            next: None,
            last: None,
            is_over: false,
        }
    }

    /// Makes sure that the next name is there, unless there is none any more; or gives what came
    /// before it.
    async fn fill(&mut self) -> Result<Option<Aside>, TransferError> {
        if self.next.is_some() || self.is_over {
            return Ok(None);
        }
        match self.side.next().await {
            None => self.is_over = true,
            Some(Err(error)) => return Err(error),
            Some(Ok(Listed::Aside(aside))) => return Ok(Some(aside)),
            Some(Ok(Listed::Item(item))) => {
                // Otherwise what is there would be taken to be missing, and be removed.
                if self.last.as_ref().is_some_and(|last| item.name <= *last) {
                    return Err(TransferError::UnexpectedAnswer {
                        operation: "the listing",
                        what: format!("`{}` is not in the order of names", item.name),
                    });
                }
                self.last = Some(item.name.clone());
                self.next = Some(item);
            }
        }
        Ok(None)
    }
}

/// All names of both sides.
///
/// # Errors
/// When a side cannot be read to its end, or is not in order; the stream ends with it.
pub(super) fn join(
    source: Side,
    destination: Side,
) -> impl Stream<Item = Result<Pair, TransferError>> + Send + use<> {
    let lanes = (Lane::new(source), Lane::new(destination));
    stream::unfold(Some(lanes), async |lanes| {
        let (mut source, mut destination) = lanes?;
        match next(&mut source, &mut destination).await {
            Ok(pair) => Some((Ok(pair?), Some((source, destination)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

async fn next(source: &mut Lane, destination: &mut Lane) -> Result<Option<Pair>, TransferError> {
    if let Some(aside) = source.fill().await? {
        return Ok(Some(Pair::Aside(aside)));
    }
    if let Some(aside) = destination.fill().await? {
        return Ok(Some(Pair::AsideThere(aside)));
    }
    Ok(match (source.next.take(), destination.next.take()) {
        (None, None) => None,
        (Some(item), None) => Some(Pair::Source(item)),
        (None, Some(item)) => Some(Pair::Destination(item)),
        (Some(item), Some(there)) => Some(match item.name.cmp(&there.name) {
            Ordering::Equal => Pair::Both(item, there),
            Ordering::Less => {
                destination.next = Some(there);
                Pair::Source(item)
            }
            Ordering::Greater => {
                source.next = Some(item);
                Pair::Destination(there)
            }
        }),
    })
}

#[cfg(test)]
mod tests;
