//! Between the configuration and s3s's types.

use s3s::dto;

use super::configuration::ReplicationConfiguration;
use super::validation::ConfigurationError;

impl ReplicationConfiguration {
    /// From a parsed request. Gives ids to rules that have none, as S3 does.
    pub(crate) fn from_dto(
        dto: &dto::ReplicationConfiguration,
    ) -> Result<Self, ConfigurationError> {
        todo!()
    }

    /// For GetBucketReplication.
    pub(crate) fn to_dto(&self) -> dto::ReplicationConfiguration {
        todo!()
    }
}
