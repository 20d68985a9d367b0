use keyferry_policy::check::{Given, InstalledBucket, InstalledKey, InstalledRole, Origin};
use keyferry_policy::documents::{
    Destination, Filter, ReplicationConfiguration, Rule, Status, VersioningConfiguration,
};
use keyferry_policy::iam::{Principals, Statement};
use keyferry_policy::{Encryption, NameError, Ownership};

use super::*;

const KEY: &str = "arn:aws:kms:ap-northeast-1:111122223333:key/1234";
const REPLICA_KEY: &str = "arn:aws:kms:ap-northeast-3:444455556666:key/5678";

fn plan() -> ReplicationPlan {
    let site = |bucket: &str, region: &str, account: &str, key: &str| {
        Ok::<_, NameError>(Site::new(
            bucket.parse()?,
            region.parse()?,
            account.parse()?,
            Encryption::SseKms {
                key: key.parse()?,
                bucket_key: BucketKey::On,
            },
        ))
    };
    ReplicationPlan::between(
        site("tokyo", "ap-northeast-1", "111122223333", KEY).unwrap(),
        site("osaka", "ap-northeast-3", "444455556666", REPLICA_KEY).unwrap(),
        false,
    )
    .unwrap()
}

fn known<T>(value: T) -> Known<T> {
    Known::Present(Given {
        value,
        origin: Origin::place("here"),
    })
}

/// Everything as the plan has it.
fn installed(plan: &ReplicationPlan) -> Live {
    let documents = Documents::of(plan);
    let mut live = Live::default();
    for site in plan.sites() {
        let find = |kind| {
            documents
                .find(kind, &site.bucket)
                .map(|found| found.content.clone())
        };
        live.installed.buckets.push(InstalledBucket {
            region: known(site.region.clone()),
            account: known(site.account.clone()),
            versioning: known(VersioningConfiguration::enabled()),
            encryption: known(EncryptionConfiguration::of(site)),
            policy: match documents.policy(Kind::BucketPolicy, &site.bucket) {
                Some(policy) => known(policy.clone()),
                None => Known::Absent,
            },
            replication: match find(Kind::Replication) {
                Some(Emitted::Replication(replication)) => known(replication),
                _ => Known::Absent,
            },
            ownership: known(Ownership::BucketOwnerEnforced),
            ..InstalledBucket::new(site.bucket.clone())
        });
        live.public.insert(site.bucket.clone(), false);
    }
    for flow in plan.flows() {
        let policy = |kind| documents.policy(kind, &flow.source.bucket).unwrap().clone();
        live.installed.roles.push(InstalledRole {
            trust: known(policy(Kind::Trust)),
            policies: vec![keyferry_policy::check::NamedPolicy {
                name: INLINE_POLICY.to_owned(),
                document: known(policy(Kind::Role)),
            }],
            unread_policies: None,
            ..InstalledRole::new(flow.role_arn())
        });
    }
    for key in read::keys(plan) {
        live.installed.keys.push(InstalledKey {
            policy: known(documents.key_policy(plan, &key).unwrap().clone()),
            state: known(KeyState::Enabled),
            ..InstalledKey::new(key)
        });
    }
    live
}

fn compared(live: &Live) -> Result<Vec<Change>, Vec<Refusal>> {
    compare(&plan(), live, CompareOptions::default())
}

fn kinds(changes: &[Change]) -> Vec<ChangeKind> {
    changes.iter().map(|change| change.kind).collect()
}

#[test]
fn what_is_as_planned_is_left_alone() {
    assert_eq!(compared(&installed(&plan())), Ok(Vec::new()));
}

