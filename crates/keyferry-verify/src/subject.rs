//! What is to be verified: an object as sent, or as its source bucket shows it.

use aws_sdk_s3::Client;
use jiff::Timestamp;
use keyferry_key::{CustomerKey, CustomerKeyHeaders, KeyId, KeyMd5};
use keyferry_policy::Region;
use keyferry_transfer::{Authenticity, Checksum, KEY_TAG, ObjectAddress, PartLayout, Receipt};
use serde::{Deserialize, Serialize};

use crate::VerifyError;
use crate::access::{KeyDiagnosis, ObjectAccess};
use crate::answer::Trouble;
use crate::object_view::{ChecksumKind, ObjectView, StoredChecksum};

/// An object version that has a replica to be found.
///
/// A [`Receipt`] gives all of it. Without one, [`receipt_of`] asks the source, which cannot say what
/// was meant to be stored: then `sha256` is absent and only the two sides can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The source object.
    pub source: ObjectAddress,
    /// Region of the source bucket.
    pub region: Region,
    /// Version id; absent when the bucket is not versioned.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes. Under SSE-C it is no MD5.
    pub etag: Option<String>,
    /// How the object was cut into parts, where known.
    pub parts: Option<PartLayout>,
    /// The full-object checksum, where there is one.
    pub checksum: Option<Checksum>,
    /// SHA-256 of the content as sent, in hex; only a receipt may have it.
    pub sha256: Option<String>,
    /// Id of the customer key, where known.
    pub key_id: Option<KeyId>,
    /// MD5 of the customer key; absent where the object is not under one.
    pub key_md5: Option<KeyMd5>,
    /// When the upload was complete.
    pub uploaded: Option<Timestamp>,
    /// Whether this is what an uploader recorded, not what the source says today.
    pub from_receipt: bool,
    /// Whether that record is as it was written; absent where it was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Authenticity>,
}

impl Subject {
    /// What a receipt says, and whether it was changed since it was written: the object's key tells.
    #[must_use]
    pub fn of_receipt(receipt: &Receipt, key: &CustomerKey) -> Self {
        // Another key could not tell. It is told apart, and refused, when it is used.
        let checked = (receipt.key_md5 == key.md5()).then(|| receipt.authenticity(key));
        Self {
            receipt: checked,
            ..Self::from(receipt)
        }
    }

    /// What the source says today, as far as HEAD tells.
    pub(crate) fn of_view(
        address: &ObjectAddress,
        region: &Region,
        version_id: Option<&str>,
        view: &ObjectView,
        key_md5: Option<KeyMd5>,
    ) -> Self {
        let full_object = |checksum: &&StoredChecksum| checksum.kind == ChecksumKind::FullObject;
        Self {
            source: address.clone(),
            region: region.clone(),
            version_id: view
                .version_id
                .clone()
                .or_else(|| version_id.map(str::to_owned)),
            size: view.size,
            etag: view.etag.clone(),
            parts: None,
            checksum: view
                .checksums
                .iter()
                .find(full_object)
                .map(|checksum| Checksum {
                    algorithm: checksum.algorithm.clone(),
                    value: checksum.value.clone(),
                }),
            sha256: None,
            key_id: None,
            key_md5,
            uploaded: view.last_modified,
            from_receipt: false,
            receipt: None,
        }
    }
}

impl From<Receipt> for Subject {
    fn from(receipt: Receipt) -> Self {
        Self::from(&receipt)
    }
}

impl From<&Receipt> for Subject {
    fn from(receipt: &Receipt) -> Self {
        Self {
            source: receipt.source.clone(),
            region: receipt.region.clone(),
            version_id: receipt.version_id.clone(),
            size: receipt.size,
            etag: Some(receipt.etag.clone()).filter(|etag| !etag.is_empty()),
            parts: receipt.parts,
            checksum: Some(receipt.checksum.clone()),
            sha256: receipt.sha256.clone(),
            key_id: receipt.key_id.clone(),
            key_md5: Some(receipt.key_md5),
            uploaded: Some(receipt.uploaded),
            from_receipt: true,
            receipt: None,
        }
    }
}

