//! What a transit key makes of a server's answers, against a server that gives them.
#![expect(
    clippy::unwrap_used,
    reason = "also outside of the functions that clippy knows as tests"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use keyferry_keystore::{FileKey, KeyWrap, StoreId, WrapError, Wrapped};
use keyferry_openers::vault::TransitKey;
use keyferry_vault::{Settings, Token, Vault};
use serde_json::{Value, json};

const KEY: [u8; 16] = [7; 16];
const KEY_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBw==";

fn store() -> StoreId {
    "ks-aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap()
}

fn wrapped() -> Wrapped {
    Wrapped {
        arguments: vec!["engines/transit/keys/photos".to_owned()],
        body: b"vault:v1:wrapped".to_vec(),
    }
}

/// A key on a server that gives these answers, one for each request; with what was asked of it.
fn answering(
    answers: Vec<(&'static str, Value)>,
) -> (TransitKey, JoinHandle<Vec<(String, Value)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |(status, body): (&str, Value)| {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = request(&mut stream);
            let body = body.to_string();
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            asked
        };
        answers.into_iter().map(answer).collect()
    });
    let settings = Settings {
        address: address.parse().unwrap(),
        token: Token::new("s.secret".to_owned()).unwrap(),
        namespace: None,
        authorities: None,
        allow_plaintext_loopback: true,
    };
    let vault = Arc::new(Vault::connect(settings).unwrap());
    let key = TransitKey::new(vault, "engines/transit/keys/photos").unwrap();
    (key, server)
}

/// Method and path, and the content.
fn request(stream: &mut TcpStream) -> (String, Value) {
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).unwrap();
        text.push_str(std::str::from_utf8(part.get(..length).unwrap()).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            let line = text.lines().next().unwrap();
            let line = line.strip_suffix(" HTTP/1.1").unwrap().to_owned();
            return (line, serde_json::from_str(body).unwrap_or_default());
        }
    }
}

#[test]
fn a_key_is_wrapped_for_its_store() {
    let there = json!({"data": {"type": "aes256-gcm96"}});
    let encrypted = json!({"data": {"ciphertext": "vault:v1:wrapped"}});
    let (key, server) = answering(vec![("200 OK", there), ("200 OK", encrypted)]);
    assert_eq!(
        key.wrap(&store(), &FileKey::new(KEY)).unwrap().body,
        wrapped().body
    );
    let asked = server.join().unwrap();
    let bound = "a3MtYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
    assert_eq!(
        asked,
        [
            (
                "GET /v1/engines/transit/keys/photos".to_owned(),
                Value::Null
            ),
            (
                "POST /v1/engines/transit/encrypt/photos".to_owned(),
                json!({"plaintext": KEY_TEXT, "associated_data": bound})
            ),
        ]
    );

    let decrypted = json!({"data": {"plaintext": KEY_TEXT}});
    let (key, server) = answering(vec![("200 OK", decrypted)]);
    assert_eq!(*key.unwrap(&store(), &wrapped()).unwrap(), KEY);
    assert_eq!(
        server.join().unwrap(),
        [(
            "POST /v1/engines/transit/decrypt/photos".to_owned(),
            json!({"ciphertext": "vault:v1:wrapped", "associated_data": bound})
        )]
    );
}

#[test]
fn a_key_that_is_not_there_is_not_made() {
    let none = json!({"errors": []});
    let (key, server) = answering(vec![("404 Not Found", none)]);
    let error = key.wrap(&store(), &FileKey::new(KEY)).unwrap_err();
    assert!(
        error.to_string().contains("there is no transit key"),
        "{error}"
    );
    assert_eq!(server.join().unwrap().len(), 1);

    // Who may not look may make none.
    let denied = json!({"errors": ["permission denied"]});
    let encrypted = json!({"data": {"ciphertext": "vault:v1:wrapped"}});
    let (key, server) = answering(vec![("403 Forbidden", denied), ("200 OK", encrypted)]);
    key.wrap(&store(), &FileKey::new(KEY)).unwrap();
    server.join().unwrap();
}

#[test]
fn each_refusal_has_its_own_error() {
    let says = |status: &'static str, errors: &[&str]| {
        let (key, server) = answering(vec![(status, json!({"errors": errors}))]);
        let error = key.unwrap(&store(), &wrapped()).unwrap_err();
        server.join().unwrap();
        error
    };
    let changed = says(
        "400 Bad Request",
        &["cipher: message authentication failed"],
    );
    assert!(
        matches!(changed, WrapError::Unrecognised { .. }),
        "{changed}"
    );
    let cases = [
        (
            "400 Bad Request",
            "associated_data is not supported",
            "the key cannot be used: `engines/transit/keys/photos` is of a type without associated data",
        ),
        (
            "400 Bad Request",
            "missing 'context'\n for key derivation",
            "the key cannot be used: `engines/transit/keys/photos`: missing 'context' for key derivation",
        ),
        (
            "404 Not Found",
            "no handler for route",
            "the key cannot be used: there is no transit engine at `engines/transit`",
        ),
        (
            "403 Forbidden",
            "permission denied",
            "Vault refused: permission denied",
        ),
        (
            "429 Too Many Requests",
            "quota",
            "Vault refused: HTTP 429: quota",
        ),
    ];
    for (status, said, expected) in cases {
        assert_eq!(says(status, &[said]).to_string(), expected);
    }
    for (status, said, reason) in [
        ("503 Service Unavailable", "Vault is sealed", "is sealed"),
        (
            "500 Internal Server Error",
            "no leader",
            "(HTTP 500): no leader",
        ),
        ("307 Temporary Redirect", "", "redirects"),
    ] {
        match says(status, &[said]) {
            WrapError::Unavailable { reason: given, .. } => {
                assert!(given.contains(reason), "{given}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn what_makes_no_sense_is_malformed() {
    for answer in [
        json!("plaintext"),
        json!({"data": {"plaintext": "BwcHBw=="}}),
        json!({"data": {"plaintext": "no base64"}}),
    ] {
        let (key, server) = answering(vec![("200 OK", answer)]);
        let error = key.unwrap(&store(), &wrapped()).unwrap_err();
        assert!(matches!(error, WrapError::Malformed { .. }), "{error}");
        assert!(!format!("{error:?}").contains("no base64"), "{error:?}");
        server.join().unwrap();
    }
}

#[test]
fn a_key_of_another_path_is_not_asked_for() {
    let (key, server) = answering(Vec::new());
    let other = Wrapped {
        arguments: vec!["transit/keys/photos".to_owned()],
        ..wrapped()
    };
    let error = key.unwrap(&store(), &other).unwrap_err();
    assert!(matches!(error, WrapError::Unrecognised { .. }), "{error}");
    server.join().unwrap();
}
