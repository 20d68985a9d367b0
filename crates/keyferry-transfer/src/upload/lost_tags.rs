//! Tags that a server took and lost.
//!
//! Ceph's gateway takes tags when a multipart upload begins, and the object that comes of it has
//! none. It is looked at where a server shows otherwise, too, that it does less than S3.

use aws_sdk_s3::types::{Tag, Tagging};

use super::Sending;
use crate::TransferError;
use crate::error::{Asked, classify};

/// Sets the tags of an object that has none of those that it was uploaded with.
///
/// Where they may not be read, nothing is known, and nothing is done.
pub(super) async fn put_back(
    sending: &Sending<'_>,
    version_id: Option<&str>,
    with_key_tag: bool,
) -> Result<(), TransferError> {
    let tags = sending.labels.tag_set(with_key_tag);
    if tags.is_empty() {
        return Ok(());
    }
    let (client, address) = (sending.client, sending.destination);
    let found = client
        .get_object_tagging()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .set_version_id(version_id.map(str::to_owned))
        .send()
        .await;
    if found.is_ok_and(|found| !found.tag_set().is_empty()) {
        return Ok(());
    }
    let asked = Asked::of_object("PutObjectTagging", client, address).version(version_id);
    let tagging = Tagging::builder()
        .set_tag_set(Some(tags))
        .build()
        .map_err(|error| TransferError::UnexpectedAnswer {
            operation: "PutObjectTagging",
            what: error.to_string(),
        })?;
    client
        .put_object_tagging()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .set_version_id(version_id.map(str::to_owned))
        .tagging(tagging)
        .send()
        .await
        .map(drop)
        .map_err(|error| classify(error, &asked))
}

impl super::labels::Labels {
    /// The tags one by one, with the key's or without it.
    fn tag_set(&self, with_key_tag: bool) -> Vec<Tag> {
        self.pairs(with_key_tag)
            .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
            .collect()
    }
}
