//! `Bool`: `true` or `false`.

use super::Match;
use crate::iam::variables::{Scope, expand_plain};

pub(super) fn equals(wanted: &str, given: &str, scope: Scope<'_>) -> Match {
    let wanted = match expand_plain(wanted, scope) {
        Ok(wanted) => wanted,
        Err(problem) => return problem.in_condition(),
    };
    match (read(&wanted), read(given)) {
        (Some(wanted), Some(given)) => Match::from(wanted == given),
        (None, _) => Match::Malformed(format!("`{wanted}` is neither `true` nor `false`")),
        (_, None) => Match::Malformed(format!(
            "the request's `{given}` is neither `true` nor `false`"
        )),
    }
}

pub(super) fn read(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
