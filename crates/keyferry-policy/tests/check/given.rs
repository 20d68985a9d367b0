//! Documents of a plan as files, to be changed and read back.

use keyferry_policy::check::{Finding, Installed, Level, check};
use keyferry_policy::documents::Kind;
use keyferry_policy::{BucketName, Documents, ReplicationPlan};
use serde_json::Value;

/// The documents of a plan by kind and bucket.
#[derive(Clone)]
pub(crate) struct Given(pub(crate) Vec<(Kind, BucketName, Value)>);

impl Given {
    pub(crate) fn emitted(plan: &ReplicationPlan) -> Self {
        let documents = Documents::of(plan);
        Self(
            documents
                .iter()
                .map(|document| {
                    let value = serde_json::from_str(&document.to_json()).unwrap();
                    (document.kind, document.bucket.clone(), value)
                })
                .collect(),
        )
    }

    pub(crate) fn document(&mut self, kind: Kind, bucket: &str) -> &mut Value {
        let mut documents = self.0.iter_mut();
        let found = documents
            .find(|(of, name, _)| *of == kind && name.as_str() == bucket)
            .unwrap_or_else(|| panic!("{kind:?} of {bucket}"));
        &mut found.2
    }

    pub(crate) fn without(mut self, kind: Kind, bucket: &str) -> Self {
        self.0
            .retain(|(of, name, _)| !(*of == kind && name.as_str() == bucket));
        self
    }

    pub(crate) fn installed(&self, plan: &ReplicationPlan) -> Installed {
        let mut installed = Installed::default();
        for (kind, bucket, value) in &self.0 {
            let file = format!("{}-{bucket}.json", kind.as_str());
            let text = serde_json::to_string_pretty(value).unwrap();
            installed.read(plan, *kind, bucket, &file, &text).unwrap();
        }
        installed.complete(plan);
        installed
    }

    pub(crate) fn check(&self, plan: &ReplicationPlan) -> Vec<Finding> {
        check(plan, &self.installed(plan))
    }
}

/// Level, rule and subject of findings, for comparison.
pub(crate) fn brief(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| {
            format!(
                "{} {} {}",
                finding.level.as_str(),
                finding.rule.name(),
                finding.subject
            )
        })
        .collect()
}

pub(crate) fn serious(findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings = findings;
    findings.retain(|finding| finding.level != Level::Note);
    findings
}
