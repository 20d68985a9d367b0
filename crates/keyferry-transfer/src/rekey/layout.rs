//! Where an object is cut into parts.
//!
//! GetObjectAttributes lists the parts of an upload that named a checksum, and their checksums
//! (S3-ATTR-1). Of others, HEAD gives the size of each part by its number (S3-XFER-19). Only parts that
//! add up to the object are believed.

use aws_sdk_s3::types::ObjectAttributes;
use futures::future::FutureExt;
use futures::stream::{StreamExt, TryStreamExt};

use super::Rekeyer;
use super::facts::{Facts, sum_of, sums};
use super::look::Found;
use crate::error::{Asked, classify};
use crate::{MAX_PARTS, ObjectAddress, PartPlan, TransferError};

/// What cannot be kept where a server does not tell it.
pub(super) const PART_LAYOUT: &str = "part layout";
/// How many parts are asked for at once.
const AT_ONCE: usize = 16;

/// A part of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// From 1.
    pub(super) number: i32,
    /// Its first byte.
    pub(super) start: u64,
    /// Its size in bytes; never 0.
    pub(super) size: u64,
    /// Its checksum, by the object's algorithm, where S3 tells it.
    pub(super) checksum: Option<String>,
}

impl Part {
    /// As in the header `x-amz-copy-source-range`; absent for a part that is the whole object, of
    /// which S3 takes a range only beyond 5 MB (S3-COPY-7).
    pub(super) fn range(&self, object_size: u64) -> Option<String> {
        (self.size < object_size)
            .then(|| format!("bytes={}-{}", self.start, self.start + self.size - 1))
    }
}

/// A part's size and checksum.
type Piece = (u64, Option<String>);

impl Rekeyer<'_> {
    /// The parts to copy an object in.
    pub(super) async fn layout(
        &self,
        address: &ObjectAddress,
        found: &Found,
    ) -> Result<Vec<Part>, TransferError> {
        let facts = &found.facts;
        let Some(count) = facts.part_count() else {
            return Ok(planned(facts.size, self.rekey.limits.part_size));
        };
        if let Some(pieces) = self.listed(address, found).await?
            && let Some(parts) = put_together(pieces, count, facts.size)
        {
            return Ok(parts);
        }
        let pieces = self.measured(address, found, count).await?;
        put_together(pieces, count, facts.size).ok_or_else(|| TransferError::NotKept {
            address: address.clone(),
            what: PART_LAYOUT,
            reason: format!(
                "the {count} parts that its entity tag names do not add up to {} bytes",
                facts.size
            ),
        })
    }

    /// The parts that GetObjectAttributes lists; `None` where it lists none or is not allowed.
    async fn listed(
        &self,
        address: &ObjectAddress,
        found: &Found,
    ) -> Result<Option<Vec<Piece>>, TransferError> {
        let (facts, key) = (&found.facts, found.source_headers());
        let algorithm = facts.checksum.as_ref().map_or("", |sum| sum.algorithm);
        let mut pieces = Vec::new();
        let mut marker = None;
        loop {
            let answer = self
                .client_of(address)
                .get_object_attributes()
                .bucket(address.bucket.as_str())
                .key(&address.key)
                .set_version_id(facts.version_id.clone())
                .object_attributes(ObjectAttributes::ObjectParts)
                .max_parts(1000)
                .set_part_number_marker(marker.take())
                .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
                .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
                .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    let client = self.client_of(address);
                    let asked = Asked::of_object("GetObjectAttributes", client, address);
                    return match classify(error, &asked.version(facts.version_id.as_deref())) {
                        // HEAD will tell, if it is gone.
                        TransferError::AccessDenied { .. }
                        | TransferError::Service { .. }
                        | TransferError::NoSuchObject { .. } => Ok(None),
                        error => Err(error),
                    };
                }
            };
            let Some(page) = answer.object_parts() else {
                return Ok(None);
            };
            for part in page.parts() {
                let size = part.size().and_then(|size| size.try_into().ok());
                pieces.push((size.unwrap_or_default(), sum_of(sums!(part), algorithm)));
            }
            match page.next_part_number_marker() {
                Some(next) if page.is_truncated() == Some(true) && !page.parts().is_empty() => {
                    marker = Some(next.to_owned());
                }
                _ => return Ok(Some(pieces)),
            }
        }
    }

    /// The parts, each asked for by its number.
    async fn measured(
        &self,
        address: &ObjectAddress,
        found: &Found,
        count: u32,
    ) -> Result<Vec<Piece>, TransferError> {
        if count > MAX_PARTS {
            return Ok(Vec::new());
        }
        futures::stream::iter(1..=count)
            .map(|number| self.measure(address, &found.facts, found, number).boxed())
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn measure(
        &self,
        address: &ObjectAddress,
        facts: &Facts,
        found: &Found,
        number: u32,
    ) -> Result<Piece, TransferError> {
        let key = found.source_headers();
        let client = self.client_of(address);
        let head = client
            .head_object()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .set_version_id(facts.version_id.clone())
            .set_part_number(i32::try_from(number).ok())
            .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
            .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
            .send()
            .await
            .map_err(|error| {
                let asked = Asked::of_object("HeadObject", client, address);
                classify(error, &asked.version(facts.version_id.as_deref()))
            })?;
        let size = head.content_length().and_then(|size| size.try_into().ok());
        Ok((size.unwrap_or_default(), None))
    }
}

