//! The policy language of IAM: documents, how they are read, and what they allow.

mod document;

pub use document::{
    ActionElement, Conditions, Effect, LanguageVersion, PolicyDocument, PrincipalElement,
    Principals, ResourceElement, Statement,
};
