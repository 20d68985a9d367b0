//! What the lab remembers of IAM: roles and customer managed policies, per account.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::account::Store;
use super::bucket_record::Tag;
use super::database::{decode, encode};
use super::error::StoreError;

/// A table of records by account id and name.
pub(super) type Records = TableDefinition<'static, (&'static str, &'static str), &'static [u8]>;

/// Account, role name → [`RoleRecord`]. Names are unique whatever the path.
pub(super) const ROLES: Records = TableDefinition::new("roles");
/// Account, policy name → [`ManagedPolicyRecord`].
pub(super) const POLICIES: Records = TableDefinition::new("managed_policies");

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    pub(crate) account: String,
    pub(crate) name: String,
    /// `/`, or `/one/two/`.
    pub(crate) path: String,
    /// `AROA...`
    pub(crate) id: String,
    pub(crate) created: SystemTime,
    pub(crate) description: Option<String>,
    /// In seconds.
    pub(crate) max_session: u32,
    /// JSON as given.
    pub(crate) trust_policy: String,
    /// Inline policies, JSON as given, by name.
    pub(crate) policies: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub(crate) attached: BTreeSet<String>,
    /// ARN of the managed policy that bounds it.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Vec<Tag>,
}

impl RoleRecord {
    /// A role with a trust policy and nothing else.
    pub(crate) fn new(account: &str, path: &str, name: &str, trust_policy: &str) -> Self {
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
            id: unique_id("AROA"),
            created: now(),
            description: None,
            max_session: 3600,
            trust_policy: trust_policy.to_owned(),
            policies: BTreeMap::new(),
            attached: BTreeSet::new(),
            boundary: None,
            tags: Vec::new(),
        }
    }

    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:iam::{}:role{}{}",
            self.account, self.path, self.name
        )
    }
}

/// A customer managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicyRecord {
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) path: String,
    /// `ANPA...`
    pub(crate) id: String,
    pub(crate) created: SystemTime,
    pub(crate) updated: SystemTime,
    pub(crate) description: Option<String>,
    /// Number of the version in force.
    pub(crate) default_version: u32,
    /// By number; numbers are never given out again.
    pub(crate) versions: BTreeMap<u32, PolicyVersion>,
    /// The number of the next version.
    pub(crate) next_version: u32,
    pub(crate) tags: Vec<Tag>,
}

/// One version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// JSON as given.
    pub(crate) document: String,
    pub(crate) created: SystemTime,
}

impl ManagedPolicyRecord {
    /// A policy with its first version.
    pub(crate) fn new(account: &str, path: &str, name: &str, document: String) -> Self {
        let created = now();
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
            id: unique_id("ANPA"),
            created,
            updated: created,
            description: None,
            default_version: 1,
            versions: BTreeMap::from([(1, PolicyVersion { document, created })]),
            next_version: 2,
            tags: Vec::new(),
        }
    }

    /// `arn:aws:iam::ACCOUNT:policy/PATH/NAME`
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:iam::{}:policy{}{}",
            self.account, self.path, self.name
        )
    }

    /// The document in force.
    pub(crate) fn document(&self) -> Option<&str> {
        let version = self.versions.get(&self.default_version)?;
        Some(&version.document)
    }
}

/// The time in whole seconds, as IAM keeps it.
pub(crate) fn now() -> SystemTime {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UNIX_EPOCH + std::time::Duration::from_secs(now.as_secs())
}

/// An id of the kind IAM gives: a prefix and 17 characters.
fn unique_id(prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random: [u8; 17] = rand::random();
    let id = random
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|&byte| char::from(byte));
    prefix.chars().chain(id).collect()
}

/// Account and name in the ARN of a role or managed policy: the name is behind the path.
fn account_and_name<'a>(arn: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let rest = arn.strip_prefix("arn:aws:iam::")?;
    let (account, resource) = rest.split_once(':')?;
    let path = resource.strip_prefix(kind)?;
    let (_, name) = path.rsplit_once('/')?;
    Some((account, name))
}

