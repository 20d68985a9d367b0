//! GetObject and HeadObject.
//!
//! `S3-GET-4` response header overrides. The customer key is judged before the conditions, so
//! that nothing is learned without it.

use http::HeaderValue;
use s3s::dto::{
    ChecksumMode, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ReplicationStatus, StreamingBlob, Timestamp,
};
use s3s::stream::{ByteStream, DynByteStream, RemainingLength};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::checksums::{self, set_checksum_field};
use super::conditions::ReadConditions;
use super::customer_key::CustomerKeyHeaders;
use super::errors::OrS3 as _;
use super::kms_access::Sealed;
use super::lock_headers::VisibleLock;
use super::metadata;
use super::put::customer_key_headers;
use super::selection::{Selection, select, selected_checksum};
use super::sse::EncryptionEcho;
use super::storage_classes::{STANDARD, check_readable, restore_header};
use super::versions::version_header;
use crate::authorization::{Circumstances, request_circumstances};
use crate::encryption::DataKey;
use crate::server::exchange::Exchange;
use crate::store::{
    BucketRecord, ChecksumAlgorithm, ChecksumKind, Layout, ObjectReader, ObjectRecord,
    VersionRecord,
};

/// What both reads ask for.
struct ReadRequest {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_owner: Option<String>,
    range: Option<s3s::dto::Range>,
    part_number: Option<i32>,
    wants_checksum: bool,
    /// Content or checksum are asked for, which are sealed.
    wants_data: bool,
    conditions: ReadConditions,
    customer: CustomerKeyHeaders,
    circumstances: Circumstances,
}

/// Takes a [`ReadRequest`] out of either input of s3s.
macro_rules! read_request {
    ($input:expr, $reads:expr, $circumstances:expr) => {
        ReadRequest {
            circumstances: $circumstances,
            wants_data: $reads
                || $input
                    .checksum_mode
                    .as_ref()
                    .is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED),
            customer: customer_key_headers!($input),
            bucket: $input.bucket.clone(),
            key: $input.key.clone(),
            version_id: $input.version_id.take(),
            expected_owner: $input.expected_bucket_owner.take(),
            range: $input.range.take(),
            part_number: $input.part_number,
            wants_checksum: $input
                .checksum_mode
                .as_ref()
                .is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED),
            conditions: ReadConditions {
                if_match: $input.if_match.take(),
                if_none_match: $input.if_none_match.take(),
                if_modified_since: $input.if_modified_since.take(),
                if_unmodified_since: $input.if_unmodified_since.take(),
            },
        }
    };
}

/// Fills the fields that both outputs have.
macro_rules! found_output {
    ($found:expr, $Output:ident) => {{
        let object = &$found.object;
        let kept = &object.metadata;
        let echo = &$found.echo;
        let mut output = $Output {
            accept_ranges: Some("bytes".to_owned()),
            bucket_key_enabled: echo.bucket_key_enabled,
            cache_control: kept.cache_control.clone(),
            content_disposition: kept.content_disposition.clone(),
            content_encoding: kept.content_encoding.clone(),
            content_language: kept.content_language.clone(),
            content_length: Some($found.selection.length()),
            content_range: $found.selection.content_range(object.size),
            content_type: kept.content_type.clone(),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            expires: metadata::expires(kept),
            last_modified: Some(Timestamp::from($found.version.sequence.time())),
            metadata: (!kept.user.is_empty()).then(|| kept.user.clone().into_iter().collect()),
            object_lock_legal_hold_status: $found.lock.legal_hold.clone(),
            object_lock_mode: $found.lock.mode.clone(),
            object_lock_retain_until_date: $found.lock.until.clone(),
            parts_count: $found.parts_count,
            replication_status: $found
                .version
                .replication_status()
                .map(|status| ReplicationStatus::from_static(status.as_str())),
            restore: restore_header(object),
            server_side_encryption: echo.server_side_encryption.clone(),
            sse_customer_algorithm: echo.sse_customer_algorithm.clone(),
            sse_customer_key_md5: echo.sse_customer_key_md5.clone(),
            ssekms_key_id: echo.ssekms_key_id.clone(),
            storage_class: (object.storage_class != STANDARD)
                .then(|| object.storage_class.clone().into()),
            version_id: version_header(&$found.bucket, &$found.version),
            website_redirect_location: kept.website_redirect.clone(),
            ..$Output::default()
        };
        if let Some((algorithm, kind, value)) = $found.checksum.clone() {
            output.checksum_type = Some(checksums::kind_name(kind).to_owned().into());
            set_checksum_field!(output, algorithm, value);
        }
        output
    }};
}

