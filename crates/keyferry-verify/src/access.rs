//! Requests for one version of one object, with the customer key, without it, or with another.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{Config, ResponseChecksumValidation};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use keyferry_key::CustomerKeyHeaders;
use keyferry_policy::BucketName;
use keyferry_transfer::{ObjectAddress, PartLayout};

use crate::VerifyError;
use crate::answer::{Refusal, Trouble};
use crate::object_view::ObjectView;
use crate::response_headers::ResponseHeaders;

/// One version of one object, through the client of its region.
#[derive(Debug, Clone)]
pub(crate) struct ObjectAccess {
    client: Client,
    address: ObjectAddress,
    version_id: Option<String>,
    responses: ResponseHeaders,
}

/// A part of an object that was uploaded in parts.
pub(crate) struct Part {
    /// How many parts there are.
    pub(crate) count: u32,
    /// Bytes in this one.
    pub(crate) length: u64,
    /// Where it begins, where the server tells.
    pub(crate) start: Option<u64>,
}

/// Why the key did not open an object.
pub(crate) enum KeyDiagnosis {
    /// Without a key S3 asks for one, with this one it does not open: another key it is.
    WrongKey,
    /// The object opens for whoever has no key: it is not under a customer key.
    OpenWithoutKey(Box<ObjectView>),
    /// Refused either way: a permission is missing.
    Forbidden,
    /// It is not about the key, or the answers do not tell: what the server said, in its own words where
    /// it has some.
    Unclear(Refusal),
}

impl ObjectAccess {
    pub(crate) fn new(client: Client, address: &ObjectAddress, version_id: Option<&str>) -> Self {
        Self {
            client,
            address: address.clone(),
            version_id: version_id.map(str::to_owned),
            responses: ResponseHeaders::default(),
        }
    }

