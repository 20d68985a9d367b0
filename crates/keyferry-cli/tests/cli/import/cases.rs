//! What is given to `keyferry key import`. Every key here is made up and protects nothing.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, Engine};
use keyferry_key::CustomerKey;

/// One input and how it is given.
pub(super) struct Case {
    pub(super) what: String,
    pub(super) given: Given,
    pub(super) input: Vec<u8>,
    /// Imports of the same input that go before.
    pub(super) before: Vec<Vec<String>>,
    pub(super) arguments: Vec<String>,
    /// The key that the store then has; none if the input must be refused.
    pub(super) key: Option<[u8; 32]>,
}

#[derive(Clone, Copy)]
pub(super) enum Given {
    File,
    Stdin,
    Descriptor,
    Environment,
    Fifo,
    Folder,
    Unreadable,
    Nothing,
}

/// A key like a generated one: bytes of every kind, `\0`, `\n` and `\r` among them.
const KEY: [u8; 32] = *b"\xfb\xff\x10k\0y \x80\xfe\xa0\n\r\x7f\xd9\xbe\xef\x03\x1b[m\xc3\x28\"'=:\xe2\x82\x01\t\x99\n";
const TEXT: &[u8; 32] = b"correct horse battery staple ok!";
const OTHER: [u8; 32] = *b"\x01\x9e\xf2\x44\x8b\x60\xcd\x07\xa8\x35\x71\xee\x5c\x12\x90\xbf\x26\xd4\x6a\xf9\x3b\x87\x18\xe0\x5f\xac\x73\xc1\x0d\x98\x42\xb6";

fn words(line: &str) -> Vec<String> {
    shlex::split(line).unwrap()
}

impl Case {
    fn new(what: &str, input: impl AsRef<[u8]>) -> Self {
        Self {
            what: what.to_owned(),
            given: Given::File,
            input: input.as_ref().to_vec(),
            before: Vec::new(),
            arguments: words("key import photos key"),
            key: None,
        }
    }

    fn typed(mut self, line: &str) -> Self {
        self.arguments = words(line);
        self
    }

    fn after(mut self, line: &str) -> Self {
        self.before.push(words(line));
        self
    }

    fn given(mut self, given: Given) -> Self {
        self.given = given;
        self
    }

    fn is(mut self, key: &[u8; 32]) -> Self {
        self.key = Some(*key);
        self
    }
}

fn accepted(what: &str, input: impl AsRef<[u8]>, key: &[u8; 32]) -> Case {
    Case::new(what, input).is(key)
}

fn refused(what: &str, input: impl AsRef<[u8]>) -> Case {
    Case::new(what, input)
}

fn with(input: &[u8], ending: &[u8]) -> Vec<u8> {
    [input, ending].concat()
}

fn digits() -> String {
    hex::encode(KEY)
}

fn encoded() -> String {
    BASE64_STANDARD.encode(KEY)
}

fn md5_of(key: &[u8; 32]) -> String {
    CustomerKey::from_bytes(*key).md5().to_string()
}

