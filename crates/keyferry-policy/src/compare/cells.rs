//! The questions, and how each is answered from a column's documents.

use std::collections::BTreeSet;

use super::{Answer, Column};
use crate::documents::{Kind, Rule, granted};
use crate::iam::Statement;
use crate::matrix::{Cell, DocumentRole, EncryptionFacts, Evidence, Matrix};
use crate::plan::{PlannedFlow, Profile};
use crate::{Documents, ReplicationPlan};

/// What a column is answered from.
pub(super) struct Example {
    pub(super) column: Column,
    pub(super) plan: ReplicationPlan,
    pub(super) documents: Documents,
    pub(super) cell: &'static Cell,
}

type Question = (&'static str, &'static str, fn(&Example) -> Answer);

/// The rows of the table: name, title, answer.
pub(super) const QUESTIONS: [Question; 17] = [
    ("calls", "Grants per flow", calls),
    ("role-bucket", "Role: on the buckets", role_on_buckets),
    ("role-key", "Role: on the KMS keys", role_on_keys),
    ("bucket-policy", "Destination bucket policy", bucket_policy),
    ("key-policy", "Key policies", key_policies),
    ("encryption-context", "KMS encryption context", context),
    ("opt-in", "SseKmsEncryptedObjects", opt_in),
    ("replica-key", "ReplicaKmsKeyID", replica_key),
    (
        "replica-modifications",
        "ReplicaModifications",
        modifications,
    ),
    ("owner", "AccessControlTranslation", owner),
    ("blocked", "BlockedEncryptionTypes", blocked),
    ("disputed", "Pages disagree on", disputed),
    ("keys", "Keys to manage", keys),
    ("upload", "Upload must send", upload),
    ("download", "Download must send", download),
    ("cost", "Cost", cost),
    ("silent", "Breaks silently", silent),
];

/// How many calls of S3 the role is granted, for one flow.
fn calls(example: &Example) -> Answer {
    let flows = example.plan.flows();
    let counts: BTreeSet<usize> = flows.iter().map(calls_of).collect();
    let each: Vec<String> = counts.iter().map(ToString::to_string).collect();
    line(each.join(" or "))
}

fn calls_of(flow: &PlannedFlow<'_>) -> usize {
    granted(flow, DocumentRole::RolePermissions)
        .flat_map(|(row, actions)| {
            actions
                .into_iter()
                .map(move |action| (action, row.resource.as_slice()))
        })
        .collect::<BTreeSet<_>>()
        .len()
}

fn role_on_buckets(example: &Example) -> Answer {
    actions_on(
        example,
        &[("source", "{src.bucket}"), ("replica", "{dst.bucket}")],
    )
}

fn role_on_keys(example: &Example) -> Answer {
    actions_on(
        example,
        &[("source", "{src.key_arn}"), ("replica", "{dst.key_arn}")],
    )
}

/// The role's actions by resource, as the first flow has them: the other way they are the same.
fn actions_on(example: &Example, sides: &[(&str, &str)]) -> Answer {
    let flows = example.plan.flows();
    let Some(flow) = flows.first() else {
        return Answer::default();
    };
    let lines = sides.iter().filter_map(|(name, placeholder)| {
        let actions: Vec<&str> = granted(flow, DocumentRole::RolePermissions)
            .filter(|(row, _)| row.resource.iter().any(|text| text.contains(placeholder)))
            .flat_map(|(_, actions)| actions)
            .collect();
        (!actions.is_empty()).then(|| format!("{name}: {}", actions.join(", ")))
    });
    Answer {
        lines: lines.collect(),
        pages: Vec::new(),
    }
}

fn bucket_policy(example: &Example) -> Answer {
    statements(example, Kind::BucketPolicy)
}

fn key_policies(example: &Example) -> Answer {
    statements(example, Kind::KeyPolicy)
}

