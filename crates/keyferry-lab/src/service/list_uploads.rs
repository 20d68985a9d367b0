//! ListMultipartUploads and ListParts (`S3-LIST-3`).

use s3s::dto::{
    ETag, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, Part, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::checksums::{algorithm_name, kind_name, set_checksum_field};
use super::customer_key::CustomerKeyHeaders;
use super::errors::{OrS3 as _, invalid_argument};
use super::list_objects::{as_i32, common_prefixes, page_size};
use super::multipart::part_algorithm;
use super::ownership::owner_element;
use super::put::customer_key_headers;
use super::url_encoding::NameEncoding;
use crate::authorization::canonical_id;
use crate::server::exchange::Exchange;
use crate::store::{PartPage, UploadPage, UploadQuery, UploadRecord};

impl RegionService {
    fn initiator(owner: &str) -> Initiator {
        Initiator {
            id: Some(canonical_id(owner)),
            display_name: None,
        }
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let encoding = NameEncoding::parse(input.encoding_type.as_ref())?;
        let max_uploads = page_size(exchange, "max-uploads", input.max_uploads)?;
        let present = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let key_marker = present(&input.key_marker);
        // Without a key marker S3 ignores the upload id marker.
        let upload_id_marker = present(&input.upload_id_marker).filter(|_| key_marker.is_some());
        let page = if max_uploads == 0 {
            UploadPage::default()
        } else {
            self.region
                .list_uploads(
                    &input.bucket,
                    UploadQuery {
                        prefix: input.prefix.as_deref().unwrap_or_default(),
                        delimiter: input.delimiter.as_deref(),
                        key_marker: key_marker.as_deref(),
                        upload_id_marker: upload_id_marker.as_deref(),
                        max_uploads,
                    },
                )
                .or_s3(exchange)?
        };
        let truncated = page.next.is_some();
        let (next_key_marker, next_upload_id_marker) = match page.next {
            Some((key, id)) => (Some(encoding.name(&key)), id),
            None => (None, None),
        };
        let uploads: Vec<MultipartUpload> = page
            .uploads
            .into_iter()
            .map(|upload| MultipartUpload {
                key: Some(encoding.name(&upload.key)),
                upload_id: Some(upload.upload_id),
                initiated: Some(Timestamp::from(upload.initiated.time())),
                storage_class: Some(upload.storage_class.into()),
                owner: Some(owner_element(&upload.owner)),
                initiator: Some(Self::initiator(&upload.owner)),
                checksum_algorithm: upload
                    .checksum
                    .map(|(algorithm, _)| algorithm_name(algorithm).to_owned().into()),
                checksum_type: upload
                    .checksum
                    .map(|(_, kind)| kind_name(kind).to_owned().into()),
            })
            .collect();
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(encoding.name(input.prefix.as_deref().unwrap_or_default())),
            delimiter: encoding.optional(input.delimiter.as_deref()),
            key_marker: Some(encoding.name(input.key_marker.as_deref().unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            next_key_marker,
            next_upload_id_marker,
            max_uploads: Some(as_i32(max_uploads)),
            is_truncated: Some(truncated),
            uploads: (!uploads.is_empty()).then_some(uploads),
            common_prefixes: common_prefixes(page.common_prefixes, encoding),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let mut input = request.input;
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
        self.list_parts_key(exchange, &bucket, &upload, &customer)?;
        let max_parts = page_size(exchange, "max-parts", input.max_parts)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let after = u32::try_from(marker).map_err(|_| {
            invalid_argument(
                exchange,
                "part-number-marker",
                &marker.to_string(),
                "Argument part-number-marker must be an integer between 0 and 2147483647",
            )
        })?;
        let page = if max_parts == 0 {
            PartPage::default()
        } else {
            self.region
                .list_parts(
                    &input.bucket,
                    &input.key,
                    &input.upload_id,
                    after,
                    max_parts,
                )
                .or_s3(exchange)?
        };
        let truncated = page.next.is_some();
        let next = page
            .next
            .or_else(|| page.parts.last().map(|part| part.number));
        let parts = parts(&upload, &page);
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            next_part_number_marker: Some(next.and_then(|n| i32::try_from(n).ok()).unwrap_or(0)),
            max_parts: Some(as_i32(max_parts)),
            is_truncated: Some(truncated),
            parts: (!parts.is_empty()).then_some(parts),
            storage_class: Some(upload.storage_class.into()),
            owner: Some(owner_element(&upload.owner)),
            initiator: Some(Self::initiator(&upload.owner)),
            checksum_algorithm: upload
                .checksum
                .map(|(algorithm, _)| algorithm_name(algorithm).to_owned().into()),
            checksum_type: upload
                .checksum
                .map(|(_, kind)| kind_name(kind).to_owned().into()),
            ..ListPartsOutput::default()
        }))
    }
}

fn parts(upload: &UploadRecord, page: &PartPage) -> Vec<Part> {
    let algorithm = part_algorithm(upload);
    page.parts
        .iter()
        .map(|record| {
            let mut part = Part {
                part_number: i32::try_from(record.number).ok(),
                size: i64::try_from(record.size).ok(),
                e_tag: Some(ETag::Strong(record.etag.clone())),
                last_modified: Some(Timestamp::from(record.uploaded.time())),
                ..Part::default()
            };
            if let Some(value) = record.checksum.clone() {
                set_checksum_field!(part, algorithm, value);
            }
            part
        })
        .collect()
}
