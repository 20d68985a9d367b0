//! Uploads of earlier runs: those that fit are continued, the others aborted.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::types::{CompletedPart, MultipartUpload};
use jiff::Timestamp;

use super::Rekeyer;
use super::facts::{StoredSum, set_sum, sum_of, sums};
use super::layout::Part;
use super::look::Found;
use super::parts::Upload;
use super::unfinished::Entry;
use crate::error::{Asked, classify, is_status};
use crate::{ObjectAddress, TransferError};

/// How far the clocks of this machine and the server may be apart, with the time of a request.
const ABOUT: Duration = Duration::from_secs(20 * 60);

/// A part that is there already.
struct There {
    size: u64,
    completed: CompletedPart,
    sum: Option<String>,
}

impl Rekeyer<'_> {
    /// An upload of this version that an earlier run had begun, with those of its parts that are as
    /// they should be. Other uploads of the object are aborted.
    pub(super) async fn resume(
        &self,
        address: &ObjectAddress,
        found: &Found,
        parts: &[Part],
    ) -> Result<Option<Upload>, TransferError> {
        let wanted = self.entry_of(address, found);
        let mut resumed = None;
        for entry in self.unfinished.of(&address.key) {
            let id = entry.upload_id.clone();
            match id {
                Some(id) if resumed.is_none() && entry.is_of(&wanted) => {
                    match self
                        .parts_there(address, &id, found.facts.checksum.as_ref())
                        .await?
                    {
                        Some(there) => {
                            let there = agreeing(there, parts, found.facts.checksum.as_ref());
                            resumed = Some(Upload { entry, id, there });
                        }
                        None => self.unfinished.over(entry).await?,
                    }
                }
                _ => self.discard(address, entry).await?,
            }
        }
        Ok(resumed)
    }

    /// Aborts what earlier runs had begun and this one had no use for.
    pub(super) async fn sweep(&self) -> Result<(), TransferError> {
        let kept = self.left_for_later().clone();
        for entry in self.unfinished.entries() {
            if kept.contains(&entry.key) {
                continue;
            }
            let address = self.address(&entry.key)?;
            self.discard(&address, entry).await?;
        }
        Ok(())
    }

    /// Aborts an upload; one whose id was not written down any more is looked for first.
    async fn discard(&self, address: &ObjectAddress, entry: Entry) -> Result<(), TransferError> {
        if entry.upload_id.is_none() {
            for id in self.begun_unrecorded(address, &entry).await? {
                let found = Entry {
                    upload_id: Some(id),
                    ..entry.clone()
                };
                self.drop_upload(address, found).await?;
            }
        }
        self.drop_upload(address, entry).await
    }

    /// Uploads that may be the one whose intent was written down, and nothing more: of this object,
    /// begun at about that time, without any parts, and under our key.
    async fn begun_unrecorded(
        &self,
        address: &ObjectAddress,
        entry: &Entry,
    ) -> Result<Vec<String>, TransferError> {
        let answer = self
            .client
            .list_multipart_uploads()
            .bucket(address.bucket.as_str())
            .prefix(&address.key)
            .send()
            .await
            .map_err(|error| {
                let asked = Asked::of_object("ListMultipartUploads", self.client, address);
                classify(error, &asked)
            })?;
        let known: Vec<_> = self
            .unfinished
            .entries()
            .into_iter()
            .filter_map(|entry| entry.upload_id)
            .collect();
        let mut ours = Vec::new();
        for upload in answer.uploads() {
            let Some(id) = upload.upload_id() else {
                continue;
            };
            if upload.key() == Some(&address.key)
                && is_about(upload, entry.begun)
                && !known.iter().any(|known| known == id)
                && entry.key_md5 == *self.new_key.md5()
                && let Some(parts) = self.parts_there(address, id, None).await?
                && parts.is_empty()
            {
                ours.push(id.to_owned());
            }
        }
        Ok(ours)
    }

    /// The parts of an upload; `None` where there is no such upload, or our key does not fit it.
    async fn parts_there(
        &self,
        address: &ObjectAddress,
        upload_id: &str,
        sum: Option<&StoredSum>,
    ) -> Result<Option<BTreeMap<i32, There>>, TransferError> {
        let algorithm = sum.map_or("CRC64NVME", |sum| sum.algorithm);
        let mut there = BTreeMap::new();
        let mut marker = None;
        loop {
            let answer = self
                .client
                .list_parts()
                .bucket(address.bucket.as_str())
                .key(&address.key)
                .upload_id(upload_id)
                .set_part_number_marker(marker.take())
                .sse_customer_algorithm(self.new_key.algorithm())
                .sse_customer_key(self.new_key.expose_key())
                .sse_customer_key_md5(self.new_key.md5().to_string())
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if is_status(&error, 404) || is_status(&error, 400) => return Ok(None),
                Err(error) => {
                    let asked = Asked::of_object("ListParts", self.client, address);
                    return Err(classify(error, &asked));
                }
            };
            for part in answer.parts() {
                let (Some(number), Some(etag)) = (part.part_number(), part.e_tag()) else {
                    continue;
                };
                let sum = sum_of(sums!(part), algorithm);
                let completed = CompletedPart::builder().part_number(number).e_tag(etag);
                let part = There {
                    size: part
                        .size()
                        .and_then(|size| size.try_into().ok())
                        .unwrap_or_default(),
                    completed: set_sum!(completed, algorithm, sum.clone()).build(),
                    sum,
                };
                there.insert(number, part);
            }
            match answer.next_part_number_marker() {
                Some(next) if answer.is_truncated() == Some(true) => marker = Some(next.to_owned()),
                _ => return Ok(Some(there)),
            }
        }
    }
}

