//! AWS Secrets Manager.
//!
//! Each document is a secret whose name is the prefix, `/` and the document's name; its bytes are the
//! secret's binary value, of at most 64 KiB. Creating is create-only by itself: `CreateSecret` refuses a
//! name that is taken. To replace, a new version is put under a label of keyferry's own, and then
//! `AWSCURRENT` is moved to it *from the version that was read*: the service refuses if the label is not
//! there any more
//! (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html>).
//!
//! Each secret costs per month, and each key is one. Keys of a ring could share a secret, but a key's
//! document is never written twice, so that no error and no race can take a key along; a shared one would
//! be replaced with every key added to it.
//!
//! A secret that is removed can be brought back for some days; its name counts as free meanwhile.

mod blocking;
mod refusal;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use aws_types::SdkConfig;
use keyferry_keystore::{Document, Documents, DocumentsError, Expected, Revision};
use keyferry_transfer::{NameEndpoint, UntrustedIsFinal};
use zeroize::Zeroizing;

use blocking::Blocking;
use refusal::{Asked, Refusal, refusal};

/// The label of the version that is in use.
const CURRENT: &str = "AWSCURRENT";
/// The label of a version that is about to be.
const NEXT: &str = "KEYFERRYNEXT";
/// For how many days a removed secret can be brought back.
const RECOVERY_DAYS: i64 = 7;

/// Secrets whose names begin alike.
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    prefix: String,
    place: String,
    blocking: Blocking,
}

impl SecretsManager {
    /// Connects with what `load` finds: credentials, region, endpoint. It runs where all requests will.
    ///
    /// # Errors
    /// Those of `load`, and of the operating system if it has no thread to spare.
    pub fn connect<E: From<std::io::Error> + Send>(
        prefix: &str,
        load: impl Future<Output = Result<SdkConfig, E>> + Send,
    ) -> Result<Self, E> {
        let blocking = Blocking::start()?;
        let config = blocking.run(load)?;
        let region = config.region().map_or("", |region| region.as_ref());
        let place = match config.endpoint_url() {
            Some(endpoint) => format!("aws-secretsmanager:{prefix} ({region} at {endpoint})"),
            None => format!("aws-secretsmanager:{prefix} ({region})"),
        };
        let config = aws_sdk_secretsmanager::config::Builder::from(&config)
            .interceptor(NameEndpoint)
            .retry_classifier(UntrustedIsFinal)
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            prefix: prefix.to_owned(),
            place,
            blocking,
        })
    }

    fn secret(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    fn asked<'a>(
        &'a self,
        action: &'static str,
        operation: &'static str,
        name: &'a str,
    ) -> Asked<'a> {
        Asked {
            action,
            operation,
            place: &self.place,
            name,
        }
    }

    fn conflict(&self, name: &str) -> DocumentsError {
        DocumentsError::Conflict {
            place: self.place.clone(),
            name: name.to_owned(),
        }
    }

    /// The version in use; `None` if there is no such secret, or it was removed.
    fn current(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        let request = self
            .client
            .get_secret_value()
            .secret_id(self.secret(name))
            .version_stage(CURRENT);
        let answer = match self.blocking.run(request.send()) {
            Ok(answer) => answer,
            Err(error) => {
                return match refusal(&self.asked("read", "GetSecretValue", name), &error) {
                    Refusal::NotFound | Refusal::Removed => Ok(None),
                    refusal => Err(refusal.into()),
                };
            }
        };
        match (answer.secret_binary, answer.version_id) {
            (Some(bytes), Some(version)) => Ok(Some(Document {
                bytes: Zeroizing::new(bytes.into_inner()),
                revision: Revision(version),
            })),
            _ => Err(DocumentsError::Failed {
                action: "read",
                place: self.place.clone(),
                name: name.to_owned(),
                reason: "the secret has no binary value: something else wrote it".to_owned(),
                hint: Some("give another prefix; a store needs one of its own".to_owned()),
            }),
        }
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<Revision, DocumentsError> {
        let request = self
            .client
            .create_secret()
            .name(self.secret(name))
            .description("Part of a keyferry key store: encrypted, and of no use alone")
            .secret_binary(Blob::new(bytes));
        let asked = self.asked("create", "CreateSecret", name);
        match self.blocking.run(request.send()) {
            Ok(answer) => self.revision(&asked, answer.version_id),
            Err(error) => match refusal(&asked, &error) {
                Refusal::Exists if self.current(name)?.is_some() => Err(self.conflict(name)),
                Refusal::Exists | Refusal::Removed => self.create_over_removed(name, bytes),
                refusal => Err(refusal.into()),
            },
        }
    }

    /// Takes the name of a secret that was removed and can still be brought back.
    fn create_over_removed(&self, name: &str, bytes: &[u8]) -> Result<Revision, DocumentsError> {
        let request = self.client.restore_secret().secret_id(self.secret(name));
        let asked = self.asked("create", "RestoreSecret", name);
        self.blocking
            .run(request.send())
            .map_err(|error| DocumentsError::from(refusal(&asked, &error)))?;
        // Of several who come this far, one replaces the version that was removed.
        match self.current(name)? {
            Some(removed) => self.replace(name, bytes, &removed.revision),
            None => Err(self.conflict(name)),
        }
    }

    fn replace(
        &self,
        name: &str,
        bytes: &[u8],
        seen: &Revision,
    ) -> Result<Revision, DocumentsError> {
        // A version that cannot come into use would count against the secret's limit all the same.
        if self.current(name)?.is_none_or(|now| now.revision != *seen) {
            return Err(self.conflict(name));
        }
        let put = self
            .client
            .put_secret_value()
            .secret_id(self.secret(name))
            .secret_binary(Blob::new(bytes))
            .version_stages(NEXT);
        let asked = self.asked("write", "PutSecretValue", name);
        let next = match self.blocking.run(put.send()) {
            Ok(answer) => self.revision(&asked, answer.version_id)?,
            Err(error) => {
                return Err(match refusal(&asked, &error) {
                    Refusal::NotFound | Refusal::Removed => self.conflict(name),
                    refusal => refusal.into(),
                });
            }
        };
        let switch = self
            .client
            .update_secret_version_stage()
            .secret_id(self.secret(name))
            .version_stage(CURRENT)
            .remove_from_version_id(&seen.0)
            .move_to_version_id(&next.0);
        let Err(error) = self.blocking.run(switch.send()) else {
            return Ok(next);
        };
        let asked = self.asked("write", "UpdateSecretVersionStage", name);
        match refusal(&asked, &error) {
            // It is how the service says that the label is elsewhere, among other things.
            Refusal::Invalid(refused) => match self.current(name)? {
                Some(now) if now.revision == *seen => Err(refused),
                Some(now) if now.revision == next => Ok(next),
                _ => Err(self.conflict(name)),
            },
            Refusal::NotFound | Refusal::Removed => Err(self.conflict(name)),
            refusal => Err(refusal.into()),
        }
    }

    fn revision(
        &self,
        asked: &Asked<'_>,
        version: Option<String>,
    ) -> Result<Revision, DocumentsError> {
        version.map(Revision).ok_or_else(|| DocumentsError::Failed {
            action: asked.action,
            place: self.place.clone(),
            name: asked.name.to_owned(),
            reason: "the answer names no version".to_owned(),
            hint: None,
        })
    }
}

