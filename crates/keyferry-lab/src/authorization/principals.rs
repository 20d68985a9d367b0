//! Principals that policies name.

use keyferry_policy::iam::{PolicyDocument, PrincipalElement, Principals};
use sha2::{Digest as _, Sha256};

use crate::store::{Store, StoreError};

/// The canonical user id of an account: 64 hexadecimal digits (`S3-ACL-2`).
pub(crate) fn canonical_id(account: &str) -> String {
    hex::encode(Sha256::digest(account))
}

/// A principal of `document` that does not exist, as far as the lab can tell: roles of its own
/// accounts, and canonical users (`S3-POLICY-2`). Other accounts may be real.
pub(crate) fn unknown_principal(
    store: &Store,
    document: &PolicyDocument,
) -> Result<Option<String>, StoreError> {
    for statement in &document.statements {
        let Some(
            PrincipalElement::Principal(principals) | PrincipalElement::NotPrincipal(principals),
        ) = &statement.principal
        else {
            continue;
        };
        let Principals::Listed {
            aws,
            canonical_user,
            ..
        } = principals
        else {
            continue;
        };
        for name in aws {
            if !may_exist(store, name)? {
                return Ok(Some(name.clone()));
            }
        }
        let known = |id: &&String| {
            let mut accounts = store.accounts().iter();
            accounts.any(|account| canonical_id(account) == **id)
        };
        if let Some(unknown) = canonical_user.iter().find(|id| !known(id)) {
            return Ok(Some(unknown.clone()));
        }
    }
    Ok(None)
}

fn may_exist(store: &Store, name: &str) -> Result<bool, StoreError> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if name == "*" || is_account(name) {
        return Ok(true);
    }
    let mut fields = name.splitn(6, ':');
    let mut next = || fields.next().unwrap_or_default();
    let (arn, partition, service) = (next(), next(), next());
    let (region, account, resource) = (next(), next(), next());
    let is_principal = arn == "arn"
        && partition == "aws"
        && ["iam", "sts"].contains(&service)
        && region.is_empty()
        && is_account(account);
    if !is_principal {
        return Ok(false);
    }
    let of_lab = store.accounts().iter().any(|known| known == account);
    match (service, resource.split_once('/')) {
        (_, None) => Ok(resource == "root"),
        ("iam", Some(("role", _))) if of_lab => Ok(store.role_by_arn(name)?.is_some()),
        ("sts", Some(("assumed-role", session))) if of_lab => {
            let role = session.split('/').next().unwrap_or_default();
            Ok(store.role(account, role)?.is_some())
        }
        // The lab's accounts have no users.
        ("iam", Some(("user", _))) => Ok(!of_lab),
        ("iam", Some(("role", _))) | ("sts", Some(("assumed-role" | "federated-user", _))) => {
            Ok(true)
        }
        _ => Ok(false),
    }
}