/// Parts that need not be copied again: of the right size, and with the source's checksum. Where the
/// source's parts have none that is known, S3 compares the whole when the upload is completed, if the
/// source has a checksum over the whole; otherwise nothing proves them.
fn agreeing(
    mut there: BTreeMap<i32, There>,
    parts: &[Part],
    sum: Option<&StoredSum>,
) -> BTreeMap<i32, CompletedPart> {
    let whole = sum.is_some_and(|sum| !sum.is_composite);
    parts
        .iter()
        .filter_map(|part| {
            let found = there.remove(&part.number)?;
            let same = found.size == part.size
                && match (&part.checksum, &found.sum) {
                    (Some(expected), Some(found)) => expected == found,
                    _ => whole,
                };
            same.then_some((part.number, found.completed))
        })
        .collect()
}

fn is_about(upload: &MultipartUpload, begun: Timestamp) -> bool {
    let initiated = upload
        .initiated()
        .and_then(|time| Timestamp::from_second(time.secs()).ok());
    initiated.is_some_and(|initiated| begun.duration_since(initiated).unsigned_abs() <= ABOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: i32, checksum: Option<&str>) -> Part {
        Part {
            number,
            start: 0,
            size: 5,
            checksum: checksum.map(str::to_owned),
        }
    }

    fn there(size: u64, sum: Option<&str>) -> There {
        There {
            size,
            completed: CompletedPart::builder().build(),
            sum: sum.map(str::to_owned),
        }
    }

    #[test]
    fn parts_are_checked_not_trusted() {
        let whole = StoredSum {
            algorithm: "CRC64NVME",
            value: "x".to_owned(),
            is_composite: false,
        };
        let composite = StoredSum {
            is_composite: true,
            ..whole.clone()
        };
        let numbers = |sum: Option<&StoredSum>| {
            let found = BTreeMap::from([
                (1, there(5, Some("a"))),
                (2, there(5, Some("b"))),
                (3, there(4, Some("c"))),
                (4, there(5, None)),
                (9, there(5, None)),
            ]);
            let parts = [
                part(1, Some("a")),
                part(2, Some("not b")),
                part(3, Some("c")),
                part(4, None),
                part(5, None),
            ];
            let agreeing = agreeing(found, &parts, sum);
            agreeing.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(numbers(Some(&whole)), [1, 4]);
        assert_eq!(numbers(Some(&composite)), [1]);
        assert_eq!(numbers(None), [1]);
    }
}
