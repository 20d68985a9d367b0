//! Policy variables: `${aws:username}`, with default `${aws:username, 'nobody'}`, and the characters
//! `${*}`, `${?}`, `${$}` that would mean something else by themselves.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::condition::Match;
use super::document::LanguageVersion;
use super::request::{Context, Given};

/// Part of a text after variables are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As the policy has it; wildcards count.
    Text(&'a str),
    /// What a variable stands for; nothing in it counts as a wildcard.
    Value(String),
}

/// What variables are resolved by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) context: &'a Context,
    pub(crate) language: LanguageVersion,
}

/// Why a text with variables cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// The request has no value for a variable.
    NoValue(String),
    /// The request has a value, which is not known here.
    Unknown(String),
    /// A variable makes no sense as written.
    Malformed(String),
}

impl Unresolved {
    /// What it means to a resource: AWS says that the statement may be invalid.
    pub(crate) fn in_resource(self) -> Match {
        match self {
            Self::NoValue(what) | Self::Malformed(what) => Match::Malformed(what),
            Self::Unknown(why) => Match::Unsure(why),
        }
    }

    /// What it means to a value of a condition: AWS says that nothing is equal to or like it, and that
    /// negated operators therefore match.
    pub(crate) fn in_condition(self) -> Match {
        match self {
            Self::NoValue(_) => Match::No,
            Self::Malformed(what) => Match::Malformed(what),
            Self::Unknown(why) => Match::Unsure(why),
        }
    }
}

/// Replaces the variables of a text.
///
/// # Errors
/// [`Unresolved`] when a variable has no value, one that is not known, or cannot be read.
pub(crate) fn expand<'a>(text: &'a str, scope: Scope<'_>) -> Result<Vec<Piece<'a>>, Unresolved> {
    if scope.language == LanguageVersion::V2008 {
        return Ok(vec![Piece::Text(text)]);
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((variable, behind)) = split_at_closing_brace(after) else {
            return Err(Unresolved::Malformed(format!(
                "`{text}` opens a variable and does not close it"
            )));
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Value(value(variable, scope.context)?));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// The text with its variables replaced, for comparisons without wildcards.
pub(crate) fn expand_plain(text: &str, scope: Scope<'_>) -> Result<String, Unresolved> {
    let pieces = expand(text, scope)?;
    Ok(pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Value(value) => value.as_str(),
        })
        .collect())
}

/// Splits behind a variable's name and default; a default may hold a brace.
fn split_at_closing_brace(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn value(variable: &str, context: &Context) -> Result<String, Unresolved> {
    if let "*" | "?" | "$" = variable {
        return Ok(variable.to_owned());
    }
    let (key, default) = match variable.split_once(',') {
        None => (variable, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'');
            let Some(default) = default.and_then(|default| default.strip_suffix('\'')) else {
                return Err(Unresolved::Malformed(format!(
                    "the default in `${{{variable}}}` is not in single quotes"
                )));
            };
            (key, Some(default))
        }
    };
    match (context.given(key.trim()), default) {
        (Given::Values([value]), _) => Ok(value.clone()),
        (Given::Missing, Some(default)) => Ok(default.to_owned()),
        (Given::Missing, None) => Err(Unresolved::NoValue(format!(
            "the request has no value for `${{{variable}}}`"
        ))),
        (Given::Values(_), _) => Err(Unresolved::Malformed(format!(
            "`${{{variable}}}` has several values"
        ))),
        (Given::Unknown, _) => Err(Unresolved::Unknown(format!(
            "the value of `${{{variable}}}` is not known"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, language: LanguageVersion) -> Result<String, Unresolved> {
        let mut context = Context::new()
            .with("aws:username", "ali*e")
            .with("aws:PrincipalTag/Team", "blue");
        context.insert("aws:TagKeys", vec!["a".to_owned(), "b".to_owned()]);
        context.insert_unknown("aws:userid");
        let context = &context;
        expand_plain(text, Scope { context, language })
    }

    #[test]
    fn variables_of_the_user_guide() {
        let plain = |text| expanded(text, LanguageVersion::V2012);
        assert_eq!(plain("home/${aws:username}/x").unwrap(), "home/ali*e/x");
        assert_eq!(
            plain("${AWS:UserName}${aws:PrincipalTag/team}").unwrap(),
            "ali*eblue"
        );
        assert_eq!(plain("a${*}b${?}c${$}{d}").unwrap(), "a*b?c${d}");
        assert_eq!(
            plain("${aws:none, 'company-wide'}!").unwrap(),
            "company-wide!"
        );
        assert_eq!(plain("${aws:none,'a}b'}").unwrap(), "a}b");
        assert_eq!(plain("${aws:username, 'x'}").unwrap(), "ali*e");
        assert_eq!(plain("cost $5 {x}").unwrap(), "cost $5 {x}");
    }

    #[test]
    fn variables_without_one_value_are_no_match() {
        let problem = |text| expanded(text, LanguageVersion::V2012).unwrap_err();
        assert!(matches!(problem("${aws:none}"), Unresolved::NoValue(_)));
        assert!(matches!(
            problem("${aws:TagKeys}"),
            Unresolved::Malformed(_)
        ));
        assert!(matches!(
            problem("${aws:username"),
            Unresolved::Malformed(_)
        ));
        assert!(matches!(
            problem("${aws:none, x}"),
            Unresolved::Malformed(_)
        ));
        assert!(matches!(
            problem("${aws:userid, 'x'}"),
            Unresolved::Unknown(_)
        ));
    }

    #[test]
    fn the_older_language_has_no_variables() {
        let text = "${aws:username}${*}";
        assert_eq!(expanded(text, LanguageVersion::V2008).unwrap(), text);
    }

    #[test]
    fn a_star_out_of_a_variable_is_literal() {
        let context = Context::new().with("aws:username", "*");
        let language = LanguageVersion::V2012;
        let pieces = expand(
            "a${aws:username}?",
            Scope {
                context: &context,
                language,
            },
        )
        .unwrap();
        let pattern = super::super::pattern::Pattern::of_pieces(&pieces);
        assert!(pattern.matches("a*b"));
        assert!(!pattern.matches("axb"));
    }
}
