//! CopyObject.
//!
//! `S3-COPY-2` at most 5 GiB; `S3-COPY-3` onto itself only with a change; `S3-COPY-4`
//! metadata and tags are the source's unless replaced; `S3-COPY-5` encryption is never the
//! source's, but what the request or the destination's default says; `S3-COPY-6` the checksum
//! algorithm is the source's unless another is named. Lock settings are never the source's
//! (`S3-LOCK-3`).

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, ETag, MetadataDirective, TaggingDirective,
    Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::{self, set_checksum_field};
use super::conditions::{commit_error, write_precondition_from_headers};
use super::copy_source::{OpenedSource, source_request};
use super::errors::{OrS3 as _, invalid_argument};
use super::limits::MAX_UPLOAD;
use super::lock_headers::lock_headers;
use super::metadata::{check_acl_headers, metadata_headers};
use super::put::{chosen_key, encryption_headers};
use super::sse::{EncryptionEcho, EncryptionHeaders};
use super::storage_classes::storage_class;
use super::tagging;
use super::versions::version_header;
use crate::server::exchange::Exchange;
use crate::store::{
    ChecksumAlgorithm, ChecksumKind, DigestPlan, NewObject, ObjectChecksum, ObjectMetadata,
};

impl RegionService {
    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let S3Request {
            mut input, headers, ..
        } = request;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        check_acl_headers!(exchange, &bucket, input);
        let encryption: EncryptionHeaders = encryption_headers!(input);
        let choice = encryption.choose(exchange, &bucket, "s3:CopyObject", &input.key)?;
        let storage_class = storage_class(input.storage_class.as_ref())?;
        let replaces_metadata = is_replace(
            exchange,
            "x-amz-metadata-directive",
            input
                .metadata_directive
                .as_ref()
                .map(MetadataDirective::as_str),
        )?;
        let replaces_tags = is_replace(
            exchange,
            "x-amz-tagging-directive",
            input
                .tagging_directive
                .as_ref()
                .map(TaggingDirective::as_str),
        )?;
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|name| checksums::parse_algorithm(name.as_str()))
            .transpose()?;
        let lock = lock_headers!(input).into_request(exchange, &headers, &bucket)?;
        let precondition = write_precondition_from_headers(exchange, &headers)?;

        let source = self.open_source(exchange, source_request!(input))?;
        check_size(source.object.size)?;
        let changes = replaces_metadata
            || encryption.is_present()
            || storage_class != source.object.storage_class
            || input.website_redirect_location.is_some();
        let onto_itself = source.bucket.name == bucket.name
            && source.version.key == input.key
            && !source.by_version;
        if onto_itself && !changes {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        self.check_write(exchange, &bucket.name, &input.key, &precondition)?;

        let tags = if replaces_tags {
            tagging::parse_header(exchange, input.tagging.as_deref())?
        } else {
            source.object.tags.clone()
        };
        let website_redirect = input.website_redirect_location.clone();
        let metadata = if replaces_metadata {
            metadata_headers!(input).into_record(exchange)?
        } else {
            ObjectMetadata {
                website_redirect,
                ..source.object.metadata.clone()
            }
        };
        let algorithm = algorithm
            .or(source.object.checksum.as_ref().map(|sum| sum.algorithm))
            .unwrap_or(ChecksumAlgorithm::Crc64Nvme);

        let choice = self.authorise_encryption(exchange, &bucket, &input.key, choice)?;
        let (record, data_key) = self.region.begin_encryption(&choice).or_s3(exchange)?;
        let plan = DigestPlan {
            md5: record.etag_is_md5(),
            checksums: vec![algorithm],
        };
        let reader = source
            .region
            .read(&source.layout, &source.data_key, 0..source.object.size)
            .await
            .or_s3(exchange)?;
        let segment = self
            .region
            .write_segment(&data_key, plan, reader)
            .await
            .or_s3(exchange)?;
        let checksum =
            checksums::value_of(segment.digests(), algorithm).map(|value| ObjectChecksum {
                algorithm,
                kind: ChecksumKind::FullObject,
                value,
            });
        let echo = EncryptionEcho::new(&record, chosen_key(&choice));
        let object = NewObject {
            key: input.key,
            owner: Self::new_owner(exchange, &bucket, input.acl.as_ref()),
            checksum: checksum.clone(),
            encryption: record,
            metadata,
            tags,
            storage_class,
            lock,
            segment,
        };
        let version = self
            .region
            .put_object(&bucket.name, object, precondition.clone())
            .await
            .map_err(|error| commit_error(exchange, error, &precondition))?;

        let mut result = CopyObjectResult {
            e_tag: version
                .object()
                .map(|object| ETag::Strong(object.etag.clone())),
            last_modified: Some(Timestamp::from(version.sequence.time())),
            ..CopyObjectResult::default()
        };
        if let Some(checksum) = checksum {
            result.checksum_type = Some(checksums::kind_name(checksum.kind).to_owned().into());
            set_checksum_field!(result, checksum.algorithm, checksum.value);
        }
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: OpenedSource::version_header(&source),
            version_id: version_header(&bucket, &version),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            ssekms_encryption_context: echo.ssekms_encryption_context,
            bucket_key_enabled: echo.bucket_key_enabled,
            sse_customer_algorithm: echo.sse_customer_algorithm,
            sse_customer_key_md5: echo.sse_customer_key_md5,
            ..CopyObjectOutput::default()
        }))
    }
}

fn is_replace(exchange: &Exchange, header: &str, directive: Option<&str>) -> S3Result<bool> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(invalid_argument(
            exchange,
            header,
            other,
            "Unknown directive.",
        )),
    }
}

/// At most 5 GiB at once (`S3-COPY-2`); more goes by UploadPartCopy.
fn check_size(size: u64) -> S3Result<()> {
    if size <= MAX_UPLOAD {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_UPLOAD}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S3-COPY-2.
    #[test]
    fn five_gibibytes_at_once() {
        check_size(0).unwrap();
        check_size(5 << 30).unwrap();
        let refused = check_size((5 << 30) + 1).unwrap_err();
        assert_eq!(refused.code().as_str(), "InvalidRequest");
        assert!(refused.message().unwrap().ends_with(": 5368709120"));
    }
}
