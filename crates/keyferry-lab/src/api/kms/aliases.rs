//! Aliases: other names of keys (`S3-KMS-4`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::keys::List;
use super::{Kms, Reach, page};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateAlias {
    alias_name: String,
    target_key_id: String,
}

impl Kms<'_> {
    fn alias_arn(&self, alias: &str) -> String {
        let region = self.endpoint.region.name();
        format!("arn:aws:kms:{region}:{}:{alias}", self.account)
    }

    pub(super) fn create_alias(&self) -> Result<Value, ApiError> {
        let input: CreateAlias = self.input()?;
        let alias = &input.alias_name;
        self.authorize(&self.alias_arn(alias), |_| {})?;
        let key = self.key(&input.target_key_id, Reach::OwnAccount)?;
        let valid = alias.len() <= 256
            && alias.strip_prefix("alias/").is_some_and(|name| {
                !name.is_empty()
                    && !name.starts_with("aws/")
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte))
            });
        if !valid {
            return Err(ApiError::bad_request(
                "InvalidAliasNameException",
                format!("Alias {alias} is not valid or is reserved for AWS."),
            ));
        }
        let created = self
            .endpoint
            .region
            .create_kms_alias(self.account, alias, &key.key_id)?;
        if created {
            Ok(json!({}))
        } else {
            Err(ApiError::bad_request(
                "AlreadyExistsException",
                format!(
                    "An alias with the name {} already exists",
                    self.alias_arn(alias)
                ),
            ))
        }
    }

    pub(super) fn list_aliases(&self) -> Result<Value, ApiError> {
        let input: List = self.input()?;
        self.authorize("*", |_| {})?;
        let wanted = match &input.key_id {
            None => None,
            Some(id) => Some(self.endpoint.region.kms_key_of(self.account, id)?.key_id),
        };
        let listed = self
            .endpoint
            .region
            .kms_aliases(self.account)?
            .into_iter()
            .filter(|(_, key)| wanted.as_ref().is_none_or(|wanted| wanted == key))
            .map(|(alias, key)| {
                json!({
                    "AliasName": alias,
                    "AliasArn": self.alias_arn(&alias),
                    "TargetKeyId": key,
                })
            });
        Ok(page(
            "Aliases",
            listed.collect(),
            input.limit,
            input.marker.as_deref(),
        ))
    }
}
