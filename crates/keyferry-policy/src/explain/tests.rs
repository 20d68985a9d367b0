use super::*;
use crate::plan::{BucketKey, Flow, Profile};
use crate::{Encryption, Ownership, Site};

fn plan(encryption: &str, cross: bool) -> ReplicationPlan {
    let site = |bucket: &str, region: &str, account: &str| {
        let key =
            format!("arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab")
                .parse()
                .unwrap();
        let encryption = match encryption {
            "sse-c" => Encryption::SseC,
            "sse-s3" => Encryption::SseS3,
            _ => Encryption::SseKms {
                key,
                bucket_key: BucketKey::Mixed,
            },
        };
        Site {
            ownership: Ownership::ObjectWriter,
            guard: true,
            object_lock: true,
            annotations: true,
            ..Site::new(
                bucket.parse().unwrap(),
                region.parse().unwrap(),
                account.parse().unwrap(),
                encryption,
            )
        }
    };
    let there = if cross {
        "444455556666"
    } else {
        "111122223333"
    };
    let mut flow = Flow::new("tokyo".parse().unwrap(), "osaka".parse().unwrap());
    flow.time_control = true;
    let back = flow.reversed();
    ReplicationPlan::new(
        vec![
            site("tokyo", "ap-northeast-1", "111122223333"),
            site("osaka", "ap-northeast-3", there),
        ],
        vec![flow, back],
        Profile::Compatible,
    )
    .unwrap()
}

#[test]
fn every_statement_and_every_action_has_a_reason_with_a_page() {
    for encryption in ["sse-s3", "sse-kms", "sse-c"] {
        for cross in [false, true] {
            let plan = plan(encryption, cross);
            let explanation = Explanation::of(&plan);
            let documents = Documents::of(&plan);
            let emitted: usize = documents
                .iter()
                .filter_map(|document| document.policy())
                .map(|policy| policy.document().statements.len())
                .sum();
            assert_eq!(explanation.statements.len(), emitted);
            for statement in &explanation.statements {
                for action in &statement.actions {
                    assert!(
                        statement.reasons.iter().any(|reason| {
                            reason.actions.contains(action)
                                && !reason.pages.is_empty()
                                && reason.why.ends_with('.')
                        }),
                        "{}: {action}",
                        statement.file
                    );
                }
            }
        }
    }
}

#[test]
fn every_document_that_is_no_policy_has_its_settings() {
    let plan = plan("sse-kms", true);
    let explanation = Explanation::of(&plan);
    for document in &Documents::of(&plan) {
        let policy = document.policy().is_some();
        let settings = explanation
            .settings
            .iter()
            .filter(|setting| setting.file == document.file_name())
            .count();
        assert_eq!(settings == 0, policy, "{}", document.file_name());
    }
    let ids: Vec<&str> = explanation
        .settings
        .iter()
        .filter(|setting| setting.file == "replication-tokyo.json")
        .map(|setting| setting.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "v2",
            "kms-optin",
            "two-way",
            "delete-markers",
            "owner",
            "rtc"
        ]
    );
}

#[test]
fn a_filter_keeps_what_it_names() {
    let explanation = Explanation::of(&plan("sse-c", false));
    let trust = explanation.clone().of_kind(Kind::Trust);
    assert_eq!(trust.statements.len(), 2);
    assert!(trust.settings.is_empty());
    let versioning = explanation.clone().of_kind(Kind::Versioning);
    assert_eq!(
        (versioning.statements.len(), versioning.settings.len()),
        (0, 2)
    );
    let one = explanation.clone().of_statement("WriteReplicas");
    assert_eq!((one.statements.len(), one.settings.len()), (2, 0));
    assert!(explanation.of_statement("NoSuchStatement").is_empty());
}
