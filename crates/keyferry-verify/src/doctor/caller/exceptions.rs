//! Bucket policies that deny the caller nothing that keyferry does.
//!
//! A policy is written whole. What else was found in it is repaired by the same document, or one command
//! would undo the other.

use keyferry_policy::BucketName;
use keyferry_policy::check::{Repaired, Target};
use keyferry_policy::iam::{Caller, Decision, Denial, PolicyDocument, Request, evaluate};

use super::Work;
use crate::situation::compact;

/// What findings call a bucket's policy.
pub(super) fn policy_of(bucket: &BucketName) -> String {
    format!("the bucket policy of `{bucket}`")
}

impl Work<'_> {
    /// Excepts the caller from every statement that denies a call, in the documents that are to be
    /// written, or else in the live ones.
    pub(super) fn except(&self, everything: &PolicyDocument, documents: &mut Vec<Repaired>) {
        let Some(principal) = self.principal() else {
            return;
        };
        for (_, statement) in self.needed() {
            for request in self.requests(&statement) {
                let Some(bucket) = self.bucket_of(&request.resource) else {
                    continue;
                };
                let target = Target::BucketPolicy(bucket.clone());
                let begun = documents
                    .iter()
                    .position(|document| document.target == target);
                let policy = match begun.and_then(|index| documents.get(index)) {
                    Some(document) => PolicyDocument::parse(&document.json).ok(),
                    None => self.live(&bucket).cloned(),
                };
                let Some(mut policy) = policy else { continue };
                if !self.let_in(&request, &principal, &bucket, &mut policy, everything) {
                    continue;
                }
                let json = compact(&policy);
                match begun.and_then(|index| documents.get_mut(index)) {
                    Some(document) => document.json = json,
                    None => documents.push(Repaired {
                        document: policy_of(&bucket),
                        target,
                        json,
                    }),
                }
            }
        }
    }

    /// Whether the policy was changed. One denial may hide the next.
    fn let_in(
        &self,
        request: &Request,
        principal: &str,
        bucket: &BucketName,
        policy: &mut PolicyDocument,
        everything: &PolicyDocument,
    ) -> bool {
        let name = policy_of(bucket);
        let mut changed = false;
        for _ in 0..policy.statements.len() {
            let policies = self.policies(Some(policy), Some(&name), everything);
            let Decision::Denied(Denial::Explicit { by }) = evaluate(request, &policies) else {
                break;
            };
            let statement = policy.statements.get_mut(by.index);
            let Some(statement) = statement.filter(|_| by.document == name) else {
                break;
            };
            let excepted = statement
                .condition
                .entry("ArnNotEquals".to_owned())
                .or_default()
                .entry("aws:PrincipalArn".to_owned())
                .or_default();
            if excepted.iter().any(|known| known == principal) {
                break;
            }
            excepted.push(principal.to_owned());
            changed = true;
        }
        changed
    }

    /// Who is excepted: all sessions of a role, as their names change.
    fn principal(&self) -> Option<String> {
        match self.caller {
            Caller::Role { arn, .. } | Caller::User { arn } => Some(arn.clone()),
            Caller::Root { account, partition } => {
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            _ => None,
        }
    }
}
