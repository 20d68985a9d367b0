//! CompleteMultipartUpload (`S3-MPU-3`, `S3-MPU-5`): what it has to list, and what it says.

use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, ETag};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::{
    self, algorithm_name, checksum_fields, kind_name, sent_fields, set_checksum_field,
};
use super::conditions::{commit_error, write_precondition};
use super::customer_key::CustomerKeyHeaders;
use super::errors::{OrS3 as _, malformed_xml};
use super::multipart::{DEFAULT_CHECKSUM, part_algorithm, shown_algorithm, type_mismatch};
use super::put::customer_key_headers;
use super::sse::EncryptionEcho;
use super::url_encoding::NameEncoding;
use super::versions::version_header;
use crate::server::exchange::{Exchange, Transport};
use crate::store::{ChecksumKind, CompletedPart, Completion, StoreError, UploadRecord};

impl RegionService {
    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let S3Request {
            mut input, headers, ..
        } = request;
        let customer: CustomerKeyHeaders = customer_key_headers!(input);
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let upload = self
            .region
            .upload(&input.bucket, &input.key, &input.upload_id)
            .or_s3(exchange)?;
        self.completion_key(exchange, &bucket, &upload, &customer)?;
        let (algorithm, kind) = upload
            .checksum
            .unwrap_or((DEFAULT_CHECKSUM, ChecksumKind::FullObject));
        if let Some(asked) = &input.checksum_type
            && asked.as_str() != kind_name(kind)
        {
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
                kind_name(kind)
            ));
        }
        let checksum = match sent_fields(checksum_fields!(input))? {
            None => None,
            Some((sent, value)) if sent == algorithm => Some(value),
            Some((sent, _)) => return Err(type_mismatch(upload.checksum, sent)),
        };
        let parts = completed_parts(&upload, input.multipart_upload.and_then(|list| list.parts))?;
        let precondition = write_precondition(
            exchange,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        self.check_write(exchange, &input.bucket, &input.key, &precondition)?;
        let size = input
            .mpu_object_size
            .map(|size| {
                u64::try_from(size).map_err(|_| {
                    s3_error!(
                        InvalidRequest,
                        "Value for x-amz-mp-object-size header is invalid"
                    )
                })
            })
            .transpose()?;
        let completion = Completion {
            parts,
            precondition: precondition.clone(),
            checksum,
            size,
        };
        let version = self
            .region
            .complete_upload(&input.bucket, &input.key, &input.upload_id, completion)
            .await
            .map_err(|error| match error {
                StoreError::ChecksumMismatch { .. } => checksums::mismatch(algorithm),
                error => commit_error(exchange, error, &precondition),
            })?;

        let echo = EncryptionEcho::new(&upload.encryption, None);
        let mut output = CompleteMultipartUploadOutput {
            location: Some(location(exchange, &headers, &input.bucket, &input.key)),
            version_id: version_header(&bucket, &version),
            bucket: Some(input.bucket),
            key: Some(input.key),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            bucket_key_enabled: echo.bucket_key_enabled,
            ..CompleteMultipartUploadOutput::default()
        };
        if let Some(object) = version.object() {
            output.e_tag = Some(ETag::Strong(object.etag.clone()));
            if let Some(checksum) = &object.checksum {
                output.checksum_type = Some(kind_name(checksum.kind).to_owned().into());
                set_checksum_field!(output, checksum.algorithm, checksum.value.clone());
            }
        }
        Ok(S3Response::new(output))
    }
}

fn completed_parts(
    upload: &UploadRecord,
    parts: Option<Vec<s3s::dto::CompletedPart>>,
) -> S3Result<Vec<CompletedPart>> {
    let parts = parts
        .filter(|parts| !parts.is_empty())
        .ok_or_else(malformed_xml)?;
    parts
        .into_iter()
        .map(|part| {
            let number = part
                .part_number
                .and_then(|number| u32::try_from(number).ok())
                .ok_or_else(malformed_xml)?;
            let checksum = match sent_fields(checksum_fields!(part))? {
                None => None,
                // What is not kept cannot be compared.
                Some((algorithm, value)) => (shown_algorithm(upload, Some(algorithm))?
                    == part_algorithm(upload))
                .then_some(value),
            };
            if let Some((algorithm, ChecksumKind::Composite)) = upload.checksum
                && checksum.is_none()
            {
                return Err(s3_error!(
                    InvalidRequest,
                    "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.",
                    algorithm_name(algorithm).to_ascii_lowercase()
                ));
            }
            Ok(CompletedPart {
                number,
                etag: part.e_tag.ok_or_else(malformed_xml)?.into_value(),
                checksum,
            })
        })
        .collect()
}

/// `Location`: the object's address, as the client addressed the endpoint.
fn location(exchange: &Exchange, headers: &http::HeaderMap, bucket: &str, key: &str) -> String {
    let scheme = match exchange.transport() {
        Transport::Tls => "https",
        Transport::Plain => "http",
    };
    let host = headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let key = NameEncoding::Url.name(key);
    if host.starts_with(&format!("{bucket}.")) {
        format!("{scheme}://{host}/{key}")
    } else {
        format!("{scheme}://{host}/{bucket}/{key}")
    }
}
