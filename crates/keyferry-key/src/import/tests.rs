//! The import rules, one row each.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, Engine};
use proptest::prelude::*;

use super::*;

const KEY: [u8; 32] = *b"\x00\xff\x10key with every kind of byte\n\r";

fn accepted(bytes: &[u8]) -> Option<(Format, KeyStrength)> {
    let imported = decode(bytes, Format::Auto).ok()?;
    assert_eq!(imported.key.expose(), &KEY);
    Some((imported.format, imported.strength))
}

fn diagnosis(bytes: &[u8]) -> Option<Diagnosis> {
    match decode(bytes, Format::Auto) {
        Err(ImportError::NotAKey { diagnosis }) => Some(diagnosis),
        _ => None,
    }
}

#[test]
fn raw_is_never_trimmed() {
    assert_eq!(accepted(&KEY), Some((Format::Raw, KeyStrength::Full)));
}

#[test]
fn hex_and_base64_may_end_in_one_newline() {
    let encodings = [
        (hex::encode(KEY), Format::Hex),
        (hex::encode_upper(KEY), Format::Hex),
        (BASE64_STANDARD.encode(KEY), Format::Base64),
        (BASE64_STANDARD_NO_PAD.encode(KEY), Format::Base64),
    ];
    for (text, format) in encodings {
        for ending in ["", "\n", "\r\n"] {
            let given = format!("{text}{ending}");
            assert_eq!(
                accepted(given.as_bytes()),
                Some((format, KeyStrength::Full)),
                "{given:?}"
            );
        }
        for (before, after) in [(" ", ""), ("", " \n"), ("", "\n\n"), ("\t", "\n")] {
            let given = format!("{before}{text}{after}");
            assert_eq!(
                diagnosis(given.as_bytes()),
                Some(Diagnosis::StrayWhitespace),
                "{given:?}"
            );
        }
    }
}

#[test]
fn weak_forms_are_named() {
    let weak = |bytes: &[u8]| decode(bytes, Format::Auto).map(|imported| imported.strength);
    assert_eq!(
        weak(b"9f86d081884c7d659a2feaa0c55ad015"),
        Ok(KeyStrength::AtMost128)
    );
    assert_eq!(
        weak(b"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is"),
        Ok(KeyStrength::AtMost192)
    );
    assert_eq!(
        weak(b"correct horse battery staple ok!"),
        Ok(KeyStrength::Full)
    );
}

#[test]
fn refusals_say_what_was_seen() {
    let raw_newline = [KEY.as_slice(), b"\n"].concat();
    let text_newline = b"correct horse battery staple ok!\r\n";
    let twice = BASE64_STANDARD.encode(BASE64_STANDARD.encode(KEY));
    let hex_in_base64 = BASE64_STANDARD.encode(hex::encode(KEY));
    let bom = [b"\xef\xbb\xbf".as_slice(), hex::encode(KEY).as_bytes()].concat();
    let mut url_safe_key = KEY;
    url_safe_key[0] = 0xfb;
    let cases: [(&[u8], Diagnosis); 15] = [
        (b"", Diagnosis::Empty),
        (b"\n", Diagnosis::Empty),
        (&raw_newline, Diagnosis::RawWithNewline { printable: false }),
        (text_newline, Diagnosis::RawWithNewline { printable: true }),
        (twice.as_bytes(), Diagnosis::EncodedTwice),
        (hex_in_base64.as_bytes(), Diagnosis::EncodedTwice),
        (&bom, Diagnosis::ByteOrderMark),
        (b"-----BEGIN PRIVATE KEY-----\nMC4C\n", Diagnosis::Pem),
        (b"AGE-SECRET-KEY-1QQQ\n", Diagnosis::Age),
        (b"age-encryption.org/v1\n-> X25519 x\n", Diagnosis::Age),
        (&[0xc3; 31], Diagnosis::OtherLength { bytes: 31 }),
        (
            b"000102030405060708090a0b0c0d0e0f1011121314151617",
            Diagnosis::EncodedOtherLength {
                encoding: "hex",
                bytes: 24,
            },
        ),
        (
            b"AAECAwQFBgcICQoLDA0ODw==",
            Diagnosis::EncodedOtherLength {
                encoding: "base64",
                bytes: 16,
            },
        ),
        (
            b"AP8Qa2V5IHdpdGggZXZlcnkga2luZCBvZiBieXRlCg1=",
            Diagnosis::NonCanonicalBase64,
        ),
        (
            BASE64_URL_SAFE.encode(url_safe_key).leak().as_bytes(),
            Diagnosis::UrlSafeBase64,
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(diagnosis(bytes), Some(expected));
    }
}

#[test]
fn formats_asked_for_are_strict() {
    let text = b"correct horse battery staple ok!";
    let line = [text.as_slice(), b"\n"].concat();
    let stripped = decode(&line, Format::Ascii32Strip).map(|imported| *imported.key.expose());
    assert_eq!(stripped, Ok(*text));
    assert!(decode(&line, Format::Raw).is_err());
    assert!(decode(text, Format::Hex).is_err());
    assert!(decode(&KEY, Format::Base64).is_err());
    assert!(decode(&[KEY.as_slice(), b"\n"].concat(), Format::Ascii32Strip).is_err());
}

#[test]
fn known_keys_are_refused() {
    for sample in [
        "01234567890123456789012345678901",
        "g0lCfA3Dv40jZz5SQJ1ZukLRFqtI5WorC/8SEEXAMPLE",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ] {
        let refused = decode(sample.as_bytes(), Format::Auto).map(|_| ());
        assert!(
            matches!(
                refused,
                Err(ImportError::DocumentationSample | ImportError::NotAKey { .. })
            ),
            "{sample}"
        );
    }
    assert!(matches!(
        decode(&[0; 32], Format::Auto),
        Err(ImportError::Constant)
    ));
}

proptest! {
    /// Whatever is given: no panic, and no message that repeats what was given.
    #[test]
    fn any_bytes_are_decoded_or_diagnosed(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Err(error) = decode(&bytes, Format::Auto) {
            let shown = format!("{error} {error:?} {}", error.hint());
            let secret = String::from_utf8_lossy(&bytes);
            prop_assert!(secret.trim().len() < 12 || !shown.contains(secret.trim()));
        }
    }

    #[test]
    fn every_encoding_of_a_key_reads_back(key in any::<[u8; 32]>()) {
        for text in [hex::encode(key), BASE64_STANDARD.encode(key)] {
            if let Ok(imported) = decode(text.as_bytes(), Format::Auto) {
                prop_assert_eq!(imported.key.expose(), &key);
            }
        }
    }
}
