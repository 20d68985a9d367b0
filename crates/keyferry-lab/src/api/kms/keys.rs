//! Keys: making, describing, tagging, disabling and deleting them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::{Kms, Reach, page};
use crate::encryption::{KeyState, KmsKeyRecord, NewKmsKey};
use crate::store::{Tag, default_key_policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `TagKey` and `TagValue`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyTag {
    tag_key: String,
    tag_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateKey {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<KeyTag>,
    #[serde(default)]
    multi_region: bool,
    key_usage: Option<String>,
    key_spec: Option<String>,
    customer_master_key_spec: Option<String>,
    origin: Option<String>,
    custom_key_store_id: Option<String>,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
}

/// The input of calls on one key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneKey {
    pub(super) key_id: String,
    pending_window_in_days: Option<u64>,
    #[serde(default)]
    tags: Vec<KeyTag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    pub(super) key_id: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) marker: Option<String>,
}

impl Kms<'_> {
    pub(super) fn create_key(&self) -> Result<Value, ApiError> {
        let input: CreateKey = self.input()?;
        let spec = input.key_spec.or(input.customer_master_key_spec);
        let tags = checked_tags(input.tags)?;
        self.authorize("*", |circumstances| {
            circumstances.set_request_tags(&tags);
        })?;
        let symmetric = spec.is_none_or(|spec| spec == "SYMMETRIC_DEFAULT")
            && input
                .key_usage
                .is_none_or(|usage| usage == "ENCRYPT_DECRYPT")
            && input.origin.is_none_or(|origin| origin == "AWS_KMS")
            && input.custom_key_store_id.is_none()
            && !input.multi_region;
        if !symmetric {
            return Err(ApiError::bad_request(
                "UnsupportedOperationException",
                "The lab has symmetric keys of a single Region only.",
            ));
        }
        let policy = match input.policy {
            None => default_key_policy(self.account),
            Some(policy) => {
                self.check_key_policy(&policy)?;
                policy
            }
        };
        let key = self.endpoint.region.create_kms_key(NewKmsKey {
            account: self.account.to_owned(),
            aws_managed: false,
            description: input.description,
            policy,
            tags,
        })?;
        if !input.bypass_policy_lockout_safety_check
            && let Err(locked_out) = self.check_lockout(&key)
        {
            self.endpoint.region.remove_kms_key(&key.key_id)?;
            return Err(locked_out);
        }
        Ok(json!({"KeyMetadata": metadata(&key)}))
    }

    pub(super) fn describe_key(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let key = self.key(&input.key_id, Reach::AnyAccount)?;
        Ok(json!({"KeyMetadata": metadata(&key)}))
    }

    pub(super) fn list_keys(&self) -> Result<Value, ApiError> {
        let input: List = self.input()?;
        self.authorize("*", |_| {})?;
        let keys = self.endpoint.region.kms_keys(self.account)?;
        let listed = keys
            .iter()
            .map(|key| json!({"KeyId": key.key_id, "KeyArn": key.arn}));
        Ok(page(
            "Keys",
            listed.collect(),
            input.limit,
            input.marker.as_deref(),
        ))
    }

    /// EnableKey and DisableKey.
    pub(super) fn set_state(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let mut key = self.key(&input.key_id, Reach::OwnAccount)?;
        refuse_managed(&key)?;
        if matches!(key.state, KeyState::PendingDeletion { .. }) {
            return Err(pending_deletion(&key));
        }
        key.state = if self.action == "EnableKey" {
            KeyState::Enabled
        } else {
            KeyState::Disabled
        };
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({}))
    }

    pub(super) fn schedule_key_deletion(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let mut key = self.key(&input.key_id, Reach::OwnAccount)?;
        refuse_managed(&key)?;
        if matches!(key.state, KeyState::PendingDeletion { .. }) {
            return Err(pending_deletion(&key));
        }
        let days = input.pending_window_in_days.unwrap_or(30);
        let window = u32::try_from(days)
            .ok()
            .filter(|days| (7..=30).contains(days))
            .ok_or_else(|| {
                ApiError::bad_request(
                    "ValidationException",
                    "PendingWindowInDays must be between 7 and 30.",
                )
            })?;
        let at = SystemTime::now() + DAY * window;
        key.state = KeyState::PendingDeletion { at };
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({
            "KeyId": key.arn,
            "DeletionDate": seconds(at),
            "KeyState": "PendingDeletion",
            "PendingWindowInDays": window,
        }))
    }

    pub(super) fn cancel_key_deletion(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let mut key = self.key(&input.key_id, Reach::OwnAccount)?;
        if !matches!(key.state, KeyState::PendingDeletion { .. }) {
            return Err(ApiError::bad_request(
                "KMSInvalidStateException",
                format!("{} is not pending deletion.", key.arn),
            ));
        }
        key.state = KeyState::Disabled;
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({"KeyId": key.arn}))
    }

    pub(super) fn list_resource_tags(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let key = self.key(&input.key_id, Reach::OwnAccount)?;
        let tags: Vec<Value> = key
            .tags
            .iter()
            .map(|tag| json!({"TagKey": tag.key, "TagValue": tag.value}))
            .collect();
        Ok(json!({"Tags": tags, "Truncated": false}))
    }

    pub(super) fn tag_resource(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let given = checked_tags(input.tags)?;
        let mut key = self.key_with(&input.key_id, Reach::OwnAccount, |circumstances| {
            circumstances.set_request_tags(&given);
        })?;
        refuse_managed(&key)?;
        key.tags
            .retain(|tag| given.iter().all(|given| given.key != tag.key));
        key.tags.extend(given);
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let mut key = self.key(&input.key_id, Reach::OwnAccount)?;
        refuse_managed(&key)?;
        key.tags.retain(|tag| !input.tag_keys.contains(&tag.key));
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({}))
    }

    /// Keys of the lab are not rotated; Terraform asks.
    pub(super) fn get_key_rotation_status(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        let key = self.key(&input.key_id, Reach::AnyAccount)?;
        Ok(json!({"KeyId": key.arn, "KeyRotationEnabled": false}))
    }
}

