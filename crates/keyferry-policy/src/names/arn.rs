//! ARNs of what replication is built from.

use std::fmt;
use std::str::FromStr;

use super::{AccountId, NameError, Partition, Region};

/// The six fields of an ARN: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
struct Fields<'a> {
    partition: Partition,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

fn fields(text: &str) -> Option<Fields<'_>> {
    let mut fields = text.splitn(6, ':');
    (fields.next()? == "arn").then_some(())?;
    Some(Fields {
        partition: fields.next()?.parse().ok()?,
        service: fields.next()?,
        region: fields.next()?,
        account: fields.next()?,
        resource: fields.next()?,
    })
}

/// ARN of a KMS key: `arn:aws:kms:REGION:ACCOUNT:key/ID`. Aliases are not keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KmsKeyArn {
    text: String,
    partition: Partition,
    region: Region,
    account: AccountId,
}

impl KmsKeyArn {
    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition the key is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The region the key is in.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The account the key belongs to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// What stands behind `key/`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.text
            .rsplit_once(":key/")
            .map_or("", |(_, key_id)| key_id)
    }
}

impl FromStr for KmsKeyArn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |rule| NameError::new(text, "the ARN of a KMS key", rule);
        if text.starts_with("alias/") || text.contains(":alias/") || text == "aws/s3" {
            return Err(error(
                "an alias cannot stand for the key in a policy and is looked up in the caller's account; `aws kms describe-key --key-id ALIAS` shows the key's ARN",
            ));
        }
        let shape = "it must look like `arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`";
        let fields = fields(text).ok_or_else(|| error(shape))?;
        let key_id = fields
            .resource
            .strip_prefix("key/")
            .ok_or_else(|| error(shape))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if fields.service != "kms" || key_id.is_empty() || !key_id.bytes().all(plain) {
            return Err(error(shape));
        }
        let region: Region = fields.region.parse().map_err(|_| error(shape))?;
        if region.partition() != fields.partition {
            return Err(error("its partition and its region do not belong together"));
        }
        Ok(Self {
            text: text.to_owned(),
            partition: fields.partition,
            region,
            account: fields.account.parse().map_err(|_| error(shape))?,
        })
    }
}

impl fmt::Display for KmsKeyArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// ARN of a role: `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleArn {
    text: String,
    partition: Partition,
    account: AccountId,
}

impl RoleArn {
    /// The ARN of a role without a path.
    #[must_use]
    pub fn new(partition: Partition, account: AccountId, name: &str) -> Self {
        Self {
            text: format!("arn:{partition}:iam::{account}:role/{name}"),
            partition,
            account,
        }
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account the role belongs to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The partition the role is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The name, without the path.
    #[must_use]
    pub fn role_name(&self) -> &str {
        self.text.rsplit_once('/').map_or("", |(_, name)| name)
    }
}

impl FromStr for RoleArn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || {
            NameError::new(
                text,
                "the ARN of a role",
                "it must look like `arn:aws:iam::111122223333:role/NAME`",
            )
        };
        let fields = fields(text).ok_or_else(error)?;
        let path = fields.resource.strip_prefix("role/").ok_or_else(error)?;
        let name = path.rsplit('/').next().unwrap_or_default();
        if fields.service != "iam" || !fields.region.is_empty() || name.is_empty() {
            return Err(error());
        }
        Ok(Self {
            text: text.to_owned(),
            partition: fields.partition,
            account: fields.account.parse().map_err(|_| error())?,
        })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_keys_are_named_by_their_own_arn() {
        let arn =
            "arn:aws:kms:ap-northeast-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
        let key: KmsKeyArn = arn.parse().unwrap();
        assert_eq!(key.region().as_str(), "ap-northeast-1");
        assert_eq!(key.account().as_str(), "111122223333");
        assert_eq!(key.key_id(), "mrk-1234abcd12ab34cd56ef1234567890ab");
        for bad in [
            "alias/aws/s3",
            "aws/s3",
            "arn:aws:kms:ap-northeast-1:111122223333:alias/data",
            "arn:aws-cn:kms:ap-northeast-1:111122223333:key/1",
            "arn:aws:s3:ap-northeast-1:111122223333:key/1",
            "arn:aws:kms::111122223333:key/1",
            "arn:aws:kms:ap-northeast-1:1111:key/1",
            "arn:aws:kms:ap-northeast-1:111122223333:key/",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert!(bad.parse::<KmsKeyArn>().is_err(), "{bad}");
        }
        let error = "alias/aws/s3".parse::<KmsKeyArn>().unwrap_err().to_string();
        assert!(error.contains("describe-key"), "{error}");
    }

    #[test]
    fn roles_may_have_a_path() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/service-role/s3crr"
            .parse()
            .unwrap();
        assert_eq!(role.role_name(), "s3crr");
        assert!(
            "arn:aws:iam::111122223333:user/s3crr"
                .parse::<RoleArn>()
                .is_err()
        );
        assert!(
            "arn:aws:iam::111122223333:role/"
                .parse::<RoleArn>()
                .is_err()
        );
    }
}
