//! The policy language of IAM: documents, how they are read, and what they allow.
//!
//! ```
//! use keyferry_policy::iam::{Attached, Caller, Policies, PolicyDocument, Request, evaluate};
//!
//! let document = PolicyDocument::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {
//!         "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*"}}"#,
//! )?;
//! let policies = Policies {
//!     identity: vec![Attached { name: "the role's policy", document: &document }],
//!     ..Policies::default()
//! };
//! let role = Caller::Role { arn: "arn:aws:iam::111122223333:role/reader".to_owned(), session: None };
//! let ask = |action| {
//!     let request = Request::new(role.clone(), action, "arn:aws:s3:::data/a");
//!     Ok::<_, keyferry_policy::NameError>(request.owned_by("111122223333".parse()?))
//! };
//! assert!(evaluate(&ask("s3:GetObject")?, &policies).is_allowed());
//! assert_eq!(
//!     evaluate(&ask("s3:PutObject")?, &policies).to_string(),
//!     "denied: no policy of the caller allows it (statement 1 of the role's policy would, but has \
//!      the actions `s3:Get*` and not `s3:PutObject`)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod condition;
mod decision;
mod document;
mod evaluate;
mod gathered;
mod parse;
mod pattern;
mod policies;
mod principal;
mod request;
mod statement;
mod variables;

pub use decision::{ConditionMiss, Decision, Denial, Lacking, Mismatch, NearMiss, StatementId};
pub use document::{
    ActionElement, Conditions, Effect, LanguageVersion, PolicyDocument, PrincipalElement,
    Principals, ResourceElement, Statement,
};
pub use evaluate::evaluate;
pub use parse::{ParseError, ParseProblem};
pub use policies::{Attached, Policies, ResourceKind, ResourcePolicy};
pub use request::{Caller, Context, Request};