pub(super) fn raw() -> Vec<Case> {
    let hex_digits = b"9f86d081884c7d659a2feaa0c55ad015";
    let upper = b"9F86D081884C7D659A2FEAA0C55AD015";
    let alphabet = b"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is";
    let mut crlf = OTHER;
    crlf[30..].copy_from_slice(b"\r\n");
    let mut zeros = OTHER;
    zeros[28..].fill(0);
    let mut mark = OTHER;
    mark[..3].copy_from_slice(b"\xef\xbb\xbf");
    let line = b"correct horse battery staple ok\n";
    let mut cases = vec![
        accepted("32 bytes", OTHER, &OTHER),
        accepted("32 bytes of which the last is a newline", KEY, &KEY),
        accepted("32 bytes that end in CRLF", crlf, &crlf),
        accepted("32 bytes that end in zeros", zeros, &zeros),
        accepted("32 bytes that begin like a byte order mark", mark, &mark),
        accepted(
            "32 hex digits, as `openssl rand -hex 16` makes them in $(...)",
            hex_digits,
            hex_digits,
        ),
        accepted("32 hex digits in upper case", upper, upper),
        accepted("32 characters of the base64 alphabet", alphabet, alphabet),
        accepted("32 printable characters", TEXT, TEXT),
        accepted("31 printable characters and a newline", line, line),
        refused(
            "32 hex digits and a newline, as `openssl rand -hex 16 > key` leaves them",
            with(hex_digits, b"\n"),
        ),
        refused("32 printable characters and LF", with(TEXT, b"\n")),
        refused("32 printable characters and CRLF", with(TEXT, b"\r\n")),
        refused("32 bytes and LF", with(&KEY, b"\n")),
        refused("32 bytes and CRLF", with(&KEY, b"\r\n")),
    ];
    for bytes in [1, 16, 24, 31, 33, 34, 48, 64] {
        let input: Vec<u8> = OTHER.iter().cycle().take(bytes).copied().collect();
        cases.push(refused(&format!("{bytes} raw bytes"), input));
    }
    cases
}

pub(super) fn hex() -> Vec<Case> {
    let lower = digits();
    let upper = lower.to_uppercase();
    let mixed: String = lower
        .chars()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => digit.to_ascii_uppercase(),
            _ => digit,
        })
        .collect();
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &lower[at..at + 2]).collect();
    vec![
        accepted("64 hex digits", &lower, &KEY),
        accepted("64 hex digits in upper case", upper, &KEY),
        accepted("64 hex digits in mixed case", mixed, &KEY),
        accepted("64 hex digits and LF", format!("{lower}\n"), &KEY),
        accepted("64 hex digits and CRLF", format!("{lower}\r\n"), &KEY),
        refused("64 hex digits and CR", format!("{lower}\r")),
        refused("64 hex digits and two newlines", format!("{lower}\n\n")),
        refused("64 hex digits behind a space", format!(" {lower}")),
        refused("64 hex digits before a space", format!("{lower} ")),
        refused(
            "64 hex digits before a tab and a newline",
            format!("{lower}\t\n"),
        ),
        refused("62 hex digits", &lower[2..]),
        refused("63 hex digits", &lower[1..]),
        refused("65 hex digits", format!("{lower}0")),
        refused("66 hex digits", format!("{lower}00")),
        refused(
            "64 characters, one of them no hex digit",
            format!("{}g", &lower[1..]),
        ),
        refused("48 hex digits", &lower[16..]),
        refused("128 hex digits", lower.repeat(2)),
        refused("hex of hex", hex::encode(&lower)),
        refused(
            "hex of 32 bytes and a newline",
            hex::encode(with(&KEY, b"\n")),
        ),
        refused("hex behind 0x", format!("0x{lower}\n")),
        refused("hex with colons", pairs.join(":")),
        refused("hex with spaces", format!("{}\n", pairs.join(" "))),
        refused(
            "hex in two lines, as `xxd -p` prints it",
            format!("{}\n{}\n", &lower[..60], &lower[60..]),
        ),
    ]
}

