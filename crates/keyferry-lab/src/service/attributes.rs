//! GetObjectAttributes (`S3-ATTR-1` to `S3-ATTR-3`): what HEAD says and the parts, in pages.

use s3s::dto::{
    Checksum, ETag, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    ObjectPart, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::checksums::{kind_name, set_checksum_field};
use super::customer_key::CustomerKeyHeaders;
use super::errors::{OrS3 as _, invalid_argument};
use super::kms_access::Sealed;
use super::list_objects::{as_i32, page_size};
use super::put::customer_key_headers;
use super::versions::version_header;
use crate::server::exchange::Exchange;
use crate::store::{Layout, ObjectRecord};

impl RegionService {
    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let mut input = request.input;
        let customer: CustomerKeyHeaders = customer_key_headers!(input);
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let customer_key = customer.key(exchange)?;
        let (version, object) =
            self.object_version(exchange, &bucket, &input.key, input.version_id.as_deref())?;
        let sealed = Sealed {
            region: &self.region,
            bucket: &bucket,
            key: &input.key,
        };
        self.authorise_decryption(exchange, sealed, &object.encryption)?;
        self.region
            .unlock(&object.encryption, customer_key.as_ref())
            .or_s3(exchange)?;
        let asked: Vec<&str> = input
            .object_attributes
            .iter()
            .flat_map(|value| value.as_str().split(','))
            .map(str::trim)
            .collect();
        for name in &asked {
            if ![
                "ETag",
                "Checksum",
                "ObjectParts",
                "StorageClass",
                "ObjectSize",
            ]
            .contains(name)
            {
                return Err(invalid_argument(
                    exchange,
                    "x-amz-object-attributes",
                    name,
                    "Invalid attribute name specified.",
                ));
            }
        }
        let wants = |name: &str| asked.contains(&name);
        let object_parts = if wants("ObjectParts") {
            let layout = self.region.layout(&bucket.name, &version).or_s3(exchange)?;
            parts(
                exchange,
                &object,
                &layout,
                input.part_number_marker,
                input.max_parts,
            )?
        } else {
            None
        };
        exchange.want_bare_etag();
        Ok(S3Response::new(GetObjectAttributesOutput {
            e_tag: wants("ETag").then(|| ETag::Strong(object.etag.clone())),
            checksum: wants("Checksum").then(|| checksum(&object)).flatten(),
            object_parts,
            object_size: wants("ObjectSize")
                .then(|| i64::try_from(object.size).ok())
                .flatten(),
            storage_class: wants("StorageClass").then(|| object.storage_class.clone().into()),
            last_modified: Some(Timestamp::from(version.sequence.time())),
            version_id: version_header(&bucket, &version),
            ..GetObjectAttributesOutput::default()
        }))
    }
}

fn checksum(object: &ObjectRecord) -> Option<Checksum> {
    let stored = object.checksum.as_ref()?;
    let mut checksum = Checksum {
        checksum_type: Some(kind_name(stored.kind).to_owned().into()),
        ..Checksum::default()
    };
    set_checksum_field!(checksum, stored.algorithm, stored.value.clone());
    Some(checksum)
}

/// The parts of an object uploaded in parts; none for a single PUT.
fn parts(
    exchange: &Exchange,
    object: &ObjectRecord,
    layout: &Layout,
    marker: Option<i32>,
    max_parts: Option<i32>,
) -> S3Result<Option<GetObjectAttributesParts>> {
    if object.part_count.is_none() {
        return Ok(None);
    }
    let max_parts = page_size(exchange, "x-amz-max-parts", max_parts)?;
    let marker = marker.unwrap_or(0);
    let mut after = layout
        .parts
        .iter()
        .filter(|part| i64::from(part.number) > i64::from(marker));
    let page: Vec<_> = after.by_ref().take(max_parts).collect();
    let truncated = after.next().is_some();
    let next = page
        .last()
        .and_then(|part| i32::try_from(part.number).ok())
        .unwrap_or(0);
    let algorithm = object.checksum.as_ref().map(|sum| sum.algorithm);
    let listed: Vec<ObjectPart> = page
        .into_iter()
        .filter_map(|record| {
            // Parts are listed only with checksums (`S3-ATTR-1`).
            let (algorithm, value) = (algorithm?, record.checksum.clone()?);
            let mut part = ObjectPart {
                part_number: i32::try_from(record.number).ok(),
                size: i64::try_from(record.size).ok(),
                ..ObjectPart::default()
            };
            set_checksum_field!(part, algorithm, value);
            Some(part)
        })
        .collect();
    Ok(Some(GetObjectAttributesParts {
        total_parts_count: Some(as_i32(layout.parts.len())),
        part_number_marker: Some(marker),
        next_part_number_marker: Some(next),
        max_parts: Some(as_i32(max_parts)),
        is_truncated: Some(truncated),
        parts: (!listed.is_empty()).then_some(listed),
    }))
}
