//! Cutting an identity policy into several that fit.
//!
//! What several policies of one identity allow and deny is what one policy with all their statements
//! does, so statements can be moved apart freely. A statement that is too long by itself is cut along
//! its actions or resources: each part is about a part of the combinations, and together about all.
//!
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

use super::size::size;
use crate::iam::{ActionElement, PolicyDocument, ResourceElement, Statement};

/// The most characters that a managed policy may have, white space aside.
pub const MANAGED_POLICY: usize = 6_144;

/// A statement that no cut makes short enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "statement {} has {characters} characters and cannot be cut: {why}",
    index + 1
)]
pub struct CannotSplit {
    /// Its place in the document, from 0.
    pub index: usize,
    /// How long a document with just what is left of it is.
    pub characters: usize,
    why: &'static str,
}

/// The document as several, none with more than `most` characters without white space, which together
/// allow and deny what it does. One that fits is given back as it is.
///
/// # Errors
/// [`CannotSplit`] when one statement is too long and has nothing left to be cut along.
pub fn split(document: &PolicyDocument, most: usize) -> Result<Vec<PolicyDocument>, CannotSplit> {
    if size(document) <= most {
        return Ok(vec![document.clone()]);
    }
    let with = |statements: Vec<Statement>| PolicyDocument {
        version: document.version,
        id: None,
        statements,
    };
    // A document is as long as its frame, its statements, and a comma between two of them.
    let frame = size(&with(Vec::new()));
    let mut documents: Vec<(PolicyDocument, usize)> = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let mut pieces = vec![statement.clone()];
        while let Some(piece) = pieces.pop() {
            let alone = size(&with(vec![piece.clone()]));
            if alone > most {
                let (first, second) = halve(piece).map_err(|why| CannotSplit {
                    index,
                    characters: alone,
                    why,
                })?;
                // Taken from the end, so the first half goes in last.
                pieces.push(second);
                pieces.push(first);
                continue;
            }
            let room = |length: usize, alone: usize| length + 1 + alone - frame <= most;
            let fitting = documents.iter_mut().find_map(|(document, length)| {
                // Most have no room, and need no look at names.
                if !room(*length, alone) {
                    return None;
                }
                let named = unique(piece.clone(), document);
                let alone = size(&with(vec![named.clone()]));
                room(*length, alone).then_some((document, length, named, alone))
            });
            match fitting {
                Some((document, length, named, alone)) => {
                    document.statements.push(named);
                    *length += 1 + alone - frame;
                }
                None => documents.push((with(vec![piece]), alone)),
            }
        }
    }
    Ok(documents
        .into_iter()
        .map(|(document, _)| document)
        .collect())
}

/// Two statements that together are about what one is about.
fn halve(statement: Statement) -> Result<(Statement, Statement), &'static str> {
    let length = |patterns: &[String]| -> usize {
        if patterns.len() < 2 {
            0
        } else {
            patterns.iter().map(String::len).sum()
        }
    };
    let actions = match &statement.action {
        ActionElement::Action(patterns) => length(patterns),
        // Two lists of exceptions are not one: each would let through what the other excepts.
        ActionElement::NotAction(_) => 0,
    };
    let resources = match &statement.resource {
        Some(ResourceElement::Resource(patterns)) => length(patterns),
        Some(ResourceElement::NotResource(_)) | None => 0,
    };
    let (mut first, mut second) = (statement.clone(), statement);
    if actions == 0 && resources == 0 {
        return Err("it has neither several actions nor several resources to be cut along");
    }
    if actions >= resources {
        if let (ActionElement::Action(here), ActionElement::Action(there)) =
            (&mut first.action, &mut second.action)
        {
            *there = here.split_off(here.len() / 2);
        }
    } else if let (Some(ResourceElement::Resource(here)), Some(ResourceElement::Resource(there))) =
        (&mut first.resource, &mut second.resource)
    {
        *there = here.split_off(here.len() / 2);
    }
    Ok((first, second))
}

/// The statement under a name that the document does not have yet.
fn unique(mut statement: Statement, document: &PolicyDocument) -> Statement {
    let taken = |sid: &str| {
        document
            .statements
            .iter()
            .any(|other| other.sid.as_deref() == Some(sid))
    };
    if let Some(sid) = statement.sid.clone().filter(|sid| taken(sid)) {
        statement.sid = (2_usize..)
            .map(|number| format!("{sid}{number}"))
            .find(|sid| !taken(sid));
    }
    statement
}
