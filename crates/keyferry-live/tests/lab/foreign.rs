//! What is there and is not the plan's.

use keyferry_live::{CompareOptions, Refusal};
use keyferry_policy::{BucketKey, EncryptionKind, ReplicationPlan};

use crate::world::{HERE, OSAKA, THERE, World, region};

async fn bucket_policy(world: &World, plan: &ReplicationPlan, site: usize) -> serde_json::Value {
    let site = &plan.sites()[site];
    let request = world.s3(site).get_bucket_policy();
    let answer = request.bucket(site.bucket.as_str()).send().await.unwrap();
    serde_json::from_str(&answer.policy.unwrap()).unwrap()
}

async fn put_bucket_policy(world: &World, plan: &ReplicationPlan, site: usize, policy: String) {
    let site = &plan.sites()[site];
    let request = world.s3(site).put_bucket_policy();
    let request = request.bucket(site.bucket.as_str()).policy(policy);
    request.send().await.unwrap();
}

fn sids(policy: &serde_json::Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .map(|statement| statement["Sid"].as_str().unwrap_or("none").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_statements_stay() {
    let world = World::start().await;
    let plan = world
        .plan("keep", EncryptionKind::SseKms, BucketKey::On, true, false)
        .await;
    world.applied(&plan).await;
    let osaka = &plan.sites()[1];
    let bucket = osaka.bucket.as_str();

    // A statement of somebody else before ours, ours crippled, and another one's under our name.
    let mut policy = bucket_policy(&world, &plan, 1).await;
    let ours = policy["Statement"][0].clone();
    let mut crippled = ours.clone();
    crippled["Action"] = serde_json::json!(["s3:ReplicateObject"]);
    let mut others = ours.clone();
    others["Principal"] = serde_json::json!({"AWS": format!("arn:aws:iam::{HERE}:root")});
    others["Sid"] = serde_json::json!("ReplicationRoleWritesReplicas7");
    policy["Statement"] = serde_json::json!([
        {"Sid": "Readers", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{HERE}:root")},
         "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*"),
         "Condition": {"Bool": {"aws:SecureTransport": true}}},
        others,
        crippled,
    ]);
    put_bucket_policy(&world, &plan, 1, policy.to_string()).await;
    let changes = world.compared(&plan).await.unwrap();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    world.make(&changes).await;
    let policy = bucket_policy(&world, &plan, 1).await;
    assert_eq!(
        sids(&policy),
        [
            "Readers",
            "ReplicationRoleWritesReplicas7",
            "ReplicationRoleWritesReplicas"
        ]
    );
    assert_eq!(policy["Statement"][2]["Action"], ours["Action"]);
    assert_eq!(
        policy["Statement"][0]["Condition"]["Bool"]["aws:SecureTransport"]
            .to_string()
            .trim_matches(['[', ']', '"']),
        "true"
    );

    // The key's account keeps its key, and what others may do with it.
    let key = osaka.encryption.kms_key().unwrap();
    let kms = world.kms(THERE, &region(OSAKA));
    let get = || kms.get_key_policy().key_id(key.as_str()).send();
    let text = get().await.unwrap().policy.unwrap();
    let mut policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    let count = policy["Statement"].as_array().unwrap().len();
    policy["Statement"]
        .as_array_mut()
        .unwrap()
        .retain(|statement| statement["Sid"] != "ReplicationRoleEncryptsReplicas");
    policy["Statement"].as_array_mut().unwrap().push(serde_json::json!({
        "Sid": "Auditors", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{HERE}:root")},
        "Action": "kms:DescribeKey", "Resource": "*"
    }));
    kms.put_key_policy()
        .key_id(key.as_str())
        .policy(policy.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(world.applied(&plan).await, 1);
    let text = get().await.unwrap().policy.unwrap();
    let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), count + 1);
    assert!(sids(&policy).contains(&"Auditors".to_owned()));
    assert!(world.compared(&plan).await.unwrap().is_empty());
    world.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_rules_stay_and_a_foreign_role_is_not_replaced_unasked() {
    let world = World::start().await;
    let plan = world
        .plan("rules", EncryptionKind::SseS3, BucketKey::Off, false, false)
        .await;
    let logs = world
        .plan("logs", EncryptionKind::SseS3, BucketKey::Off, false, false)
        .await;
    world.applied(&plan).await;
    world.applied(&logs).await;
    let tokyo = &plan.sites()[0];
    let s3 = world.s3(tokyo);
    let bucket = tokyo.bucket.as_str();
    let live = || async {
        let answer = s3.get_bucket_replication().bucket(bucket).send().await;
        answer.unwrap().replication_configuration.unwrap()
    };
    let put = |configuration| {
        let request = s3.put_bucket_replication().bucket(bucket);
        request.replication_configuration(configuration).send()
    };

    // Somebody else's rule has taken the priority of ours, which is gone.
    let mut configuration = live().await;
    let mut foreign = configuration.rules[0].clone();
    foreign.id = Some("logs".to_owned());
    foreign.filter = Some(
        aws_sdk_s3::types::ReplicationRuleFilter::builder()
            .prefix("logs/")
            .build(),
    );
    foreign.destination = Some(
        aws_sdk_s3::types::Destination::builder()
            .bucket(logs.sites()[1].bucket_arn())
            .build()
            .unwrap(),
    );
    configuration.rules = vec![foreign.clone()];
    put(configuration.clone()).await.unwrap();
    assert_eq!(world.applied(&plan).await, 1);
    let now = live().await;
    assert_eq!(now.rules[0], foreign);
    assert_eq!(now.rules[1].id(), Some("to-rules-osaka"));
    assert_eq!(now.rules[1].priority(), Some(2));
    assert!(world.compared(&plan).await.unwrap().is_empty());

    // Another role.
    configuration.role = logs.flows()[0].role_arn().to_string();
    put(configuration).await.unwrap();
    let refusals = world.compared(&plan).await.unwrap_err();
    let [
        Refusal::ForeignRole {
            foreign,
            live: role,
            ..
        },
    ] = refusals.as_slice()
    else {
        panic!("{refusals:?}");
    };
    assert_eq!(foreign, &["logs"]);
    assert_eq!(role, logs.flows()[0].role_arn().as_str());
    let options = CompareOptions {
        replace_role: true,
        ..CompareOptions::default()
    };
    let changes = world.compared_with(&plan, options).await.unwrap();
    world.make(&changes).await;
    let now = live().await;
    assert_eq!(now.role(), plan.flows()[0].role_arn().as_str());
    assert_eq!(now.rules.len(), 2);
    world.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_bucket_is_not_touched() {
    let world = World::start().await;
    let plan = world
        .plan("open", EncryptionKind::SseS3, BucketKey::Off, true, false)
        .await;
    world.applied(&plan).await;
    let osaka = &plan.sites()[1];
    let bucket = osaka.bucket.as_str();
    let s3 = world.s3(osaka);
    let _ = s3.delete_public_access_block().bucket(bucket).send().await;
    let open = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "Everybody", "Effect": "Allow",
            "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{bucket}/*"}}]}}"#
    );
    put_bucket_policy(&world, &plan, 1, open).await;
    let refusals = world.compared(&plan).await.unwrap_err();
    let [
        Refusal::Public {
            bucket: named,
            statement,
        },
    ] = refusals.as_slice()
    else {
        panic!("{refusals:?}");
    };
    assert_eq!(named, &osaka.bucket);
    assert_eq!(statement.as_deref(), Some("statement `Everybody`"));
    world.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_used_are_said() {
    let world = World::start().await;
    let plan = world
        .plan("keys", EncryptionKind::SseKms, BucketKey::Off, true, false)
        .await;
    let key = plan.sites()[1].encryption.kms_key().unwrap();
    let kms = world.kms(THERE, &region(OSAKA));
    kms.disable_key().key_id(key.as_str()).send().await.unwrap();
    let refusals = world.compared(&plan).await.unwrap_err();
    assert!(
        matches!(refusals.as_slice(), [Refusal::KeyUnusable { key: named, .. }] if named == key),
        "{refusals:?}"
    );
    world.lab.shutdown().await;
}

