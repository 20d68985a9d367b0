//! A source bucket, with what is the same for all of its objects: read once, and shared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use keyferry_policy::{BucketName, Region};
use tokio::sync::{Mutex, OnceCell};

use crate::answer::Trouble;
use crate::causes::Background;
use crate::destination::{Configuration, bucket_of, read_configuration};
use crate::regions::{Regions, client_of, replicas_of};
use crate::rules::{Coverage, any_selects_by_tag};
use crate::tagging::TagCounting;
use crate::{Refusal, ReplicaTarget, VerifyError};

/// The clients of the two sides, either way round.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    regions: &'a dyn Regions,
    swapped: bool,
}

impl<'a> Way<'a> {
    pub(crate) fn straight(regions: &'a dyn Regions) -> Self {
        Self {
            regions,
            swapped: false,
        }
    }

    /// From the replicas to the sources.
    pub(crate) fn swapped(self) -> Self {
        Self {
            swapped: !self.swapped,
            ..self
        }
    }

    pub(crate) fn is_swapped(self) -> bool {
        self.swapped
    }

    fn sources(self) -> &'a dyn Regions {
        match self.swapped {
            false => self.regions,
            true => replicas_of(self.regions),
        }
    }

    fn replicas(self) -> &'a dyn Regions {
        match self.swapped {
            false => replicas_of(self.regions),
            true => self.regions,
        }
    }
}

/// A source bucket.
pub(crate) struct Bucket<'a> {
    pub(crate) way: Way<'a>,
    pub(crate) name: BucketName,
    pub(crate) region: Region,
    pub(crate) client: Client,
    /// Where the replicas are, when the replication configuration is not to be asked.
    pub(crate) given: Vec<ReplicaTarget>,
    pub(crate) tag_counting: TagCounting,
    /// What explains that objects have no replica.
    pub(crate) background: Background<'a>,
    objects: AtomicU64,
    configuration: OnceCell<Configuration>,
    places: Mutex<BTreeMap<BucketName, Arc<Place>>>,
}

/// A replica bucket.
#[derive(Debug)]
pub(crate) struct Place {
    /// Absent when the bucket does not exist.
    pub(crate) found: Option<(Region, Client)>,
    /// URL of its server, where that is another than the source's.
    pub(crate) endpoint: Option<String>,
    pub(crate) tag_counting: TagCounting,
    /// Why the bucket cannot be reached in its region through this client, if that was looked into.
    misplaced: OnceCell<Option<Misplaced>>,
}

/// What the server says of a bucket that is not where it was asked for.
#[derive(Debug, Clone)]
struct Misplaced {
    /// The region that it names.
    said: Option<String>,
    refusal: Refusal,
}

impl Place {
    /// The error to report where everything is refused because the bucket is in another region, or the
    /// endpoint is that of another region. The server is asked once, by a request without any key.
    pub(crate) async fn misplaced(&self, bucket: &BucketName) -> Option<VerifyError> {
        let (region, client) = self.found.as_ref()?;
        let misplaced = self
            .misplaced
            .get_or_init(|| look_for(client, bucket))
            .await;
        misplaced
            .as_ref()
            .map(|misplaced| VerifyError::WrongRegion {
                bucket: bucket.clone(),
                region: region.clone(),
                said: misplaced
                    .said
                    .clone()
                    .filter(|said| *said != region.to_string()),
                refusal: Box::new(misplaced.refusal.clone()),
            })
    }
}

async fn look_for(client: &Client, bucket: &BucketName) -> Option<Misplaced> {
    let request = client.head_bucket().bucket(bucket.as_str());
    let error = request.send().await.err()?;
    let said = error
        .raw_response()
        .and_then(|raw| raw.headers().get("x-amz-bucket-region"))
        .map(str::to_owned);
    match Trouble::of(error) {
        Trouble::Refused(refusal) if refusal.may_be_elsewhere() => {
            Some(Misplaced { said, refusal })
        }
        _ => None,
    }
}

impl<'a> Bucket<'a> {
    pub(crate) fn new(
        way: Way<'a>,
        name: &BucketName,
        region: &Region,
        given: Vec<ReplicaTarget>,
    ) -> Result<Self, VerifyError> {
        Ok(Self {
            client: client_of(way.sources(), region)?,
            way,
            name: name.clone(),
            region: region.clone(),
            background: Background::new(way.sources(), way.regions, name, region, given.first()),
            given,
            tag_counting: TagCounting::default(),
            objects: AtomicU64::new(0),
            configuration: OnceCell::new(),
            places: Mutex::default(),
        })
    }

    /// Counts an object, and says how many there were before it.
    pub(crate) fn count_object(&self) -> u64 {
        self.objects.fetch_add(1, Ordering::Relaxed)
    }

    /// The replication configuration.
    pub(crate) async fn configuration(&self) -> Result<&Configuration, VerifyError> {
        self.configuration
            .get_or_try_init(|| read_configuration(&self.client, &self.name))
            .await
    }

    /// The only replica bucket that an object of this name can have, as far as its name and the rules
    /// tell; none where there may be several, or tags decide.
    pub(crate) async fn only_place(&self, key: &str) -> Option<(BucketName, Arc<Place>)> {
        let (name, region) = match self.given.as_slice() {
            [] => {
                let rules = self.configuration().await.ok()?.rules();
                if any_selects_by_tag(rules) {
                    return None;
                }
                let matched = Coverage::of(rules, key, &BTreeMap::new()).matched;
                match matched.as_slice() {
                    [rule] => (bucket_of(&rule.destination)?, None),
                    _ => return None,
                }
            }
            [target] => (target.bucket.clone(), Some(&target.region)),
            _ => return None,
        };
        let place = self.place(&name, region).await.ok()?;
        Some((name, place))
    }

    /// A replica bucket, whose region is asked for where it is not known.
    pub(crate) async fn place(
        &self,
        name: &BucketName,
        region: Option<&Region>,
    ) -> Result<Arc<Place>, VerifyError> {
        let mut places = self.places.lock().await;
        if let Some(place) = places.get(name) {
            return Ok(Arc::clone(place));
        }
        let regions = self.way.replicas();
        let region = match region {
            Some(region) => Some(region.clone()),
            None => match regions.bucket_region(name, &self.region).await {
                Ok(region) => Some(region),
                Err(VerifyError::NoBucket { .. }) => None,
                Err(error) => return Err(error),
            },
        };
        let elsewhere = self.way.regions.replica_side().is_some();
        let place = Arc::new(Place {
            endpoint: region
                .as_ref()
                .filter(|_| elsewhere)
                .and_then(|region| regions.endpoint(region)),
            found: match region {
                Some(region) => {
                    let client = client_of(regions, &region)?;
                    Some((region, client))
                }
                None => None,
            },
            tag_counting: TagCounting::default(),
            misplaced: OnceCell::new(),
        });
        places.insert(name.clone(), Arc::clone(&place));
        Ok(place)
    }
}
