//! Conditions: operators, set qualifiers, missing keys.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

mod arn;
mod binary;
mod boolean;
mod date;
mod ip;
mod numeric;
mod operator;
mod string;

use operator::{Comparison, Operator, SetQualifier, Test};

use super::request::Given;
use super::variables::Scope;

/// Whether something matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// It would match or not, but a value is not known.
    Unsure(String),
    /// It makes no sense as written; AWS would not apply it, or does not say what it would do.
    Malformed(String),
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

impl Match {
    /// Whether any of them matches.
    pub(crate) fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut outcome = Self::No;
        for one in all {
            match (&outcome, &one) {
                (_, Self::Yes) => return Self::Yes,
                (Self::No, _) | (Self::Malformed(_), Self::Unsure(_)) => outcome = one,
                _ => {}
            }
        }
        outcome
    }

    /// Whether all of them match.
    pub(crate) fn all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut outcome = Self::Yes;
        for one in all {
            match (&outcome, &one) {
                (_, Self::No) => return Self::No,
                (Self::Yes, _) | (Self::Unsure(_), Self::Malformed(_)) => outcome = one,
                _ => {}
            }
        }
        outcome
    }

    fn negated_if(self, negated: bool) -> Self {
        match self {
            Self::Yes if negated => Self::No,
            Self::No if negated => Self::Yes,
            other => other,
        }
    }
}

/// Whether one key of a condition is met.
pub(crate) fn test(operator: &str, key: &str, wanted: &[String], scope: Scope<'_>) -> Match {
    let Some(operator) = Operator::parse(operator) else {
        return Match::Malformed(format!("there is no condition operator `{operator}`"));
    };
    if wanted.is_empty() {
        return Match::Malformed(format!("the condition on `{key}` has no value"));
    }
    let given = scope.context.given(key);
    match operator.test {
        Test::Null => null(given, wanted),
        Test::Compare {
            comparison,
            negated,
            if_exists,
        } => compare(
            key,
            wanted,
            given,
            scope,
            &Compare {
                comparison,
                negated,
                if_exists,
                set: operator.set,
            },
        ),
    }
}

/// `Null`: `true` is met by a key that the request does not have.
fn null(given: Given<'_>, wanted: &[String]) -> Match {
    let missing = given == Given::Missing;
    Match::any(wanted.iter().map(|wanted| match boolean::read(wanted) {
        Some(wanted) => Match::from(wanted == missing),
        None => Match::Malformed(format!("`{wanted}` is neither `true` nor `false`")),
    }))
}

struct Compare {
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    set: Option<SetQualifier>,
}

fn compare(
    key: &str,
    wanted: &[String],
    given: Given<'_>,
    scope: Scope<'_>,
    how: &Compare,
) -> Match {
    let given = match given {
        Given::Unknown => return Match::Unsure(format!("the value of `{key}` is not known")),
        Given::Missing => return without_value(how),
        // To the set qualifiers, nothing but empty strings is no value.
        Given::Values(given) if how.set.is_some() && given.iter().all(String::is_empty) => {
            return without_value(how);
        }
        Given::Values(given) => given,
    };
    let each = given.iter().map(|given| {
        let matches = |wanted: &String| how.comparison.matches(wanted, given, scope);
        Match::any(wanted.iter().map(matches)).negated_if(how.negated)
    });
    match how.set {
        Some(SetQualifier::ForAllValues) => Match::all(each),
        Some(SetQualifier::ForAnyValue) => Match::any(each),
        None if given.len() > 1 => Match::Malformed(format!(
            "the request has several values for `{key}`, which takes `ForAllValues:` or `ForAnyValue:`"
        )),
        None => Match::any(each),
    }
}

fn without_value(how: &Compare) -> Match {
    Match::from(match how.set {
        _ if how.if_exists => true,
        Some(SetQualifier::ForAllValues) => true,
        Some(SetQualifier::ForAnyValue) => false,
        None => how.negated,
    })
}

#[cfg(test)]
mod tests;
