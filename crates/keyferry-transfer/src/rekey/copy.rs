//! CopyObject: up to 5 GiB in one request.

use std::time::Duration;

use aws_sdk_s3::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Rekeyer;
use super::look::Found;
use super::reissue::Given;
use crate::confirmation::confirms;
use crate::error::{Asked, classify, is_status};
use crate::upload::blocked;
use crate::{ObjectAddress, TransferError};

/// The slowest copy that is waited for, in bytes a second, and what is added to it.
const SLOWEST: u64 = 4 << 20;
const AT_LEAST: Duration = Duration::from_secs(60);
/// All that a path may hold without encoding.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// What an attempt to copy came to.
pub(super) enum Attempt {
    /// There is a new version.
    Made {
        version_id: Option<String>,
        parts: Option<u32>,
    },
    /// The object is not what it was any more: it has to be looked at again.
    Changed,
    /// Whether there is one is not known, because of this: it has to be looked at again.
    Lost(TransferError),
}

/// What the new version must replace: the entity tag of the current one. Absent where the server
/// knows no conditional copies, or a version is redone that is not current.
pub(super) type Replaces<'a> = Option<&'a str>;

/// The header that names a copy's source.
pub(super) fn source_of(address: &ObjectAddress, version_id: Option<&str>) -> String {
    let key = utf8_percent_encode(&address.key, PATH);
    let version = version_id.map_or_else(String::new, |id| {
        format!("?versionId={}", utf8_percent_encode(id, PATH))
    });
    format!("{}/{key}{version}", address.bucket)
}

pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// S3 answers a copy when it is done, which takes the longer the larger it is.
pub(super) fn patience(bytes: u64) -> aws_sdk_s3::config::Builder {
    let limit = AT_LEAST + Duration::from_secs(bytes / SLOWEST);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(limit);
    Config::builder().timeout_config(timeouts.build())
}

/// Whether the answer says that the object is not what it was: a condition that does not hold (412),
/// a write at the same time (409), or nothing there any more (404).
pub(super) fn says_changed<E>(error: &SdkError<E, HttpResponse>) -> bool {
    [404, 409, 412]
        .into_iter()
        .any(|status| is_status(error, status))
}

impl Rekeyer<'_> {
    /// Copies a version under the new key: onto its own object, or to another.
    pub(super) async fn copy_whole(
        &self,
        address: &ObjectAddress,
        found: &Found,
        given: &Given,
        replaces: Replaces<'_>,
    ) -> Result<Attempt, TransferError> {
        let facts = &found.facts;
        let source_key = found.source_headers();
        let answer = self
            .client
            .copy_object()
            .bucket(address.bucket.as_str())
            .key(&address.key)
            .copy_source(source_of(&found.address, facts.version_id.as_deref()))
            .copy_source_if_match(quoted(&facts.etag))
            .set_if_match(replaces.map(quoted))
            .metadata_directive(MetadataDirective::Copy)
            .tagging_directive(TaggingDirective::Replace)
            .set_tagging(given.tagging())
            .set_storage_class(given.storage_class())
            .set_website_redirect_location(given.redirect())
            .set_object_lock_mode(given.lock_mode())
            .set_object_lock_retain_until_date(given.locked_until())
            .set_object_lock_legal_hold_status(given.legal_hold())
            .set_copy_source_sse_customer_algorithm(
                source_key.map(|key| key.algorithm().to_owned()),
            )
            .set_copy_source_sse_customer_key(source_key.map(|key| key.expose_key().to_owned()))
            .set_copy_source_sse_customer_key_md5(source_key.map(|key| key.md5().to_string()))
            .sse_customer_algorithm(self.new_key.algorithm())
            .sse_customer_key(self.new_key.expose_key())
            .sse_customer_key_md5(self.new_key.md5().to_string())
            .customize()
            .config_override(patience(facts.size))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if says_changed(&error) => return Ok(Attempt::Changed),
            Err(error) => {
                let asked = Asked::of_object("CopyObject", self.client, address);
                let error = classify(error, &asked.version(facts.version_id.as_deref()));
                if may_have_happened(&error) {
                    return Ok(Attempt::Lost(error));
                }
                return Err(blocked::explain(self.client, address, error).await);
            }
        };
        let md5 = answer.sse_customer_key_md5();
        let confirmed = confirms(answer.sse_customer_algorithm(), md5, &self.new_key);
        if let Err(found) = confirmed {
            // SeaweedFS encrypts copies and does not say so: then the copy itself must show it.
            let version_id = answer.version_id();
            if md5.is_some() || !self.is_under_new_key(address, version_id).await? {
                return Err(TransferError::SseCNotConfirmed {
                    address: address.clone(),
                    version_id: version_id.map(str::to_owned),
                    found,
                });
            }
        }
        // S3 may find out that a copy fails when it has sent its 200 already.
        if answer
            .copy_object_result()
            .and_then(|result| result.e_tag())
            .is_none()
        {
            return Ok(Attempt::Lost(TransferError::UnexpectedAnswer {
                operation: "CopyObject",
                what: "it names no entity tag".to_owned(),
            }));
        }
        Ok(Attempt::Made {
            version_id: answer.version_id().map(str::to_owned),
            parts: None,
        })
    }
}

/// Whether the server may have done what it was asked for, although no answer says so.
pub(super) fn may_have_happened(error: &TransferError) -> bool {
    match error {
        TransferError::ConnectionLost { .. }
        | TransferError::TimedOut { .. }
        | TransferError::UnexpectedAnswer { .. } => true,
        TransferError::Service { answer, .. } => answer.status >= 500 && answer.status != 501,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_encoded() {
        let address = "s3://bucket/a b/ü+%?x=1&y".parse().unwrap();
        assert_eq!(
            source_of(&address, Some("v.1_-")),
            "bucket/a%20b/%C3%BC%2B%25%3Fx%3D1%26y?versionId=v.1_-"
        );
        assert_eq!(
            source_of(&"s3://bucket//x/".parse().unwrap(), None),
            "bucket//x/"
        );
    }
}
