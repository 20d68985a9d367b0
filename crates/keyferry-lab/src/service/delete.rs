//! DeleteObject and DeleteObjects (`S3-DEL-1` to `S3-DEL-5`). Neither takes a customer key. What
//! is locked is not deleted by version id (`S3-LOCK-5`, `S3-LOCK-6`).

use http::header::HeaderMap;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ObjectIdentifier,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::RegionService;
use super::checksums::expect_digest;
use super::conditions::{commit_error, write_precondition};
use super::errors::{OrS3 as _, from_store, header_not_implemented, malformed_xml};
use super::limits::MAX_PAGE;
use super::lock_headers::bypasses_governance;
use super::versions::check_version_id;
use crate::authorization::{Circumstances, access_denied};
use crate::server::exchange::{Exchange, Transport};
use crate::store::{BucketRecord, DeleteRequest, Deleted, Precondition, StoreError};

impl RegionService {
    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        check_version_id(exchange, input.version_id.as_deref())?;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            // For directory buckets only.
            return Err(header_not_implemented(exchange, "x-amz-if-match-size"));
        }
        let bypass_governance =
            bypasses_governance(exchange, &bucket, input.bypass_governance_retention)?;
        let precondition = write_precondition(exchange, input.if_match.as_ref(), None)?;
        let delete = DeleteRequest {
            key: input.key,
            version_id: input.version_id,
            precondition: precondition.clone(),
            bypass_governance,
        };
        let deleted = self
            .region
            .delete(&bucket.name, &bucket.owner, vec![delete])
            .await
            .or_s3(exchange)?
            .pop()
            .unwrap_or(Err(StoreError::ShuttingDown))
            .map_err(|error| match error {
                // Nothing was read before: what is not there simply is not there.
                error @ StoreError::NoSuchKey(_) => from_store(error, exchange),
                error => commit_error(exchange, error, &precondition),
            })?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.delete_marker.then_some(true),
            version_id: deleted.version_id,
            ..DeleteObjectOutput::default()
        }))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let S3Request { input, headers, .. } = request;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        expect_digest(&headers)?;
        let bypass_governance =
            bypasses_governance(exchange, &bucket, input.bypass_governance_retention)?;
        let objects = input.delete.objects;
        if objects.is_empty() || objects.len() > MAX_PAGE {
            return Err(malformed_xml());
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let mut output = DeleteObjectsOutput::default();
        let (objects, misnamed): (Vec<_>, Vec<_>) = objects.into_iter().partition(has_version_id);
        for object in misnamed {
            let error = s3_error!(NoSuchVersion, "The specified version does not exist.");
            output.errors.get_or_insert_default().push(entry_error(
                &error,
                object.key,
                object.version_id,
            ));
        }
        let (objects, refused) =
            self.deletable(exchange, &bucket, objects, &headers, bypass_governance)?;
        for (object, error) in refused {
            output.errors.get_or_insert_default().push(entry_error(
                &error,
                object.key,
                object.version_id,
            ));
        }
        let named: Vec<(String, Option<String>)> = objects
            .iter()
            .map(|object| (object.key.clone(), object.version_id.clone()))
            .collect();
        let requests = objects
            .into_iter()
            .map(|object| delete_request(object, bypass_governance))
            .collect();
        let outcomes = self
            .region
            .delete(&bucket.name, &bucket.owner, requests)
            .await
            .or_s3(exchange)?;
        for ((key, asked), outcome) in named.into_iter().zip(outcomes) {
            match outcome {
                Ok(deleted) if quiet => drop(deleted),
                Ok(deleted) => output
                    .deleted
                    .get_or_insert_default()
                    .push(deleted_object(deleted, asked)),
                Err(error) => {
                    let error = from_store(error, &unshown());
                    output
                        .errors
                        .get_or_insert_default()
                        .push(entry_error(&error, key, asked));
                }
            }
        }
        Ok(S3Response::new(output))
    }
}

/// An object that may not be deleted, and why.
type Refused = (ObjectIdentifier, S3Error);

impl RegionService {
    /// Each key takes permissions of its own (`S3-ACCESS-2`).
    fn deletable(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        objects: Vec<ObjectIdentifier>,
        headers: &HeaderMap,
        bypass_governance: bool,
    ) -> S3Result<(Vec<ObjectIdentifier>, Vec<Refused>)> {
        let circumstances = Circumstances::of(exchange.transport(), headers, self.region.name());
        let mut allowed = Vec::new();
        let mut refused = Vec::new();
        for object in objects {
            let version = object.version_id.as_deref().filter(|id| !id.is_empty());
            let mut circumstances = circumstances.clone();
            let action = match version {
                None => "s3:DeleteObject",
                Some(id) => {
                    circumstances.set("s3:VersionId", id);
                    "s3:DeleteObjectVersion"
                }
            };
            let arn = format!("arn:aws:s3:::{}/{}", bucket.name, object.key);
            let bypass = bypass_governance.then_some("s3:BypassGovernanceRetention");
            let mut judgement = Ok(());
            for action in std::iter::once(action).chain(bypass) {
                if judgement.is_ok() {
                    judgement = self
                        .authorizer
                        .may_use_bucket(
                            exchange.requester(),
                            action,
                            &arn,
                            bucket,
                            circumstances.clone(),
                        )
                        .or_s3(exchange)?;
                }
            }
            match judgement {
                Ok(()) => allowed.push(object),
                Err(refusal) => refused.push((object, access_denied(&refusal))),
            }
        }
        Ok((allowed, refused))
    }
}

fn delete_request(object: ObjectIdentifier, bypass_governance: bool) -> DeleteRequest {
    DeleteRequest {
        key: object.key,
        version_id: object.version_id.filter(|id| !id.is_empty()),
        precondition: object.e_tag.map_or(Precondition::None, |etag| {
            Precondition::Matches(etag.into_value())
        }),
        bypass_governance,
    }
}

fn deleted_object(deleted: Deleted, asked: Option<String>) -> DeletedObject {
    // A marker that was created has its own field; what was asked for is given back as asked.
    let marker = deleted
        .delete_marker
        .then_some(deleted.version_id)
        .flatten();
    DeletedObject {
        key: Some(deleted.key),
        version_id: asked,
        delete_marker: deleted.delete_marker.then_some(true),
        delete_marker_version_id: marker,
    }
}

/// What an error is about goes into the entry, not into the answer's own fields.
fn unshown() -> Exchange {
    Exchange::new(Transport::Tls)
}

/// Whether the version named, if any, can be one (`S3-DEL-4`).
fn has_version_id(object: &ObjectIdentifier) -> bool {
    let version_id = object.version_id.as_deref().filter(|id| !id.is_empty());
    check_version_id(&unshown(), version_id).is_ok()
}

fn entry_error(error: &S3Error, key: String, version_id: Option<String>) -> s3s::dto::Error {
    s3s::dto::Error {
        code: Some(error.code().as_str().to_owned()),
        message: error.message().map(str::to_owned),
        key: Some(key),
        version_id,
    }
}
