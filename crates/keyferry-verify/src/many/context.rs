//! What all items of a run share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyferry_policy::{BucketName, Region};
use keyferry_transfer::TransferError;

use super::ledger::Ledger;
use super::opener::Opener;
use super::options::{ManyOptions, ProbeScope};
use crate::answer::chain;
use crate::bucket::{Bucket, Way};
use crate::event::Observer;
use crate::regions::Regions;
use crate::{ReplicaTarget, VerifyError};

/// What all items of a run share.
pub(super) struct Context<'a> {
    pub(super) options: ManyOptions,
    pub(super) opener: Opener<'a>,
    pub(super) observer: &'a dyn Observer,
    /// The bucket that is listed.
    pub(super) listed: Option<(BucketName, Region)>,
    way: Way<'a>,
    buckets: Mutex<BTreeMap<(BucketName, Region, bool), Arc<Bucket<'a>>>>,
    ledger: Arc<Mutex<Ledger>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        regions: &'a dyn Regions,
        options: ManyOptions,
        opener: Opener<'a>,
        observer: &'a dyn Observer,
        listed: Option<(BucketName, Region)>,
        ledger: Arc<Mutex<Ledger>>,
    ) -> Self {
        Self {
            options,
            opener,
            observer,
            listed,
            way: Way::straight(regions),
            buckets: Mutex::default(),
            ledger,
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bucket that is listed, and its region.
    pub(super) fn listed_bucket(&self) -> Result<(&BucketName, &Region), VerifyError> {
        let (bucket, region) = self.listed.as_ref().ok_or_else(|| VerifyError::Source {
            detail: "an object is named without its bucket".to_owned(),
        })?;
        Ok((bucket, region))
    }

    /// A source bucket.
    pub(super) fn source(
        &self,
        name: &BucketName,
        region: &Region,
    ) -> Result<Arc<Bucket<'a>>, VerifyError> {
        self.bucket(self.way, name, region, || {
            let given = self.options.replicas.get(name);
            given.cloned().unwrap_or_default()
        })
    }

    /// A replica bucket as a source, whose replicas are where the sources are.
    pub(super) fn other_way(
        &self,
        from: &Bucket<'a>,
        name: &BucketName,
        region: &Region,
    ) -> Result<Arc<Bucket<'a>>, VerifyError> {
        self.bucket(from.way.swapped(), name, region, || {
            match from.given.is_empty() {
                true => Vec::new(),
                false => vec![ReplicaTarget {
                    bucket: from.name.clone(),
                    region: from.region.clone(),
                }],
            }
        })
    }

    fn bucket(
        &self,
        way: Way<'a>,
        name: &BucketName,
        region: &Region,
        given: impl FnOnce() -> Vec<ReplicaTarget>,
    ) -> Result<Arc<Bucket<'a>>, VerifyError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.iter().find(|((bucket, at, swapped), _)| {
            bucket == name && at == region && *swapped == way.is_swapped()
        });
        if let Some((_, bucket)) = known {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Arc::new(Bucket::new(way, name, region, given())?);
        let name = (name.clone(), region.clone(), way.is_swapped());
        buckets.insert(name, Arc::clone(&bucket));
        Ok(bucket)
    }

    /// Takes note of a bucket that cannot be listed.
    pub(super) fn not_listed(&self, bucket: &BucketName, error: &TransferError) {
        let why = chain(error);
        self.ledger().summary.not_listed.insert(bucket.clone(), why);
    }

    /// Whether the next object of a bucket is to be asked for without its key.
    pub(super) fn probes(&self, bucket: &Bucket<'_>) -> bool {
        match self.options.probe {
            ProbeScope::All => true,
            ProbeScope::None => false,
            ProbeScope::Sample => {
                let before = bucket.count_object();
                before < FIRST_PROBED || before.is_power_of_two()
            }
        }
    }
}

/// Of each bucket, so many objects are probed first; then those at every power of two.
const FIRST_PROBED: u64 = 3;
