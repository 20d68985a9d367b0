//! `Arn*`: each of the six components by itself, with wildcards. `ArnEquals` and `ArnLike` are the
//! same.

use super::Match;
use crate::iam::pattern::Pattern;
use crate::iam::variables::{Scope, expand};

pub(super) fn like(wanted: &str, given: &str, scope: Scope<'_>) -> Match {
    let pieces = match expand(wanted, scope) {
        Ok(pieces) => pieces,
        Err(problem) => return problem.in_condition(),
    };
    let Some(patterns) = Pattern::of_pieces(&pieces).arn_components() else {
        return Match::Malformed(format!("`{wanted}` is not an ARN of six components"));
    };
    let components: Vec<&str> = given.splitn(6, ':').collect();
    Match::from(
        components.len() == patterns.len()
            && patterns
                .iter()
                .zip(components)
                .all(|(pattern, component)| pattern.matches(component)),
    )
}