/// AWS gives lists back in an order of its own, one value without a list, a key by its id.
#[test]
fn other_words_for_the_same_are_no_change() {
    let mut live = installed(&plan());
    let osaka = &mut live.installed.buckets[1];
    let Known::Present(policy) = &mut osaka.policy else {
        panic!("no policy")
    };
    if let keyferry_policy::iam::ActionElement::Action(actions) =
        &mut policy.value.statements[0].action
    {
        actions.reverse();
    }
    policy.value.statements[0].sid = None;
    let Known::Present(encryption) = &mut osaka.encryption else {
        panic!("no encryption")
    };
    encryption.value.rules[0]
        .apply_server_side_encryption_by_default
        .kms_key = Some("5678".to_owned());
    assert_eq!(compared(&live), Ok(Vec::new()));
}

#[test]
fn each_setting_that_differs_is_one_change_in_order() {
    let mut live = installed(&plan());
    let tokyo = &mut live.installed.buckets[0];
    tokyo.versioning = Known::Absent;
    tokyo.encryption = Known::Absent;
    tokyo.ownership = known(Ownership::ObjectWriter);
    tokyo.replication = Known::Absent;
    live.installed.buckets[1].policy = Known::Absent;
    live.installed.roles[0].exists = false;
    live.installed.roles[0].trust = Known::Absent;
    live.installed.roles[0].policies.clear();
    assert_eq!(
        kinds(&compared(&live).unwrap()),
        [
            ChangeKind::Versioning,
            ChangeKind::Encryption,
            ChangeKind::Ownership,
            ChangeKind::Trust,
            ChangeKind::RolePolicy,
            ChangeKind::BucketPolicy,
            ChangeKind::Replication,
        ]
    );
}

/// What a default key policy says under its own name needs no second statement.
#[test]
fn a_default_key_policy_is_completed_not_replaced() {
    let mut live = installed(&plan());
    let json = r#"{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [
        {"Sid": "Enable IAM User Permissions", "Effect": "Allow",
         "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "kms:*", "Resource": "*"}]}"#;
    let key = live
        .installed
        .keys
        .iter_mut()
        .find(|key| key.arn.as_str() == REPLICA_KEY)
        .unwrap();
    key.policy = known(PolicyDocument::parse(json).unwrap());
    let changes = compared(&live).unwrap();
    assert_eq!(kinds(&changes), [ChangeKind::KeyPolicy]);
    let Content::Policy(policy) = &changes[0].after else {
        panic!("no policy")
    };
    let sids: Vec<_> = policy
        .statements
        .iter()
        .map(|each| each.sid.as_deref().unwrap())
        .collect();
    assert_eq!(
        sids,
        [
            "Enable IAM User Permissions",
            "ReplicationRoleEncryptsReplicas"
        ]
    );
    assert_eq!(policy.id.as_deref(), Some("key-default-1"));
}

/// What an earlier plan gave this plan's role goes; what others gave theirs stays.
#[test]
fn grants_of_an_earlier_plan_go() {
    let mut live = installed(&plan());
    let role = plan().flows()[0].role_arn().to_string();
    let gone = Statement::allow(
        "ReplicationRoleUsesBucketKey",
        &["kms:Decrypt"],
        vec!["*".to_owned()],
    );
    let key = live
        .installed
        .keys
        .iter_mut()
        .find(|key| key.arn.as_str() == REPLICA_KEY)
        .unwrap();
    let Known::Present(policy) = &mut key.policy else {
        panic!("no policy")
    };
    let wanted = policy.value.clone();
    policy
        .value
        .statements
        .push(gone.clone().about(Principals::aws(vec![role])));
    let mut others = gone.about(Principals::aws(vec![
        "arn:aws:iam::111122223333:role/other".to_owned(),
    ]));
    others.sid = Some("ReplicationRoleUsesBucketKey2".to_owned());
    policy.value.statements.push(others.clone());
    let changes = compared(&live).unwrap();
    let Content::Policy(policy) = &changes[0].after else {
        panic!("no policy")
    };
    let mut expected = wanted.statements;
    expected.push(others);
    assert_eq!(policy.statements, expected);
}

#[test]
fn what_cannot_be_read_is_not_overwritten() {
    let mut live = installed(&plan());
    live.installed.buckets[1].policy = Known::unknown("AccessDenied");
    live.installed.keys[0].policy = Known::unknown("AccessDenied");
    let refusals = compared(&live).unwrap_err();
    let unreadable = |refusal: &Refusal| matches!(refusal, Refusal::Unreadable { .. });
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals.iter().all(unreadable), "{refusals:?}");
}

