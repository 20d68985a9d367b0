//! Real services: OpenBao on raft storage, and moto's Secrets Manager. `bao` and `moto_server` must be on
//! PATH: without them the tests fail. Each test starts its own, on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "also outside of the functions that clippy knows as tests"
)]

#[path = "../../../keyferry-keystore/tests/places/mod.rs"]
mod places;

mod machine;
mod moto;
mod openbao;
mod secrets_manager;
mod vault_kv;