pub(super) fn base64() -> Vec<Case> {
    let text = encoded();
    let of = |bytes: usize| {
        let content: Vec<u8> = OTHER.iter().cycle().take(bytes).copied().collect();
        BASE64_STANDARD.encode(content)
    };
    let mut cases = vec![
        accepted("44 characters of base64", &text, &KEY),
        accepted(
            "43 characters of base64 without padding",
            BASE64_STANDARD_NO_PAD.encode(KEY),
            &KEY,
        ),
        accepted("base64 and LF", format!("{text}\n"), &KEY),
        accepted("base64 and CRLF", format!("{text}\r\n"), &KEY),
        accepted(
            "base64 of 32 hex digits",
            BASE64_STANDARD.encode("9f86d081884c7d659a2feaa0c55ad015"),
            b"9f86d081884c7d659a2feaa0c55ad015",
        ),
        refused("base64 and two newlines", format!("{text}\n\n")),
        refused("base64 behind spaces", format!("  {text}\n")),
        refused(
            "base64 with bits too many at the end",
            "AZ7yRItgzQeoNXHuXBKQvybUavk7hxjgX6xzwQ2YQrZ=",
        ),
        refused(
            "base64 with bits too many and no padding",
            "AZ7yRItgzQeoNXHuXBKQvybUavk7hxjgX6xzwQ2YQrZ",
        ),
        refused("base64 with one character cut off", &text[..42]),
        refused(
            "base64 with a character of no alphabet",
            text.replace('+', "!"),
        ),
        refused(
            "base64 in the URL-safe alphabet",
            BASE64_URL_SAFE.encode(KEY),
        ),
        refused(
            "base64 in the URL-safe alphabet, no padding, LF",
            format!("{}\n", BASE64_URL_SAFE.encode(KEY).trim_end_matches('=')),
        ),
        refused(
            "base64 in two lines",
            format!("{}\n{}\n", &text[..20], &text[20..]),
        ),
        refused("base64 of base64", BASE64_STANDARD.encode(&text)),
        refused(
            "base64 of base64 and a newline",
            BASE64_STANDARD.encode(format!("{text}\n")),
        ),
        refused("base64 of hex", BASE64_STANDARD.encode(digits())),
        refused("hex of base64", hex::encode(&text)),
        refused(
            "base64 of 32 bytes and a newline",
            BASE64_STANDARD.encode(with(&KEY, b"\n")),
        ),
        refused(
            "base64 of 32 characters and a newline, as `echo | base64` makes it",
            BASE64_STANDARD.encode(with(TEXT, b"\n")),
        ),
    ];
    for bytes in [16, 24, 31, 33, 48, 64] {
        cases.push(refused(&format!("base64 of {bytes} bytes"), of(bytes)));
    }
    cases
}

pub(super) fn wrapped() -> Vec<Case> {
    let (text, digits) = (encoded(), digits());
    let utf16 = |text: String, big: bool| -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    vec![
        refused(
            "hex behind a byte order mark",
            format!("\u{feff}{digits}\n"),
        ),
        refused(
            "base64 behind a byte order mark",
            format!("\u{feff}{text}\r\n"),
        ),
        refused(
            "base64 in UTF-16, as PowerShell's `>` writes it",
            utf16(format!("\u{feff}{text}\r\n"), false),
        ),
        refused(
            "hex in big-endian UTF-16",
            utf16(format!("\u{feff}{digits}"), true),
        ),
        refused("hex in UTF-16 without a mark", utf16(digits.clone(), false)),
        refused("hex and a zero byte", format!("{digits}\0")),
        refused("base64 in double quotes", format!("\"{text}\"\n")),
        refused("hex in single quotes", format!("'{digits}'")),
        refused(
            "32 characters in quotes",
            format!("\"{}\"", str::from_utf8(TEXT).unwrap()),
        ),
        refused("key=base64", format!("key={text}\n")),
        refused(
            "a shell's export",
            format!("export SSE_C_KEY=\"{digits}\"\n"),
        ),
        refused("a line of YAML", format!("customer-key: {text}\n")),
        refused(
            "a request header",
            format!("x-amz-server-side-encryption-customer-key: {text}\r\n"),
        ),
        refused("a name before half a key", format!("key={}", &digits[32..])),
    ]
}

