//! `BinaryEquals`: bytes, written in base64 both in the policy and in the context.

use data_encoding::BASE64;

use super::Match;

pub(super) fn equals(wanted: &str, given: &str) -> Match {
    let read = |text: &str| BASE64.decode(text.as_bytes()).ok();
    match (read(wanted), read(given)) {
        (Some(wanted), Some(given)) => Match::from(wanted == given),
        (None, _) => Match::Malformed(format!("`{wanted}` is not base64")),
        (_, None) => Match::Malformed(format!("the request's `{given}` is not base64")),
    }
}
