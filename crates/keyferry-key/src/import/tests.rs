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
        for (before, after) in [
            (" ", ""),
            ("", " \n"),
            ("", "\n\n"),
            ("\t", "\n"),
            ("", "\n\r\n"),
        ] {
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

/// What is meant is found in every wrapping, named, and never taken by itself.
#[test]
fn wrappings_are_named_and_seen_through() {
    let hex = hex::encode(KEY);
    let base64 = BASE64_STANDARD.encode(KEY);
    let newline = [KEY.as_slice(), b"\n"].concat();
    let colons: Vec<String> = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let unprintable = Diagnosis::RawWithNewline { printable: false };
    let cases: Vec<(Vec<u8>, Diagnosis)> = vec![
        (newline.clone(), unprintable.clone()),
        ([KEY.as_slice(), b"\r\n"].concat(), unprintable),
        (
            BASE64_STANDARD.encode(&newline).into(),
            Diagnosis::EncodedNewline { encoding: "base64" },
        ),
        (
            hex::encode(&newline).into(),
            Diagnosis::EncodedNewline { encoding: "hex" },
        ),
        (
            BASE64_STANDARD.encode(&base64).into(),
            Diagnosis::EncodedTwice,
        ),
        (BASE64_STANDARD.encode(&hex).into(), Diagnosis::EncodedTwice),
        (hex::encode(&base64).into(), Diagnosis::EncodedTwice),
        (format!("\u{feff}{hex}").into(), Diagnosis::ByteOrderMark),
        (utf16(&format!("\u{feff}{base64}\r\n")), Diagnosis::Utf16),
        (utf16(&hex), Diagnosis::Utf16),
        (format!("{hex}\0").into(), Diagnosis::ZeroBytes),
        (format!("\"{base64}\"\n").into(), Diagnosis::Quoted),
        (format!("'{hex}'").into(), Diagnosis::Quoted),
        (format!("KEY={base64}\n").into(), Diagnosis::Named),
        (
            format!("export SSE_KEY=\"{hex}\"\n").into(),
            Diagnosis::Named,
        ),
        (
            format!("x-amz-server-side-encryption-customer-key: {base64}\r\n").into(),
            Diagnosis::Named,
        ),
        (format!("0x{hex}").into(), Diagnosis::HexPrefix),
        (colons.join(":").into(), Diagnosis::SeparatedHex),
        (
            colons.join(" ").to_uppercase().into(),
            Diagnosis::SeparatedHex,
        ),
        (format!("  {base64}\n").into(), Diagnosis::StrayWhitespace),
        (
            format!("{}\n{}\n", &base64[..20], &base64[20..]).into(),
            Diagnosis::SeveralLines,
        ),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(diagnosis(&bytes), Some(expected), "{shown:?}");
        let key = likely(&bytes).map(|imported| *imported.key.expose());
        assert_eq!(key, Some(KEY), "{shown:?}");
    }
}

#[test]
fn characters_in_a_wrapping_may_be_the_raw_key() {
    let text = b"correct horse battery staple ok!";
    for wrapped in [
        b"'correct horse battery staple ok!'\n".as_slice(),
        b"correct horse battery staple ok!\n",
        b"KEY=correct horse battery staple ok!\n",
        b"\xef\xbb\xbfcorrect horse battery staple ok!\r\n",
    ] {
        let key = likely(wrapped).map(|imported| *imported.key.expose());
        assert_eq!(key.as_ref(), Some(text));
        assert!(decode(wrapped, Format::Auto).is_err());
    }
    // A weak or known key is not handed out this way either.
    assert!(likely(b"0123456789abcdef0123456789abcdef\n").is_none());
}

#[test]
fn refusals_say_what_was_seen() {
    let text_newline = b"correct horse battery staple ok!\r\n";
    let mut url_safe_key = KEY;
    url_safe_key[0] = 0xfb;
    let url_safe = BASE64_URL_SAFE.encode(url_safe_key);
    let long = vec![b'x'; LONGEST + 1];
    let hex = |digits: usize| vec![b'a'; digits];
    let of = |encoding, bytes| Diagnosis::EncodedOtherLength { encoding, bytes };
    let cases: Vec<(&[u8], Diagnosis)> = vec![
        (b"", Diagnosis::Empty),
        (b"\n", Diagnosis::Empty),
        (b"\r\n", Diagnosis::Empty),
        (&long, Diagnosis::TooLong),
        (text_newline, Diagnosis::RawWithNewline { printable: true }),
        (b"-----BEGIN PRIVATE KEY-----\nMC4C\n", Diagnosis::Pem),
        (
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nMC4C\n",
            Diagnosis::Ssh,
        ),
        (b"ssh-ed25519 AAAA me@here\n", Diagnosis::Ssh),
        (b"-----BEGIN PGP MESSAGE-----\n", Diagnosis::Pgp),
        (b"AGE-SECRET-KEY-1QQQ\n", Diagnosis::Age),
        (
            b"# created: 2026-01-01\n# public key: age1\nAGE-SECRET-KEY-1QQQ\n",
            Diagnosis::Age,
        ),
        (b"age-encryption.org/v1\n-> X25519 x\n", Diagnosis::Age),
        (b"{\"key\": \"AAAA\"}\n", Diagnosis::Json),
        (b"[1, 2, 3]", Diagnosis::Json),
        (&[0xc3; 31], Diagnosis::OtherLength { bytes: 31 }),
        (&[0xc3; 64], Diagnosis::OtherLength { bytes: 64 }),
        (b"\xff\xfeab", Diagnosis::Utf16),
        (
            b"000102030405060708090a0b0c0d0e0f1011121314151617",
            of("hex", 24),
        ),
        (b"AAECAwQFBgcICQoLDA0ODw==", of("base64", 16)),
        (b"KEY=\"AAECAwQFBgcICQoLDA0ODw==\"", of("base64", 16)),
        (
            b"AP8Qa2V5IHdpdGggZXZlcnkga2luZCBvZiBieXRlCg1=",
            Diagnosis::NonCanonicalBase64,
        ),
        (
            b"AP8Qa2V5IHdpdGggZXZlcnkga2luZCBvZiBieXRlCg1",
            Diagnosis::NonCanonicalBase64,
        ),
        (url_safe.as_bytes(), Diagnosis::UrlSafeBase64),
    ];
    for (bytes, expected) in cases {
        assert_eq!(diagnosis(bytes), Some(expected));
    }
    for digits in [63, 65] {
        assert_eq!(diagnosis(&hex(digits)), Some(Diagnosis::OddHex { digits }));
    }
}

#[test]
fn another_format_than_asked_for_is_named() {
    let (hex, base64) = (hex::encode(KEY), BASE64_STANDARD.encode(KEY));
    for (bytes, asked, other) in [
        (hex.as_bytes(), Format::Raw, Format::Hex),
        (base64.as_bytes(), Format::Hex, Format::Base64),
        (&KEY, Format::Base64, Format::Raw),
    ] {
        assert_eq!(
            decode(bytes, asked).map(|_| ()),
            Err(ImportError::NotInFormat {
                format: asked,
                diagnosis: Diagnosis::OtherFormat { format: other },
            })
        );
    }
}

#[test]
fn cautions() {
    let caution = |bytes: &[u8]| decode(bytes, Format::Auto).unwrap().caution();
    assert_eq!(caution(&KEY), None);
    assert_eq!(
        caution(b"correct horse battery staple ok!"),
        Some(Caution::Text)
    );
    assert_eq!(
        caution(b"correct horse battery staple ok\n"),
        Some(Caution::TextWithNewline)
    );
    let strength = KeyStrength::AtMost128;
    assert_eq!(
        caution(b"9f86d081884c7d659a2feaa0c55ad015"),
        Some(Caution::Weak { strength })
    );
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
        "g0lCfA3Dv40jZz5SQJ1ZukLRFqtI5WorC/8SEEXAMPLE\n",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        "MzJieXRlc2xvbmdzZWNyZXRrZXltdXN0cHJvdmlkZWQ=",
    ] {
        let refused = decode(sample.as_bytes(), Format::Auto).map(|_| ());
        assert_eq!(refused, Err(ImportError::DocumentationSample), "{sample}");
    }
    let refused = decode(&[0; 32], Format::Auto).map(|_| ());
    assert_eq!(refused, Err(ImportError::Constant));
}

proptest! {
    /// Whatever is given: no panic, and no message that repeats what was given.
    #[test]
    fn any_bytes_are_decoded_or_diagnosed(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _guessed = likely(&bytes);
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