pub(super) fn no_keys() -> Vec<Case> {
    let armour = |label: &str| {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            encoded()
        )
    };
    let ascending: [u8; 32] = std::array::from_fn(|at| at as u8);
    vec![
        refused("nothing", ""),
        refused("a newline", "\n"),
        refused("white space", " \t\r\n"),
        refused("32 zero bytes", [0; 32]),
        refused("64 zeros", "0".repeat(64)),
        refused("32 times the same byte", [0xff; 32]),
        refused("32 spaces", [b' '; 32]),
        refused("a sample of digits", "01234567890123456789012345678901"),
        refused(
            "the sample of MinIO's documentation",
            "MzJieXRlc2xvbmdzZWNyZXRrZXltdXN0cHJvdmlkZWQ=",
        ),
        refused(
            "the sample of AWS's reference",
            "g0lCfA3Dv40jZz5SQJ1ZukLRFqtI5WorC/8SEEXAMPLE",
        ),
        refused(
            "the sample of AWS's reference and a newline",
            "g0lCfA3Dv40jZz5SQJ1ZukLRFqtI5WorC/8SEEXAMPLE\n",
        ),
        refused("the bytes 0 to 31", ascending),
        refused(
            "NIST's test key for AES-256",
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        ),
        refused("a private key in PEM", armour("PRIVATE KEY")),
        refused(
            "a certificate, or what certutil -encode makes",
            armour("CERTIFICATE"),
        ),
        refused("an SSH private key", armour("OPENSSH PRIVATE KEY")),
        refused(
            "an SSH public key",
            format!("ssh-ed25519 {} me@here\n", encoded()),
        ),
        refused("a PGP message", armour("PGP MESSAGE")),
        refused(
            "an age identity",
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n",
        ),
        refused(
            "a file of age-keygen",
            "# created: 2026-11-25T18:00:00Z\n# public key: age1xyz\nAGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n",
        ),
        refused(
            "an age file",
            "age-encryption.org/v1\n-> scrypt c2FsdA 18\nYm9keQ\n--- bWFj\n\x01\x02",
        ),
        refused("an age file in armour", armour("AGE ENCRYPTED FILE")),
        refused("JSON", format!("{{\"key\": \"{}\"}}\n", encoded())),
        refused("a list of bytes", format!("{KEY:?}")),
        refused(
            "a sentence",
            "this is no key at all, but it goes on for a while",
        ),
        refused("a megabyte", vec![b'x'; 1 << 20]),
    ]
}

pub(super) fn sources() -> Vec<Case> {
    let digits = digits();
    let other = hex::encode(OTHER);
    vec![
        accepted("raw bytes on standard input", KEY, &KEY)
            .given(Given::Stdin)
            .typed("key import photos -"),
        accepted("hex on standard input", format!("{digits}\n"), &KEY)
            .given(Given::Stdin)
            .typed("key import photos -"),
        refused("nothing on standard input", "")
            .given(Given::Stdin)
            .typed("key import photos -"),
        accepted("raw bytes behind a descriptor", KEY, &KEY)
            .given(Given::Descriptor)
            .typed("key import photos --fd 7"),
        refused("a descriptor that is not open", "").typed("key import photos --fd 77"),
        accepted("an environment variable", &digits, &KEY)
            .given(Given::Environment)
            .typed("key import photos --env MY_KEY"),
        refused("a variable that is not set", "")
            .given(Given::Nothing)
            .typed("key import photos --env MY_KEY"),
        accepted("a FIFO", KEY, &KEY).given(Given::Fifo),
        refused("a folder", "").given(Given::Folder),
        refused("no such file", "").given(Given::Nothing),
        refused("a file that may not be read", KEY).given(Given::Unreadable),
        refused("no source at all", "")
            .given(Given::Nothing)
            .typed("key import photos"),
        refused("two sources", KEY).typed("key import photos key --fd 7"),
        refused("a key in place of the file", "")
            .given(Given::Nothing)
            .typed(&format!("key import photos {other}")),
        refused("a key in place of the variable's name", "")
            .given(Given::Nothing)
            .typed(&format!("key import photos --env {other}")),
        refused("a key in place of the ring", KEY)
            .typed(&format!("key import {} key", BASE64_STANDARD.encode(OTHER))),
    ]
}