    /// The object of the same key and version in another bucket.
    pub(crate) fn in_bucket(&self, client: Client, bucket: &BucketName) -> Self {
        Self {
            client,
            address: ObjectAddress {
                bucket: bucket.clone(),
                key: self.address.key.clone(),
            },
            version_id: self.version_id.clone(),
            responses: ResponseHeaders::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn key(&self) -> &str {
        &self.address.key
    }

    pub(crate) fn bucket(&self) -> &BucketName {
        &self.address.bucket
    }

    pub(crate) fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// Pins everything that follows to one version.
    pub(crate) fn pin(&mut self, version_id: Option<String>) {
        self.version_id = version_id;
    }

    /// Whether the server has echoed the customer key in any response.
    pub(crate) fn key_echoed(&self) -> bool {
        self.responses.key_echoed()
    }

    pub(crate) fn error(&self, operation: &'static str, trouble: Trouble) -> VerifyError {
        match (trouble, &self.version_id) {
            (Trouble::Refused(refusal), Some(version_id)) if refusal.names_no_version() => {
                VerifyError::NotAVersionId {
                    address: self.address.clone(),
                    version_id: version_id.clone(),
                }
            }
            (trouble, _) => VerifyError::of(operation, self.bucket(), trouble),
        }
    }

    pub(crate) async fn head(
        &self,
        key: Option<&CustomerKeyHeaders>,
    ) -> Result<ObjectView, Trouble> {
        self.head_output(key, None).await.map(ObjectView::from)
    }

    async fn head_output(
        &self,
        key: Option<&CustomerKeyHeaders>,
        part_number: Option<i32>,
    ) -> Result<HeadObjectOutput, Trouble> {
        self.client
            .head_object()
            .bucket(self.bucket().as_str())
            .key(&self.address.key)
            .set_version_id(self.version_id.clone())
            .set_part_number(part_number)
            .checksum_mode(ChecksumMode::Enabled)
            .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
            .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
            .customize()
            .interceptor(self.responses.clone())
            .send()
            .await
            .map_err(|error| redacted(Trouble::of(error), key))
    }

    /// Reads from `from` to the end, or one range. Content is not checked against stored checksums
    /// here: comparing is the caller's work, and a failed check would hide what was received.
    pub(crate) async fn get(
        &self,
        key: Option<&CustomerKeyHeaders>,
        range: Option<String>,
        if_match: Option<&str>,
    ) -> Result<GetObjectOutput, Trouble> {
        self.client
            .get_object()
            .bucket(self.bucket().as_str())
            .key(&self.address.key)
            .set_version_id(self.version_id.clone())
            .set_range(range)
            .set_if_match(if_match.map(|etag| format!("\"{etag}\"")))
            .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
            .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
            .customize()
            .config_override(
                Config::builder()
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
                    // Whoever reads tries again by himself, from where it broke off.
                    .retry_config(RetryConfig::disabled()),
            )
            .interceptor(self.responses.clone())
            .send()
            .await
            .map_err(|error| redacted(Trouble::of(error), key))
    }

    /// Tags, which S3 gives without the customer key.
    pub(crate) async fn tags(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let tagging = self
            .client
            .get_object_tagging()
            .bucket(self.bucket().as_str())
            .key(&self.address.key)
            .set_version_id(self.version_id.clone())
            .send()
            .await
            .map_err(Trouble::of)?;
        Ok(tagging
            .tag_set
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect())
    }

    /// How the object is cut, when all parts but the last have one size. Serves to name a part, so
    /// a server that does not tell is no error.
    pub(crate) async fn part_layout(
        &self,
        key: Option<&CustomerKeyHeaders>,
        size: u64,
    ) -> Option<PartLayout> {
        let first = self.part(key, 1).await?;
        let part_size = first.length;
        let before_last = part_size.checked_mul(u64::from(first.count.checked_sub(1)?))?;
        let uniform = first.count > 1
            && part_size > 0
            && before_last < size
            && size <= before_last.checked_add(part_size)?;
        uniform.then_some(PartLayout {
            part_size,
            count: first.count,
        })
    }

    /// One part of the object, if it has parts and the server tells (S3-XFER-19).
    pub(crate) async fn part(&self, key: Option<&CustomerKeyHeaders>, number: u32) -> Option<Part> {
        let number = i32::try_from(number).ok()?;
        let head = self.head_output(key, Some(number)).await.ok()?;
        Some(Part {
            count: head.parts_count()?.try_into().ok()?,
            length: head.content_length()?.try_into().ok()?,
            start: head.content_range().and_then(start_of),
        })
    }

    /// Why the lock of the version may not be seen, if so: HEAD leaves out what the caller has no
    /// permission for.
    pub(crate) async fn lock_hidden(&self, retention: bool) -> Option<Refusal> {
        let bucket = self.bucket().as_str();
        let trouble = if retention {
            let request = self.client.get_object_retention();
            let request = request.bucket(bucket).key(&self.address.key);
            let answer = request.set_version_id(self.version_id.clone()).send().await;
            answer.map(drop).map_err(Trouble::of)
        } else {
            let request = self.client.get_object_legal_hold();
            let request = request.bucket(bucket).key(&self.address.key);
            let answer = request.set_version_id(self.version_id.clone()).send().await;
            answer.map(drop).map_err(Trouble::of)
        };
        match trouble {
            Err(Trouble::Refused(refusal)) if matches!(refusal.status, 401 | 403) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server calls itself Amazon S3.
    pub(crate) fn is_s3(&self) -> bool {
        self.responses.is_s3()
    }

    /// Finds out why a request with the key was refused, by asking again without one: only whoever
    /// may read the object is told that a key is missing.
    pub(crate) async fn diagnose(
        &self,
        with_key: &Refusal,
        key: &CustomerKeyHeaders,
    ) -> KeyDiagnosis {
        if !with_key.is_denial() {
            return KeyDiagnosis::Unclear(with_key.clone());
        }
        match self.head(None).await {
            Ok(view) => KeyDiagnosis::OpenWithoutKey(Box::new(view)),
            // With the key 403, without one 400: only the key can make that difference.
            Err(Trouble::Refused(without)) if without.status == 400 && with_key.status != 400 => {
                KeyDiagnosis::WrongKey
            }
            // Another region, an expired token or a version id that is none get 400 either way.
            Err(Trouble::Refused(without)) if without.status == 400 => {
                let spoken = self.spoken(with_key.clone(), Some(key)).await;
                match spoken.is_about_a_key() {
                    true => KeyDiagnosis::WrongKey,
                    false => KeyDiagnosis::Unclear(spoken),
                }
            }
            Err(Trouble::Refused(without)) if without.is_denial() => {
                // The text of a GET tells where HEAD has none.
                match self
                    .get(Some(key), Some("bytes=0-0".to_owned()), None)
                    .await
                {
                    Err(Trouble::Refused(refusal)) if refusal.speaks_of_a_key() => {
                        KeyDiagnosis::WrongKey
                    }
                    _ => KeyDiagnosis::Forbidden,
                }
            }
            Err(_) => KeyDiagnosis::Unclear(with_key.clone()),
        }
    }

    /// A refusal in the server's words: HEAD has none, and its status alone means many things.
    pub(crate) async fn spoken(
        &self,
        refusal: Refusal,
        key: Option<&CustomerKeyHeaders>,
    ) -> Refusal {
        match self.get(key, Some("bytes=0-0".to_owned()), None).await {
            Err(Trouble::Refused(spoken)) if spoken.status == refusal.status => spoken,
            _ => refusal,
        }
    }
}

/// The first offset in `bytes FIRST-LAST/SIZE`.
fn start_of(range: &str) -> Option<u64> {
    let (start, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    start.parse().ok()
}

/// A server may quote what it was sent.
pub(crate) fn redacted(trouble: Trouble, key: Option<&CustomerKeyHeaders>) -> Trouble {
    match (trouble, key) {
        (Trouble::Refused(refusal), Some(key)) => Trouble::Refused(Refusal {
            message: refusal
                .message
                .map(|message| message.replace(key.expose_key(), "[customer key]")),
            ..refusal
        }),
        (trouble, _) => trouble,
    }
}
