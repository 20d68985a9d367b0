//! The process that is killed: does one thing with a store and says whether it succeeded.

use std::path::Path;
use std::process::exit;

use keyferry_key::import::{Format, Imported, decode};
use keyferry_keystore::{
    Error, Existing, NewOpener, OpenerName, Passphrase, Role, Store, Succession, Unlock,
};

use crate::fixture::{quick, ring};

/// The key that is imported.
pub(crate) fn imported() -> Imported {
    decode(b"a key of 32 bytes for the import", Format::Auto).unwrap()
}

pub(crate) const IMPORT_ROLE: Role = Role::Active(Succession::FirstOnly);

pub(crate) fn run(task: &[&str]) {
    if let Err(error) = attempt(task) {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        println!("failed: {error}: {}", cause.unwrap_or_default());
        exit(1);
    }
    println!("succeeded");
}

fn attempt(task: &[&str]) -> Result<(), Error> {
    let open = |dir: &str| Store::open(Path::new(dir), &Unlock::Unprotected);
    match task {
        ["init", dir] => {
            Store::init(Path::new(dir), &Unlock::Unprotected)?;
        }
        ["open", dir] => {
            let store = open(dir)?;
            if let Some(block) = store.write_block() {
                let path = store.path().to_owned();
                let block = block.clone();
                return Err(Error::ReadOnly { path, block });
            }
        }
        ["create", dir, name] => {
            open(dir)?.create(&ring(name), Succession::FirstOnly)?;
        }
        ["supersede", dir, name] => {
            open(dir)?.create(&ring(name), Succession::Supersede)?;
        }
        ["import", dir, name] => {
            open(dir)?.import(&ring(name), &imported(), "a test", IMPORT_ROLE)?;
        }
        ["destroy", dir, name] => {
            let mut store = open(dir)?;
            let doomed = store.list().iter().find(|entry| entry.ring == ring(name));
            let id = doomed.unwrap().id.clone();
            store.destroy(&id, None)?;
        }
        ["export", dir, name, out] => {
            let mut store = open(dir)?;
            let (entry, _) = store.active(&ring(name))?;
            store.export(&entry.id, Path::new(out))?;
        }
        ["add-opener", dir] => add_opener(&mut open(dir)?, "new", Existing::Keep)?,
        ["replace-opener", dir] => add_opener(&mut open(dir)?, "new", Existing::Replace)?,
        ["remove-opener", dir] => {
            open(dir)?.remove_opener(&spare())?;
        }
        other => panic!("unknown task {other:?}"),
    }
    Ok(())
}

/// The opener that comes and goes.
pub(crate) fn spare() -> OpenerName {
    "spare".parse().unwrap()
}

pub(crate) fn add_opener(store: &mut Store, text: &str, existing: Existing) -> Result<(), Error> {
    let new = NewOpener::Passphrase(Passphrase::new(text.to_owned())?, quick());
    store.add_opener(&spare(), &new, None, existing).map(|_| ())
}
