//! Who may sign requests: each account's access key, and session credentials.
//!
//! Sessions are made by the program that runs the lab, for an account itself, or by AssumeRole,
//! for a role. They do not outlive the process.
//!
//! `S3-AUTH-1` InvalidAccessKeyId, `S3-AUTH-2` ExpiredToken, `S3-AUTH-3` InvalidToken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::requester::Requester;
use crate::lab_error::LabError;

/// Credentials the lab accepts. Debug shows the access key id only.
#[derive(Clone)]
pub struct LabCredentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl LabCredentials {
    /// The access key id: `AKIA...`, or `ASIA...` for session credentials.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret access key.
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// The session token of session credentials.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }

    fn generate(prefix: &str) -> Self {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let random: [u8; 16] = rand::random();
        let id = random
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
            .map(|&byte| char::from(byte));
        Self {
            access_key_id: prefix.chars().chain(id).collect(),
            secret_access_key: Zeroizing::new(STANDARD.encode(rand::random::<[u8; 30]>())),
            session_token: None,
        }
    }
}

impl fmt::Debug for LabCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The form of the accounts' access keys on disk: by account id.
type CredentialFile = BTreeMap<String, AccessKey>;

#[derive(Serialize, Deserialize)]
struct AccessKey {
    access_key_id: String,
    secret_access_key: String,
}

/// An account and its access key.
struct Account {
    id: String,
    credentials: LabCredentials,
}

/// A session's credentials, who acts by them, and when they end.
struct Session {
    credentials: LabCredentials,
    requester: Requester,
    expires: SystemTime,
}

/// All credentials of one lab, shared by both regions.
pub(crate) struct CredentialStore {
    /// In the order of the options.
    accounts: Vec<Account>,
    sessions: RwLock<HashMap<String, Session>>,
}

/// What a request says about who signed it, before its signature is checked.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) session_token: Option<&'a str>,
}

impl CredentialStore {
    /// Reads `credentials.json` in `dir`, and adds what it lacks of `accounts`.
    pub(crate) fn open(dir: &Path, accounts: &[String]) -> Result<Self, LabError> {
        let path = dir.join("credentials.json");
        let damaged = |source: serde_json::Error| LabError::Damaged {
            path: path.clone(),
            reason: source.to_string(),
        };
        let mut file: CredentialFile = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(damaged)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => CredentialFile::new(),
            Err(error) => return Err(LabError::io("read", path, error)),
        };
        let known = file.len();
        let mut opened = Vec::new();
        for account in accounts {
            let key = file.entry(account.clone()).or_insert_with(|| {
                let made = LabCredentials::generate("AKIA");
                AccessKey {
                    access_key_id: made.access_key_id.clone(),
                    secret_access_key: made.secret_access_key.to_string(),
                }
            });
            opened.push(Account {
                id: account.clone(),
                credentials: LabCredentials {
                    access_key_id: key.access_key_id.clone(),
                    secret_access_key: Zeroizing::new(key.secret_access_key.clone()),
                    session_token: None,
                },
            });
        }
        if file.len() > known {
            let json = serde_json::to_vec_pretty(&file).map_err(damaged)?;
            super::certificates::write_private(&path, &json)?;
        }
        Ok(Self {
            accounts: opened,
            sessions: RwLock::default(),
        })
    }

    /// An account's access key.
    pub(crate) fn account(&self, id: &str) -> Option<&LabCredentials> {
        let account = self.accounts.iter().find(|account| account.id == id)?;
        Some(&account.credentials)
    }

    /// Makes credentials by which `requester` acts for `lifetime`.
    pub(crate) fn start_session(&self, requester: Requester, lifetime: Duration) -> LabCredentials {
        let mut credentials = LabCredentials::generate("ASIA");
        credentials.session_token = Some(Zeroizing::new(
            STANDARD.encode(rand::random::<[[u8; 32]; 3]>().concat()),
        ));
        self.sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(
                credentials.access_key_id.clone(),
                Session {
                    credentials: credentials.clone(),
                    requester,
                    expires: SystemTime::now() + lifetime,
                },
            );
        credentials
    }

    /// Who acts by an access key.
    pub(crate) fn requester(&self, access_key_id: &str) -> Option<Requester> {
        if let Some(account) = self.account_of(access_key_id) {
            return Some(Requester::Root {
                account: account.id.clone(),
            });
        }
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(access_key_id)?;
        Some(session.requester.clone())
    }

    /// The secret of an access key.
    pub(crate) fn secret(&self, access_key_id: &str) -> Option<Zeroizing<String>> {
        if let Some(account) = self.account_of(access_key_id) {
            return Some(account.credentials.secret_access_key.clone());
        }
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(access_key_id)?;
        Some(session.credentials.secret_access_key.clone())
    }

    fn account_of(&self, access_key_id: &str) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|account| account.credentials.access_key_id == access_key_id)
    }

    /// Checks that the session token belongs to the access key and has not expired.
    pub(crate) fn check_token(&self, claim: Claim<'_>, now: SystemTime) -> S3Result<()> {
        if self.account_of(claim.access_key_id).is_some() {
            return match claim.session_token {
                None => Ok(()),
                Some(_) => Err(invalid_token()),
            };
        }
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        match (sessions.get(claim.access_key_id), claim.session_token) {
            (Some(session), Some(token)) => {
                if session.credentials.session_token() != Some(token) {
                    Err(invalid_token())
                } else if session.expires <= now {
                    Err(S3Error::with_message(
                        S3ErrorCode::ExpiredToken,
                        "The provided token has expired.",
                    ))
                } else {
                    Ok(())
                }
            }
            // A temporary access key without its token is no access key at all.
            (Some(_), None) => Err(invalid_access_key(claim.access_key_id)),
            (None, Some(_)) => Err(invalid_token()),
            (None, None) => Err(invalid_access_key(claim.access_key_id)),
        }
    }
}

