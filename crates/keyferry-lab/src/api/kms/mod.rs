//! KMS: symmetric keys, their policies, aliases and states, and encryption by them
//! (`S3-KMS-1` to `S3-KMS-6`).

mod aliases;
mod cryptography;
mod key_policy;
mod keys;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::endpoint::{Call, ServiceEndpoint};
use super::error::ApiError;
use crate::authorization::Circumstances;
use crate::encryption::KmsKeyRecord;
use crate::store::StoreError;

/// One call of KMS.
struct Kms<'a> {
    endpoint: &'a ServiceEndpoint,
    call: &'a Call<'a>,
    action: &'a str,
    body: &'a [u8],
    account: &'a str,
}

/// Answers one call. `target` is `TrentService.ACTION`.
pub(super) fn call(
    endpoint: &ServiceEndpoint,
    call: &Call<'_>,
    target: &str,
    body: &[u8],
) -> Result<Value, ApiError> {
    let action = target.strip_prefix("TrentService.").unwrap_or_default();
    let kms = Kms {
        endpoint,
        call,
        action,
        body,
        account: call.requester.account().unwrap_or_default(),
    };
    match action {
        "CreateKey" => kms.create_key(),
        "DescribeKey" => kms.describe_key(),
        "ListKeys" => kms.list_keys(),
        "EnableKey" | "DisableKey" => kms.set_state(),
        "ScheduleKeyDeletion" => kms.schedule_key_deletion(),
        "CancelKeyDeletion" => kms.cancel_key_deletion(),
        "ListResourceTags" => kms.list_resource_tags(),
        "TagResource" => kms.tag_resource(),
        "UntagResource" => kms.untag_resource(),
        "GetKeyRotationStatus" => kms.get_key_rotation_status(),
        "GetKeyPolicy" => kms.get_key_policy(),
        "PutKeyPolicy" => kms.put_key_policy(),
        "ListKeyPolicies" => kms.list_key_policies(),
        "CreateAlias" => kms.create_alias(),
        "ListAliases" => kms.list_aliases(),
        "Encrypt" => kms.encrypt(),
        "Decrypt" => kms.decrypt(),
        "GenerateDataKey" => kms.generate_data_key(true),
        "GenerateDataKeyWithoutPlaintext" => kms.generate_data_key(false),
        _ => Err(ApiError::bad_request("UnknownOperationException", "")),
    }
}

/// Whether a call may be made on a key of another account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    OwnAccount,
    AnyAccount,
}

impl Kms<'_> {
    /// The call's parameters.
    fn input<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            self.body
        };
        serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request("SerializationException", error.to_string()))
    }

    fn circumstances(&self) -> Circumstances {
        let mut circumstances =
            Circumstances::of(self.call.transport, self.call.headers, self.call.region);
        circumstances.set("kms:CallerAccount", self.account);
        circumstances
    }

    /// The key of that id, ARN or alias, once the caller may do this to it.
    fn key(&self, id: &str, reach: Reach) -> Result<KmsKeyRecord, ApiError> {
        self.key_with(id, reach, |_| {})
    }

    /// The same with more about the request.
    fn key_with(
        &self,
        id: &str,
        reach: Reach,
        more: impl FnOnce(&mut Circumstances),
    ) -> Result<KmsKeyRecord, ApiError> {
        let denied = |why: &str| {
            ApiError::forbidden(
                "AccessDenied",
                format!(
                    "User: {} is not authorized to perform: kms:{} on resource: {id} {why}",
                    self.call.requester.arn(),
                    self.action
                ),
            )
        };
        let key = match self.endpoint.region.kms_key_of(self.account, id) {
            Ok(key) => key,
            // Whether another account has a key is not told.
            Err(StoreError::NoSuchKmsKey(_))
                if id.starts_with("arn:") && id.split(':').nth(4) != Some(self.account) =>
            {
                return Err(denied(
                    "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        if reach == Reach::OwnAccount && key.account != self.account {
            return Err(denied("because the key is in another account"));
        }
        let mut circumstances = self.circumstances();
        circumstances.set_resource_tags("aws", &key.tags);
        more(&mut circumstances);
        self.endpoint
            .authorizer
            .may_use_key(
                self.call.requester,
                &format!("kms:{}", self.action),
                &key,
                circumstances,
            )?
            .map_err(|refusal| ApiError::forbidden("AccessDenied", refusal.message()))?;
        Ok(key)
    }

    /// Whether the caller may do what concerns no key that is there.
    fn authorize(
        &self,
        resource: &str,
        more: impl FnOnce(&mut Circumstances),
    ) -> Result<(), ApiError> {
        let mut circumstances = self.circumstances();
        more(&mut circumstances);
        self.endpoint
            .authorizer
            .may_administer(
                self.call.requester,
                &format!("kms:{}", self.action),
                resource,
                circumstances,
            )?
            .map_err(|refusal| ApiError::forbidden("AccessDenied", refusal.message()))
    }
}

/// One page of a list whose elements are given under `list`.
fn page(list: &str, items: Vec<Value>, limit: Option<usize>, marker: Option<&str>) -> Value {
    let start = marker.and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let length = limit.unwrap_or(100).clamp(1, 1000);
    let total = items.len();
    let end = usize::min(start + length, total);
    let items: Vec<Value> = items.into_iter().skip(start).take(length).collect();
    let mut page = serde_json::Map::new();
    page.insert(list.to_owned(), items.into());
    page.insert("Truncated".to_owned(), (end < total).into());
    if end < total {
        page.insert("NextMarker".to_owned(), end.to_string().into());
    }
    page.into()
}
