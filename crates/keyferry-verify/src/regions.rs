//! Where clients come from, and where buckets are.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_bucket::{HeadBucketError, HeadBucketOutput};
use futures::FutureExt;
use futures::future::BoxFuture;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::Connector;

use crate::VerifyError;
use crate::answer::Trouble;
use crate::events::FailureQueue;

/// Why there is no client for a region.
pub type ClientFailure = Box<dyn std::error::Error + Send + Sync>;

/// Gives one client per region.
pub trait Regions: Send + Sync {
    /// The client of a region.
    ///
    /// # Errors
    /// When the region has no endpoint here, or the configuration is unusable.
    fn client(&self, region: &Region) -> Result<Client, ClientFailure>;

    /// Connections to IAM, KMS and STS, where there are any: what policies say is read by them.
    fn connector(&self) -> Option<Connector> {
        None
    }

    /// The queue that S3's events about failed replication go to, where there is one.
    fn failure_queue(&self) -> Option<Arc<FailureQueue>> {
        None
    }

    /// The region of a bucket, beginning the search at `start`.
    ///
    /// S3 tells the region in `x-amz-bucket-region` from any endpoint of the partition, even when it
    /// redirects (301) or forbids (403).
    fn bucket_region<'a>(
        &'a self,
        bucket: &'a BucketName,
        start: &'a Region,
    ) -> BoxFuture<'a, Result<Region, VerifyError>> {
        async move {
            let known = self.some_region();
            let (start, client) = match (client_of(self, start), &known) {
                (Err(_), Some(known)) => (known, client_of(self, known)?),
                (client, _) => (start, client?),
            };
            let answer = client.head_bucket().bucket(bucket.as_str()).send().await;
            region_in(bucket, start, answer)
        }
        .boxed()
    }

    /// A region that there is a client for, where there is none for most. Another server need not know
    /// the region that a search begins at.
    fn some_region(&self) -> Option<Region> {
        None
    }

    /// What gives clients for the replicas. None where they are reached as the sources are; some
    /// where they are with another server, or need other credentials.
    fn replica_side(&self) -> Option<&dyn Regions> {
        None
    }

    /// The URL that a region is reached at, where it is not AWS's own.
    fn endpoint(&self, _region: &Region) -> Option<String> {
        None
    }
}

impl Regions for Connector {
    fn client(&self, region: &Region) -> Result<Client, ClientFailure> {
        Self::client(self, region).map_err(Into::into)
    }

    fn connector(&self) -> Option<Connector> {
        Some(self.clone())
    }

    fn some_region(&self) -> Option<Region> {
        let endpoints = self.endpoints();
        match endpoints.default {
            Some(_) => None,
            None => endpoints.regions.keys().next().cloned(),
        }
    }

    fn endpoint(&self, region: &Region) -> Option<String> {
        Self::endpoint(self, region).map(ToString::to_string)
    }
}

/// The two sides of replication: the same service under the same credentials, or two that know
/// nothing of each other.
#[derive(Clone)]
pub struct Sides {
    sources: Arc<dyn Regions>,
    replicas: Option<Arc<dyn Regions>>,
    queue: Option<Arc<FailureQueue>>,
}

impl Sides {
    /// Sources and replicas are reached in the same way.
    #[must_use]
    pub fn same(regions: Arc<dyn Regions>) -> Self {
        Self {
            sources: regions,
            replicas: None,
            queue: None,
        }
    }

    /// Replicas are with another server, or under other credentials.
    #[must_use]
    pub fn apart(sources: Arc<dyn Regions>, replicas: Arc<dyn Regions>) -> Self {
        Self {
            sources,
            replicas: Some(replicas),
            queue: None,
        }
    }

    /// The same with the queue that S3's events about failed replication go to.
    #[must_use]
    pub fn with_queue(self, queue: Arc<FailureQueue>) -> Self {
        Self {
            queue: Some(queue),
            ..self
        }
    }

    /// The other way round: what were replicas are the sources.
    #[must_use]
    pub fn swapped(&self) -> Self {
        match &self.replicas {
            Some(replicas) => Self {
                sources: Arc::clone(replicas),
                replicas: Some(Arc::clone(&self.sources)),
                queue: self.queue.clone(),
            },
            None => self.clone(),
        }
    }
}

impl Regions for Sides {
    fn client(&self, region: &Region) -> Result<Client, ClientFailure> {
        self.sources.client(region)
    }

    fn connector(&self) -> Option<Connector> {
        self.sources.connector()
    }

    fn failure_queue(&self) -> Option<Arc<FailureQueue>> {
        self.queue.clone()
    }

    fn bucket_region<'a>(
        &'a self,
        bucket: &'a BucketName,
        start: &'a Region,
    ) -> BoxFuture<'a, Result<Region, VerifyError>> {
        self.sources.bucket_region(bucket, start)
    }

    fn some_region(&self) -> Option<Region> {
        self.sources.some_region()
    }

    fn replica_side(&self) -> Option<&dyn Regions> {
        self.replicas.as_deref()
    }

    fn endpoint(&self, region: &Region) -> Option<String> {
        self.sources.endpoint(region)
    }
}

/// What gives clients for the replicas.
pub(crate) fn replicas_of(regions: &dyn Regions) -> &dyn Regions {
    regions.replica_side().unwrap_or(regions)
}

pub(crate) fn client_of<R: Regions + ?Sized>(
    regions: &R,
    region: &Region,
) -> Result<Client, VerifyError> {
    regions
        .client(region)
        .map_err(|source| VerifyError::Client {
            region: region.clone(),
            source,
        })
}

fn region_in(
    bucket: &BucketName,
    start: &Region,
    answer: Result<HeadBucketOutput, SdkError<HeadBucketError>>,
) -> Result<Region, VerifyError> {
    let parse = |said: &str| {
        said.parse().map_err(|_| VerifyError::UnknownRegion {
            bucket: bucket.clone(),
            said: said.to_owned(),
        })
    };
    match answer {
        // Servers with one region do not always name it.
        Ok(output) => output.bucket_region().map_or(Ok(start.clone()), parse),
        Err(error) => {
            let said = error
                .raw_response()
                .and_then(|raw| raw.headers().get("x-amz-bucket-region"))
                .map(str::to_owned);
            let status = error.raw_response().map(|raw| raw.status().as_u16());
            match (said, status) {
                (_, Some(404)) => Err(VerifyError::NoBucket {
                    bucket: bucket.clone(),
                }),
                (Some(said), Some(_)) => parse(&said),
                _ if error.code() == Some("NoSuchBucket") => Err(VerifyError::NoBucket {
                    bucket: bucket.clone(),
                }),
                _ => Err(VerifyError::of("HeadBucket", bucket, Trouble::of(error))),
            }
        }
    }
}
