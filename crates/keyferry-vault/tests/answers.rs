//! What becomes of each kind of answer, against a server that gives it.
#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use keyferry_vault::{Method, Settings, Token, Vault, VaultError};
use serde_json::Value;

const TOKEN: &str = "s.0123456789secret";

fn settings(address: &str) -> Settings {
    Settings {
        address: address.parse().unwrap(),
        token: Token::new(TOKEN.to_owned()).unwrap(),
        namespace: Some("team".to_owned()),
        authorities: None,
        allow_plaintext_loopback: true,
    }
}

/// Asks a server that gives this answer once; with what it was asked.
fn answered(status: &str, headers: &str, body: &str) -> (Result<Value, VaultError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let length = stream.read(&mut buffer).unwrap();
            asked.extend_from_slice(buffer.get(..length).unwrap());
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    let vault = Vault::connect(settings(&address)).unwrap();
    let result = vault.call(Method::Get, "secret/data/a b/c", None::<&()>);
    (result, server.join().unwrap())
}

#[test]
fn a_request_carries_token_and_namespace_in_headers() {
    let (answer, asked) = answered("200 OK", "", r#"{"data": {"x": 1}}"#);
    assert_eq!(answer.unwrap()["data"]["x"], 1);
    let asked = asked.to_ascii_lowercase();
    assert!(
        asked.starts_with("get /v1/secret/data/a%20b/c http/1.1"),
        "{asked}"
    );
    assert!(
        asked.contains(&format!("x-vault-token: {TOKEN}")),
        "{asked}"
    );
    assert!(asked.contains("x-vault-namespace: team"), "{asked}");
}

#[test]
fn each_refusal_has_its_own_error_and_hint() {
    let cases = [
        (
            "503 Service Unavailable",
            r#"{"errors":["Vault is sealed"]}"#,
            "is sealed",
            "operator unseal",
        ),
        (
            "503 Service Unavailable",
            "<html>upstream\n down</html>",
            "not able to answer (HTTP 503)",
            "try again",
        ),
        (
            "403 Forbidden",
            r#"{"errors":["permission denied"]}"#,
            "refuses access to `secret/data/a b/c`: permission denied",
            "token lookup",
        ),
        (
            "403 Forbidden",
            r#"{"errors":["permission denied","invalid token"]}"#,
            "invalid token",
            "log in again",
        ),
        (
            "404 Not Found",
            r#"{"errors":["no handler for route"]}"#,
            "nothing at `secret/data/a b/c`: no handler",
            "secrets list",
        ),
        (
            "429 Too Many Requests",
            r#"{"errors":["quota"]}"#,
            "HTTP 429",
            "later",
        ),
    ];
    for (status, body, message, hint) in cases {
        let (result, _) = answered(status, "", body);
        let error = result.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(TOKEN));
    }
    let (result, _) = answered("503 x", "", r#"{"errors":["Vault is sealed"]}"#);
    assert!(result.unwrap_err().is_unavailable());
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!(
        "location: http://{}/v1/x\r\n",
        elsewhere.local_addr().unwrap()
    );
    let (result, _) = answered("307 Temporary Redirect", &location, "");
    let error = result.unwrap_err();
    assert!(matches!(error, VaultError::Redirected { .. }), "{error:?}");
    assert!(
        elsewhere.accept().is_err(),
        "the token was taken to another server"
    );
}

#[test]
fn an_answer_of_another_form_is_not_repeated() {
    let (result, _) = answered("200 OK", "", "a secret that is not JSON");
    let error = result.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret that"));
}

#[test]
fn plaintext_is_for_loopback_and_only_when_allowed() {
    for (address, allow) in [
        ("http://127.0.0.1:8200", false),
        ("http://vault.example.org", true),
    ] {
        let settings = Settings {
            allow_plaintext_loopback: allow,
            ..settings(address)
        };
        let refused = Vault::connect(settings);
        assert!(
            matches!(refused, Err(VaultError::Plaintext { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn who_does_not_answer_is_unreachable() {
    let free = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let vault = Vault::connect(settings(&format!("http://{free}"))).unwrap();
    let error = vault
        .call::<Value>(Method::Get, "x", None::<&()>)
        .unwrap_err();
    assert!(matches!(error, VaultError::Unreachable { .. }), "{error:?}");
    assert!(error.is_unavailable());
}

#[test]
fn authorities_must_be_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let not_there: PathBuf = folder.path().join("none.pem");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for path in [not_there, empty] {
        let settings = Settings {
            authorities: Some(path.clone()),
            ..settings("https://127.0.0.1:1")
        };
        let Err(error) = Vault::connect(settings) else {
            panic!("{} was taken", path.display());
        };
        assert!(error.hint().unwrap().contains("VAULT_CACERT"), "{error}");
    }
}