/// A role of our name that others use too keeps what they gave it.
#[tokio::test(flavor = "multi_thread")]
async fn policies_of_a_role_that_are_not_ours_stay() {
    let world = World::start().await;
    let plan = world
        .plan("roles", EncryptionKind::SseC, BucketKey::Off, false, false)
        .await;
    let role = plan.flows()[0].role_name();
    let iam = world.iam(HERE);
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"}, "Action": "sts:AssumeRole"}}"#;
    iam.create_role()
        .role_name(&role)
        .assume_role_policy_document(trust)
        .send()
        .await
        .unwrap();
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Action": "s3:ListAllMyBuckets", "Resource": "*"}}"#;
    iam.put_role_policy()
        .role_name(&role)
        .policy_name("more")
        .policy_document(policy)
        .send()
        .await
        .unwrap();
    world.applied(&plan).await;
    let names = iam
        .list_role_policies()
        .role_name(&role)
        .send()
        .await
        .unwrap();
    let mut names = names.policy_names;
    names.sort();
    assert_eq!(names, [keyferry_live::INLINE_POLICY, "more"]);
    let found = iam.get_role().role_name(&role).send().await.unwrap();
    let found = found.role.unwrap().assume_role_policy_document.unwrap();
    for service in ["batchoperations.s3.amazonaws.com", "s3.amazonaws.com"] {
        assert!(found.contains(service), "{found}");
    }
    world.lab.shutdown().await;
}