impl Documents for SecretsManager {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let from = self.secret(prefix);
        let filter = Filter::builder()
            .key(FilterNameStringType::Name)
            .values(&from)
            .build();
        let mut pages = self
            .client
            .list_secrets()
            .filters(filter)
            .into_paginator()
            .send();
        let listed = self.blocking.run(async {
            let mut names = Vec::new();
            while let Some(page) = pages.next().await {
                let secrets = page?.secret_list.unwrap_or_default();
                names.extend(secrets.into_iter().filter_map(|secret| secret.name));
            }
            Ok(names)
        });
        let asked = self.asked("list", "ListSecrets", prefix);
        let listed = listed.map_err(|error| DocumentsError::from(refusal(&asked, &error)))?;
        let below = format!("{}/", self.prefix);
        let mut names: Vec<String> = listed
            .iter()
            .filter_map(|name| name.strip_prefix(&below))
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        self.current(name)
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        match expected {
            Expected::Absent => self.create(name, bytes),
            Expected::At(seen) => self.replace(name, bytes, &seen),
        }
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        let request = self
            .client
            .delete_secret()
            .secret_id(self.secret(name))
            .recovery_window_in_days(RECOVERY_DAYS);
        match self.blocking.run(request.send()) {
            Ok(_) => Ok(()),
            Err(error) => match refusal(&self.asked("remove", "DeleteSecret", name), &error) {
                Refusal::NotFound | Refusal::Removed => Ok(()),
                refusal => Err(refusal.into()),
            },
        }
    }
}
