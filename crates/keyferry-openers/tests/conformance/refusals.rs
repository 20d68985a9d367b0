//! What services say when they do not help, each in its own words.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use keyferry_keystore::{
    Error, ErrorClass, Existing, Identities, KeyWrap, NewOpener, OpenerName, Recipient, Unlock,
};
use keyferry_openers::kms::Kms;
use keyferry_vault::{Method, Settings, Vault, VaultError};
use serde_json::Value;

use crate::local::nobody;
use crate::place::{PASSPHRASE, Place, passphrase};
use crate::plugin;
use crate::services::{PIN, WITHOUT_BUS, kms_client, token, told, transit, vault, vault_settings};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/0000";

/// Tries to add an opener, which must fail and change nothing.
fn refused(wrap: impl KeyWrap + 'static) -> Error {
    let (place, mut store) = Place::new();
    let before = place.contents();
    let new = NewOpener::Wrap(Arc::new(wrap));
    let name: OpenerName = "tried".parse().unwrap();
    let error = store
        .add_opener(&name, &new, None, Existing::Keep)
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Locked, "{error}");
    assert!(place.contents() == before, "something was written");
    place.open(&passphrase(PASSPHRASE)).unwrap();
    error
}

fn says(wrap: impl KeyWrap + 'static, expected: &str) {
    let error = refused(wrap).to_string();
    assert!(error.contains(expected), "{error}");
}

pub(crate) fn sealed_vault() {
    let (place, mut store) = Place::new();
    let right = Arc::new(vault(&told("VAULT_TOKEN"), "transit/keyferry"));
    let name: OpenerName = "vault".parse().unwrap();
    let shared: Arc<dyn KeyWrap> = right;
    store
        .add_opener(
            &name,
            &NewOpener::Wrap(Arc::clone(&shared)),
            None,
            Existing::Keep,
        )
        .unwrap();
    let root = Vault::connect(vault_settings(&told("VAULT_ROOT"))).unwrap();
    root.call::<Value>(Method::Post, "sys/seal", None::<&()>)
        .unwrap();
    let error = place.open(&Unlock::Wrap(Arc::clone(&shared))).unwrap_err();
    let address = told("VAULT_ADDR");
    let sealed =
        format!("opener `vault`: Vault is not available: the Vault at `{address}` is sealed");
    assert_eq!(error.to_string(), sealed);
    place.open(&passphrase(PASSPHRASE)).unwrap();
    let share = serde_json::json!({"key": told("VAULT_UNSEAL")});
    root.call::<Value>(Method::Post, "sys/unseal", Some(&share))
        .unwrap();
    // The node takes a moment to become active.
    let opened = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        place.open(&Unlock::Wrap(Arc::clone(&shared))).ok()
    });
    assert!(
        opened.is_some(),
        "the unsealed Vault does not open the store"
    );
}

pub(crate) fn vault_refuses() {
    let token = told("VAULT_TOKEN");
    says(
        vault(&token, "transit/nobody"),
        "there is no transit key `transit/keys/nobody`",
    );
    says(vault(&token, "transit/signing"), "the key cannot be used");
    says(vault(&token, "elsewhere/key"), "Vault refused: ");
    says(
        vault("s.thisIsNoToken", "transit/keyferry"),
        "Vault refused: ",
    );
    // Encrypting with a key that is not there makes it, for a token that may: it must not be asked.
    let root = Vault::connect(vault_settings(&told("VAULT_ROOT"))).unwrap();
    let made = root.call::<Value>(Method::Get, "transit/keys/nobody", None::<&()>);
    assert!(matches!(made, Err(VaultError::NotFound { .. })), "{made:?}");

    let settings = vault_settings(&token);
    let untrusted = Settings {
        authorities: None,
        ..settings.clone()
    };
    says(transit(untrusted, "transit/keyferry"), "is not trusted");
    let nobody = Settings {
        address: "https://127.0.0.1:9".parse().unwrap(),
        ..settings
    };
    says(transit(nobody, "transit/keyferry"), "cannot be reached");
}

