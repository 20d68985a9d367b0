//! Where the key store is: in a folder, or in a place that keeps documents, with a working copy here.

use std::path::PathBuf;

use keyferry_keystore::{Documents, Error, ErrorClass, LockedStore, Store, Unlock, WorkFactor};
use keyferry_remote::{StoreAddress, VaultLocation};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// Finds the store, whose openers and journal can then be read.
pub(crate) fn find(settings: &Settings) -> Result<LockedStore, Failure> {
    if let StoreAddress::Folder(path) = &settings.store {
        return Ok(witnessed(settings, LockedStore::open(path)?));
    }
    let place = place(settings)?;
    let copy = working_copy(settings, place.as_ref())?;
    Ok(witnessed(settings, LockedStore::open_remote(place, &copy)?))
}

/// What stands where a store should be, as far as is seen without opening it.
pub(crate) enum Standing {
    /// There is none.
    Missing,
    /// It cannot be opened as it is.
    Damaged(Error),
    /// Nothing speaks against it.
    There,
}

/// Looks at a folder that should have a store. What a place elsewhere has is only seen by opening it.
pub(crate) fn standing(settings: &Settings) -> Standing {
    let StoreAddress::Folder(path) = &settings.store else {
        return Standing::There;
    };
    match LockedStore::open(path).and_then(|store| store.openers()) {
        Err(Error::NoStore { .. }) => Standing::Missing,
        Err(error) if error.class() == ErrorClass::Damaged => Standing::Damaged(error),
        _ => Standing::There,
    }
}

/// Remembered is, outside the store, how far its journal reaches.
fn witnessed(settings: &Settings, store: LockedStore) -> LockedStore {
    store.witnessed_in(settings.witness().as_deref())
}

/// The same, for what is shown without opening the store: says if it is as of an earlier time.
pub(crate) fn find_and_tell(
    settings: &Settings,
    terminal: Terminal,
) -> Result<LockedStore, Failure> {
    let store = find(settings)?;
    for finding in store.findings() {
        terminal.warn(finding);
    }
    Ok(store)
}

/// Refuses a place that has a store, before anybody thinks of a passphrase for a new one.
pub(crate) fn check_free(settings: &Settings) -> Result<(), Failure> {
    match &settings.store {
        StoreAddress::Folder(path) if LockedStore::open(path).is_ok() => {
            Err(Error::StoreExists { path: path.clone() }.into())
        }
        _ => Ok(()),
    }
}

/// Makes a store.
pub(crate) fn make(settings: &Settings, unlock: &Unlock) -> Result<Store, Failure> {
    if let StoreAddress::Folder(path) = &settings.store {
        return Ok(Store::init(path, unlock)?);
    }
    let place = place(settings)?;
    let copy = working_copy(settings, place.as_ref())?;
    Ok(Store::init_remote(
        place,
        &copy,
        unlock,
        WorkFactor::DEFAULT,
    )?)
}

/// The folder of the store, or of its working copy.
pub(crate) fn folder(settings: &Settings) -> Result<PathBuf, Failure> {
    match &settings.store {
        StoreAddress::Folder(path) => Ok(path.clone()),
        _ => working_copy(settings, place(settings)?.as_ref()),
    }
}

fn working_copy(settings: &Settings, place: &dyn Documents) -> Result<PathBuf, Failure> {
    let caches = settings.caches.as_ref().ok_or_else(|| {
        Failure::new(Exit::Failure, "there is no folder for caches").hint("set HOME")
    })?;
    Ok(StoreAddress::working_copy(caches, &place.place()))
}

fn place(settings: &Settings) -> Result<Box<dyn Documents>, Failure> {
    match &settings.store {
        StoreAddress::Vault(location) => vault(settings, location),
        StoreAddress::SecretsManager { prefix } => secrets_manager(settings, prefix),
        other => Err(Failure::new(
            Exit::Usage,
            format!("this keyferry cannot keep a key store in `{other}`"),
        )),
    }
}

#[cfg(not(all(feature = "vault-kv", feature = "secrets-manager")))]
fn left_out(what: &str, feature: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("this keyferry was built without key stores in {what}"),
    )
    .hint(format!(
        "use one that was built with `--features {feature}`"
    ))
}

#[cfg(feature = "vault-kv")]
fn vault(settings: &Settings, location: &VaultLocation) -> Result<Box<dyn Documents>, Failure> {
    let vault = crate::vault::connect(settings, location.server.as_deref())?;
    Ok(Box::new(keyferry_remote::VaultKv::new(
        vault,
        &location.path,
    )))
}

#[cfg(not(feature = "vault-kv"))]
fn vault(_: &Settings, _: &VaultLocation) -> Result<Box<dyn Documents>, Failure> {
    Err(left_out("Vault and OpenBao", "vault-kv"))
}

#[cfg(feature = "secrets-manager")]
fn secrets_manager(settings: &Settings, prefix: &str) -> Result<Box<dyn Documents>, Failure> {
    let load = async {
        let aws = crate::aws::Aws::connect(settings)
            .await
            .map_err(|failure| failure.with_exit(Exit::Store))?;
        let region = aws.region().ok_or_else(|| {
            Failure::new(Exit::Store, "nothing says which region the key store is in")
                .hint("give --region, or a profile that has one")
        })?;
        Ok::<_, Failure>(aws.connector().shared_config(region)?)
    };
    let place = keyferry_remote::SecretsManager::connect(prefix, load)?;
    Ok(Box::new(place))
}

#[cfg(not(feature = "secrets-manager"))]
fn secrets_manager(_: &Settings, _: &str) -> Result<Box<dyn Documents>, Failure> {
    Err(left_out("AWS Secrets Manager", "secrets-manager"))
}

#[cfg(feature = "secrets-manager")]
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(Exit::Failure, &error)
    }
}