/// Parts of one size, for an object that has none of its own.
fn planned(size: u64, part_size: crate::PartSize) -> Vec<Part> {
    let part_size = match PartPlan::for_size(size, Some(part_size)) {
        Ok(plan) => plan.part_size.bytes(),
        Err(_) => crate::PartSize::MAX.bytes(),
    };
    let starts = (0..size.div_ceil(part_size)).map(|index| index * part_size);
    starts
        .zip(1..)
        .map(|(start, number)| Part {
            number,
            start,
            size: part_size.min(size - start),
            checksum: None,
        })
        .collect()
}

/// The parts one behind the other, if they are as many as they should be and add up to the object.
fn put_together(pieces: Vec<Piece>, count: u32, size: u64) -> Option<Vec<Part>> {
    let mut start = 0_u64;
    let mut parts = Vec::with_capacity(pieces.len());
    for ((part, checksum), number) in pieces.into_iter().zip(1..) {
        parts.push(Part {
            number,
            start,
            size: part,
            checksum,
        });
        start = start.checked_add(part).filter(|_| part > 0)?;
    }
    (start == size && u32::try_from(parts.len()) == Ok(count)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PartSize;

    #[test]
    fn parts_are_believed_only_if_they_add_up() {
        let pieces = |sizes: &[u64]| sizes.iter().map(|size| (*size, None)).collect::<Vec<_>>();
        let parts = put_together(pieces(&[5, 6, 1]), 3, 12).unwrap();
        let ranges: Vec<_> = parts.iter().map(|part| part.range(12).unwrap()).collect();
        assert_eq!(ranges, ["bytes=0-4", "bytes=5-10", "bytes=11-11"]);
        let whole = put_together(pieces(&[12]), 1, 12).unwrap();
        assert_eq!(whole[0].range(12), None);
        for (sizes, count, size) in [
            (&[5, 6, 1][..], 3, 13),
            (&[5, 6, 1], 2, 12),
            (&[5, 0, 7], 3, 12),
            (&[u64::MAX, 2], 2, 1),
            (&[], 3, 12),
        ] {
            assert_eq!(put_together(pieces(sizes), count, size), None, "{sizes:?}");
        }
    }

    #[test]
    fn plans_cover_the_object() {
        let mib = 1 << 20;
        let sizes = |size| {
            planned(size, PartSize::MIN)
                .iter()
                .map(|part| part.size)
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(11 * mib), [5 * mib, 5 * mib, mib]);
        assert_eq!(sizes(10 * mib), [5 * mib, 5 * mib]);
        assert_eq!(sizes(1), [1]);
    }
}
