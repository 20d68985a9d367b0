//! From bytes to the diagnosis that helps most.

use base64::DecodeError;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};

use super::super::LONGEST;
use super::Diagnosis;
use super::layers::{decode_base64, innermost, peel, raw_with_newline};

pub(super) fn recognise(bytes: &[u8]) -> Diagnosis {
    let text = bytes.trim_ascii();
    if text.is_empty() && bytes.len() != 32 {
        return Diagnosis::Empty;
    }
    if let Some(kind) = kind_of_file(text) {
        return kind;
    }
    if bytes.len() > LONGEST {
        return Diagnosis::TooLong;
    }
    if let Some((diagnosis, ..)) = peel(bytes) {
        return diagnosis;
    }
    if let Some((diagnosis, _)) = raw_with_newline(bytes) {
        return diagnosis;
    }
    let inner = innermost(bytes);
    if let Some(diagnosis) = encoding(inner.trim_ascii()) {
        return diagnosis;
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Diagnosis::ByteOrderMark;
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Diagnosis::Utf16;
    }
    Diagnosis::OtherLength { bytes: bytes.len() }
}

/// Files that hold some other kind of secret, by how they begin.
fn kind_of_file(text: &[u8]) -> Option<Diagnosis> {
    let begins = |with: &[&[u8]]| with.iter().any(|start| text.starts_with(start));
    // `age-keygen` puts comments before the identity.
    let age_keygen = text.starts_with(b"# created: ")
        && text
            .windows(b"AGE-SECRET-KEY-".len())
            .any(|window| window == b"AGE-SECRET-KEY-");
    if age_keygen
        || begins(&[
            b"AGE-SECRET-KEY-",
            b"AGE-PLUGIN-",
            b"age-encryption.org/",
            b"-----BEGIN AGE",
        ])
    {
        return Some(Diagnosis::Age);
    }
    if begins(&[
        b"-----BEGIN OPENSSH",
        b"ssh-ed25519 ",
        b"ssh-rsa ",
        b"ecdsa-sha2-",
        b"sk-ssh-",
        b"PuTTY-User-Key-File-",
    ]) {
        return Some(Diagnosis::Ssh);
    }
    if begins(&[b"-----BEGIN PGP"]) {
        return Some(Diagnosis::Pgp);
    }
    if begins(&[b"-----BEGIN "]) {
        return Some(Diagnosis::Pem);
    }
    let json = match text {
        [b'{', .., b'}'] => text.contains(&b':') || text == b"{}",
        [b'[', inner @ .., b']'] => inner
            .iter()
            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()),
        _ => false,
    };
    json.then_some(Diagnosis::Json)
}

/// Hex or base64 that does not decode to 32 bytes.
fn encoding(text: &[u8]) -> Option<Diagnosis> {
    // A few characters could be anything.
    if text.len() < 16 {
        return None;
    }
    if text.iter().all(u8::is_ascii_hexdigit) {
        let digits = text.len();
        return Some(match digits % 2 {
            0 => Diagnosis::EncodedOtherLength {
                encoding: "hex",
                bytes: digits / 2,
            },
            _ => Diagnosis::OddHex { digits },
        });
    }
    match decode_base64(text) {
        Some(decoded) => Some(Diagnosis::EncodedOtherLength {
            encoding: "base64",
            bytes: decoded.len(),
        }),
        None => [BASE64_STANDARD, BASE64_STANDARD_NO_PAD]
            .iter()
            .any(|engine| {
                let impossible = engine.decode(text);
                matches!(impossible, Err(DecodeError::InvalidLastSymbol { .. }))
            })
            .then_some(Diagnosis::NonCanonicalBase64),
    }
}
