//! Reading policy documents, with line and column of everything that is wrong with them.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//! Empty lists of actions, resources, principals and conditions are read, since IAM accepts them.

mod error;
mod json;
mod statement;

pub use error::{ParseError, ParseProblem};

use self::json::{Members, Node, parse_root};
use super::document::{LanguageVersion, PolicyDocument};

impl PolicyDocument {
    /// Reads a document from JSON.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column: broken JSON, names that appear twice or
    /// do not exist, wrong types, missing elements.
    pub fn parse(json: &str) -> Result<Self, ParseError> {
        Self::parse_with_lines(json).map(|(document, _)| document)
    }

    /// The same, with the line on which each statement begins, counted from 1.
    pub(crate) fn parse_with_lines(json: &str) -> Result<(Self, Vec<usize>), ParseError> {
        let root = parse_root(json)?;
        let mut members = root.object("the document", &["Version", "Id", "Statement"])?;
        let version = match members.take("Version") {
            None => LanguageVersion::V2008,
            Some(node) => version(&node)?,
        };
        let id = members.take("Id").map(|id| id.string("`Id`")).transpose()?;
        let (statements, lines) = statements(&root, &mut members)?;
        let document = Self {
            version,
            id,
            statements,
        };
        Ok((document, lines))
    }
}

fn version(node: &Node<'_>) -> Result<LanguageVersion, ParseError> {
    match node.string("`Version`")?.as_str() {
        "2012-10-17" => Ok(LanguageVersion::V2012),
        "2008-10-17" => Ok(LanguageVersion::V2008),
        other => Err(node.error(ParseProblem::Version(other.to_owned()))),
    }
}

fn statements(
    root: &Node<'_>,
    members: &mut Members<'_>,
) -> Result<(Vec<super::document::Statement>, Vec<usize>), ParseError> {
    let Some(node) = members.take("Statement") else {
        return Err(root.error(ParseProblem::Missing {
            element: "Statement",
            place: "the document",
        }));
    };
    let nodes = node.one_or_many();
    if nodes.is_empty() {
        return Err(node.error(ParseProblem::NoStatements));
    }
    let lines = nodes.iter().map(Node::line).collect();
    let statements: Result<_, _> = nodes.iter().map(statement::read).collect();
    Ok((statements?, lines))
}

#[cfg(test)]
mod tests;
