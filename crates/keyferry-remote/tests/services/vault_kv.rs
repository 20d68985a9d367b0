//! Stores in KV version 2 of a real OpenBao.

use keyferry_keystore::{Documents, DocumentsError, Error, ErrorClass, Succession, WriteBlock};
use keyferry_remote::VaultKv;
use keyferry_vault::Method;
use serde_json::Value;

use crate::machine::{Machine, at_once, ring};
use crate::openbao::OpenBao;
use crate::places::conformance::conforms;

fn failure(place: &VaultKv) -> (String, String) {
    let error = place.read("store.toml").map(drop).unwrap_err();
    let hint = error.hint().unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

#[test]
fn it_is_a_place() {
    let server = OpenBao::start();
    conforms(&server.kv("secret/a/b"));
    // A mount may have slashes in its name; what lies elsewhere is not listed.
    assert_eq!(
        server.kv("secret/a").names("race/").unwrap(),
        Vec::<String>::new()
    );
    // A token that may do no more than a store needs.
    let token = server.token(
        "path \"secret/data/team/*\" { capabilities = [\"create\", \"update\", \"read\"] }\n\
         path \"secret/metadata/team/*\" { capabilities = [\"list\", \"read\", \"delete\"] }\n",
    );
    conforms(&VaultKv::new(server.client(&token), "secret/team/keys"));
}

#[test]
fn what_an_administrator_deleted_can_be_written_again() {
    let server = OpenBao::start();
    let place = server.kv("secret/x");
    let first = place
        .write("a", b"1", keyferry_keystore::Expected::Absent)
        .unwrap();
    let vault = server.client(&server.token("path \"*\" { capabilities = [\"sudo\", \"create\", \"update\", \"read\", \"delete\", \"list\"] }"));
    vault
        .call::<Value>(Method::Delete, "secret/data/x/a", None::<&()>)
        .unwrap();
    assert!(place.read("a").unwrap().is_none());
    let second = place
        .write("a", b"2", keyferry_keystore::Expected::Absent)
        .unwrap();
    assert_ne!(first, second);
    assert_eq!(*place.read("a").unwrap().unwrap().bytes, b"2");
}

#[test]
fn each_misconfiguration_has_its_own_error() {
    let server = OpenBao::start();
    let (error, hint) = failure(&server.kv("old/keys"));
    assert!(error.contains("KV version 1"), "{error}");
    assert!(hint.contains("enable-versioning old"), "{hint}");
    let (error, hint) = failure(&server.kv("nowhere/keys"));
    assert!(error.contains("no mount `nowhere`"), "{error}");
    assert!(
        hint.contains("secrets enable -path=nowhere kv-v2"),
        "{hint}"
    );
    let (error, _) = failure(&server.kv("sys/keys"));
    assert!(error.contains("keeps no secrets"), "{error}");
    let token = server.token("path \"secret/data/other/*\" { capabilities = [\"read\"] }");
    let (error, hint) = failure(&VaultKv::new(server.client(&token), "secret/keys"));
    assert!(error.contains("permission denied"), "{error}");
    assert!(hint.contains("token"), "{hint}");
    let (error, _) = failure(&VaultKv::new(server.client("s.never"), "secret/keys"));
    assert!(error.contains("refuses access"), "{error}");
    // A reader may read and is told that it may not write.
    let place = server.kv("secret/keys");
    let machine = Machine::new();
    machine.try_init(server.kv("secret/keys")).unwrap();
    let token = server.token(
        "path \"secret/data/keys/*\" { capabilities = [\"read\"] }\n\
         path \"secret/metadata/keys/*\" { capabilities = [\"list\"] }\n",
    );
    let reader = Machine::new();
    let mut store = reader
        .try_open(VaultKv::new(server.client(&token), "secret/keys"))
        .unwrap();
    let refused = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Place(DocumentsError::Failed { .. })),
        "{refused:?}"
    );
    assert_eq!(refused.class(), ErrorClass::Locked);
    assert!(place.read("store.toml").unwrap().is_some());
}

#[test]
fn a_sealed_or_restarted_server_loses_nothing() {
    let mut server = OpenBao::start();
    let machine = Machine::new();
    let mut store = machine.try_init(server.kv("secret/keys")).unwrap();
    let made = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();

    server.seal();
    let error = server.kv("secret/keys").read("store.toml").unwrap_err();
    assert!(error.to_string().contains("is sealed"), "{error}");
    assert!(error.hint().unwrap().contains("operator unseal"));
    let mut reading = machine.try_open(server.kv("secret/keys")).unwrap();
    assert!(matches!(
        reading.write_block(),
        Some(WriteBlock::Unreachable { reason, .. }) if reason.contains("is sealed")
    ));
    assert_eq!(reading.key(&made.id).unwrap().md5(), made.md5);
    let refused = reading.create(&ring("photos"), Succession::Supersede);
    assert!(
        matches!(refused, Err(Error::ReadOnly { .. })),
        "{refused:?}"
    );
    let none = Machine::new()
        .try_open(server.kv("secret/keys"))
        .unwrap_err();
    assert_eq!(none.class(), ErrorClass::Locked);
    assert!(none.to_string().contains("is sealed"), "{none}");
    server.unseal();
    reading
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();

    server.stop();
    let reading = machine.try_open(server.kv("secret/keys")).unwrap();
    assert!(matches!(
        reading.write_block(),
        Some(WriteBlock::Unreachable { reason, .. }) if reason.contains("cannot be reached")
    ));
    server.run();
    server.unseal();
    let other = Machine::new();
    let mut store = other.try_open(server.kv("secret/keys")).unwrap();
    assert_eq!(store.list(), reading.list());
    assert_eq!(store.list().len(), 2);
    store
        .create(&ring("photos"), Succession::Supersede)
        .unwrap();
}

#[test]
fn two_machines_at_once_lose_nothing() {
    let server = OpenBao::start();
    at_once(2, 6, || server.kv("secret/two"));
}

#[test]
fn eight_machines_at_once_lose_nothing() {
    let server = OpenBao::start();
    at_once(8, 4, || server.kv("secret/eight"));
}

/// What the server keeps, and what it logs of requests, is of no use without the passphrase.
#[test]
fn the_server_never_sees_a_key() {
    let server = OpenBao::start();
    let machine = Machine::new();
    let mut store = machine.try_init(server.kv("secret/keys")).unwrap();
    store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let (_, key) = store.active(&ring("photos")).unwrap();
    let place = server.kv("secret/keys");
    let names = place.names("").unwrap();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        let bytes = place.read(&name).unwrap().unwrap().bytes;
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(key.expose()), "{name}");
        assert!(!holds(b"AGE-SECRET-KEY"), "{name}");
    }
}