#[test]
fn the_account_keeps_its_key() {
    let mut live = installed(&plan());
    let json = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"}]}"#;
    live.installed.keys[0].policy = known(PolicyDocument::parse(json).unwrap());
    let refusals = compared(&live).unwrap_err();
    assert!(
        matches!(refusals.as_slice(), [Refusal::LockOut { .. }]),
        "{refusals:?}"
    );
}

#[test]
fn a_public_policy_is_believed_to_be_one_even_when_s3_was_not_asked() {
    let mut live = installed(&plan());
    let json = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::tokyo/*"}]}"#;
    live.installed.buckets[0].policy = known(PolicyDocument::parse(json).unwrap());
    live.public.clear();
    let refusals = compared(&live).unwrap_err();
    assert!(
        matches!(refusals.as_slice(), [Refusal::Public { .. }]),
        "{refusals:?}"
    );
}

fn rule(id: &str, priority: i32, bucket: &str) -> Rule {
    Rule {
        id: Some(id.to_owned()),
        priority: Some(priority),
        status: Status::Enabled,
        prefix: None,
        filter: Some(Filter {
            prefix: Some("x/".to_owned()),
            ..Filter::default()
        }),
        delete_marker_replication: None,
        source_selection_criteria: None,
        destination: Destination {
            bucket: format!("arn:aws:s3:::{bucket}"),
            account: None,
            storage_class: None,
            access_control_translation: None,
            encryption_configuration: None,
            replication_time: None,
            metrics: None,
        },
    }
}

fn with_rules(change: impl FnOnce(&mut ReplicationConfiguration)) -> Live {
    let mut live = installed(&plan());
    if let Known::Present(replication) = &mut live.installed.buckets[0].replication {
        change(&mut replication.value);
    }
    live
}

fn rules_after(live: &Live) -> Vec<(String, i32)> {
    let changes = compared(live).unwrap();
    let [
        Change {
            after: Content::Replication(replication),
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    let named = |rule: &Rule| (rule.id.clone().unwrap(), rule.priority.unwrap());
    replication.rules.iter().map(named).collect()
}

#[test]
fn rules_of_an_earlier_plan_go_and_those_of_others_stay() {
    let live = with_rules(|replication| {
        replication.rules.push(rule("to-osaka-2", 2, "osaka"));
        replication.rules.push(rule("to-nagoya", 3, "nagoya"));
        replication.rules.push(rule("to-osaka-archive", 4, "osaka"));
    });
    assert_eq!(
        rules_after(&live),
        [
            ("to-osaka".to_owned(), 1),
            ("to-nagoya".to_owned(), 3),
            ("to-osaka-archive".to_owned(), 4)
        ]
    );
}

#[test]
fn a_priority_that_is_taken_makes_ours_the_next_free_one() {
    let live = with_rules(|replication| {
        replication.rules = vec![rule("a", 1, "nagoya"), rule("b", 2, "kobe")];
    });
    assert_eq!(
        rules_after(&live),
        [
            ("a".to_owned(), 1),
            ("b".to_owned(), 2),
            ("to-osaka".to_owned(), 3)
        ]
    );
}

#[test]
fn rules_of_version_one_do_not_mix() {
    let live = with_rules(|replication| {
        let mut old = rule("old", 1, "nagoya");
        old.filter = None;
        old.prefix = Some(String::new());
        replication.rules = vec![old];
    });
    let refusals = compared(&live).unwrap_err();
    assert!(
        matches!(refusals.as_slice(), [Refusal::VersionOne { foreign, .. }] if foreign == &["old"]),
        "{refusals:?}"
    );
}
