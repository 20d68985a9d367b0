//! Stores in moto's Secrets Manager.

use keyferry_keystore::{Documents, DocumentsError, Succession, WriteBlock};

use crate::machine::{Machine, at_once, ring};
use crate::moto::Moto;
use crate::places::conformance::conforms;

#[test]
fn it_is_a_place() {
    let server = Moto::start();
    conforms(&server.secrets("keyferry/test"));
    // Another store beside it, whose prefix begins alike.
    let other = server.secrets("keyferry/tes");
    assert_eq!(other.names("").unwrap(), Vec::<String>::new());
}

#[test]
fn machines_at_once_lose_nothing() {
    let server = Moto::start();
    at_once(3, 3, || server.secrets("keyferry/shared"));
}

#[test]
fn a_service_that_is_gone_leaves_reading() {
    let server = Moto::start();
    let machine = Machine::new();
    let mut store = machine.try_init(server.secrets("keyferry")).unwrap();
    let made = store
        .create(&ring("photos"), Succession::FirstOnly)
        .unwrap();
    let place = server.secrets("keyferry");
    drop(server);
    let error = place.read("store.toml").unwrap_err();
    assert!(
        matches!(error, DocumentsError::Unreachable { .. }),
        "{error:?}"
    );
    let store = machine.try_open(place).unwrap();
    assert!(matches!(
        store.write_block(),
        Some(WriteBlock::Unreachable { .. })
    ));
    assert_eq!(store.key(&made.id).unwrap().md5(), made.md5);
}
