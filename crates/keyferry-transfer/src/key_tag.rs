//! The tag that names an object's key.
//!
//! GetObjectTagging has no SSE-C parameters, so the tag is readable without the customer key; it is
//! replicated with the object (S3-XFER-18). It is a hint where to look, never a proof.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Tag, Tagging};
use keyferry_key::KeyId;

use crate::error::{Asked, classify};
use crate::{ObjectAddress, TransferError};

/// How many tags an object has at most.
pub(crate) const MAX_TAGS: usize = 10;

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
    let tags = all(client, address, version_id).await?;
    Ok(tags
        .iter()
        .find(|tag| tag.key() == KEY_TAG)
        .and_then(|tag| tag.value().parse().ok()))
}

/// What became of a tag that names another key than the object has, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagRepair {
    /// It names the key now.
    Written,
    /// It does already.
    Right,
    /// There is none, and ten other tags leave no room for it.
    Full,
}

/// Makes an object's tag name this key, which must have been proven to open the object.
///
/// S3 replaces all tags at once (S3-XFER-18), so the others are read first and written with it.
/// Tags cannot be written on a condition: a change that somebody makes in between is lost. They are
/// read again afterwards, so that this does not go unnoticed for the tag itself.
///
/// # Errors
/// When the tags cannot be read or written; it takes s3:GetObjectTagging and s3:PutObjectTagging
/// (s3:GetObjectVersionTagging and s3:PutObjectVersionTagging with a version id).
pub async fn repair_key_tag(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
    id: &KeyId,
) -> Result<TagRepair, TransferError> {
    let mut tags = all(client, address, version_id).await?;
    let position = tags.iter().position(|tag| tag.key() == KEY_TAG);
    match position.map(|at| tags.remove(at)) {
        Some(tag) if tag.value() == id.as_str() => return Ok(TagRepair::Right),
        None if tags.len() >= MAX_TAGS => return Ok(TagRepair::Full),
        _ => {}
    }
    let invalid = |error: aws_sdk_s3::error::BuildError| TransferError::UnexpectedAnswer {
        operation: "GetObjectTagging",
        what: error.to_string(),
    };
    let tag = Tag::builder().key(KEY_TAG).value(id.as_str());
    tags.push(tag.build().map_err(invalid)?);
    let tagging = Tagging::builder().set_tag_set(Some(tags));
    client
        .put_object_tagging()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .set_version_id(version_id.map(str::to_owned))
        .tagging(tagging.build().map_err(invalid)?)
        .send()
        .await
        .map_err(|error| {
            let asked = Asked::of_object("PutObjectTagging", client, address);
            classify(error, &asked.version(version_id))
        })?;
    match key_tag(client, address, version_id).await? {
        Some(named) if named == *id => Ok(TagRepair::Written),
        _ => Err(TransferError::UnexpectedAnswer {
            operation: "PutObjectTagging",
            what: "the tag was changed again at the same time".to_owned(),
        }),
    }
}

async fn all(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
) -> Result<Vec<Tag>, TransferError> {
    client
        .get_object_tagging()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .set_version_id(version_id.map(str::to_owned))
        .send()
        .await
        .map(|tags| tags.tag_set)
        .map_err(|error| {
            let asked = Asked::of_object("GetObjectTagging", client, address);
            classify(error, &asked.version(version_id))
        })
}
