//! Key policies (`S3-KMS-1`, `S3-KMS-2`): the one that is always there is named `default`.
//!
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>

use keyferry_policy::iam::PolicyDocument;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::keys::{OneKey, pending_deletion, refuse_managed};
use super::{Kms, Reach};
use crate::authorization::unknown_principal;
use crate::encryption::{KeyState, KmsKeyRecord};

/// Bytes of a key policy.
const MAX_POLICY: usize = 32_768;
const NAME: &str = "default";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPolicy {
    key_id: String,
    policy_name: Option<String>,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
}

impl Kms<'_> {
    pub(super) fn get_key_policy(&self) -> Result<Value, ApiError> {
        let input: KeyPolicy = self.input()?;
        let key = self.key(&input.key_id, Reach::OwnAccount)?;
        check_name(&input)?;
        Ok(json!({"Policy": key.policy, "PolicyName": NAME}))
    }

    pub(super) fn put_key_policy(&self) -> Result<Value, ApiError> {
        let input: KeyPolicy = self.input()?;
        let mut key = self.key(&input.key_id, Reach::OwnAccount)?;
        check_name(&input)?;
        refuse_managed(&key)?;
        if matches!(key.state, KeyState::PendingDeletion { .. }) {
            return Err(pending_deletion(&key));
        }
        self.check_key_policy(&input.policy)?;
        key.policy = input.policy;
        if !input.bypass_policy_lockout_safety_check {
            self.check_lockout(&key)?;
        }
        self.endpoint.region.put_kms_key(&key)?;
        Ok(json!({}))
    }

    pub(super) fn list_key_policies(&self) -> Result<Value, ApiError> {
        let input: OneKey = self.input()?;
        self.key(&input.key_id, Reach::OwnAccount)?;
        Ok(json!({"PolicyNames": [NAME], "Truncated": false}))
    }

    /// Refuses what is no key policy.
    pub(super) fn check_key_policy(&self, policy: &str) -> Result<(), ApiError> {
        if policy.len() > MAX_POLICY {
            return Err(ApiError::bad_request(
                "LimitExceededException",
                format!("Policy size exceeds {MAX_POLICY} bytes."),
            ));
        }
        let document = PolicyDocument::parse(policy)
            .map_err(|error| malformed(format!("Syntax errors in policy: {error}.")))?;
        for statement in &document.statements {
            if statement.principal.is_none() {
                return Err(malformed("Missing required field Principal"));
            }
            if statement.resource.is_none() {
                return Err(malformed("Policy statement must contain resources."));
            }
        }
        match unknown_principal(&self.endpoint.store, &document)? {
            None => Ok(()),
            Some(_) => Err(malformed(
                "Policy contains a statement with one or more invalid principals.",
            )),
        }
    }

    /// Refuses a policy by which its maker could not change it again.
    pub(super) fn check_lockout(&self, key: &KmsKeyRecord) -> Result<(), ApiError> {
        self.endpoint
            .authorizer
            .may_use_key(
                self.call.requester,
                "kms:PutKeyPolicy",
                key,
                self.circumstances(),
            )?
            .map_err(|_| {
                malformed(
                    "The new key policy will not allow you to update the key policy in the future.",
                )
            })
    }
}

fn check_name(input: &KeyPolicy) -> Result<(), ApiError> {
    match input.policy_name.as_deref() {
        None | Some(NAME) => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "NotFoundException",
            "No such policy exists",
        )),
    }
}

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("MalformedPolicyDocumentException", message)
}
