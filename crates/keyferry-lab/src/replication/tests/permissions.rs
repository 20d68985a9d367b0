//! What the role may do decides (`S3-REPL-11` to `S3-REPL-13`).

use std::sync::Arc;

use super::site::{ROLE, Site, v2};
use crate::encryption::EncryptionChoice;
use crate::replication::configuration::{RuleFilter, RuleVersion};
use crate::replication::{ReplicationFailureReason as Reason, ReplicationStatus, RolePermissions};
use crate::store::tests::{Bench, TEST_KEY, customer_key, tag};
use crate::store::{
    BucketRecord, ManagedPolicyRecord, ObjectOwnership, RoleRecord, StoreError, VersionRecord,
    Versioning,
};

const OTHER: &str = "444455556666";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"s3.amazonaws.com"}}}"#;

/// Every action that a role may need, each on what it is for.
const ACTIONS: [(&str, &str); 10] = [
    ("s3:GetReplicationConfiguration", "arn:aws:s3:::source"),
    ("s3:ListBucket", "arn:aws:s3:::source"),
    ("s3:GetObjectVersionForReplication", "arn:aws:s3:::source/*"),
    ("s3:GetObjectVersionAcl", "arn:aws:s3:::source/*"),
    ("s3:GetObjectVersionTagging", "arn:aws:s3:::source/*"),
    ("s3:ReplicateObject", "arn:aws:s3:::destination/*"),
    ("s3:ReplicateDelete", "arn:aws:s3:::destination/*"),
    ("s3:ReplicateTags", "arn:aws:s3:::destination/*"),
    (
        "kms:Decrypt",
        "arn:aws:kms:ap-northeast-1:111122223333:key/*",
    ),
    (
        "kms:Encrypt",
        "arn:aws:kms:ap-northeast-3:111122223333:key/*",
    ),
];