pub(super) fn md5() -> Vec<Case> {
    let right = md5_of(&KEY);
    let bytes = BASE64_STANDARD.decode(&right).unwrap();
    let in_hex = hex::encode(&bytes);
    let wrong = md5_of(&OTHER);
    let import = |md5: &str| format!("key import photos key --md5 {md5}");
    let newline = with(&KEY, b"\n");
    let quoted = format!("\"{}\"\n", encoded());
    vec![
        accepted("the right MD5", KEY, &KEY).typed(&import(&right)),
        accepted("the right MD5 in md5sum's digits", KEY, &KEY).typed(&import(&in_hex)),
        accepted("the right MD5 of a key in hex", digits(), &KEY).typed(&import(&right)),
        refused("another MD5", KEY).typed(&import(&wrong)),
        refused("an MD5 that is cut", KEY).typed(&import(&right[..20])),
        refused("the base64 of an MD5's digits", KEY)
            .typed(&import(&BASE64_STANDARD.encode(format!("{in_hex}\n")))),
        refused("the MD5 of AWS's reference", KEY).typed(&import("ZjQrne1X/iTcskbY2example")),
        refused("a key in place of its MD5", KEY).typed(&import(&BASE64_STANDARD.encode(OTHER))),
        accepted("32 bytes and a newline, proven", &newline, &KEY).typed(&import(&right)),
        accepted("quotes, proven", &quoted, &KEY).typed(&import(&right)),
        accepted(
            "base64 twice, proven",
            BASE64_STANDARD.encode(encoded()),
            &KEY,
        )
        .typed(&import(&right)),
        refused("32 bytes and a newline, refuted", &newline).typed(&import(&wrong)),
        refused("16 bytes, whatever the MD5", &KEY[..16]).typed(&import(&right)),
        refused("a newline, proven, but a format was asked for", &newline)
            .typed(&format!("{} --format raw", import(&right))),
    ]
}

pub(super) fn formats() -> Vec<Case> {
    let line = with(TEXT, b"\n");
    let inputs: [(&str, Vec<u8>, &[u8; 32]); 5] = [
        ("32 bytes", OTHER.to_vec(), &OTHER),
        ("64 hex digits", format!("{}\n", digits()).into(), &KEY),
        ("base64", format!("{}\n", encoded()).into(), &KEY),
        ("32 characters and a newline", line, TEXT),
        ("16 bytes", KEY[..16].to_vec(), &KEY),
    ];
    let matching = ["raw", "hex", "base64", "ascii32-strip", "none"];
    let mut cases = Vec::new();
    for format in ["raw", "hex", "base64", "ascii32-strip"] {
        for ((what, input, key), right) in inputs.iter().zip(matching) {
            let case = refused(&format!("{what} as {format}"), input)
                .typed(&format!("key import photos key --format {format}"));
            cases.push(if right == format { case.is(key) } else { case });
        }
    }
    cases.push(
        refused("32 bytes and a newline as ascii32-strip", with(&KEY, b"\n"))
            .typed("key import photos key --format ascii32-strip"),
    );
    cases.push(refused("a format that is none", KEY).typed("key import photos key --format pem"));
    cases
}

pub(super) fn store() -> Vec<Case> {
    vec![
        accepted("the same key again", KEY, &KEY).after("key import photos key"),
        refused("the same key into another ring", KEY)
            .after("key import photos key")
            .typed("key import films key"),
        accepted("for existing objects only", OTHER, &OTHER)
            .typed("key import photos key --decrypt-only"),
        accepted("into a ring that has an active key", OTHER, &OTHER).after("key new photos"),
        accepted("as JSON", OTHER, &OTHER).typed("key import photos key --output json"),
        refused("a refusal as JSON", &OTHER[..16]).typed("key import photos key --output json"),
        refused("into a ring of no valid name", OTHER).typed("key import 'My Photos' key"),
        refused("into a store that is not there", OTHER)
            .typed("--store nowhere key import photos key"),
    ]
}
