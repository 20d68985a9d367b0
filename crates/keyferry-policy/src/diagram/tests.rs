//! Diagrams as golden files: `KEYFERRY_GOLDEN=overwrite` writes them anew.

use std::path::Path;

use crate::plan::ExistingObjects;
use crate::{
    BucketKey, Encryption, Flow, KmsKeyArn, Ownership, Profile, ReplicationPlan, Site, diagram,
};

const HERE: &str = "111122223333";
const THERE: &str = "444455556666";

fn key(region: &str, account: &str) -> KmsKeyArn {
    format!("arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab")
        .parse()
        .unwrap()
}

fn site(bucket: &str, region: &str, account: &str, encryption: Encryption) -> Site {
    Site::new(
        bucket.parse().unwrap(),
        region.parse().unwrap(),
        account.parse().unwrap(),
        encryption,
    )
}

fn flow(source: &Site, destination: &Site) -> Flow {
    Flow::new(source.bucket.clone(), destination.bucket.clone())
}

fn customer_keys_one_way() -> ReplicationPlan {
    ReplicationPlan::between(
        site("tokyo-data", "ap-northeast-1", HERE, Encryption::SseC),
        site("osaka-data", "ap-northeast-3", HERE, Encryption::SseC),
        false,
    )
    .unwrap()
}

fn bucket_keys_both_ways() -> ReplicationPlan {
    let kms = |region: &str| Encryption::SseKms {
        key: key(region, HERE),
        bucket_key: BucketKey::On,
    };
    ReplicationPlan::between(
        site("tokyo-data", "ap-northeast-1", HERE, kms("ap-northeast-1")),
        site("osaka-data", "ap-northeast-3", HERE, kms("ap-northeast-3")),
        true,
    )
    .unwrap()
}

/// Every feature, two accounts, and names of the greatest length.
fn across_accounts() -> ReplicationPlan {
    let kms = |region: &str, account: &str| Encryption::SseKms {
        key: key(region, account),
        bucket_key: BucketKey::Mixed,
    };
    let long = |end: &str| {
        format!(
            "{}-{end}",
            "archive-of-the-tokyo-office-".repeat(3).split_at(60).0
        )
    };
    let with_all = |site: Site| Site {
        ownership: Ownership::ObjectWriter,
        object_lock: true,
        annotations: true,
        guard: true,
        ..site
    };
    let source = with_all(site(
        &long("aa"),
        "ap-northeast-1",
        HERE,
        kms("ap-northeast-1", HERE),
    ));
    let destination = with_all(site(
        &long("zz"),
        "ap-southeast-2",
        THERE,
        kms("ap-southeast-2", THERE),
    ));
    let mut there = flow(&source, &destination);
    there.prefix = "<b>\"reports\"</b> & more/2026/".to_owned();
    there.time_control = true;
    there.existing_objects = Some(ExistingObjects {
        report_bucket: "reports".parse().unwrap(),
    });
    ReplicationPlan::new(vec![source, destination], vec![there], Profile::Compatible).unwrap()
}

fn three_sites() -> ReplicationPlan {
    let tokyo = site("tokyo-data", "ap-northeast-1", HERE, Encryption::SseS3);
    let osaka = site("osaka-data", "ap-northeast-3", HERE, Encryption::SseS3);
    let sydney = site("sydney-data", "ap-southeast-2", THERE, Encryption::SseS3);
    let flows = vec![
        flow(&tokyo, &osaka),
        flow(&osaka, &tokyo),
        flow(&tokyo, &sydney),
    ];
    ReplicationPlan::new(vec![tokyo, sydney, osaka], flows, Profile::Minimal).unwrap()
}

fn all() -> [(&'static str, ReplicationPlan); 4] {
    [
        ("sse-c-one-way", customer_keys_one_way()),
        ("sse-kms-both-ways", bucket_keys_both_ways()),
        ("across-accounts", across_accounts()),
        ("three-sites", three_sites()),
    ]
}

#[test]
fn diagrams_are_as_they_were() {
    let overwrite = std::env::var("KEYFERRY_GOLDEN").is_ok_and(|value| value == "overwrite");
    for (name, plan) in all() {
        for (extension, drawn) in [
            ("svg", diagram::svg(&plan)),
            ("mmd", diagram::mermaid(&plan)),
        ] {
            let file = Path::new("tests/diagrams").join(format!("{name}.{extension}"));
            if overwrite {
                std::fs::create_dir_all("tests/diagrams").unwrap();
                std::fs::write(&file, &drawn).unwrap();
            }
            let golden = std::fs::read_to_string(&file).unwrap();
            assert!(golden == drawn, "{} differs", file.display());
        }
    }
}

#[test]
fn every_granted_action_is_on_the_picture() {
    for (name, plan) in all() {
        let (svg, mermaid) = (diagram::svg(&plan), diagram::mermaid(&plan));
        for document in &crate::Documents::of(&plan) {
            let role = document.kind == crate::documents::Kind::Role;
            let Some(policy) = document.policy().filter(|_| role) else {
                continue;
            };
            for statement in &policy.document().statements {
                for action in statement.action.patterns() {
                    assert!(svg.contains(&format!(">{action}<")), "{name}: {action}");
                    let colon = action.as_str();
                    assert!(mermaid.contains(colon), "{name}: {action}");
                }
            }
        }
    }
}

#[test]
fn names_of_the_plan_cannot_become_markup() {
    let plan = across_accounts();
    let svg = diagram::svg(&plan);
    assert!(svg.contains("&lt;b&gt;&quot;reports&quot;&lt;/b&gt; &amp; more/2026/*"));
    assert!(!svg.contains("<b>"));
    let mermaid = diagram::mermaid(&plan);
    assert!(!mermaid.contains("<b>") && !mermaid.contains("\"reports\""));
}
