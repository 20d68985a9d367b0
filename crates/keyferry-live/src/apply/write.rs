//! One change as a request, and what is there now.

use aws_sdk_s3::types as s3;
use keyferry_policy::{KmsKeyArn, RoleArn};

use super::ServiceError;
use crate::INLINE_POLICY;
use crate::change::{Change, ChangeKind, Subject};
use crate::connections::Connections;
use crate::content::{BucketContent, Content};
use crate::read::{bucket, key, role};
use crate::service_error::{Named as _, OrAbsent as _};
use crate::translate::{encryption_to_sdk, ownership_to_sdk, replication_to_sdk};

/// What a change is made on.
pub(super) enum Target {
    Bucket(aws_sdk_s3::Client),
    Role(aws_sdk_iam::Client, RoleArn),
    Key(aws_sdk_kms::Client, KmsKeyArn),
}

impl Target {
    pub(super) fn of(change: &Change, connections: &Connections) -> Result<Self, ServiceError> {
        Ok(match &change.subject {
            Subject::Bucket(_) => Self::Bucket(connections.s3_of(&change.account, &change.region)?),
            Subject::Role(arn) => Self::Role(
                connections.iam(&change.account, &change.region)?,
                arn.clone(),
            ),
            Subject::Key(arn) => Self::Key(connections.kms(arn)?, arn.clone()),
        })
    }

    /// What is there now; `None` for nothing.
    pub(super) async fn current(&self, change: &Change) -> Result<Option<Content>, ServiceError> {
        Ok(match self {
            Self::Bucket(client) => {
                let Some(bucket) = change.bucket() else {
                    return Ok(None);
                };
                let asked = bucket::Asked {
                    client,
                    bucket,
                    account: &change.account,
                };
                of_bucket(&asked, change).await?
            }
            Self::Role(client, arn) if change.kind == ChangeKind::Trust => {
                role::trust(client, arn).await?.map(Content::Policy)
            }
            Self::Role(client, arn) => role::inline(client, arn, INLINE_POLICY)
                .await?
                .map(Content::Policy),
            Self::Key(client, arn) => key::policy(client, arn).await?.map(Content::Policy),
        })
    }

    /// Sends the change.
    pub(super) async fn write(&self, change: &Change) -> Result<(), ServiceError> {
        match self {
            Self::Bucket(client) => match &change.after {
                Content::Bucket(bucket) => create_bucket(client, change, bucket).await,
                after => write_bucket(client, change, after).await,
            },
            Self::Role(client, arn) => write_role(client, arn, change).await,
            Self::Key(client, arn) => {
                // Never without KMS's own check that the caller keeps access.
                client
                    .put_key_policy()
                    .key_id(arn.as_str())
                    .policy_name("default")
                    .policy(change.after.to_json())
                    .send()
                    .await
                    .named("kms:PutKeyPolicy", arn.as_str())
                    .map(drop)
            }
        }
    }
}

async fn of_bucket(
    asked: &bucket::Asked<'_>,
    change: &Change,
) -> Result<Option<Content>, ServiceError> {
    Ok(match change.kind {
        ChangeKind::Bucket => match asked.whereabouts(&change.region).await? {
            // It is there, with whatever it was made with.
            bucket::Whereabouts::Found(_) => Some(change.after.clone()),
            bucket::Whereabouts::Elsewhere(region) => {
                return Err(ServiceError::Unreadable {
                    what: format!("bucket `{}`", asked.bucket),
                    why: format!("it is in {region}"),
                });
            }
            bucket::Whereabouts::Nowhere => None,
        },
        ChangeKind::Versioning => asked.versioning().await?.map(Content::Versioning),
        ChangeKind::Encryption => asked.encryption().await?.map(Content::Encryption),
        ChangeKind::Ownership => asked.ownership().await?.map(Content::Ownership),
        ChangeKind::BucketPolicy => asked.policy().await?.map(Content::Policy),
        ChangeKind::Replication => asked.replication().await?.map(Content::Replication),
        ChangeKind::Trust | ChangeKind::RolePolicy | ChangeKind::KeyPolicy => None,
    })
}

