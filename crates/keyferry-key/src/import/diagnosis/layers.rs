//! Keys inside a wrapping that the rules do not allow, one layer at a time.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};
use zeroize::Zeroizing;

use super::super::{RawKey, decode_text, is_printable, raw, strip_newline};
use super::{Diagnosis, Format};

/// More layers than these are no accident.
const MOST_LAYERS: usize = 4;

type Bytes = Zeroizing<Vec<u8>>;

/// Takes layers off until a key is left; which was the outermost, and the key.
pub(crate) fn peel(bytes: &[u8]) -> Option<(Diagnosis, RawKey, Format)> {
    if let Some((diagnosis, key)) = raw_with_newline(bytes) {
        return Some((diagnosis, key, Format::Ascii32Strip));
    }
    let (outermost, mut inner) = layer(bytes)?;
    for _ in 0..MOST_LAYERS {
        if let Some((key, format)) = decode_text(strip_newline(&inner)) {
            return Some((outermost, key, format));
        }
        // 32 characters inside a wrapping are a key only if the wrapping is not part of them.
        if let Some(key) = raw(&inner).filter(|_| is_printable(&inner)) {
            return Some((outermost, key, Format::Raw));
        }
        if let Some((_, key)) = raw_with_newline(&inner) {
            return Some((outermost, key, Format::Ascii32Strip));
        }
        inner = layer(&inner)?.1;
    }
    None
}

/// What is left when every layer is off, key or not.
pub(super) fn innermost(bytes: &[u8]) -> Bytes {
    let mut inner = Zeroizing::new(bytes.to_vec());
    for _ in 0..MOST_LAYERS {
        match layer(&inner) {
            Some((Diagnosis::EncodedTwice | Diagnosis::EncodedNewline { .. }, _)) | None => break,
            Some((_, next)) => inner = next,
        }
    }
    inner
}

/// 33 or 34 bytes that end in a newline.
pub(super) fn raw_with_newline(bytes: &[u8]) -> Option<(Diagnosis, RawKey)> {
    let newline = bytes.strip_suffix(b"\n")?;
    let key = match (newline.len(), newline.split_last()) {
        (32, _) => newline,
        (33, Some((b'\r', key))) => key,
        _ => return None,
    };
    let printable = is_printable(key);
    Some((Diagnosis::RawWithNewline { printable }, raw(key)?))
}

/// Takes off the outermost layer.
fn layer(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let layers: [fn(&[u8]) -> Option<(Diagnosis, Bytes)>; 11] = [
        byte_order_mark,
        utf16,
        zero_bytes,
        white_space,
        name,
        quotes,
        hex_prefix,
        separated_hex,
        lines,
        url_safe,
        encoded,
    ];
    layers.iter().find_map(|layer| layer(bytes))
}

fn found(diagnosis: Diagnosis, inner: &[u8]) -> Option<(Diagnosis, Bytes)> {
    Some((diagnosis, Zeroizing::new(inner.to_vec())))
}

fn byte_order_mark(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    found(
        Diagnosis::ByteOrderMark,
        bytes.strip_prefix(b"\xef\xbb\xbf")?,
    )
}

/// ASCII in UTF-16, either order, with or without a mark.
fn utf16(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let unmarked = bytes
        .strip_prefix(b"\xff\xfe")
        .or_else(|| bytes.strip_prefix(b"\xfe\xff"))
        .unwrap_or(bytes);
    let (pairs, rest) = unmarked.as_chunks::<2>();
    if pairs.len() < 8 || !rest.is_empty() {
        return None;
    }
    let little = pairs.iter().all(|[low, high]| *high == 0 && *low != 0);
    let big = pairs.iter().all(|[high, low]| *high == 0 && *low != 0);
    if !little && !big {
        return None;
    }
    let narrow = pairs.iter().map(|[a, b]| a | b).collect();
    Some((Diagnosis::Utf16, Zeroizing::new(narrow)))
}

fn zero_bytes(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let mut inner = bytes;
    while let [0, rest @ ..] | [rest @ .., 0] = inner {
        inner = rest;
    }
    let text = inner
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    (inner.len() < bytes.len() && !inner.is_empty() && text)
        .then(|| found(Diagnosis::ZeroBytes, inner))?
}

/// More than the one newline that rule 2 allows.
fn white_space(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let inner = bytes.trim_ascii();
    (inner.len() < strip_newline(bytes).len()).then(|| found(Diagnosis::StrayWhitespace, inner))?
}

/// `KEY=value`, `export KEY=value`, `header: value`.
fn name(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let text = strip_newline(bytes);
    let text = text.strip_prefix(b"export ").unwrap_or(text);
    let end = text
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte)))?;
    let (name, rest) = text.split_at_checked(end)?;
    let value = match rest.trim_ascii_start() {
        [b'=', value @ ..] | [b':', value @ ..] => value.trim_ascii(),
        _ => return None,
    };
    // `AbC=` and `AbC==` are padding; `ab:cd:...` is hex with colons.
    let padding = value.iter().all(|byte| *byte == b'=');
    let byte = name.len() == 2 && name.iter().all(u8::is_ascii_hexdigit);
    (!name.is_empty() && !padding && !byte).then(|| found(Diagnosis::Named, value))?
}

fn quotes(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let text = strip_newline(bytes);
    let inner = match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] | [b'`', inner @ .., b'`'] => inner,
        _ => return None,
    };
    found(Diagnosis::Quoted, inner)
}

fn hex_prefix(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let text = strip_newline(bytes);
    let digits = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))?;
    digits
        .iter()
        .all(u8::is_ascii_hexdigit)
        .then(|| found(Diagnosis::HexPrefix, digits))?
}

/// `ab:cd:...`, as openssl prints it, or `ab cd ...`.
fn separated_hex(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let separator = |byte: &u8| byte.is_ascii_whitespace() || b":-,".contains(byte);
    let digits: Bytes = Zeroizing::new(
        bytes
            .iter()
            .copied()
            .filter(|byte| !separator(byte))
            .collect(),
    );
    let between = strip_newline(bytes).len() > digits.len();
    (between && !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit))
        .then_some((Diagnosis::SeparatedHex, digits))
}

fn lines(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let joined: Bytes = Zeroizing::new(
        bytes
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    );
    let pieces = joined.len() < strip_newline(bytes).len();
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    (pieces && joined.iter().all(alphabet)).then_some((Diagnosis::SeveralLines, joined))
}

fn url_safe(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let text = strip_newline(bytes);
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=".contains(byte);
    if !text.iter().all(alphabet) || !text.iter().any(|byte| b"-_".contains(byte)) {
        return None;
    }
    let standard = text.iter().map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    });
    Some((
        Diagnosis::UrlSafeBase64,
        Zeroizing::new(standard.collect::<Vec<u8>>()),
    ))
}

/// Hex or base64 whose content is itself a written key, or a key and a newline.
fn encoded(bytes: &[u8]) -> Option<(Diagnosis, Bytes)> {
    let text = strip_newline(bytes);
    let (encoding, inner) = match (hex::decode(text), decode_base64(text)) {
        (Ok(inner), _) => ("hex", Zeroizing::new(inner)),
        (_, Some(inner)) => ("base64", Zeroizing::new(inner)),
        _ => return None,
    };
    if raw_with_newline(&inner).is_some() {
        return Some((Diagnosis::EncodedNewline { encoding }, inner));
    }
    decode_text(strip_newline(&inner)).map(|_| (Diagnosis::EncodedTwice, inner))
}

pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let padded = BASE64_STANDARD.decode(text);
    padded.or_else(|_| BASE64_STANDARD_NO_PAD.decode(text)).ok()
}
