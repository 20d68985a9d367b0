//! CreateMultipartUpload, UploadPart, AbortMultipartUpload.
//!
//! `S3-MPU-1` part numbers 1 to 10,000; `S3-MPU-2` a part uploaded again replaces; `S3-MPU-6`
//! aborting; `S3-SSEC-12` every part under the same customer key; `S3-SUM-6` parts carry the upload's
//! checksum algorithm.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::body::UploadBody;
use super::checksums::{self, SentChecksum, algorithm_name, kind_name, set_checksum_field};
use super::customer_key::{self, CustomerKeyHeaders};
use super::errors::{OrS3 as _, from_unlock, header_not_implemented, invalid_argument};
use super::kms_access::Sealed;
use super::limits::MAX_PART_NUMBER;
use super::lock_headers::{self, Upload, lock_headers};
use super::metadata::{check_acl_headers, metadata_headers};
use super::put::{chosen_key, customer_key_headers, encryption_headers};
use super::sse::{EncryptionEcho, EncryptionHeaders};
use super::storage_classes::storage_class;
use super::tagging;
use crate::encryption::{CustomerKey, DataKey, UnlockError};
use crate::server::exchange::{Exchange, Transport};
use crate::store::{
    BucketRecord, ChecksumAlgorithm, ChecksumKind, DigestPlan, NewUpload, UploadRecord,
};

/// The checksum of uploads that name none (`S3-SUM-2`).
pub(super) const DEFAULT_CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

impl RegionService {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
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
        let choice = encryption.choose(exchange, &bucket, "s3:PutObject", &input.key)?;
        let checksum = asked_checksum(
            input.checksum_algorithm.as_ref().map(|name| name.as_str()),
            input.checksum_type.as_ref().map(ChecksumType::as_str),
        )?;
        let storage_class = storage_class(input.storage_class.as_ref())?;
        let tags = tagging::parse_header(exchange, input.tagging.as_deref())?;
        let metadata = metadata_headers!(input).into_record(exchange)?;

        let lock = lock_headers!(input).into_request(exchange, &headers, &bucket)?;
        // The data key is derived again, or unwrapped, for each part.
        let choice = self.authorise_encryption(exchange, &bucket, &input.key, choice)?;
        let (record, _) = self.region.begin_encryption(&choice).or_s3(exchange)?;
        let echo = EncryptionEcho::new(&record, chosen_key(&choice));
        let upload = NewUpload {
            key: input.key,
            owner: Self::new_owner(exchange, &bucket, input.acl.as_ref()),
            encryption: record,
            checksum,
            metadata,
            tags,
            storage_class,
            lock,
        };
        let upload = self
            .region
            .create_upload(&bucket.name, upload)
            .await
            .or_s3(exchange)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(upload.key),
            upload_id: Some(upload.upload_id),
            checksum_algorithm: checksum
                .map(|(algorithm, _)| algorithm_name(algorithm).to_owned().into()),
            checksum_type: checksum.map(|(_, kind)| kind_name(kind).to_owned().into()),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            ssekms_encryption_context: echo.ssekms_encryption_context,
            bucket_key_enabled: echo.bucket_key_enabled,
            sse_customer_algorithm: echo.sse_customer_algorithm,
            sse_customer_key_md5: echo.sse_customer_key_md5,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let customer: CustomerKeyHeaders = customer_key_headers!(input);
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let number = part_number(exchange, input.part_number)?;
        let upload = self
            .region
            .upload(&input.bucket, &input.key, &input.upload_id)
            .or_s3(exchange)?;
        let (key, customer_key) = self.part_key(exchange, &bucket, &upload, &customer)?;
        lock_headers::require_digest(&headers, &bucket, upload.lock, Upload::Part)?;
        let sent = SentChecksum::from_headers(&headers)?;
        let algorithm = part_algorithm(&upload);
        let shown = shown_algorithm(&upload, sent.as_ref().map(|sent| sent.algorithm))?;
        let md5 = checksums::content_md5(input.content_md5.as_deref())?;
        let body = UploadBody::new(exchange, input.body.take(), input.content_length, &headers)?;
        let plan = DigestPlan {
            md5: upload.encryption.etag_is_md5() || md5.is_some(),
            // The first is kept with the part.
            checksums: if shown == algorithm {
                vec![algorithm]
            } else {
                vec![algorithm, shown]
            },
        };
        let segment = self
            .region
            .write_segment(&key, plan, body)
            .await
            .or_s3(exchange)?;
        if let Some(sent) = &sent {
            sent.verify(segment.digests(), trailing_headers.as_ref())?;
        }
        checksums::verify_md5(exchange, md5, segment.digests().md5)?;
        let shown_value = checksums::value_of(segment.digests(), shown);
        let part = self
            .region
            .put_part(&input.bucket, &input.key, &input.upload_id, number, segment)
            .await
            .or_s3(exchange)?;
        let echo = EncryptionEcho::new(&upload.encryption, customer_key.as_ref());
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag)),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            bucket_key_enabled: echo.bucket_key_enabled,
            sse_customer_algorithm: echo.sse_customer_algorithm,
            sse_customer_key_md5: echo.sse_customer_key_md5,
            ..UploadPartOutput::default()
        };
        if let Some(value) = shown_value {
            set_checksum_field!(output, shown, value);
        }
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        if input.if_match_initiated_time.is_some() {
            // For directory buckets only.
            return Err(header_not_implemented(
                exchange,
                "x-amz-if-match-initiated-time",
            ));
        }
        self.region
            .abort_upload(&input.bucket, &input.key, &input.upload_id)
            .await
            .or_s3(exchange)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    /// The key that a part is sealed under, and the customer key for the answer.
    pub(super) fn part_key(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        upload: &UploadRecord,
        customer: &CustomerKeyHeaders,
    ) -> S3Result<(DataKey, Option<CustomerKey>)> {
        if customer.is_present()
            && exchange.transport() == Transport::Tls
            && bucket.encryption.blocks_sse_c()
        {
            // AWS documents the 403 for UploadPart as well (`S3-SSEC-20`).
            return Err(customer_key::blocked(bucket, "s3:PutObject", &upload.key));
        }
        let customer_key = customer.key(exchange)?;
        customer_key::check_part_key(&upload.encryption, customer)?;
        self.authorise_upload(exchange, bucket, upload)?;
        match self
            .region
            .unlock(&upload.encryption, customer_key.as_ref())
        {
            Ok(key) => Ok((key, customer_key)),
            Err(UnlockError::WrongKey) => Err(customer_key::other_upload_key()),
            Err(error) => Err(from_unlock(error, exchange)),
        }
    }

    /// Whether the requester may go on with an upload under a KMS key.
    fn authorise_upload(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        upload: &UploadRecord,
    ) -> S3Result<()> {
        let sealed = Sealed {
            region: &self.region,
            bucket,
            key: &upload.key,
        };
        self.authorise_decryption(exchange, sealed, &upload.encryption)
    }

    /// CompleteMultipartUpload and ListParts need the key only when the upload named a
    /// checksum algorithm; a key that is there must be the right one (`S3-SSEC-12`).
    pub(super) fn completion_key(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        upload: &UploadRecord,
        customer: &CustomerKeyHeaders,
    ) -> S3Result<()> {
        let customer_key = customer.key(exchange)?;
        self.authorise_upload(exchange, bucket, upload)?;
        if !customer.is_present() && (!upload.encryption.is_sse_c() || upload.checksum.is_none()) {
            return Ok(());
        }
        customer_key::check_part_key(&upload.encryption, customer)?;
        match self
            .region
            .unlock(&upload.encryption, customer_key.as_ref())
        {
            Ok(_) => Ok(()),
            Err(UnlockError::WrongKey) => Err(customer_key::other_upload_key()),
            Err(error) => Err(from_unlock(error, exchange)),
        }
    }

    /// The same for ListParts, in its own words.
    pub(super) fn list_parts_key(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        upload: &UploadRecord,
        customer: &CustomerKeyHeaders,
    ) -> S3Result<()> {
        if upload.encryption.is_sse_c() && upload.checksum.is_some() && !customer.is_present() {
            return Err(s3_error!(
                InvalidRequest,
                "To retrieve Part Checksum data requests must include appropriate encryption parameters."
            ));
        }
        self.completion_key(exchange, bucket, upload, customer)
    }
}

