//! PutObject.

use s3s::dto::{ETag, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::body::UploadBody;
use super::checksums::{self, SentChecksum, set_checksum_field};
use super::conditions::{commit_error, write_precondition};
use super::errors::{OrS3 as _, header_not_implemented};
use super::lock_headers::{self, Upload, lock_headers};
use super::metadata::{check_acl_headers, metadata_headers};
use super::sse::{EncryptionEcho, EncryptionHeaders};
use super::storage_classes::storage_class;
use super::tagging;
use super::versions::version_header;
use crate::encryption::EncryptionChoice;
use crate::server::exchange::Exchange;
use crate::store::{ChecksumAlgorithm, ChecksumKind, DigestPlan, NewObject, ObjectChecksum};

/// Takes the encryption fields out of an input of s3s.
macro_rules! encryption_headers {
    ($input:expr) => {
        $crate::service::sse::EncryptionHeaders {
            sse: $input.server_side_encryption.take(),
            kms_key_id: $input.ssekms_key_id.take(),
            context: $input.ssekms_encryption_context.take(),
            bucket_key_enabled: $input.bucket_key_enabled,
            customer: $crate::service::put::customer_key_headers!($input),
        }
    };
}

/// Takes the customer key fields out of an input of s3s.
macro_rules! customer_key_headers {
    ($input:expr) => {
        $crate::service::customer_key::CustomerKeyHeaders::new(
            $input.sse_customer_algorithm.take(),
            $input.sse_customer_key.take(),
            $input.sse_customer_key_md5.take(),
        )
    };
}

pub(super) use {customer_key_headers, encryption_headers};

/// The key of a choice, for the answer's key MD5.
pub(super) fn chosen_key(choice: &EncryptionChoice) -> Option<&crate::encryption::CustomerKey> {
    match choice {
        EncryptionChoice::SseC(key) => Some(key),
        EncryptionChoice::SseS3
        | EncryptionChoice::SseKms { .. }
        | EncryptionChoice::DsseKms { .. } => None,
    }
}

impl RegionService {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        if input.write_offset_bytes.is_some() {
            // Appending is for directory buckets.
            return Err(header_not_implemented(exchange, "x-amz-write-offset-bytes"));
        }
        check_acl_headers!(exchange, &bucket, input);
        let encryption: EncryptionHeaders = encryption_headers!(input);
        let choice = encryption.choose(exchange, &bucket, "s3:PutObject", &input.key)?;
        let storage_class = storage_class(input.storage_class.as_ref())?;
        let tags = tagging::parse_header(exchange, input.tagging.as_deref())?;
        let metadata = metadata_headers!(input).into_record(exchange)?;
        let lock = lock_headers!(input).into_request(exchange, &headers, &bucket)?;
        lock_headers::require_digest(&headers, &bucket, lock, Upload::Object)?;
        let sent = SentChecksum::from_headers(&headers)?;
        let md5 = checksums::content_md5(input.content_md5.as_deref())?;
        let precondition = write_precondition(
            exchange,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        self.check_write(exchange, &bucket.name, &input.key, &precondition)?;
        let body = UploadBody::new(exchange, input.body.take(), input.content_length, &headers)?;

        let choice = self.authorise_encryption(exchange, &bucket, &input.key, choice)?;
        let (record, data_key) = self.region.begin_encryption(&choice).or_s3(exchange)?;
        let algorithm = sent
            .as_ref()
            .map_or(ChecksumAlgorithm::Crc64Nvme, |sent| sent.algorithm);
        let plan = DigestPlan {
            md5: record.etag_is_md5() || md5.is_some(),
            checksums: vec![algorithm],
        };
        let segment = self
            .region
            .write_segment(&data_key, plan, body)
            .await
            .or_s3(exchange)?;
        let digests = segment.digests();
        if let Some(sent) = &sent {
            sent.verify(digests, trailing_headers.as_ref())?;
        }
        checksums::verify_md5(exchange, md5, digests.md5)?;
        let checksum = checksums::value_of(digests, algorithm).map(|value| ObjectChecksum {
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

        let mut output = PutObjectOutput {
            e_tag: version
                .object()
                .map(|object| ETag::Strong(object.etag.clone())),
            version_id: version_header(&bucket, &version),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            ssekms_encryption_context: echo.ssekms_encryption_context,
            bucket_key_enabled: echo.bucket_key_enabled,
            sse_customer_algorithm: echo.sse_customer_algorithm,
            sse_customer_key_md5: echo.sse_customer_key_md5,
            ..PutObjectOutput::default()
        };
        if let Some(checksum) = checksum {
            output.checksum_type = Some(checksums::kind_name(checksum.kind).to_owned().into());
            set_checksum_field!(output, checksum.algorithm, checksum.value);
        }
        Ok(S3Response::new(output))
    }
}
