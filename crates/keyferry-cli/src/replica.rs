//! Where replicas are, and which side of a replicated pair to read from.

use std::sync::Arc;
use std::time::Duration;

use keyferry_policy::Region;
use keyferry_transfer::{BucketRegionError, ObjectAddress, TransferError};
use keyferry_verify::{FailureQueue, Regions, ReplicaTarget, Sides, destinations};

use crate::args::{DownloadArgs, From, ReplicaArgs, ReplicaBucket};
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;

/// How long the replica's server may take to say where its bucket is. One that is down is found out
/// about by whoever waits for the replica.
const REGION_TIMEOUT: Duration = Duration::from_secs(5);

/// Where replicas are, and the connections to them.
pub(crate) struct Place {
    sides: Sides,
    elsewhere: Option<Aws>,
    asked: Option<ReplicaTarget>,
}

impl Place {
    /// Settles what the options say; connects to the replica's server where it is another one.
    pub(crate) async fn connect(
        invocation: &Invocation,
        aws: &Aws,
        arguments: &ReplicaArgs,
    ) -> Result<Self, Failure> {
        let sources = aws.shared_connector();
        let elsewhere = match arguments.is_elsewhere() {
            true => Some(Aws::connect_replica(&invocation.settings, arguments).await?),
            false => None,
        };
        let sides = match &elsewhere {
            Some(replicas) => Sides::apart(sources, replicas.shared_connector()),
            None => Sides::same(sources),
        };
        let asked = match &arguments.replica {
            Some(replica) => {
                let known = replica
                    .region
                    .as_ref()
                    .or(arguments.replica_region.as_ref());
                let region = match known {
                    Some(region) => region.clone(),
                    None => region_of(elsewhere.as_ref().unwrap_or(aws), replica).await?,
                };
                Some(ReplicaTarget {
                    bucket: replica.bucket.clone(),
                    region,
                })
            }
            None => None,
        };
        Ok(Self {
            sides,
            elsewhere,
            asked,
        })
    }

    /// The same with the queue that S3's events of failed replication go to.
    pub(crate) fn hearing(self, queue: Option<&Arc<FailureQueue>>) -> Self {
        match queue {
            Some(queue) => Self {
                sides: self.sides.with_queue(Arc::clone(queue)),
                ..self
            },
            None => self,
        }
    }

    /// Clients for both sides.
    pub(crate) fn regions(&self) -> &dyn Regions {
        &self.sides
    }

    /// The replica that the options or the configuration name.
    pub(crate) fn given(
        &self,
        invocation: &Invocation,
        address: &ObjectAddress,
    ) -> Option<ReplicaTarget> {
        let configured = || {
            let pair = invocation.settings.pair(&address.bucket)?;
            Some(ReplicaTarget {
                bucket: pair.replica.bucket,
                region: pair.replica.region,
            })
        };
        self.asked.clone().or_else(configured)
    }
}

/// Asks the replica's server for the region of the bucket. A server that does not say is asked for
/// everything in its first region.
async fn region_of(aws: &Aws, replica: &ReplicaBucket) -> Result<Region, Failure> {
    let first = aws.first_region()?;
    let asked = aws.connector().bucket_region(&replica.bucket, &first);
    match tokio::time::timeout(REGION_TIMEOUT, asked).await {
        Ok(Ok(region)) => Ok(region),
        Ok(Err(
            error @ (BucketRegionError::Connect(_)
            | BucketRegionError::Transfer(TransferError::NoSuchBucket { .. })),
        )) => Err(error.into()),
        Ok(Err(error)) if !aws.has_one_endpoint() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(first),
    }
}

/// A side to read from.
pub(crate) struct Chosen {
    /// The connections to it.
    pub(crate) aws: Aws,
    /// The bucket's region.
    pub(crate) region: Region,
    /// The object, or the prefix.
    pub(crate) address: ObjectAddress,
    /// Whether it is the replica.
    pub(crate) is_replica: bool,
}

/// The side that a download of this object, or of all below this prefix, reads.
pub(crate) async fn side(
    invocation: &Invocation,
    aws: &Aws,
    source: &ObjectAddress,
    arguments: &DownloadArgs,
) -> Result<Chosen, Failure> {
    let region = match arguments.from {
        From::Replica => return of_replica(invocation, aws, source, arguments).await,
        From::Source => aws.bucket_region(&source.bucket).await?,
        From::Auto => match aws.bucket_region(&source.bucket).await {
            Ok(region) => region,
            Err(failure) if failure.exit() == Exit::Failure => {
                let place = Place::connect(invocation, aws, &arguments.replica).await?;
                let Some(replica) = place.given(invocation, source) else {
                    return Err(failure);
                };
                invocation.terminal.warn(format!(
                    "`{}` cannot be reached, reading the replica in `{}`",
                    source.bucket, replica.bucket
                ));
                return Ok(chosen(place, aws, source, replica));
            }
            Err(failure) => return Err(failure),
        },
    };
    Ok(Chosen {
        aws: aws.clone(),
        region,
        address: source.clone(),
        is_replica: false,
    })
}

async fn of_replica(
    invocation: &Invocation,
    aws: &Aws,
    source: &ObjectAddress,
    arguments: &DownloadArgs,
) -> Result<Chosen, Failure> {
    let place = Place::connect(invocation, aws, &arguments.replica).await?;
    let replica = match place.given(invocation, source) {
        Some(replica) => replica,
        None => {
            let region = aws.bucket_region(&source.bucket).await?;
            destinations(place.regions(), &region, source)
                .await?
                .into_iter()
                .next()
                .ok_or_else(|| {
                    Failure::new(
                        Exit::Failure,
                        format!(
                            "no replication rule covers `{source}`, so there is no replica to read"
                        ),
                    )
                    .hint("name the replica with --replica BUCKET@REGION")
                })?
        }
    };
    Ok(chosen(place, aws, source, replica))
}

fn chosen(place: Place, aws: &Aws, source: &ObjectAddress, replica: ReplicaTarget) -> Chosen {
    Chosen {
        aws: place.elsewhere.unwrap_or_else(|| aws.clone()),
        region: replica.region,
        address: ObjectAddress {
            bucket: replica.bucket,
            key: source.key.clone(),
        },
        is_replica: true,
    }
}
