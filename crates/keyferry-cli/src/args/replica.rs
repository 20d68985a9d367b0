//! Arguments that say where replicas are.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use keyferry_policy::{BucketName, NameError, Region};
use keyferry_transfer::Endpoints;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where the replica is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReplicaArgs {
    /// The replica's bucket, and its region if S3 cannot be asked for it; from the replication
    /// configuration when it is left out.
    #[arg(long, value_name = "BUCKET[@REGION]")]
    pub(crate) replica: Option<ReplicaBucket>,
    /// Endpoint of the replica's server, if it is another than the source's; as --endpoint-url.
    #[arg(long, value_name = "URL")]
    pub(crate) replica_endpoint_url: Option<Endpoints>,
    /// Region of the replica's bucket.
    #[arg(long, value_name = "REGION")]
    pub(crate) replica_region: Option<Region>,
    /// Profile with the credentials for the replica.
    #[arg(long, value_name = "NAME")]
    pub(crate) replica_profile: Option<String>,
    /// Certificates (PEM) to trust for the replica's server.
    #[arg(long, value_name = "FILE")]
    pub(crate) replica_ca_bundle: Option<PathBuf>,
}

impl ReplicaArgs {
    /// Whether replicas are reached in another way than sources.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.replica_endpoint_url.is_some()
            || self.replica_profile.is_some()
            || self.replica_ca_bundle.is_some()
    }

    /// Refuses the source as its own replica: held against itself, everything is equal.
    pub(crate) fn is_not(&self, source: &BucketName) -> Result<(), Failure> {
        match &self.replica {
            Some(replica) if replica.bucket == *source && self.replica_endpoint_url.is_none() => {
                Err(Failure::new(
                    Exit::Usage,
                    format!("--replica names `{source}`, which is the source itself"),
                )
                .hint("name the bucket that replication writes to"))
            }
            _ => Ok(()),
        }
    }
}

/// `BUCKET`, `BUCKET@REGION`, either perhaps after `s3://`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicaBucket {
    /// The replica's bucket.
    pub(crate) bucket: BucketName,
    /// Its region.
    pub(crate) region: Option<Region>,
}

impl fmt::Display for ReplicaBucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.bucket)?;
        match &self.region {
            Some(region) => write!(formatter, "@{region}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ReplicaBucket {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("s3://").unwrap_or(text);
        let (bucket, region) = match text.split_once('@') {
            Some((bucket, region)) => (bucket, Some(region.parse()?)),
            None => (text.strip_suffix('/').unwrap_or(text), None),
        };
        Ok(Self {
            bucket: bucket.parse()?,
            region,
        })
    }
}

/// `BUCKET@REGION`: a side of a pair in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicaAddress {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// Its region.
    pub(crate) region: Region,
}

/// Text that is no `BUCKET@REGION`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseReplicaError {
    #[error("it must look like `bucket@region`")]
    NoRegion,
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for ReplicaAddress {
    type Err = ParseReplicaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ReplicaBucket { bucket, region } = text.parse()?;
        let region = region.ok_or(ParseReplicaError::NoRegion)?;
        Ok(Self { bucket, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replica_buckets_parse() {
        for (text, region) in [
            ("osaka", None),
            ("s3://osaka", None),
            ("s3://osaka/", None),
            ("osaka@ap-northeast-3", Some("ap-northeast-3")),
            ("s3://osaka@ap-northeast-3", Some("ap-northeast-3")),
        ] {
            let parsed: ReplicaBucket = text.parse().unwrap();
            assert_eq!(parsed.bucket.as_str(), "osaka", "{text}");
            assert_eq!(parsed.region, region.map(|region| region.parse().unwrap()));
        }
        for bad in ["", "s3://", "osaka/key", "osaka@", "Osaka"] {
            assert!(bad.parse::<ReplicaBucket>().is_err(), "{bad}");
        }
        assert!("osaka".parse::<ReplicaAddress>().is_err());
    }
}
