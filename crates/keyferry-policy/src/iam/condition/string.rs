//! `String*`: exact, ignoring case, or with wildcards.

use super::Match;
use crate::iam::pattern::Pattern;
use crate::iam::variables::{Scope, expand, expand_plain};

pub(super) fn equals(wanted: &str, given: &str, scope: Scope<'_>) -> Match {
    match expand_plain(wanted, scope) {
        Ok(wanted) => Match::from(wanted == given),
        Err(problem) => problem.in_condition(),
    }
}

pub(super) fn equals_ignoring_case(wanted: &str, given: &str, scope: Scope<'_>) -> Match {
    match expand_plain(wanted, scope) {
        Ok(wanted) => Match::from(wanted.to_lowercase() == given.to_lowercase()),
        Err(problem) => problem.in_condition(),
    }
}

pub(super) fn like(wanted: &str, given: &str, scope: Scope<'_>) -> Match {
    match expand(wanted, scope) {
        Ok(pieces) => Match::from(Pattern::of_pieces(&pieces).matches(given)),
        Err(problem) => problem.in_condition(),
    }
}
