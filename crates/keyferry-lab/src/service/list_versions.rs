//! ListObjectVersions (`S3-LIST-2`).

use s3s::dto::{
    DeleteMarkerEntry, ETag, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
    Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::{algorithm_name, kind_name};
use super::errors::OrS3 as _;
use super::list_objects::{as_i32, common_prefixes, page_size};
use super::ownership::{effective_owner, owner_element};
use super::url_encoding::NameEncoding;
use crate::server::exchange::Exchange;
use crate::store::{VersionPage, VersionQuery};

impl RegionService {
    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let encoding = NameEncoding::parse(input.encoding_type.as_ref())?;
        let max_keys = page_size(exchange, "maxKeys", input.max_keys)?;
        let present = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let key_marker = present(&input.key_marker);
        let version_id_marker = present(&input.version_id_marker);
        if version_id_marker.is_some() && key_marker.is_none() {
            return Err(s3_error!(
                InvalidArgument,
                "A version-id marker cannot be specified without a key marker."
            ));
        }
        let page = if max_keys == 0 {
            VersionPage::default()
        } else {
            self.region
                .list_versions(
                    &input.bucket,
                    VersionQuery {
                        prefix: input.prefix.as_deref().unwrap_or_default(),
                        delimiter: input.delimiter.as_deref(),
                        key_marker: key_marker.as_deref(),
                        version_id_marker: version_id_marker.as_deref(),
                        max_keys,
                    },
                )
                .or_s3(exchange)?
        };
        let mut versions = Vec::new();
        let mut delete_markers = Vec::new();
        for entry in page.entries {
            let version = entry.version;
            let key = Some(encoding.name(&version.key));
            let last_modified = Some(Timestamp::from(version.sequence.time()));
            match version.object() {
                Some(object) => versions.push(ObjectVersion {
                    key,
                    version_id: Some(version.version_id.clone()),
                    is_latest: Some(entry.is_latest),
                    last_modified,
                    e_tag: Some(ETag::Strong(object.etag.clone())),
                    size: i64::try_from(object.size).ok(),
                    storage_class: Some(object.storage_class.clone().into()),
                    owner: Some(owner_element(effective_owner(&bucket, &version.owner))),
                    checksum_algorithm: object
                        .checksum
                        .as_ref()
                        .map(|sum| vec![algorithm_name(sum.algorithm).to_owned().into()]),
                    checksum_type: object
                        .checksum
                        .as_ref()
                        .map(|sum| kind_name(sum.kind).to_owned().into()),
                    restore_status: None,
                }),
                None => delete_markers.push(DeleteMarkerEntry {
                    key,
                    version_id: Some(version.version_id),
                    is_latest: Some(entry.is_latest),
                    last_modified,
                    owner: Some(owner_element(effective_owner(&bucket, &version.owner))),
                }),
            }
        }
        let truncated = page.next.is_some();
        let (next_key_marker, next_version_id_marker) = match page.next {
            Some((key, id)) => (Some(encoding.name(&key)), id),
            None => (None, None),
        };
        Ok(S3Response::new(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.name(input.prefix.as_deref().unwrap_or_default())),
            delimiter: encoding.optional(input.delimiter.as_deref()),
            key_marker: Some(encoding.name(input.key_marker.as_deref().unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            max_keys: Some(as_i32(max_keys)),
            is_truncated: Some(truncated),
            next_key_marker,
            next_version_id_marker,
            versions: (!versions.is_empty()).then_some(versions),
            delete_markers: (!delete_markers.is_empty()).then_some(delete_markers),
            common_prefixes: common_prefixes(page.common_prefixes, encoding),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }
}