/// The statements of all documents of a kind: whom they name, and what they allow.
fn statements(example: &Example, kind: Kind) -> Answer {
    let mut lines = Vec::new();
    for document in &example.documents {
        let Some(policy) = document.policy().filter(|_| document.kind == kind) else {
            continue;
        };
        for statement in &policy.document().statements {
            let line = format!(
                "{}: {}",
                whom(statement),
                statement.action.patterns().join(", ")
            );
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    Answer {
        lines,
        pages: Vec::new(),
    }
}

fn whom(statement: &Statement) -> &'static str {
    match statement.sid.as_deref() {
        Some("AccountAdministersKey") => "the key's account",
        _ => "the role",
    }
}

fn context(example: &Example) -> Answer {
    let statements = example
        .documents
        .iter()
        .filter(|document| document.kind == Kind::Role)
        .filter_map(|document| document.policy())
        .flat_map(|policy| &policy.document().statements);
    let values: BTreeSet<&str> = statements
        .flat_map(|statement| statement.condition.values())
        .filter_map(|keys| keys.get("kms:EncryptionContext:aws:s3:arn"))
        .flatten()
        .map(|value| {
            if value.contains('/') {
                "the object's ARN"
            } else {
                "the bucket's ARN"
            }
        })
        .collect();
    line(values.into_iter().collect::<Vec<_>>().join(" and "))
}

fn opt_in(example: &Example) -> Answer {
    of_rules(example, |rule| {
        let criteria = rule.source_selection_criteria.as_ref();
        let on = criteria.and_then(|criteria| criteria.sse_kms_encrypted_objects);
        Some(on.map_or_else(
            || "absent".to_owned(),
            |switch| switch.status.as_str().to_owned(),
        ))
    })
}

fn replica_key(example: &Example) -> Answer {
    of_rules(example, |rule| {
        let configuration = rule.destination.encryption_configuration.as_ref();
        let set = configuration.is_some_and(|replicas| replicas.replica_kms_key.is_some());
        Some(
            if set {
                "the destination's key"
            } else {
                "absent"
            }
            .to_owned(),
        )
    })
}

fn modifications(example: &Example) -> Answer {
    of_rules(example, |rule| {
        let criteria = rule.source_selection_criteria.as_ref()?;
        let switch = criteria.replica_modifications?;
        Some(format!("{}, on both buckets", switch.status.as_str()))
    })
}

fn owner(example: &Example) -> Answer {
    of_rules(example, |rule| {
        rule.destination.access_control_translation.as_ref()?;
        Some(
            "Owner Destination, with Account; neither where the destination is BucketOwnerEnforced"
                .to_owned(),
        )
    })
}

/// What the replication rules of all buckets say, once where they agree.
fn of_rules(example: &Example, say: impl Fn(&Rule) -> Option<String>) -> Answer {
    let configurations = example
        .documents
        .iter()
        .filter_map(|document| match &document.content {
            crate::documents::Content::Replication(configuration) => Some(configuration),
            _ => None,
        });
    let lines: BTreeSet<String> = configurations
        .flat_map(|configuration| &configuration.rules)
        .filter_map(say)
        .collect();
    Answer {
        lines: lines.into_iter().collect(),
        pages: Vec::new(),
    }
}

fn blocked(example: &Example) -> Answer {
    let lines: BTreeSet<&str> = example
        .documents
        .iter()
        .filter_map(|document| match &document.content {
            crate::documents::Content::Encryption(configuration) => Some(configuration),
            _ => None,
        })
        .flat_map(|configuration| &configuration.rules)
        .filter_map(|rule| rule.blocked_encryption_types.as_ref())
        .flat_map(|blocked| &blocked.encryption_type)
        .map(|blocked| blocked.as_str())
        .collect();
    line(lines.into_iter().collect::<Vec<_>>().join(", "))
}

/// What AWS's pages, or reports from the field, do not agree on.
fn disputed(example: &Example) -> Answer {
    let flows = example.plan.flows();
    let Some(flow) = flows.first() else {
        return Answer::default();
    };
    let all = PlannedFlow {
        profile: Profile::Compatible,
        ..*flow
    };
    let lines = granted(&all, DocumentRole::RolePermissions)
        .filter(|(row, _)| row.evidence != Evidence::Documented && row.evidence != Evidence::Tested)
        .map(|(row, actions)| {
            let side = if row.resource.iter().any(|text| text.contains("{src")) {
                "source"
            } else {
                "replica"
            };
            let key = if row.resource.iter().any(|text| text.contains("key_arn")) {
                "'s key"
            } else {
                ""
            };
            format!("{} on the {side}{key}", actions.join(", "))
        });
    Answer {
        lines: lines.collect(),
        pages: Vec::new(),
    }
}

fn keys(example: &Example) -> Answer {
    of_facts(example, |facts| &facts.keys)
}

fn upload(example: &Example) -> Answer {
    of_facts(example, |facts| &facts.upload)
}

fn download(example: &Example) -> Answer {
    of_facts(example, |facts| &facts.download)
}

fn cost(example: &Example) -> Answer {
    let pages = |facts: &EncryptionFacts| {
        let pages = Matrix::carried().pages(&facts.sources);
        pages.cloned().collect()
    };
    Answer {
        pages: facts(example).map(pages).unwrap_or_default(),
        ..of_facts(example, |facts| &facts.cost)
    }
}

fn facts(example: &Example) -> Option<&'static EncryptionFacts> {
    let mut all = Matrix::carried().encryptions().iter();
    all.find(|facts| facts.id == example.column.id)
}

fn of_facts(example: &Example, which: fn(&EncryptionFacts) -> &String) -> Answer {
    facts(example).map_or_else(Answer::default, |facts| line(which(facts).clone()))
}

/// What fails without a word, by the rows and settings of the column's cell.
fn silent(example: &Example) -> Answer {
    let matrix = Matrix::carried();
    let rows = example.cell.rows_per_flow.iter();
    let rows = rows
        .filter_map(|id| matrix.row(id))
        .filter(|row| row.silent)
        .map(|row| format!("no {}: {}", row.actions.join(", "), row.without));
    let settings = example.cell.settings.iter();
    let settings = settings
        .filter_map(|id| matrix.setting(id))
        .filter(|setting| setting.silent)
        .map(|setting| setting.without.clone());
    Answer {
        lines: rows.chain(settings).collect(),
        pages: Vec::new(),
    }
}

fn line(text: String) -> Answer {
    Answer {
        lines: (!text.is_empty()).then_some(text).into_iter().collect(),
        pages: Vec::new(),
    }
}