/// What both reads found.
struct Found {
    bucket: BucketRecord,
    version: VersionRecord,
    object: ObjectRecord,
    layout: Layout,
    data_key: DataKey,
    echo: EncryptionEcho,
    lock: VisibleLock,
    selection: Selection,
    /// `x-amz-mp-parts-count`: only with a part number, and only for objects uploaded in parts.
    parts_count: Option<i32>,
    checksum: Option<(ChecksumAlgorithm, ChecksumKind, String)>,
}

impl RegionService {
    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let S3Request {
            mut input,
            headers,
            uri,
            ..
        } = request;
        let circumstances =
            request_circumstances(exchange, "GetObject", &headers, &uri, self.region.name());
        let found = self.find(exchange, read_request!(input, true, circumstances))?;
        check_readable(
            exchange,
            &found.object,
            "The operation is not valid for the object's storage class",
        )?;
        let reader = self
            .region
            .read(
                &found.layout,
                &found.data_key,
                found.selection.range.clone(),
            )
            .await
            .or_s3(exchange)?;
        let body: DynByteStream = Box::pin(ObjectBody(reader));
        let mut output: GetObjectOutput = found_output!(found, GetObjectOutput);
        output.body = Some(StreamingBlob::from(body));
        output.tag_count = i32::try_from(found.object.tags.len())
            .ok()
            .filter(|count| *count > 0);
        let mut response = S3Response::new(output);
        response.status = Some(found.selection.status());
        Ok(response)
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let S3Request {
            mut input,
            headers,
            uri,
            ..
        } = request;
        let circumstances =
            request_circumstances(exchange, "HeadObject", &headers, &uri, self.region.name());
        let found = self.find(exchange, read_request!(input, false, circumstances))?;
        let mut output: HeadObjectOutput = found_output!(found, HeadObjectOutput);
        // s3s applies these to GetObject only.
        output.cache_control = input.response_cache_control.or(output.cache_control);
        output.content_disposition = input
            .response_content_disposition
            .or(output.content_disposition);
        output.content_encoding = input.response_content_encoding.or(output.content_encoding);
        output.content_language = input.response_content_language.or(output.content_language);
        output.content_type = input.response_content_type.or(output.content_type);
        output.expires = input.response_expires.or(output.expires);
        let mut response = S3Response::new(output);
        response.status = Some(found.selection.status());
        // s3s knows this one of GetObject only.
        let tags = found.object.tags.len();
        if tags > 0 {
            response
                .headers
                .insert("x-amz-tagging-count", HeaderValue::from(tags));
        }
        Ok(response)
    }

    fn find(&self, exchange: &Exchange, request: ReadRequest) -> S3Result<Found> {
        let bucket = self.bucket(exchange, &request.bucket, request.expected_owner.as_deref())?;
        let customer_key = request.customer.key(exchange)?;
        let (version, object) = self.object_version(
            exchange,
            &bucket,
            &request.key,
            request.version_id.as_deref(),
        )?;
        if request.wants_data {
            let sealed = Sealed {
                region: &self.region,
                bucket: &bucket,
                key: &request.key,
            };
            self.authorise_decryption(exchange, sealed, &object.encryption)?;
        }
        let data_key = self
            .region
            .unlock(&object.encryption, customer_key.as_ref())
            .or_s3(exchange)?;
        request
            .conditions
            .check_read(exchange, &object.etag, version.sequence.time())?;
        let layout = self.region.layout(&bucket.name, &version).or_s3(exchange)?;
        let selection = select(
            exchange,
            &object,
            &layout,
            request.range,
            request.part_number,
        )?;
        let checksum = request
            .wants_checksum
            .then(|| selected_checksum(&object, &layout, &selection, request.part_number))
            .flatten();
        let echo = EncryptionEcho::new(&object.encryption, customer_key.as_ref());
        let lock = self.visible_lock(
            exchange,
            &bucket,
            &request.key,
            &object,
            &request.circumstances,
        )?;
        let parts_count = request
            .part_number
            .and(object.part_count)
            .and_then(|count| i32::try_from(count).ok());
        Ok(Found {
            parts_count,
            bucket,
            version,
            object,
            layout,
            data_key,
            echo,
            lock,
            selection,
            checksum,
        })
    }
}

/// An object's bytes with their known length, so that a failure half-way is a short answer
/// that the client notices.
struct ObjectBody(ObjectReader);

impl futures::Stream for ObjectBody {
    type Item = Result<bytes::Bytes, Box<dyn std::error::Error + Send + Sync + 'static>>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(cx).map(|next| {
            next.map(|piece| {
                piece.map_err(|error| {
                    tracing::error!(%error, "an object could not be read to its end");
                    error.into()
                })
            })
        })
    }
}

impl ByteStream for ObjectBody {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.0.remaining())
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