/// `partNumber` of a request that writes a part (`S3-MPU-1`).
pub(super) fn part_number(exchange: &Exchange, number: i32) -> S3Result<u32> {
    u32::try_from(number)
        .ok()
        .filter(|_| (1..=MAX_PART_NUMBER).contains(&number))
        .ok_or_else(|| {
            invalid_argument(
                exchange,
                "partNumber",
                &number.to_string(),
                "Part number must be an integer between 1 and 10000, inclusive",
            )
        })
}

fn asked_checksum(
    algorithm: Option<&str>,
    kind: Option<&str>,
) -> S3Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
    match (algorithm, kind) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )),
        (Some(name), kind) => {
            let algorithm = checksums::parse_algorithm(name)?;
            Ok(Some((algorithm, checksums::upload_kind(algorithm, kind)?)))
        }
    }
}

/// The algorithm whose checksum is kept with each part: the upload's.
pub(super) fn part_algorithm(upload: &UploadRecord) -> ChecksumAlgorithm {
    upload
        .checksum
        .map_or(DEFAULT_CHECKSUM, |(algorithm, _)| algorithm)
}

/// The algorithm a part is checked with and answered with. It has to be the one the upload
/// named. An upload that named none takes any: SDKs send CRC32 with every part, whether or not
/// the upload was created with it (`S3-SUM-6`).
pub(super) fn shown_algorithm(
    upload: &UploadRecord,
    sent: Option<ChecksumAlgorithm>,
) -> S3Result<ChecksumAlgorithm> {
    match (sent, upload.checksum) {
        (Some(sent), Some((named, _))) if sent != named => {
            Err(type_mismatch(upload.checksum, sent))
        }
        (Some(sent), _) => Ok(sent),
        (None, _) => Ok(part_algorithm(upload)),
    }
}

/// 400 for a checksum of another algorithm than the upload's.
pub(super) fn type_mismatch(
    expected: Option<(ChecksumAlgorithm, ChecksumKind)>,
    sent: ChecksumAlgorithm,
) -> s3s::S3Error {
    s3_error!(
        InvalidRequest,
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        expected.map_or("null".to_owned(), |(algorithm, _)| {
            algorithm_name(algorithm).to_ascii_lowercase()
        }),
        algorithm_name(sent).to_ascii_lowercase()
    )
}
