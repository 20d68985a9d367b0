//! Headers kept with an object, and ACL headers.
//!
//! `S3-META-1` 2 KB of user metadata; `S3-META-2` default content type; `S3-META-3`
//! `aws-chunked` is a transfer coding and not kept; `S3-ACL-1` ACLs are off.

use std::collections::BTreeMap;

use s3s::dto::{Metadata, ObjectCannedACL, Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};

use super::conditions::http_date;
use super::errors::header_not_implemented;
use super::limits::MAX_USER_METADATA;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, ObjectMetadata, ObjectOwnership};

/// Metadata headers as s3s gives them.
pub(super) struct MetadataHeaders {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) website_redirect: Option<String>,
    pub(super) user: Option<Metadata>,
}

/// Takes the metadata fields out of an input of s3s.
macro_rules! metadata_headers {
    ($input:expr) => {
        $crate::service::metadata::MetadataHeaders {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            expires: $input.expires.take(),
            website_redirect: $input.website_redirect_location.take(),
            user: $input.metadata.take(),
        }
    };
}
pub(super) use metadata_headers;

impl MetadataHeaders {
    /// What is kept.
    pub(super) fn into_record(self, exchange: &Exchange) -> S3Result<ObjectMetadata> {
        let user: BTreeMap<String, String> = self.user.unwrap_or_default().into_iter().collect();
        let size: usize = user
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if size > MAX_USER_METADATA {
            exchange.error_field("Size", size.to_string());
            exchange.error_field("MaxSizeAllowed", MAX_USER_METADATA.to_string());
            return Err(s3_error!(
                MetadataTooLarge,
                "Your metadata headers exceed the maximum allowed metadata size"
            ));
        }
        if let Some(location) = &self.website_redirect
            && !["/", "http://", "https://"]
                .iter()
                .any(|start| location.starts_with(start))
        {
            return Err(s3_error!(
                InvalidRequest,
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
            ));
        }
        Ok(ObjectMetadata {
            content_type: Some(
                self.content_type
                    .filter(|value| !value.is_empty())
                    .unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            content_encoding: self.content_encoding.and_then(without_aws_chunked),
            cache_control: self.cache_control,
            content_disposition: self.content_disposition,
            content_language: self.content_language,
            expires: self.expires.as_ref().and_then(http_date),
            website_redirect: self.website_redirect,
            user,
        })
    }
}

fn without_aws_chunked(value: String) -> Option<String> {
    if !value.to_ascii_lowercase().contains("aws-chunked") {
        return Some(value);
    }
    let kept: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked") && !coding.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// `Expires` of a response.
pub(super) fn expires(metadata: &ObjectMetadata) -> Option<Timestamp> {
    let text = metadata.expires.as_deref()?;
    Timestamp::parse(TimestampFormat::HttpDate, text).ok()
}

/// Refuses ACLs that say anything but what is so anyway (`S3-ACL-1`).
pub(super) fn check_acl(
    exchange: &Exchange,
    bucket: &BucketRecord,
    acl: Option<&ObjectCannedACL>,
    has_grants: bool,
) -> S3Result<()> {
    let acl = acl.map(ObjectCannedACL::as_str);
    if bucket.ownership == Some(ObjectOwnership::BucketOwnerEnforced) {
        if has_grants || !matches!(acl, None | Some("bucket-owner-full-control")) {
            return Err(s3_error!(
                AccessControlListNotSupported,
                "The bucket does not allow ACLs"
            ));
        }
    } else if has_grants
        || !matches!(
            acl,
            None | Some("bucket-owner-full-control" | "bucket-owner-read" | "private")
        )
    {
        // An object's ACL grants nothing to others in the lab (`S3-ACL-2`).
        return Err(header_not_implemented(exchange, "x-amz-acl"));
    }
    Ok(())
}

/// What [`check_acl`] needs of an input of s3s.
macro_rules! check_acl_headers {
    ($exchange:expr, $bucket:expr, $input:expr) => {{
        let has_grants = $input.grant_full_control.is_some()
            || $input.grant_read.is_some()
            || $input.grant_read_acp.is_some()
            || $input.grant_write_acp.is_some();
        $crate::service::metadata::check_acl($exchange, $bucket, $input.acl.as_ref(), has_grants)?;
    }};
}
pub(super) use check_acl_headers;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_chunked_is_not_kept() {
        for (sent, kept) in [
            ("gzip", Some("gzip")),
            ("aws-chunked", None),
            ("aws-chunked,gzip", Some("gzip")),
            ("gzip, AWS-chunked , br", Some("gzip,br")),
        ] {
            assert_eq!(without_aws_chunked(sent.to_owned()).as_deref(), kept);
        }
    }
}
