//! Names of statements.
//!
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>

use std::collections::BTreeMap;

use super::{DocumentKind, Findings, LintRule, Severity, StatementPlace};
use crate::iam::PolicyDocument;

pub(super) fn check(document: &PolicyDocument, kind: DocumentKind, findings: &mut Findings) {
    // Bucket and key policies take spaces too: AWS's default key policy has them.
    let strict = !matches!(kind, DocumentKind::Bucket | DocumentKind::Key);
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let Some(sid) = statement.sid.as_deref() else {
            continue;
        };
        findings.at = Some(StatementPlace {
            index,
            sid: Some(sid.to_owned()),
        });
        if strict && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let clean: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
            let fix = if clean.is_empty() {
                "leave it out, or name the statement".to_owned()
            } else {
                format!("call it `{clean}`")
            };
            findings.error(
                LintRule::Sid,
                format!("the `Sid` `{sid}` has other characters than letters and digits"),
                fix,
            );
        }
        match first.get(sid) {
            Some(other) if !sid.is_empty() => findings.add(
                if strict {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                LintRule::Sid,
                format!(
                    "the `Sid` `{sid}` is that of statement {} already",
                    other + 1
                ),
                format!("call it `{sid}{}`", index + 1),
            ),
            Some(_) => {}
            None => {
                first.insert(sid, index);
            }
        }
    }
    findings.at = None;
}
