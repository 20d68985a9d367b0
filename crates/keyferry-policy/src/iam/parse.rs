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
        let root = parse_root(json)?;
        let mut members = root.object("the document", &["Version", "Id", "Statement"])?;
        let version = match members.take("Version") {
            None => LanguageVersion::V2008,
            Some(node) => version(&node)?,
        };
        let id = members.take("Id").map(|id| id.string("`Id`")).transpose()?;
        let statements = statements(&root, &mut members)?;
        Ok(Self {
            version,
            id,
            statements,
        })
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
) -> Result<Vec<super::document::Statement>, ParseError> {
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
    nodes.iter().map(statement::read).collect()
}

#[cfg(test)]
mod tests;
