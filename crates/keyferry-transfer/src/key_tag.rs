//! The tag that names an object's key.
//!
//! GetObjectTagging has no SSE-C parameters, so the tag is readable without the customer key; it is
//! replicated with the object (S3-XFER-18). It is a hint where to look, never a proof.

use aws_sdk_s3::Client;
use keyferry_key::KeyId;

use crate::error::{Asked, classify};
use crate::{ObjectAddress, TransferError};

/// Name of the object tag that holds the id of the customer key.
pub const KEY_TAG: &str = "keyferry-key";

/// Reads the id of the key that an object was uploaded with; `None` when there is no such tag, or
/// its value is no key id.
///
/// # Errors
/// When the tags cannot be read; it takes s3:GetObjectTagging (s3:GetObjectVersionTagging with a
/// version id).
pub async fn key_tag(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
) -> Result<Option<KeyId>, TransferError> {
    let tags = client
        .get_object_tagging()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .set_version_id(version_id.map(str::to_owned))
        .send()
        .await
        .map_err(|error| {
            let asked = Asked::of_object("GetObjectTagging", client, address);
            classify(error, &asked.version(version_id))
        })?;
    Ok(tags
        .tag_set()
        .iter()
        .find(|tag| tag.key() == KEY_TAG)
        .and_then(|tag| tag.value().parse().ok()))
}
