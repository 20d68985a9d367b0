//! The S3 operations of one region, by subject.
//!
//! `s3s` parses requests and calls [`RegionService`] through its `S3` trait
//! ([`operations`]); what `s3s` does not know or reads otherwise than S3 passes [`routes`] first.
//! Each module names the rules of `docs/s3-rules.md` it follows.

mod absent_configuration;
mod acl;
mod attributes;
mod body;
mod bucket_configuration;
mod bucket_policy;
mod buckets;
mod checksums;
mod complete;
mod conditions;
mod copy;
mod copy_source;
mod customer_key;
mod delete;
mod encryption_route;
mod errors;
mod kms_access;
mod limits;
mod list_objects;
mod list_uploads;
mod list_versions;
mod lock_configuration;
mod lock_headers;
mod metadata;
mod multipart;
mod object_lock;
mod operations;
mod ownership;
mod part_copy;
mod put;
mod read;
mod replication;
mod routes;
mod selection;
mod sse;
mod storage_classes;
mod tagging;
mod url_encoding;
mod versions;

use std::sync::Arc;

use s3s::S3Result;

pub(crate) use routes::Routes;

use self::errors::OrS3 as _;
use crate::authorization::Authorizer;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, RegionStore, Store, StoreError};

/// One region's S3. A cheap handle.
#[derive(Clone)]
pub(crate) struct RegionService {
    store: Arc<Store>,
    region: RegionStore,
    /// Both regions' names and `host:port`, for redirects.
    endpoints: Arc<[(String, String); 2]>,
    authorizer: Authorizer,
}

impl RegionService {
    /// The service of `region`, one of `store`'s.
    pub(crate) fn new(
        store: Arc<Store>,
        region: RegionStore,
        endpoints: Arc<[(String, String); 2]>,
    ) -> Self {
        Self {
            authorizer: Authorizer::new(Arc::clone(&store)),
            store,
            region,
            endpoints,
        }
    }

    /// The bucket a request names.
    ///
    /// Refuses with 301 when it lives in the other region (`S3-BUCKET-4`), with 404 when there
    /// is none, and with 403 when its owner is not the one expected (`S3-BUCKET-5`).
    fn bucket(
        &self,
        exchange: &Exchange,
        name: &str,
        expected_owner: Option<&str>,
    ) -> S3Result<BucketRecord> {
        let bucket = match self.region.bucket(name) {
            Err(StoreError::NoSuchBucket(_)) => {
                if let Some(elsewhere) = self.store.locate(name).or_s3(exchange)? {
                    return Err(self.redirect(exchange, &elsewhere));
                }
                Err(StoreError::NoSuchBucket(name.to_owned()))
            }
            found => found,
        }
        .or_s3(exchange)?;
        errors::expect_owner(&bucket, expected_owner)?;
        Ok(bucket)
    }

    fn redirect(&self, exchange: &Exchange, bucket: &BucketRecord) -> s3s::S3Error {
        let endpoint = self
            .endpoints
            .iter()
            .find(|(region, _)| *region == bucket.region)
            .map_or("", |(_, authority)| authority.as_str());
        exchange.error_field("Endpoint", endpoint);
        exchange.error_field("Bucket", &bucket.name);
        errors::permanent_redirect(&bucket.region)
    }
}
