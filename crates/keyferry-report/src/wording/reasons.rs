//! Why a verification came out as it did, in sentences.

use keyferry_policy::BucketName;
use keyferry_verify::{Cause, Certainty, FailureReason, NotCovered, Outcome, RuleMiss, WhyMissed};

use serde::{Deserialize, Serialize};

use super::differences::{difference, what_differs};
use super::unseen::{not_seen, not_seen_briefly};

/// Why the outcome is what it is.
#[must_use]
pub fn because(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Failed { reasons } => reasons.iter().map(reason).collect(),
        Outcome::NotCovered { why } => not_covered(why)
            .into_iter()
            .map(|reason| format!("{reason} ({})", certainty(why.certainty())))
            .collect(),
        Outcome::Differs(differences) => differences.iter().map(difference).collect(),
        Outcome::ReplicaRefused { refusal, .. } => vec![refusal.to_string()],
        Outcome::NotRefused { buckets } => buckets
            .iter()
            .map(|bucket| {
                format!("`{bucket}` answered a request without the key, or with another one")
            })
            .collect(),
        Outcome::NoOriginal { buckets } => buckets
            .iter()
            .map(|bucket| format!("its status is REPLICA in `{bucket}`, too"))
            .collect(),
        Outcome::Unproven { missing, .. } => missing.iter().map(not_seen).collect(),
        _ => Vec::new(),
    }
}

/// Why the outcome is what it is, without what only this object has: the same words for all objects
/// of which the same is wrong.
pub(crate) fn because_briefly(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed { reasons } => reasons.first().map(|reason| cause(&reason.cause)),
        Outcome::NotCovered { why } => not_covered(why).into_iter().next(),
        Outcome::Differs(differences) => {
            let mut what: Vec<_> = differences.iter().map(what_differs).collect();
            what.dedup();
            Some(what.join("; "))
        }
        Outcome::ReplicaMissing { bucket } => Some(format!("not in `{bucket}`")),
        Outcome::ReplicaRefused {
            bucket, refusal, ..
        } => {
            let code = refusal.code.as_deref().unwrap_or_default();
            Some(
                format!("`{bucket}` answers {} {code}", refusal.status)
                    .trim_end()
                    .to_owned(),
            )
        }
        Outcome::Unproven { missing, .. } => missing.first().map(not_seen_briefly),
        Outcome::Pending { status, .. } => status
            .as_ref()
            .map(|status| format!("the source's status is {status}")),
        other => because(other).into_iter().next(),
    }
}

fn not_covered(why: &NotCovered) -> Vec<String> {
    match why {
        NotCovered::NoConfiguration => {
            vec!["the bucket has no replication configuration".to_owned()]
        }
        NotCovered::NoRuleMatches { rules } => rules.iter().map(miss).collect(),
        NotCovered::RulesDisabled { rules } => rules
            .iter()
            .map(|id| format!("rule {} is disabled", named(id.as_deref())))
            .collect(),
        NotCovered::OlderThanRule => vec![
            "S3 has not taken the object up: it is older than the rule, or the rule did not work when it was written".to_owned(),
        ],
        NotCovered::IsReplica => {
            vec!["the object is a replica itself, and replicas are not replicated onward".to_owned()]
        }
        NotCovered::KmsNotIncluded => {
            vec!["the object is under an AWS KMS key, and no rule includes those".to_owned()]
        }
        NotCovered::NullVersion => vec![
            "it was written while versioning was off or suspended, and has the version id `null`".to_owned(),
        ],
        NotCovered::NotVersioned => vec!["the bucket is not versioned".to_owned()],
        _ => Vec::new(),
    }
}

/// A cause, and how sure it is.
#[must_use]
pub fn reason(reason: &FailureReason) -> String {
    format!("{} ({})", cause(&reason.cause), certainty(reason.certainty))
}

/// How sure a cause is.
#[must_use]
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "certain",
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    }
}

