//! Brings two new buckets to a plan: versioning, encryption, roles, replication.
//!
//! For the lab's own buckets. Each document is the one that the policy core makes, translated to
//! the SDK's types without additions.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types as s3;
use keyferry_lab::Lab;
use keyferry_policy::documents::{EncryptionConfiguration, Kind, ReplicationConfiguration};
use keyferry_policy::{Documents, PlannedFlow, ReplicationPlan, Site, documents};
use keyferry_transfer::Connector;

use crate::exit::Exit;
use crate::failure::Failure;

/// Makes the buckets of the plan in the lab and sets everything that replication needs.
pub(crate) async fn install(
    lab: &Lab,
    connector: &Connector,
    plan: &ReplicationPlan,
) -> Result<(), Failure> {
    for site in plan.sites() {
        let client = connector
            .client(&site.region)
            .map_err(|error| failed("connect to", site, &error))?;
        install_bucket(&client, site).await?;
    }
    let documents = Documents::of(plan);
    for flow in plan.flows() {
        install_role(lab, &flow, &documents)?;
        let client = connector
            .client(&flow.source.region)
            .map_err(|error| failed("connect to", flow.source, &error))?;
        client
            .put_bucket_replication()
            .bucket(flow.source.bucket.as_str())
            .replication_configuration(replication(&flow)?)
            .send()
            .await
            .map_err(|error| {
                failed(
                    "set replication of",
                    flow.source,
                    &DisplayErrorContext(error),
                )
            })?;
    }
    Ok(())
}

async fn install_bucket(client: &Client, site: &Site) -> Result<(), Failure> {
    let bucket = site.bucket.as_str();
    let location = s3::CreateBucketConfiguration::builder()
        .location_constraint(s3::BucketLocationConstraint::from(site.region.as_str()))
        .build();
    let created = client
        .create_bucket()
        .bucket(bucket)
        .create_bucket_configuration(location)
        .send()
        .await;
    if let Err(error) = created {
        let ours = error
            .as_service_error()
            .is_some_and(|error| error.is_bucket_already_owned_by_you());
        if !ours {
            return Err(failed("create", site, &DisplayErrorContext(error)));
        }
    }
    client
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(
            s3::VersioningConfiguration::builder()
                .status(s3::BucketVersioningStatus::Enabled)
                .build(),
        )
        .send()
        .await
        .map_err(|error| failed("set versioning of", site, &DisplayErrorContext(error)))?;
    client
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(encryption(site)?)
        .send()
        .await
        .map_err(|error| failed("set encryption of", site, &DisplayErrorContext(error)))?;
    Ok(())
}

fn install_role(lab: &Lab, flow: &PlannedFlow<'_>, documents: &Documents) -> Result<(), Failure> {
    let json = |kind| {
        documents
            .policy(kind, &flow.source.bucket)
            .map(keyferry_policy::iam::PolicyDocument::to_json)
            .unwrap_or_default()
    };
    lab.put_role(&flow.role_name(), &json(Kind::Trust), &json(Kind::Role))
        .map(drop)
        .map_err(|error| Failure::from_error(Exit::Failure, &error))
}

fn encryption(site: &Site) -> Result<s3::ServerSideEncryptionConfiguration, Failure> {
    let document = EncryptionConfiguration::of(site);
    let rules = document.rules.into_iter().map(|rule| {
        let blocked = rule
            .blocked_encryption_types
            .into_iter()
            .flat_map(|blocked| blocked.encryption_type)
            .map(|kind| match kind {
                documents::BlockedType::None => s3::EncryptionType::None,
                documents::BlockedType::SseC => s3::EncryptionType::SseC,
            })
            .collect();
        let default = s3::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(
                rule.apply_server_side_encryption_by_default
                    .algorithm
                    .as_str()
                    .into(),
            )
            .build()
            .map_err(incomplete)?;
        Ok(s3::ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .bucket_key_enabled(rule.bucket_key_enabled)
            .blocked_encryption_types(
                s3::BlockedEncryptionTypes::builder()
                    .set_encryption_type(Some(blocked))
                    .build(),
            )
            .build())
    });
    s3::ServerSideEncryptionConfiguration::builder()
        .set_rules(Some(rules.collect::<Result<_, Failure>>()?))
        .build()
        .map_err(incomplete)
}

fn replication(flow: &PlannedFlow<'_>) -> Result<s3::ReplicationConfiguration, Failure> {
    let document = ReplicationConfiguration::of(std::slice::from_ref(flow))
        .ok_or_else(|| Failure::new(Exit::Failure, "a plan without a rule cannot be installed"))?;
    let rules = document.rules.into_iter().map(|rule| {
        let criteria = rule
            .source_selection_criteria
            .and_then(|criteria| criteria.replica_modifications)
            .map(|modifications| {
                let changes = s3::ReplicaModifications::builder()
                    .status(match modifications.status {
                        documents::Status::Enabled => s3::ReplicaModificationsStatus::Enabled,
                        documents::Status::Disabled => s3::ReplicaModificationsStatus::Disabled,
                    })
                    .build()
                    .map_err(incomplete)?;
                Ok::<_, Failure>(
                    s3::SourceSelectionCriteria::builder()
                        .replica_modifications(changes)
                        .build(),
                )
            })
            .transpose()?;
        let destination = s3::Destination::builder()
            .bucket(rule.destination.bucket)
            .build()
            .map_err(incomplete)?;
        s3::ReplicationRule::builder()
            .set_id(rule.id)
            .set_priority(rule.priority)
            .status(match rule.status {
                documents::Status::Enabled => s3::ReplicationRuleStatus::Enabled,
                documents::Status::Disabled => s3::ReplicationRuleStatus::Disabled,
            })
            .filter(
                s3::ReplicationRuleFilter::builder()
                    .set_prefix(rule.filter.and_then(|filter| filter.prefix))
                    .build(),
            )
            .set_delete_marker_replication(rule.delete_marker_replication.map(|markers| {
                s3::DeleteMarkerReplication::builder()
                    .status(markers.status.as_str().into())
                    .build()
            }))
            .set_source_selection_criteria(criteria)
            .destination(destination)
            .build()
            .map_err(incomplete)
    });
    s3::ReplicationConfiguration::builder()
        .role(document.role)
        .set_rules(Some(rules.collect::<Result<_, Failure>>()?))
        .build()
        .map_err(incomplete)
}

fn incomplete(error: aws_sdk_s3::error::BuildError) -> Failure {
    Failure::from_error(Exit::Failure, &error)
}

fn failed(action: &str, site: &Site, error: &(impl std::fmt::Display + ?Sized)) -> Failure {
    Failure::new(
        Exit::Failure,
        format!(
            "cannot {action} `{}` in {}: {error}",
            site.bucket, site.region
        ),
    )
}
