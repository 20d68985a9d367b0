//! ListObjectsV2 and ListObjects (`S3-LIST-1`, `S3-LIST-4` to `S3-LIST-6`).

use s3s::dto::{
    CommonPrefix, ETag, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::checksums::{algorithm_name, kind_name};
use super::errors::{OrS3 as _, invalid_argument};
use super::limits::MAX_PAGE;
use super::ownership::{effective_owner, owner_element};
use super::url_encoding::NameEncoding;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, ObjectPage, ObjectQuery, Resume, VersionRecord};

/// Page size of a request: at most 1000, however much is asked for (`S3-LIST-5`).
pub(super) fn page_size(exchange: &Exchange, name: &str, asked: Option<i32>) -> S3Result<usize> {
    let Some(asked) = asked else {
        return Ok(MAX_PAGE);
    };
    usize::try_from(asked)
        .map(|asked| asked.min(MAX_PAGE))
        .map_err(|_| {
            invalid_argument(
                exchange,
                name,
                &asked.to_string(),
                format!("Argument {name} must be an integer between 0 and 2147483647"),
            )
        })
}

/// A page size in an answer.
pub(super) fn as_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Common prefixes in an answer; none are no element.
pub(super) fn common_prefixes(
    prefixes: Vec<String>,
    encoding: NameEncoding,
) -> Option<Vec<CommonPrefix>> {
    let prefixes: Vec<CommonPrefix> = prefixes
        .iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(encoding.name(prefix)),
        })
        .collect();
    (!prefixes.is_empty()).then_some(prefixes)
}

impl RegionService {
    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let encoding = NameEncoding::parse(input.encoding_type.as_ref())?;
        let max_keys = page_size(exchange, "maxKeys", input.max_keys)?;
        let resume = match (&input.continuation_token, &input.start_after) {
            // A token says more than where the listing started.
            (Some(token), _) => Some(Resume::from_token(token).ok_or_else(|| {
                invalid_argument(
                    exchange,
                    "continuation-token",
                    token,
                    "The continuation token provided is incorrect",
                )
            })?),
            (None, Some(key)) if !key.is_empty() => Some(Resume::AfterKey(key.clone())),
            (None, _) => None,
        };
        let page = self.object_page(
            exchange,
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            resume.as_ref(),
            max_keys,
        )?;
        let owner = input.fetch_owner.unwrap_or(false);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.name(input.prefix.as_deref().unwrap_or_default())),
            delimiter: encoding.optional(input.delimiter.as_deref()),
            max_keys: Some(as_i32(max_keys)),
            key_count: Some(as_i32(page.objects.len() + page.common_prefixes.len())),
            continuation_token: input.continuation_token,
            start_after: encoding.optional(input.start_after.as_deref()),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_ref().map(Resume::to_token),
            contents: Self::objects(&bucket, &page.objects, encoding, owner),
            common_prefixes: common_prefixes(page.common_prefixes, encoding),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let encoding = NameEncoding::parse(input.encoding_type.as_ref())?;
        let max_keys = page_size(exchange, "maxKeys", input.max_keys)?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let resume = input
            .marker
            .as_deref()
            .filter(|marker| !marker.is_empty())
            .map(|marker| Resume::from_marker(marker, prefix, input.delimiter.as_deref()));
        let page = self.object_page(
            exchange,
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            resume.as_ref(),
            max_keys,
        )?;
        // Without a delimiter the last key is the marker, and S3 says none (`S3-LIST-6`).
        let next_marker = page
            .next
            .as_ref()
            .filter(|_| input.delimiter.is_some())
            .map(|next| match next {
                Resume::AfterKey(name) | Resume::AfterPrefix(name) => encoding.name(name),
            });
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket.clone()),
            prefix: Some(encoding.name(prefix)),
            delimiter: encoding.optional(input.delimiter.as_deref()),
            marker: Some(encoding.name(input.marker.as_deref().unwrap_or_default())),
            max_keys: Some(as_i32(max_keys)),
            is_truncated: Some(page.next.is_some()),
            next_marker,
            contents: Self::objects(&bucket, &page.objects, encoding, true),
            common_prefixes: common_prefixes(page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            request_charged: None,
        }))
    }

    fn object_page(
        &self,
        exchange: &Exchange,
        bucket: &str,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        resume: Option<&Resume>,
        max_keys: usize,
    ) -> S3Result<ObjectPage> {
        if max_keys == 0 {
            return Ok(ObjectPage::default());
        }
        self.region
            .list_objects(
                bucket,
                ObjectQuery {
                    prefix: prefix.unwrap_or_default(),
                    delimiter,
                    resume,
                    max_keys,
                },
            )
            .or_s3(exchange)
    }

    fn objects(
        bucket: &BucketRecord,
        versions: &[VersionRecord],
        encoding: NameEncoding,
        owner: bool,
    ) -> Option<Vec<Object>> {
        let objects: Vec<Object> = versions
            .iter()
            .filter_map(|version| Some((version, version.object()?)))
            .map(|(version, object)| Object {
                key: Some(encoding.name(&version.key)),
                last_modified: Some(Timestamp::from(version.sequence.time())),
                e_tag: Some(ETag::Strong(object.etag.clone())),
                size: i64::try_from(object.size).ok(),
                storage_class: Some(object.storage_class.clone().into()),
                owner: owner.then(|| owner_element(effective_owner(bucket, &version.owner))),
                checksum_algorithm: object
                    .checksum
                    .as_ref()
                    .map(|sum| vec![algorithm_name(sum.algorithm).to_owned().into()]),
                checksum_type: object
                    .checksum
                    .as_ref()
                    .map(|sum| kind_name(sum.kind).to_owned().into()),
                restore_status: None,
            })
            .collect();
        (!objects.is_empty()).then_some(objects)
    }
}
