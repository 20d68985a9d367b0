//! What can be wrong with a document.

use super::json::position;

/// Something wrong with a policy document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    line: usize,
    column: usize,
    problem: ParseProblem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseProblem {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(String),
    /// A value has the wrong type.
    #[error("{what} must be {expected}, not {found}")]
    Type {
        /// The element.
        what: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A name appears twice.
    #[error("`{0}` appears twice")]
    Duplicate(String),
    /// There is no such element.
    #[error("{place} has no element `{name}`{}", nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// What is written.
        name: String,
        /// Where it is written.
        place: &'static str,
        /// The known element that looks most like it.
        nearest: Option<&'static str>,
    },
    /// An element is missing.
    #[error("{place} has no `{element}`")]
    Missing {
        /// The element.
        element: &'static str,
        /// Where it should be.
        place: &'static str,
    },
    /// Two elements exclude each other.
    #[error("a statement has `{0}` or `{1}`, not both")]
    Both(&'static str, &'static str),
    /// There is no such effect.
    #[error("`Effect` must be `Allow` or `Deny`, not `{0}`")]
    Effect(String),
    /// There is no such version of the language.
    #[error("`Version` must be `2012-10-17` or `2008-10-17`, not `{0}`")]
    Version(String),
    /// A principal is a bare string.
    #[error("`{element}` must be `*` or an object such as {{\"AWS\": \"...\"}}, not `{found}`")]
    BarePrincipal {
        /// `Principal` or `NotPrincipal`.
        element: &'static str,
        /// What is written.
        found: String,
    },
    /// There is no statement.
    #[error("`Statement` is empty")]
    NoStatements,
}

impl ParseError {
    pub(super) fn at(text: &str, offset: usize, problem: ParseProblem) -> Self {
        let (line, column) = position(text, offset);
        Self {
            line,
            column,
            problem,
        }
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &ParseProblem {
        &self.problem
    }
}
