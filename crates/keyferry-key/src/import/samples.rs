//! Keys that everybody knows: printed in manuals, tutorials and standards.

use super::hex;
use crate::CustomerKey;

/// Keys that stand in tutorials, manuals and test vectors, in raw form.
pub(super) fn is_sample(key: &CustomerKey) -> bool {
    const SAMPLES: [&[u8; 32]; 9] = [
        b"01234567890123456789012345678901",
        b"0123456789abcdef0123456789abcdef",
        b"0123456789ABCDEF0123456789ABCDEF",
        b"12345678901234567890123456789012",
        b"abcdefghijklmnopqrstuvwxyz123456",
        b"abcdefghijklmnopqrstuvwxyz012345",
        b"abcdefghijklmnopqrstuvwxyzabcdef",
        b"32byteslongsecretkeymustprovided",
        b"32characterslongpassphraseneeded",
    ];
    // AES-256 of NIST SP 800-38A, which every implementation is tested with.
    const NIST: &[u8] = b"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    let key = key.expose();
    let ascending = |first: u8| key.iter().zip(first..).all(|(byte, step)| *byte == step);
    SAMPLES.contains(&key)
        || ascending(0)
        || ascending(1)
        || hex(NIST).is_some_and(|sample| *sample == *key)
}

/// Text that AWS's reference prints in place of a key, `g0lCfA3Dv40j...SEEXAMPLE`: it need not even
/// decode. AWS's samples end so.
pub(super) fn is_sample_text(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.len() >= 16
        && (text.ends_with(b"EXAMPLE") || text.ends_with(b"example"))
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
}
