//! Trying keys on one version, likeliest first, until one opens it.

use std::collections::BTreeSet;

use keyferry_key::KeyId;
use keyferry_transfer::{KEY_TAG, ObjectAddress};

use super::{CandidateKeys, Determined, FoundBy, KeyVerdict, TagHint, Unopened};
use crate::access::{KeyDiagnosis, ObjectAccess};
use crate::answer::Trouble;
use crate::object_view::ObjectView;

/// Finds the key of the version that `access` names.
pub(super) async fn determine<K: CandidateKeys + ?Sized>(
    access: &ObjectAccess,
    address: &ObjectAddress,
    keys: &K,
) -> Determined {
    let mut trial = Trial {
        access,
        keys,
        tried: BTreeSet::new(),
        unopened: Vec::new(),
        under_some_key: false,
        version_id: access.version_id().map(str::to_owned),
        view: None,
    };
    if let Some(id) = keys.recorded(address, access.version_id())
        && let Some(verdict) = trial.of(&id, FoundBy::Record).await
    {
        return Determined {
            verdict,
            tag: TagHint::NotRead,
            version_id: trial.version_id,
            view: trial.view,
        };
    }
    let tag = hint(access).await;
    let named = tag.key_id();
    for id in keys.candidates(address, access.version_id(), named) {
        let by = if named == Some(&id) {
            FoundBy::Tag
        } else {
            FoundBy::Trial
        };
        if let Some(verdict) = trial.of(&id, by).await {
            return Determined {
                verdict,
                tag,
                version_id: trial.version_id,
                view: trial.view,
            };
        }
    }
    Determined {
        verdict: trial.none_fits().await,
        tag,
        version_id: trial.version_id,
        view: trial.view,
    }
}

async fn hint(access: &ObjectAccess) -> TagHint {
    match access.tags().await {
        Ok(mut tags) => match tags.remove(KEY_TAG) {
            None => TagHint::Absent,
            Some(value) => value
                .parse()
                .map_or(TagHint::Malformed(value), TagHint::Names),
        },
        Err(trouble) => TagHint::Unreadable(trouble.to_string()),
    }
}

struct Trial<'a, K: ?Sized> {
    access: &'a ObjectAccess,
    keys: &'a K,
    tried: BTreeSet<KeyId>,
    unopened: Vec<Unopened>,
    /// Whether S3 has said that the version is under a customer key. Then a denial means that the
    /// key shown is not the one; before, it may mean anything.
    under_some_key: bool,
    version_id: Option<String>,
    view: Option<Box<ObjectView>>,
}

impl<K: CandidateKeys + ?Sized> Trial<'_, K> {
    /// Tries one key, unless it was tried before; `None` if that settles nothing.
    async fn of(&mut self, id: &KeyId, by: FoundBy) -> Option<KeyVerdict> {
        if !self.tried.insert(id.clone()) {
            return None;
        }
        let key = match self.keys.open(id) {
            Ok(key) => key.headers(),
            Err(reason) => {
                self.tried.remove(id);
                if !self.unopened.iter().any(|unopened| unopened.id == *id) {
                    let id = id.clone();
                    self.unopened.push(Unopened { id, reason });
                }
                return None;
            }
        };
        let refusal = match self.access.head(Some(&key)).await {
            Ok(view) => {
                return Some(match &view.key_md5 {
                    Some(md5) if *md5 == key.md5().to_string() => {
                        let id = id.clone();
                        self.seen(view);
                        KeyVerdict::Known { id, by }
                    }
                    Some(_) => KeyVerdict::Unreadable {
                        reason: "the server says that it used another key than was sent".to_owned(),
                    },
                    // Given out without saying that the key was used: whoever has none gets it too.
                    None => self.not_under_a_key(view),
                });
            }
            Err(Trouble::Refused(refusal)) => refusal,
            Err(trouble) => return Some(unreadable(&trouble)),
        };
        if refusal.is_absence() {
            return Some(KeyVerdict::Gone);
        }
        if self.under_some_key && refusal.is_denial() {
            return None;
        }
        match self.access.diagnose(&refusal, &key).await {
            KeyDiagnosis::WrongKey => {
                self.under_some_key = true;
                None
            }
            KeyDiagnosis::OpenWithoutKey(view) => Some(self.not_under_a_key(*view)),
            KeyDiagnosis::Forbidden => Some(unreadable(&Trouble::Refused(refusal))),
            KeyDiagnosis::Unclear(spoken) => Some(unreadable(&Trouble::Refused(spoken))),
        }
    }

    /// What it comes to when no key was left to try.
    async fn none_fits(&mut self) -> KeyVerdict {
        let foreign = KeyVerdict::Foreign {
            tried: self.tried.len(),
            unopened: std::mem::take(&mut self.unopened),
        };
        if self.under_some_key {
            return foreign;
        }
        match self.access.head(None).await {
            Ok(view) => self.not_under_a_key(view),
            // Only an object under a customer key is refused so to whoever may read it.
            Err(Trouble::Refused(refusal)) if refusal.status == 400 => {
                let spoken = self.access.spoken(refusal, None).await;
                match spoken.is_about_a_key() {
                    true => foreign,
                    false => unreadable(&Trouble::Refused(spoken)),
                }
            }
            Err(Trouble::Refused(refusal)) if refusal.is_absence() => KeyVerdict::Gone,
            Err(trouble) => unreadable(&trouble),
        }
    }

    fn not_under_a_key(&mut self, view: ObjectView) -> KeyVerdict {
        let encryption = view.server_side_encryption.clone();
        self.seen(view);
        KeyVerdict::NotCustomerKey { encryption }
    }

    fn seen(&mut self, view: ObjectView) {
        self.version_id = self.version_id.take().or_else(|| view.version_id.clone());
        self.view = Some(Box::new(view));
    }
}

fn unreadable(trouble: &Trouble) -> KeyVerdict {
    KeyVerdict::Unreadable {
        reason: trouble.to_string(),
    }
}