fn invalid_token() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidToken,
        "The provided token is malformed or otherwise invalid.",
    )
}

fn invalid_access_key(_id: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidAccessKeyId,
        "The AWS Access Key Id you provided does not exist in our records.",
    )
}

/// Gives `s3s` the secret that a signature must have been made with.
pub(crate) struct Authenticator(pub(crate) Arc<CredentialStore>);

#[async_trait::async_trait]
impl S3Auth for Authenticator {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0
            .secret(access_key)
            .map(|secret| SecretKey::from(secret.as_str()))
            .ok_or_else(|| invalid_access_key(access_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn code(result: S3Result<()>) -> String {
        result.unwrap_err().code().as_str().to_owned()
    }

    #[test]
    fn tokens_belong_to_their_key_and_expire() {
        let dir = tempfile::tempdir().unwrap();
        let store = CredentialStore::open(dir.path(), &[ACCOUNT.to_owned()]).unwrap();
        let account = store.account(ACCOUNT).unwrap().clone();
        let root = Requester::Root {
            account: ACCOUNT.to_owned(),
        };
        let session = store.start_session(root.clone(), Duration::from_secs(60));
        assert_eq!(store.requester(session.access_key_id()), Some(root));
        let now = SystemTime::now();
        let claim = |id, token| Claim {
            access_key_id: id,
            session_token: token,
        };
        store
            .check_token(claim(account.access_key_id(), None), now)
            .unwrap();
        store
            .check_token(claim(session.access_key_id(), session.session_token()), now)
            .unwrap();
        let later = now + Duration::from_secs(61);
        assert_eq!(
            code(store.check_token(
                claim(session.access_key_id(), session.session_token()),
                later
            )),
            "ExpiredToken"
        );
        assert_eq!(
            code(store.check_token(claim(session.access_key_id(), Some("x")), now)),
            "InvalidToken"
        );
        assert_eq!(
            code(store.check_token(claim(account.access_key_id(), session.session_token()), now)),
            "InvalidToken"
        );
        assert_eq!(
            code(store.check_token(claim(session.access_key_id(), None), now)),
            "InvalidAccessKeyId"
        );
        assert_eq!(
            code(store.check_token(claim("AKIANOSUCHKEY", None), now)),
            "InvalidAccessKeyId"
        );
    }

    #[test]
    fn account_keys_survive_reopening_and_do_not_print() {
        let dir = tempfile::tempdir().unwrap();
        let open = |accounts: &[&str]| {
            let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
            let store = CredentialStore::open(dir.path(), &accounts).unwrap();
            store.account(ACCOUNT).unwrap().clone()
        };
        let first = open(&[ACCOUNT]);
        let second = open(&["444455556666", ACCOUNT]);
        assert_eq!(first.access_key_id(), second.access_key_id());
        assert_eq!(first.secret_access_key(), second.secret_access_key());
        assert!(!format!("{first:?}").contains(first.secret_access_key()));
        assert_eq!(first.access_key_id().len(), 20);
        assert_eq!(first.secret_access_key().len(), 40);
    }
}
