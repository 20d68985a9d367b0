//! UploadPartCopy (`S3-COPY-7`): a part from a range of another object.

use std::ops::Range;

use s3s::dto::{CopyPartResult, ETag, Timestamp, UploadPartCopyInput, UploadPartCopyOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::set_checksum_field;
use super::copy_source::source_request;
use super::customer_key::CustomerKeyHeaders;
use super::errors::{OrS3 as _, invalid_argument};
use super::limits::MAX_UPLOAD;
use super::multipart::{part_algorithm, part_number};
use super::put::customer_key_headers;
use super::sse::EncryptionEcho;
use crate::server::exchange::Exchange;
use crate::store::DigestPlan;

impl RegionService {
    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let mut input = request.input;
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
        let source = self.open_source(exchange, source_request!(input))?;
        let range = source_range(
            exchange,
            input.copy_source_range.as_deref(),
            source.object.size,
        )?;
        let algorithm = part_algorithm(&upload);
        let plan = DigestPlan {
            md5: upload.encryption.etag_is_md5(),
            checksums: vec![algorithm],
        };
        let reader = source
            .region
            .read(&source.layout, &source.data_key, range)
            .await
            .or_s3(exchange)?;
        let segment = self
            .region
            .write_segment(&key, plan, reader)
            .await
            .or_s3(exchange)?;
        let part = self
            .region
            .put_part(&input.bucket, &input.key, &input.upload_id, number, segment)
            .await
            .or_s3(exchange)?;
        let mut result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(Timestamp::from(part.uploaded.time())),
            ..CopyPartResult::default()
        };
        if let Some(value) = part.checksum {
            set_checksum_field!(result, algorithm, value);
        }
        let echo = EncryptionEcho::new(&upload.encryption, customer_key.as_ref());
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: source.version_header(),
            server_side_encryption: echo.server_side_encryption,
            ssekms_key_id: echo.ssekms_key_id,
            bucket_key_enabled: echo.bucket_key_enabled,
            sse_customer_algorithm: echo.sse_customer_algorithm,
            sse_customer_key_md5: echo.sse_customer_key_md5,
            ..UploadPartCopyOutput::default()
        }))
    }
}

/// `x-amz-copy-source-range`: both ends given, inside the source.
fn source_range(exchange: &Exchange, header: Option<&str>, size: u64) -> S3Result<Range<u64>> {
    let range = match header {
        None => 0..size,
        Some(header) => {
            let (first, last) = parse_range(header).ok_or_else(|| {
                invalid_argument(
                    exchange,
                    "x-amz-copy-source-range",
                    header,
                    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
                )
            })?;
            if last >= size {
                return Err(invalid_argument(
                    exchange,
                    "x-amz-copy-source-range",
                    header,
                    format!("Range specified is not valid for source object of size: {size}"),
                ));
            }
            first..last + 1
        }
    };
    if range.end - range.start > MAX_UPLOAD {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_UPLOAD}"
        ));
    }
    Ok(range)
}

fn parse_range(header: &str) -> Option<(u64, u64)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::Transport;

    #[test]
    fn ranges_have_both_ends() {
        let exchange = Exchange::new(Transport::Tls);
        let parse = |header, size| source_range(&exchange, header, size).ok();
        assert_eq!(parse(None, 10), Some(0..10));
        assert_eq!(parse(Some("bytes=2-9"), 10), Some(2..10));
        for bad in [
            "bytes=2-10",
            "bytes=2-",
            "bytes=-3",
            "2-3",
            "bytes=3-2",
            "bytes=a-b",
        ] {
            assert_eq!(parse(Some(bad), 10), None, "{bad}");
        }
        assert_eq!(parse(None, MAX_UPLOAD + 1), None);
    }
}