/// 400 for what only customer managed keys can.
pub(super) fn refuse_managed(key: &KmsKeyRecord) -> Result<(), ApiError> {
    if key.aws_managed {
        Err(ApiError::forbidden(
            "AccessDenied",
            format!("{} is managed by AWS and cannot be changed.", key.arn),
        ))
    } else {
        Ok(())
    }
}

/// 400 for what cannot be done with a key pending deletion.
pub(super) fn pending_deletion(key: &KmsKeyRecord) -> ApiError {
    ApiError::bad_request(
        "KMSInvalidStateException",
        format!("{} is pending deletion.", key.arn),
    )
}

fn checked_tags(tags: Vec<KeyTag>) -> Result<Vec<Tag>, ApiError> {
    tags.into_iter()
        .map(|tag| {
            let valid = !tag.tag_key.is_empty()
                && tag.tag_key.chars().count() <= 128
                && tag.tag_value.chars().count() <= 256
                && !tag.tag_key.to_ascii_lowercase().starts_with("aws:");
            if valid {
                Ok(Tag {
                    key: tag.tag_key,
                    value: tag.tag_value,
                })
            } else {
                Err(ApiError::bad_request(
                    "TagException",
                    "A tag's key has 1 to 128 characters and does not begin with aws:, its value has at most 256.",
                ))
            }
        })
        .collect()
}

/// `KeyMetadata`
fn metadata(key: &KmsKeyRecord) -> Value {
    let (state, deletion) = match key.state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion { at } => ("PendingDeletion", Some(seconds(at))),
    };
    let mut metadata = json!({
        "AWSAccountId": key.account,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": seconds(key.created),
        "Enabled": key.state == KeyState::Enabled,
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": state,
        "Origin": "AWS_KMS",
        "KeyManager": if key.aws_managed { "AWS" } else { "CUSTOMER" },
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    });
    if let (Some(deletion), Some(fields)) = (deletion, metadata.as_object_mut()) {
        fields.insert("DeletionDate".to_owned(), deletion.into());
    }
    metadata
}

/// A time as JSON 1.1 has it.
pub(super) fn seconds(time: SystemTime) -> f64 {
    let millis = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    millis as f64 / 1000.0
}
