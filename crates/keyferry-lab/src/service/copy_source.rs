//! The source of CopyObject and UploadPartCopy (`S3-COPY-1`, `S3-COPY-8`): in either region, opened with
//! its own customer key.

use s3s::dto::CopySource;
use s3s::{S3Error, S3Result, s3_error};

use super::RegionService;
use super::conditions::ReadConditions;
use super::customer_key::CustomerKeyHeaders;
use super::errors::{self, OrS3 as _, invalid_argument};
use super::kms_access::Sealed;
use super::storage_classes::check_readable;
use super::versions::check_version_id;
use crate::encryption::DataKey;
use crate::server::exchange::Exchange;
use crate::store::{
    BucketRecord, Layout, ObjectRecord, RegionStore, StoreError, VersionRecord, Versioning,
};

/// What a copy reads.
pub(super) struct OpenedSource {
    pub(super) region: RegionStore,
    pub(super) bucket: BucketRecord,
    pub(super) version: VersionRecord,
    pub(super) object: ObjectRecord,
    pub(super) layout: Layout,
    pub(super) data_key: DataKey,
    /// Whether the request named a version.
    pub(super) by_version: bool,
}

impl OpenedSource {
    /// `x-amz-copy-source-version-id`
    pub(super) fn version_header(&self) -> Option<String> {
        (self.bucket.versioning != Versioning::Unversioned).then(|| self.version.version_id.clone())
    }
}

/// What a copy request says about its source.
pub(super) struct SourceRequest<'a> {
    pub(super) source: &'a CopySource,
    pub(super) expected_owner: Option<&'a str>,
    pub(super) conditions: ReadConditions,
    pub(super) customer: CustomerKeyHeaders,
}

/// Takes a [`SourceRequest`] out of an input of s3s.
macro_rules! source_request {
    ($input:expr) => {
        $crate::service::copy_source::SourceRequest {
            conditions: $crate::service::conditions::ReadConditions {
                if_match: $input.copy_source_if_match.take(),
                if_none_match: $input.copy_source_if_none_match.take(),
                if_modified_since: $input.copy_source_if_modified_since.take(),
                if_unmodified_since: $input.copy_source_if_unmodified_since.take(),
            },
            customer: $crate::service::customer_key::CustomerKeyHeaders::new(
                $input.copy_source_sse_customer_algorithm.take(),
                $input.copy_source_sse_customer_key.take(),
                $input.copy_source_sse_customer_key_md5.take(),
            ),
            source: &$input.copy_source,
            expected_owner: $input.expected_source_bucket_owner.as_deref(),
        }
    };
}
pub(super) use source_request;

impl RegionService {
    /// Finds the source, opens it and judges its conditions.
    pub(super) fn open_source(
        &self,
        exchange: &Exchange,
        request: SourceRequest<'_>,
    ) -> S3Result<OpenedSource> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id,
        } = request.source
        else {
            return Err(s3_error!(
                NotImplemented,
                "The lab has no access points to copy from."
            ));
        };
        if key.is_empty() {
            return Err(invalid_argument(
                exchange,
                "x-amz-copy-source",
                &format!("/{bucket}/"),
                "Invalid copy source object key",
            ));
        }
        let version_id = version_id.as_deref();
        let no_such_bucket = || StoreError::NoSuchBucket(bucket.to_string());
        let record = self
            .store
            .locate(bucket)
            .and_then(|found| found.ok_or_else(no_such_bucket))
            .or_s3(exchange)?;
        errors::expect_owner(&record, request.expected_owner)?;
        let region = self
            .store
            .region(&record.region)
            .cloned()
            .ok_or_else(no_such_bucket)
            .or_s3(exchange)?;
        check_version_id(exchange, version_id)?;
        let customer_key = request.customer.key(exchange)?;
        let version = region.version(bucket, key, version_id).or_s3(exchange)?;
        let Some(object) = version.object().cloned() else {
            return Err(source_is_delete_marker(exchange, key, version_id.is_some()));
        };
        let sealed = Sealed {
            region: &region,
            bucket: &record,
            key,
        };
        self.authorise_decryption(exchange, sealed, &object.encryption)?;
        let data_key = region
            .unlock(&object.encryption, customer_key.as_ref())
            .or_s3(exchange)?;
        request
            .conditions
            .check_copy_source(exchange, &object.etag, version.sequence.time())?;
        check_readable(
            exchange,
            &object,
            "Operation is not valid for the source object's storage class",
        )?;
        let layout = region.layout(bucket, &version).or_s3(exchange)?;
        Ok(OpenedSource {
            region,
            bucket: record,
            version,
            object,
            layout,
            data_key,
            by_version: version_id.is_some(),
        })
    }
}

fn source_is_delete_marker(exchange: &Exchange, key: &str, by_id: bool) -> S3Error {
    exchange.error_field("Key", key);
    if by_id {
        s3_error!(
            InvalidRequest,
            "The source of a copy request may not specifically refer to a delete marker by version id."
        )
    } else {
        s3_error!(NoSuchKey, "The specified key does not exist.")
    }
}
