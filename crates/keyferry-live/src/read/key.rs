//! One KMS key.

use aws_sdk_kms::Client;
use aws_sdk_kms::types::KeyState as SdkState;
use keyferry_policy::KmsKeyArn;
use keyferry_policy::check::{InstalledKey, KeyState, Known};
use keyferry_policy::iam::PolicyDocument;

use super::{known, parsed};
use crate::connections::Connections;
use crate::service_error::{Named as _, OrAbsent as _, ServiceError};

const NO_SUCH: &[&str] = &["NotFoundException"];

/// Reads a key.
pub(super) async fn read(arn: KmsKeyArn, connections: &Connections) -> InstalledKey {
    let mut key = InstalledKey::new(arn.clone());
    let client = match connections.kms(&arn) {
        Ok(client) => client,
        Err(error) => {
            key.policy = Known::unknown(error.to_string());
            key.state = Known::unknown(error.to_string());
            return key;
        }
    };
    let (state, policy) = tokio::join!(state(&client, &arn), policy(&client, &arn));
    key.exists = !matches!((&state, &policy), (Ok(None), _) | (_, Ok(None)));
    let place = |what: &str| format!("{what} of key `{arn}`");
    key.state = known(state, place("state"));
    key.policy = known(policy, place("key policy"));
    key
}

async fn state(client: &Client, arn: &KmsKeyArn) -> Result<Option<KeyState>, ServiceError> {
    let answer = client
        .describe_key()
        .key_id(arn.as_str())
        .send()
        .await
        .named("kms:DescribeKey", arn.as_str())
        .or_absent(NO_SUCH)?;
    let metadata = answer.and_then(|answer| answer.key_metadata);
    Ok(metadata
        .and_then(|metadata| metadata.key_state)
        .map(|state| match state {
            SdkState::Enabled => KeyState::Enabled,
            SdkState::Disabled => KeyState::Disabled,
            SdkState::PendingDeletion | SdkState::PendingReplicaDeletion => {
                KeyState::PendingDeletion
            }
            SdkState::PendingImport => KeyState::PendingImport,
            _ => KeyState::Unavailable,
        }))
}

/// The key policy; each key has one, called `default`.
pub(crate) async fn policy(
    client: &Client,
    arn: &KmsKeyArn,
) -> Result<Option<PolicyDocument>, ServiceError> {
    let answer = client
        .get_key_policy()
        .key_id(arn.as_str())
        .policy_name("default")
        .send()
        .await
        .named("kms:GetKeyPolicy", arn.as_str())
        .or_absent(NO_SUCH)?;
    let text = answer.and_then(|answer| answer.policy);
    text.map(|text| parsed(&format!("the policy of key `{arn}`"), &text))
        .transpose()
}