/// Makes a bucket. One that the account has in this region already is as good.
async fn create_bucket(
    client: &aws_sdk_s3::Client,
    change: &Change,
    bucket: &BucketContent,
) -> Result<(), ServiceError> {
    let name = change.subject.name();
    // The first region must not be named: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    let location = (bucket.region.as_str() != "us-east-1").then(|| {
        s3::CreateBucketConfiguration::builder()
            .location_constraint(bucket.region.as_str().into())
            .build()
    });
    client
        .create_bucket()
        .bucket(&name)
        .set_create_bucket_configuration(location)
        .object_ownership(ownership_to_sdk(bucket.ownership))
        .set_object_lock_enabled_for_bucket(bucket.object_lock.then_some(true))
        .send()
        .await
        .named("s3:CreateBucket", &name)
        .or_absent(&["BucketAlreadyOwnedByYou"])
        .map(drop)
}

/// Sends a request about the bucket, under the operation's name.
macro_rules! tell {
    ($client:expr, $change:expr, $request:ident . $setter:ident($value:expr), $operation:literal) => {{
        let name = $change.subject.name();
        $client
            .$request()
            .bucket(&name)
            .expected_bucket_owner($change.account.as_str())
            .$setter($value)
            .send()
            .await
            .named($operation, &name)
            .map(drop)
    }};
}

async fn write_bucket(
    client: &aws_sdk_s3::Client,
    change: &Change,
    after: &Content,
) -> Result<(), ServiceError> {
    match after {
        Content::Bucket(bucket) => create_bucket(client, change, bucket).await,
        // The only state that is ever written.
        Content::Versioning(_) => {
            let enabled = s3::VersioningConfiguration::builder()
                .status(s3::BucketVersioningStatus::Enabled)
                .build();
            tell!(
                client,
                change,
                put_bucket_versioning.versioning_configuration(enabled),
                "s3:PutBucketVersioning"
            )
        }
        Content::Encryption(encryption) => {
            let configuration = encryption_to_sdk(encryption)?;
            tell!(
                client,
                change,
                put_bucket_encryption.server_side_encryption_configuration(configuration),
                "s3:PutBucketEncryption"
            )
        }
        Content::Ownership(ownership) => {
            let rule = s3::OwnershipControlsRule::builder()
                .object_ownership(ownership_to_sdk(*ownership))
                .build();
            let controls = rule
                .and_then(|rule| s3::OwnershipControls::builder().rules(rule).build())
                .map_err(|error| ServiceError::Unreadable {
                    what: "the document to send".to_owned(),
                    why: error.to_string(),
                })?;
            tell!(
                client,
                change,
                put_bucket_ownership_controls.ownership_controls(controls),
                "s3:PutBucketOwnershipControls"
            )
        }
        Content::Policy(_) => tell!(
            client,
            change,
            put_bucket_policy.policy(after.to_json()),
            "s3:PutBucketPolicy"
        ),
        Content::Replication(replication) => {
            let live = match change.bucket() {
                Some(bucket) => {
                    let asked = bucket::Asked {
                        client,
                        bucket,
                        account: &change.account,
                    };
                    asked.replication_as_is().await?
                }
                None => None,
            };
            let configuration = replication_to_sdk(replication, live.as_ref())?;
            tell!(
                client,
                change,
                put_bucket_replication.replication_configuration(configuration),
                "s3:PutBucketReplication"
            )
        }
    }
}

async fn write_role(
    client: &aws_sdk_iam::Client,
    arn: &RoleArn,
    change: &Change,
) -> Result<(), ServiceError> {
    let document = change.after.to_json();
    match (change.kind, &change.before) {
        (ChangeKind::Trust, None) => client
            .create_role()
            .role_name(arn.role_name())
            .assume_role_policy_document(document)
            .description("Replicates objects of an S3 bucket; made by keyferry")
            .send()
            .await
            .named("iam:CreateRole", arn.as_str())
            .map(drop),
        (ChangeKind::Trust, Some(_)) => client
            .update_assume_role_policy()
            .role_name(arn.role_name())
            .policy_document(document)
            .send()
            .await
            .named("iam:UpdateAssumeRolePolicy", arn.as_str())
            .map(drop),
        _ => client
            .put_role_policy()
            .role_name(arn.role_name())
            .policy_name(INLINE_POLICY)
            .policy_document(document)
            .send()
            .await
            .named("iam:PutRolePolicy", arn.as_str())
            .map(drop),
    }
}