impl Store {
    /// Changes, creates (from `None`) or deletes (to `None`) a role in one atomic step. Blocks.
    pub(crate) fn change_role<T, E: From<StoreError>>(
        &self,
        account: &str,
        name: &str,
        change: impl FnOnce(&mut Option<RoleRecord>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change_record(ROLES, (account, name), change)
    }

    /// The role of that name.
    pub(crate) fn role(&self, account: &str, name: &str) -> Result<Option<RoleRecord>, StoreError> {
        self.record(ROLES, (account, name))
    }

    /// The role with that ARN, of whichever account.
    pub(crate) fn role_by_arn(&self, arn: &str) -> Result<Option<RoleRecord>, StoreError> {
        let Some((account, name)) = account_and_name(arn, "role") else {
            return Ok(None);
        };
        let role = self.role(account, name)?;
        Ok(role.filter(|role| role.arn() == arn))
    }

    /// An account's roles by name.
    pub(crate) fn roles(&self, account: &str) -> Result<Vec<RoleRecord>, StoreError> {
        self.records(ROLES, account)
    }

    /// As [`Store::change_role`], for a managed policy.
    pub(crate) fn change_policy<T, E: From<StoreError>>(
        &self,
        account: &str,
        name: &str,
        change: impl FnOnce(&mut Option<ManagedPolicyRecord>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change_record(POLICIES, (account, name), change)
    }

    /// The managed policy with that ARN, of whichever account.
    pub(crate) fn policy_by_arn(
        &self,
        arn: &str,
    ) -> Result<Option<ManagedPolicyRecord>, StoreError> {
        let Some(key) = account_and_name(arn, "policy") else {
            return Ok(None);
        };
        let policy: Option<ManagedPolicyRecord> = self.record(POLICIES, key)?;
        Ok(policy.filter(|policy| policy.arn() == arn))
    }

    /// An account's managed policies by name.
    pub(crate) fn policies(&self, account: &str) -> Result<Vec<ManagedPolicyRecord>, StoreError> {
        self.records(POLICIES, account)
    }

    fn record<R: DeserializeOwned>(
        &self,
        table: Records,
        key: (&str, &str),
    ) -> Result<Option<R>, StoreError> {
        let table = self.identities().begin_read()?.open_table(table)?;
        let record = table.get(key)?;
        record.map(|record| decode(record.value())).transpose()
    }

    fn records<R: DeserializeOwned>(
        &self,
        table: Records,
        account: &str,
    ) -> Result<Vec<R>, StoreError> {
        let table = self.identities().begin_read()?.open_table(table)?;
        // Account ids are digits, so that nothing lies between.
        let end = format!("{account}\0");
        table
            .range((account, "")..(end.as_str(), ""))?
            .map(|entry| decode(entry?.1.value()))
            .collect()
    }

    fn change_record<R, T, E>(
        &self,
        table: Records,
        key: (&str, &str),
        change: impl FnOnce(&mut Option<R>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        R: Serialize + DeserializeOwned,
        E: From<StoreError>,
    {
        let transaction = self.identities().begin_write().map_err(StoreError::from)?;
        let result = {
            let mut table = transaction.open_table(table).map_err(StoreError::from)?;
            let mut record: Option<R> = table
                .get(key)
                .map_err(StoreError::from)?
                .map(|record| decode(record.value()))
                .transpose()?;
            let result = change(&mut record)?;
            match record {
                Some(record) => {
                    let bytes = encode(&record)?;
                    table
                        .insert(key, bytes.as_slice())
                        .map_err(StoreError::from)?;
                }
                None => {
                    table.remove(key).map_err(StoreError::from)?;
                }
            }
            result
        };
        transaction.commit().map_err(StoreError::from)?;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_behind_paths() {
        for (arn, found) in [
            ("arn:aws:iam::1:role/a", Some(("1", "a"))),
            ("arn:aws:iam::1:role/service-role/a", Some(("1", "a"))),
            ("arn:aws:iam::1:policy/a", None),
            ("arn:aws:iam::1:role", None),
            ("a", None),
        ] {
            assert_eq!(account_and_name(arn, "role"), found, "{arn}");
        }
        let role = RoleRecord::new("1", "/service-role/", "a", "{}");
        assert_eq!(role.arn(), "arn:aws:iam::1:role/service-role/a");
        assert_eq!(role.id.len(), 21);
    }
}
