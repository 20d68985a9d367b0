//! The documents that repair findings leave nothing to be found, however many there are.

use keyferry_policy::check::{Installed, Level, Target, check, repaired};
use keyferry_policy::documents::Kind;
use keyferry_policy::{Documents, Encryption, ReplicationPlan, Site};

fn plan() -> ReplicationPlan {
    let site = |bucket: &str, region: &str| {
        Site::new(
            bucket.parse().unwrap(),
            region.parse().unwrap(),
            "111122223333".parse().unwrap(),
            Encryption::SseC,
        )
    };
    let (tokyo, osaka) = (
        site("tokyo", "ap-northeast-1"),
        site("osaka", "ap-northeast-3"),
    );
    ReplicationPlan::between(tokyo, osaka, false).unwrap()
}

/// The plan's own documents, changed as text.
fn installed(plan: &ReplicationPlan, change: impl Fn(Kind, String) -> String) -> Installed {
    let mut installed = Installed::default();
    for document in &Documents::of(plan) {
        let text = change(document.kind, document.to_json());
        let read = installed.read(plan, document.kind, &document.bucket, "file", &text);
        read.unwrap();
    }
    installed.complete(plan);
    installed
}

fn errors(plan: &ReplicationPlan, installed: &Installed) -> usize {
    let findings = check(plan, installed).into_iter();
    findings
        .filter(|finding| finding.level == Level::Error)
        .count()
}

#[test]
fn one_document_repairs_all_that_is_wrong_in_it() {
    let plan = plan();
    let without = |text: String, action: &str| {
        text.replace(&format!("\"{action}\","), "")
            .replace(&format!("\"{action}\""), "\"s3:GetBucketLocation\"")
    };
    let broken = installed(&plan, |kind, text| match kind {
        Kind::Role => without(without(text, "s3:ReplicateObject"), "s3:ListBucket"),
        Kind::Replication => text.replacen("\"Enabled\"", "\"Disabled\"", 1),
        Kind::Encryption => text.replace("\"NONE\"", "\"SSE-C\""),
        _ => text,
    });
    assert!(errors(&plan, &broken) >= 5);
    let documents = repaired(std::slice::from_ref(&plan), &broken, |finding| {
        finding.level == Level::Error
    });
    let role = documents
        .iter()
        .filter(|document| matches!(document.target, Target::Permissions(..)));
    assert_eq!(role.count(), 1);
    let mut mended = broken.clone();
    for document in &documents {
        let (kind, bucket) = match &document.target {
            Target::Encryption(bucket) => (Kind::Encryption, bucket.clone()),
            Target::Replication(bucket) => (Kind::Replication, bucket.clone()),
            Target::Permissions(..) => {
                // What was read is added to what is there.
                for role in &mut mended.roles {
                    role.policies.clear();
                }
                (Kind::Role, "tokyo".parse().unwrap())
            }
            other => panic!("{other:?}"),
        };
        let read = mended.read(&plan, kind, &bucket, "file", &document.json);
        read.unwrap();
    }
    assert_eq!(errors(&plan, &mended), 0);
}

#[test]
fn what_is_sound_is_not_written_anew() {
    let plan = plan();
    let sound = installed(&plan, |_, text| text);
    assert_eq!(repaired(std::slice::from_ref(&plan), &sound, |_| true), []);
}