/// One cause of a failed replication.
#[must_use]
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::DestinationMissing { bucket } => {
            format!("the destination bucket `{bucket}` does not exist")
        }
        Cause::DestinationBlocksCustomerKeys { bucket, .. } => {
            format!("the destination bucket `{bucket}` blocks SSE-C")
        }
        Cause::NotVersioned { bucket, .. } => {
            format!("versioning of `{bucket}` is not enabled")
        }
        Cause::KmsNotIncluded { rule } => format!(
            "rule {} does not include objects under AWS KMS keys",
            named(rule.as_deref())
        ),
        Cause::RolePermissions { role } => format!(
            "the role `{role}` does not exist, does not trust s3.amazonaws.com, or lacks a permission"
        ),
        Cause::Found { finding } => {
            let code = finding.failure_code.as_ref();
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            format!(
                "{}: {}{code}: {}",
                finding.subject, finding.message, finding.why
            )
        }
        Cause::Reported { event } => format!("S3 reported {event}"),
        Cause::OlderThanRule => "it was written before the rule covered it".to_owned(),
        Cause::RepairedSince => {
            "nothing that can be read stands in the way today: it was repaired since, or only S3 knows it"
                .to_owned()
        }
        Cause::Delayed => {
            "nothing stands in the way; S3 is late, or the other region is out of reach".to_owned()
        }
        _ => "a cause that this version cannot describe".to_owned(),
    }
}

/// What removes a cause.
#[must_use]
pub fn repair(cause: &Cause) -> Option<Repair> {
    let (words, command) = match cause {
        Cause::DestinationMissing { bucket } => (
            format!("create the bucket `{bucket}`, or name another destination in the rule"),
            None,
        ),
        Cause::DestinationBlocksCustomerKeys { bucket, commands } => {
            said_by_bucket(format!("allow SSE-C on `{bucket}`"), bucket, commands)
        }
        Cause::NotVersioned { bucket, commands } => {
            said_by_bucket(format!("enable versioning of `{bucket}`"), bucket, commands)
        }
        Cause::KmsNotIncluded { rule } => (
            format!(
                "include objects under AWS KMS keys in rule {}: SourceSelectionCriteria, \
                 SseKmsEncryptedObjects, and a ReplicaKmsKeyID",
                named(rule.as_deref())
            ),
            None,
        ),
        Cause::RolePermissions { role } => (
            format!("look at the trust and the permissions of `{role}`"),
            None,
        ),
        Cause::Found { finding } if !finding.fix.is_empty() => {
            (finding.fix.clone(), in_one_line(&finding.commands))
        }
        _ => return None,
    };
    Some(Repair { words, command })
}

/// A document is written whole, so a command needs to know the one that is live. Where nobody does,
/// doctor reads it.
fn said_by_bucket(
    words: String,
    bucket: &BucketName,
    commands: &[String],
) -> (String, Option<String>) {
    match in_one_line(commands) {
        Some(command) => (words, Some(command)),
        None => (
            format!("{words}: `keyferry doctor s3://{bucket}` has the command"),
            None,
        ),
    }
}

fn in_one_line(commands: &[String]) -> Option<String> {
    (!commands.is_empty()).then(|| commands.join(" && "))
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repair {
    /// What to do, in words.
    pub words: String,
    /// The command that does it, where there is one.
    pub command: Option<String>,
}

fn miss(miss: &RuleMiss) -> String {
    let why = match &miss.why {
        WhyMissed::Prefix { prefix } => format!("only covers keys that begin with `{prefix}`"),
        WhyMissed::Tag { key, value } => format!("asks for the tag `{key}={value}`"),
        WhyMissed::Disabled => "is disabled".to_owned(),
        _ => "does not cover the object".to_owned(),
    };
    format!("rule {} {why}", named(miss.id.as_deref()))
}

fn named(id: Option<&str>) -> String {
    id.map_or_else(|| "without a name".to_owned(), |id| format!("`{id}`"))
}
