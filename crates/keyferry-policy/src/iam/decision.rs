//! What an evaluation answers, and why, so that a person can act on it.

use std::fmt;

use super::policies::ResourceKind;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Allowed.
    Allowed {
        /// The statements that allow it. None for an account's root user, who needs none.
        by: Vec<StatementId>,
    },
    /// Denied.
    Denied(Denial),
    /// It depends on what is not known, or on what AWS does not say. Never to be taken for allowed.
    Undecided {
        /// What it depends on.
        why: String,
    },
}

impl Decision {
    /// Whether the request is surely allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it, whatever else allows it.
    Explicit {
        /// The statement.
        by: StatementId,
    },
    /// Nothing denies it, but not everything that must allow it does.
    Implicit {
        /// What does not allow it; the first one, in the order in which AWS looks.
        lacking: Lacking,
        /// What else does not allow it.
        also: Vec<Lacking>,
        /// Statements that would have allowed it but for one element, the nearest first.
        nearly: Vec<NearMiss>,
    },
}

/// Whose allowance is lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lacking {
    /// A level of service control policies, counted from 0 as given.
    ServiceControl {
        /// Which level.
        level: usize,
    },
    /// A level of resource control policies, counted from 0 as given.
    ResourceControl {
        /// Which level.
        level: usize,
    },
    /// The policy of the resource.
    Resource(ResourceKind),
    /// The policy of the key or role: it would have to name the caller, or to hand the decision to the
    /// caller's account, whose policies do allow.
    Delegation(ResourceKind),
    /// The caller's own policies.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// Nothing helps: a root user cannot assume roles.
    RootAssumesNoRole,
}

/// A statement of a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatementId {
    /// Name of the document, as it was given.
    pub document: String,
    /// Place among its statements, counted from 0.
    pub index: usize,
    /// Name of the statement.
    pub sid: Option<String>,
}

/// A statement that would have allowed the request but for one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub statement: StatementId,
    /// The element.
    pub but: Mismatch,
}

/// Why a statement is not about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It has a condition that is not met.
    Condition(Vec<ConditionMiss>),
    /// It is about other resources.
    Resource {
        /// The patterns of the statement.
        wanted: Vec<String>,
        /// The resource of the request.
        given: String,
    },
    /// It is about other principals.
    Principal {
        /// Who asked.
        caller: String,
    },
    /// It is about other actions.
    Action {
        /// The patterns of the statement.
        wanted: Vec<String>,
        /// The action of the request.
        given: String,
    },
    /// It cannot allow anything as it is written.
    Malformed {
        /// What is wrong with it.
        what: String,
    },
}

/// A condition key that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionMiss {
    /// The operator, as written.
    pub operator: String,
    /// The key, as written.
    pub key: String,
    /// The values of the statement.
    pub wanted: Vec<String>,
    /// The values of the request; none if it does not have the key.
    pub given: Option<Vec<String>>,
}

impl Mismatch {
    /// Smaller is nearer: what a person more likely meant to allow.
    pub(crate) fn distance(&self) -> u8 {
        match self {
            Self::Condition(_) => 0,
            Self::Malformed { .. } => 1,
            Self::Resource { .. } => 2,
            Self::Principal { .. } => 3,
            Self::Action { .. } => 4,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { by } if by.is_empty() => {
                formatter.write_str("allowed: an account's root user may do everything in it")
            }
            Self::Allowed { by } => {
                formatter.write_str("allowed: ")?;
                joined(formatter, by, " and ")
            }
            Self::Denied(denial) => write!(formatter, "denied: {denial}"),
            Self::Undecided { why } => write!(formatter, "undecided: {why}"),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit { by } => write!(formatter, "{by} denies it"),
            Self::Implicit {
                lacking,
                also,
                nearly,
            } => {
                write!(formatter, "{lacking}")?;
                for lacking in also {
                    write!(formatter, "; {lacking}")?;
                }
                match nearly.first() {
                    Some(near) => write!(formatter, " ({near})"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceControl { level } => write!(
                formatter,
                "no service control policy allows it at level {}",
                level + 1
            ),
            Self::ResourceControl { level } => write!(
                formatter,
                "no resource control policy allows it at level {}",
                level + 1
            ),
            Self::Resource(kind) => write!(formatter, "the {kind} does not allow it"),
            Self::Delegation(kind) => write!(
                formatter,
                "the {kind} names neither the caller nor its account"
            ),
            Self::Identity => formatter.write_str("no policy of the caller allows it"),
            Self::Boundary => formatter.write_str("the permissions boundary does not allow it"),
            Self::RootAssumesNoRole => formatter.write_str("a root user cannot assume roles"),
        }
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "statement {}", self.index + 1)?;
        if let Some(sid) = &self.sid {
            write!(formatter, " `{sid}`")?;
        }
        write!(formatter, " of {}", self.document)
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} would, but {}", self.statement, self.but)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(misses) => joined(formatter, misses, " and "),
            Self::Resource { wanted, given } => {
                write!(
                    formatter,
                    "is about {} and not about `{given}`",
                    Quoted(wanted)
                )
            }
            Self::Principal { caller } => write!(formatter, "does not name {caller}"),
            Self::Action { wanted, given } => {
                write!(
                    formatter,
                    "has the actions {} and not `{given}`",
                    Quoted(wanted)
                )
            }
            Self::Malformed { what } => write!(formatter, "cannot: {what}"),
        }
    }
}

impl fmt::Display for ConditionMiss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operator,
            key,
            wanted,
            given,
        } = self;
        write!(
            formatter,
            "asks for `{key}` {operator} {}, ",
            Quoted(wanted)
        )?;
        match given {
            Some(given) => write!(formatter, "and the request has {}", Quoted(given)),
            None => formatter.write_str("which the request does not have"),
        }
    }
}

/// Values in backticks, with "or" between them.
struct Quoted<'a>(&'a [String]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, value) in self.0.iter().enumerate() {
            if at > 0 {
                formatter.write_str(" or ")?;
            }
            write!(formatter, "`{value}`")?;
        }
        Ok(())
    }
}

fn joined<T: fmt::Display>(
    formatter: &mut fmt::Formatter<'_>,
    all: &[T],
    between: &str,
) -> fmt::Result {
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            formatter.write_str(between)?;
        }
        write!(formatter, "{one}")?;
    }
    Ok(())
}