pub(super) fn policy(without: &str) -> String {
    let statements: Vec<String> = ACTIONS
        .iter()
        .filter(|(action, _)| *action != without)
        .map(|(action, resource)| {
            format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
        })
        .collect();
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

/// Changes the role, or makes it.
fn change(site: &Site, change: impl FnOnce(&mut RoleRecord)) {
    site.bench
        .store
        .change_role("111122223333", "replication", |role| {
            change(
                role.get_or_insert_with(|| {
                    RoleRecord::new("111122223333", "/", "replication", TRUST)
                }),
            );
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

pub(super) fn allow(site: &Site, policy: String) {
    change(site, |role| {
        role.policies = [("replication".to_owned(), policy)].into();
    });
}

/// Buckets, the destination's owned by `owner`, and a rule for all encryption types.
pub(super) async fn site(owner: &str) -> Site {
    let bench = Bench::new();
    bench
        .bucket(bench.here(), "source", Versioning::Enabled)
        .await;
    let mut destination = BucketRecord::new("destination", bench.there().name(), owner);
    destination.versioning = Versioning::Enabled;
    destination.encryption.blocked.clear();
    bench.store.create_bucket(destination).await.unwrap();
    let authority = Arc::new(RolePermissions::new(Arc::clone(&bench.store)));
    let site = Site::start(bench, authority);
    let key = site.there().new_kms_key(None);
    let mut rule = v2("destination", RuleFilter::Everything, 1);
    rule.sse_kms_objects = Some(true);
    rule.destination.replica_kms_key = Some(key.arn);
    if let RuleVersion::V2 { delete_markers, .. } = &mut rule.version {
        *delete_markers = true;
    }
    if owner == OTHER {
        rule.destination.account = Some(owner.to_owned());
        rule.destination.owner_is_destination = true;
    }
    site.rules(site.here(), "source", vec![rule]).await;
    site
}

/// The reason of the one failure that came since `count`.
pub(super) async fn reason(site: &Site, count: &mut usize) -> Option<Reason> {
    let failures = site.failures().await;
    let new = failures[*count..].to_vec();
    *count = failures.len();
    assert!(new.len() < 2, "{new:?}");
    new.into_iter().next()
}

pub(super) async fn put(site: &Site, choice: EncryptionChoice) -> VersionRecord {
    site.here()
        .put_tagged("source", "k", b"content", choice, vec![tag("a", "b")])
        .await
}

#[tokio::test]
async fn the_role_must_exist_and_trust_s3() {
    let site = site("111122223333").await;
    let mut count = 0;
    let code = "AssumeRoleNotPermitted";
    put(&site, EncryptionChoice::SseS3).await;
    let missing = reason(&site, &mut count).await.unwrap();
    assert_eq!(missing.code(), Some(code));
    assert!(missing.to_string().contains("does not exist"), "{missing}");
    allow(&site, policy(""));
    for trust in [
        TRUST.replace("s3.amazonaws", "ec2.amazonaws"),
        TRUST.replace("sts:AssumeRole", "sts:TagSession"),
        TRUST.replace("Allow", "Deny"),
        "{}".to_owned(),
    ] {
        change(&site, |role| role.trust_policy = trust);
        let version = put(&site, EncryptionChoice::SseS3).await;
        let failure = reason(&site, &mut count).await.unwrap();
        assert_eq!(failure.code(), Some(code), "{failure}");
        assert!(site.replica(&version).is_none());
        assert_eq!(
            site.source(&version).replication_status(),
            Some(ReplicationStatus::Failed)
        );
    }
    change(&site, |role| role.trust_policy = TRUST.to_owned());
    let version = put(&site, EncryptionChoice::SseS3).await;
    assert_eq!(reason(&site, &mut count).await, None);
    assert!(site.replica(&version).is_some());
}

#[tokio::test]
async fn an_action_taken_away_fails_with_its_code() {
    let site = site("111122223333").await;
    let source_key = site.here().new_kms_key(Some("alias/source"));
    let kms = || EncryptionChoice::SseKms {
        key: Some(source_key.arn.clone()),
        bucket_key_enabled: false,
        context: None,
    };
    let mut count = 0;
    allow(&site, policy(""));
    for choice in [EncryptionChoice::SseS3, kms()] {
        let version = put(&site, choice).await;
        assert_eq!(reason(&site, &mut count).await, None);
        let replica = site.replica(&version).unwrap();
        assert_eq!(replica.object().unwrap().tags.len(), 1);
    }
    for (action, code) in [
        ("s3:GetReplicationConfiguration", None),
        ("s3:ListBucket", None),
        (
            "s3:GetObjectVersionForReplication",
            Some("SrcGetObjectNotPermitted"),
        ),
        ("s3:GetObjectVersionAcl", Some("SrcGetAclNotPermitted")),
        ("s3:ReplicateObject", Some("DstPutObjectNotPermitted")),
        ("kms:Decrypt", Some("SrcGetObjectNotPermitted")),
        ("kms:Encrypt", Some("DstPutObjectNotPermitted")),
    ] {
        allow(&site, policy(action));
        let version = put(&site, kms()).await;
        let failure = reason(&site, &mut count).await.unwrap();
        assert_eq!(failure.code(), code, "{failure}");
        assert!(
            matches!(&failure, Reason::NotPermitted { call, .. } if call == action),
            "{failure}"
        );
        assert!(site.replica(&version).is_none(), "{action}");
    }
}

/// S3-REPL-12.
#[tokio::test]
async fn without_permission_for_tags_the_object_goes_alone() {
    let site = site("111122223333").await;
    let mut count = 0;
    for (action, code) in [
        ("s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted"),
        ("s3:ReplicateTags", "DstPutTaggingNotPermitted"),
    ] {
        allow(&site, policy(action));
        let version = put(&site, EncryptionChoice::SseS3).await;
        let failure = reason(&site, &mut count).await.unwrap();
        assert_eq!(failure.code(), Some(code));
        let replica = site.replica(&version).unwrap();
        assert!(replica.object().unwrap().tags.is_empty());
        // What has no tags needs no permission for them.
        let version = site.put("untagged", b"").await;
        assert_eq!(reason(&site, &mut count).await, None);
        assert!(site.replica(&version).is_some());
    }
}

#[tokio::test]
async fn across_accounts_the_bucket_policy_must_allow_too() {
    let site = site(OTHER).await;
    let mut count = 0;
    allow(&site, policy(""));
    put(&site, EncryptionChoice::SseC(customer_key(TEST_KEY))).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstPutObjectNotPermitted"));
    let grant = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":["s3:ReplicateObject","s3:ReplicateTags"],"Resource":"arn:aws:s3:::destination/*"}}}}"#
    );
    let set = |policy: String| {
        site.there().update_bucket("destination", |bucket| {
            bucket.policy = Some(policy);
            Ok::<_, StoreError>(())
        })
    };
    set(grant.clone()).await.unwrap();
    let version = put(&site, EncryptionChoice::SseC(customer_key(TEST_KEY))).await;
    assert_eq!(reason(&site, &mut count).await, None);
    assert!(site.replica(&version).is_some());
    let denies = grant.replace(
        r#"{"Statement":"#,
        r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:ReplicateObject","Resource":"*","Condition":{"Null":{"s3:x-amz-server-side-encryption-customer-algorithm":"false"}}},"#,
    );
    set(format!("{}]}}", &denies[..denies.len() - 1]))
        .await
        .unwrap();
    put(&site, EncryptionChoice::SseC(customer_key(TEST_KEY))).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstPutObjectNotPermitted"));
    put(&site, EncryptionChoice::SseS3).await;
    assert_eq!(reason(&site, &mut count).await, None);
}

/// Replicas are handed over only by permission, and only where there are ACLs.
#[tokio::test]
async fn handing_replicas_over_takes_a_permission() {
    let site = site(OTHER).await;
    let mut count = 0;
    let grant = |action: &str| {
        let policy = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":["s3:ReplicateObject","s3:ReplicateTags"{action}],"Resource":"arn:aws:s3:::destination/*"}}}}"#
        );
        site.there().update_bucket("destination", |bucket| {
            bucket.policy = Some(policy);
            bucket.ownership = Some(ObjectOwnership::ObjectWriter);
            Ok::<_, StoreError>(())
        })
    };
    let hand_over = "s3:ObjectOwnerOverrideToBucketOwner";
    grant("").await.unwrap();
    let whole = policy("").replace("s3:ReplicateDelete", hand_over);
    allow(&site, whole);
    put(&site, EncryptionChoice::SseS3).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstPutObjectNotPermitted"));
    assert!(failure.to_string().contains(hand_over), "{failure}");
    grant(&format!(r#","{hand_over}""#)).await.unwrap();
    let version = put(&site, EncryptionChoice::SseS3).await;
    assert_eq!(reason(&site, &mut count).await, None);
    assert_eq!(site.replica(&version).unwrap().owner, OTHER);
}

#[tokio::test]
async fn delete_markers_and_changes_of_tags_have_calls_of_their_own() {
    let site = site("111122223333").await;
    let mut count = 0;
    allow(&site, policy("s3:ReplicateDelete"));
    let version = put(&site, EncryptionChoice::SseS3).await;
    assert_eq!(reason(&site, &mut count).await, None);
    site.here().delete_one("source", "k", None).await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstDelObjNotPermitted"));

    let retag = async |version: &VersionRecord, value: &str| {
        let id = Some(version.version_id.as_str());
        let tags = vec![tag("a", value)];
        site.here().set_tags("source", "k", id, tags).await.unwrap();
    };
    let tags = |version: &VersionRecord| {
        let replica = site.replica(version).unwrap();
        replica.object().unwrap().tags.clone()
    };
    allow(&site, policy("s3:ReplicateTags"));
    retag(&version, "c").await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstPutTaggingNotPermitted"));
    assert_eq!(tags(&version), [tag("a", "b")]);

    allow(&site, policy(""));
    let version = put(&site, EncryptionChoice::SseS3).await;
    assert_eq!(reason(&site, &mut count).await, None);
    allow(&site, policy("s3:ReplicateObject"));
    retag(&version, "d").await;
    assert_eq!(reason(&site, &mut count).await, None);
    assert_eq!(tags(&version), [tag("a", "d")]);
}

#[tokio::test]
async fn attached_policies_count_and_boundaries_cap() {
    let site = site("111122223333").await;
    let mut count = 0;
    let store = &site.bench.store;
    let manage = |name: &str, document: String| {
        let policy = ManagedPolicyRecord::new("111122223333", "/", name, document);
        let arn = policy.arn();
        store
            .change_policy("111122223333", name, |record| {
                *record = Some(policy);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        arn
    };
    let attached = manage("replicates", policy(""));
    let boundary = manage("bounds", policy("s3:ReplicateObject"));
    change(&site, |role| role.attached = [attached].into());
    site.put("k", b"").await;
    assert_eq!(reason(&site, &mut count).await, None);
    change(&site, |role| role.boundary = Some(boundary));
    site.put("k", b"").await;
    let failure = reason(&site, &mut count).await.unwrap();
    assert_eq!(failure.code(), Some("DstPutObjectNotPermitted"));
    assert!(failure.to_string().contains("boundary"), "{failure}");
}