pub(crate) fn kms_refuses() {
    for (code, said, expected) in [
        ("DisabledException", "it is disabled", "is disabled"),
        (
            "KMSInvalidStateException",
            "it is pending deletion",
            "in no state for it",
        ),
        ("NotFoundException", "Key not found", "there is no key"),
        (
            "InvalidKeyUsageException",
            "SIGN_VERIFY",
            "not a symmetric key",
        ),
        (
            "AccessDeniedException",
            "no identity-based policy allows it",
            "no identity-based policy",
        ),
        (
            "UnrecognizedClientException",
            "the token is invalid",
            "credentials are not accepted",
        ),
        (
            "SomethingNewException",
            "who knows",
            "SomethingNewException: who knows",
        ),
    ] {
        let client = kms_client(&answering(400, code, said));
        says(Kms::new(client, KEY), expected);
    }
    // Nobody listens there.
    says(
        Kms::new(kms_client("http://127.0.0.1:9"), KEY),
        "AWS KMS is not available",
    );
    // moto knows no such key.
    says(Kms::new(kms_client(&told("KMS")), KEY), "there is no key");
}

pub(crate) fn token_refuses() {
    says(token("sealing", Some("4321")), "wrong PIN");
    says(token("sealing", None), "the PIN of");
    says(token("nobody", Some(PIN)), "has no AES key");
    says(token("leaving", Some(PIN)), "can be taken off its token");
    let uri = "pkcs11:token=nowhere;object=sealing".parse().unwrap();
    let module = told("PKCS11_MODULE");
    let nowhere = keyferry_openers::pkcs11::Pkcs11::new(uri, module, Some(PIN.into()));
    says(nowhere, "there is no token");
    let uri = "pkcs11:token=keyferry;object=sealing".parse().unwrap();
    let no_module = keyferry_openers::pkcs11::Pkcs11::new(uri, "/nonexistent.so", None);
    says(no_module, "the module `/nonexistent.so` cannot be loaded");
}

pub(crate) fn no_bus() {
    let told = Command::new(std::env::current_exe().unwrap())
        .arg(WITHOUT_BUS)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.starts_with("the secret service is not available: "),
        "{told}"
    );
}

pub(crate) fn missing_plugin() {
    let (identity, recipient) = plugin::identity_of_missing();
    let of_recipient = Recipient::age(&recipient, &nobody()).unwrap_err();
    let of_identity = Identities::parse(identity.as_bytes(), "file", &nobody()).unwrap_err();
    for error in [of_recipient, of_identity] {
        assert_eq!(error.class(), ErrorClass::Locked, "{error}");
        let said = "the age plugin `age-plugin-keyferrymissing` was not found";
        assert_eq!(error.to_string(), said);
        assert!(error.hint().is_some());
    }
}

/// Every secret that went through the server is in its audit log as an HMAC, or not at all.
pub(crate) fn audit_log() {
    let log = fs::read_to_string(told("VAULT_AUDIT")).unwrap();
    assert!(
        log.contains("transit/decrypt/keyferry"),
        "the log is not that of this run"
    );
    for secret in ["VAULT_TOKEN", "VAULT_ROOT", "VAULT_UNSEAL"] {
        assert!(!log.contains(&told(secret)), "{secret} is in the log");
    }
    let mut checked = 0;
    for field in ["plaintext", "associated_data", "client_token"] {
        let quoted = format!("\"{field}\":\"");
        for (at, _) in log.match_indices(&quoted) {
            let value = &log[at + quoted.len()..];
            assert!(value.starts_with("hmac-sha256:"), "{field} in clear");
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}

/// A server on loopback that answers every request with this error; its address.
pub(crate) fn answering(status: u16, code: &str, message: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = serde_json::json!({"__type": code, "message": message}).to_string();
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-errortype: {code}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut part = [0; 4096];
            // The whole request, so that closing does not reset the connection.
            while let Ok(length) = stream.read(&mut part) {
                request.extend_from_slice(&part[..length]);
                if length == 0 || is_whole(&request) {
                    break;
                }
            }
            // A client that is gone needs no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse::<usize>().ok());
    length.is_none_or(|length| body.len() >= length)
}