/// Asks the source bucket for what a receipt would say, as far as S3 can tell.
///
/// Reads the version given, or the current one. SSE-C: HEAD needs the customer key.
///
/// # Errors
/// [`VerifyError::WrongKey`] when the key does not open the object,
/// [`VerifyError::NotCustomerKey`] when it is not under a customer key at all,
/// [`VerifyError::SourceMissing`] when there is no such version, and whatever keeps S3 from answering.
pub async fn receipt_of(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
    region: &Region,
    key: &CustomerKey,
) -> Result<Subject, VerifyError> {
    let headers = key.headers();
    let access = ObjectAccess::new(client.clone(), address, version_id);
    let view = open(&access, address, &headers).await?;
    let parts = access.part_layout(Some(&headers), view.size).await;
    let key_id = access
        .tags()
        .await
        .ok()
        .and_then(|tags| tags.get(KEY_TAG)?.parse().ok());
    Ok(Subject {
        parts,
        key_id,
        ..Subject::of_view(address, region, version_id, &view, Some(key.md5()))
    })
}

/// Asks the source bucket for what a receipt would say of an object that is under no customer key. None
/// where it does not open without one.
///
/// # Errors
/// [`VerifyError::SourceMissing`] when there is no such version, and whatever keeps S3 from answering.
pub async fn subject_without_key(
    client: &Client,
    address: &ObjectAddress,
    version_id: Option<&str>,
    region: &Region,
) -> Result<Option<Subject>, VerifyError> {
    let access = ObjectAccess::new(client.clone(), address, version_id);
    match access.head(None).await {
        Ok(view) => Ok(Some(Subject::of_view(
            address, region, version_id, &view, None,
        ))),
        Err(Trouble::Refused(refusal)) if refusal.is_absence() => Err(VerifyError::SourceMissing {
            address: address.clone(),
            version_id: version_id.map(str::to_owned),
        }),
        Err(Trouble::Refused(refusal)) if refusal.status == 400 => {
            let spoken = access.spoken(refusal, None).await;
            match spoken.is_about_a_key() {
                true => Ok(None),
                false => Err(access.error("HeadObject", Trouble::Refused(spoken))),
            }
        }
        Err(trouble) => Err(access.error("HeadObject", trouble)),
    }
}

async fn open(
    access: &ObjectAccess,
    address: &ObjectAddress,
    key: &CustomerKeyHeaders,
) -> Result<ObjectView, VerifyError> {
    let refusal = match access.head(Some(key)).await {
        Ok(view) if view.key_md5.is_some() => return Ok(view),
        // A server that ignores the key on a plain object does not echo its MD5.
        Ok(_) => {
            return Err(VerifyError::NotCustomerKey {
                address: address.clone(),
            });
        }
        Err(Trouble::Refused(refusal)) => refusal,
        Err(trouble) => return Err(access.error("HeadObject", trouble)),
    };
    if refusal.is_absence() {
        return Err(VerifyError::SourceMissing {
            address: address.clone(),
            version_id: access.version_id().map(str::to_owned),
        });
    }
    Err(match access.diagnose(&refusal, key).await {
        KeyDiagnosis::WrongKey => VerifyError::WrongKey {
            address: address.clone(),
            given: *key.md5(),
            expected: None,
        },
        KeyDiagnosis::OpenWithoutKey(_) => VerifyError::NotCustomerKey {
            address: address.clone(),
        },
        KeyDiagnosis::Forbidden => access.error("HeadObject", Trouble::Refused(refusal)),
        KeyDiagnosis::Unclear(spoken) => access.error("HeadObject", Trouble::Refused(spoken)),
    })
}
