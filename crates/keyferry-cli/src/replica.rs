//! Which side of a replicated pair to read from.

use keyferry_policy::Region;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{ReplicaTarget, destinations};

use crate::args::{DownloadArgs, From, ReplicaAddress};
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;

/// The replica that the options or the configuration name.
pub(crate) fn given(
    invocation: &Invocation,
    address: &ObjectAddress,
    asked: Option<&ReplicaAddress>,
) -> Option<ReplicaTarget> {
    let configured = invocation
        .settings
        .pair(&address.bucket)
        .map(|pair| pair.replica);
    asked.cloned().or(configured).map(|replica| ReplicaTarget {
        bucket: replica.bucket,
        region: replica.region,
    })
}

/// The region and address that a download of this object, or of all below this prefix, reads.
pub(crate) async fn side(
    invocation: &Invocation,
    aws: &Aws,
    source: &ObjectAddress,
    arguments: &DownloadArgs,
) -> Result<(Region, ObjectAddress), Failure> {
    let replica = given(invocation, source, arguments.replica.as_ref());
    match arguments.from {
        From::Replica => of_replica(aws, source, replica).await,
        From::Source => Ok((aws.bucket_region(&source.bucket).await?, source.clone())),
        From::Auto => match (aws.bucket_region(&source.bucket).await, replica) {
            (Ok(region), _) => Ok((region, source.clone())),
            (Err(failure), Some(replica)) if failure.exit() == Exit::Failure => {
                invocation.terminal.warn(format!(
                    "`{}` cannot be reached, reading the replica in `{}`",
                    source.bucket, replica.bucket
                ));
                of_replica(aws, source, Some(replica)).await
            }
            (Err(failure), _) => Err(failure),
        },
    }
}

async fn of_replica(
    aws: &Aws,
    source: &ObjectAddress,
    replica: Option<ReplicaTarget>,
) -> Result<(Region, ObjectAddress), Failure> {
    let replica = match replica {
        Some(replica) => replica,
        None => {
            let region = aws.bucket_region(&source.bucket).await?;
            destinations(aws.connector(), &region, source)
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
    let address = ObjectAddress {
        bucket: replica.bucket,
        key: source.key.clone(),
    };
    Ok((replica.region, address))
}
