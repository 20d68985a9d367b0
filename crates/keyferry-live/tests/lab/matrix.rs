//! The permission matrix, cell by cell: what `apply` installs replicates, and each action taken away
//! makes replication fail with the code that `check` foretells.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use keyferry_key::CustomerKey;
use keyferry_lab::ReplicationFailureReason;
use keyferry_live::{INLINE_POLICY, read};
use keyferry_policy::check::{Level, check};
use keyferry_policy::documents::Kind;
use keyferry_policy::iam::{ActionElement, Effect, PolicyDocument};
use keyferry_policy::{
    BucketKey, Documents, Encryption, EncryptionKind, KmsKeyArn, PlannedFlow, ReplicationPlan,
    RoleArn, Site,
};

use crate::world::{HERE, OSAKA, THERE, TOKYO, World};

/// How many cells are worked on at a time.
const AT_A_TIME: usize = 10;
/// How long an object may be on its way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Encryption × Bucket Key × account × direction.
fn cells() -> Vec<(EncryptionKind, BucketKey, bool, bool)> {
    let kinds = [
        (EncryptionKind::SseS3, BucketKey::Off),
        (EncryptionKind::SseKms, BucketKey::Off),
        (EncryptionKind::SseKms, BucketKey::On),
        (EncryptionKind::DsseKms, BucketKey::Off),
        (EncryptionKind::SseC, BucketKey::Off),
    ];
    let mut cells = Vec::new();
    for (kind, bucket_key) in kinds {
        for across in [false, true] {
            for both_ways in [false, true] {
                cells.push((kind, bucket_key, across, both_ways));
            }
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_is_missed_as_check_foretells() {
    let world = World::start().await;
    let cells = cells();
    assert_eq!(cells.len(), 20);
    let work: Vec<_> = cells
        .into_iter()
        .enumerate()
        .map(|(number, cell)| cell_holds(&world, number, cell))
        .collect();
    let missed: Vec<usize> = stream::iter(work)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    // The needed calls of facts/policy.md, at least, and the trust of each direction.
    assert!(missed.iter().all(|count| *count >= 8), "{missed:?}");
    println!("{} actions were missed", missed.iter().sum::<usize>());
    world.lab.shutdown().await;
}

/// How many actions were missed.
async fn cell_holds(
    world: &World,
    number: usize,
    (kind, bucket_key, across, both_ways): (EncryptionKind, BucketKey, bool, bool),
) -> usize {
    let name = format!("cell{number}");
    let plan = world.plan(&name, kind, bucket_key, across, both_ways).await;
    plan_holds(world, &format!("{name} {kind:?} {bucket_key:?}"), &plan).await
}

/// The same of buckets with Object Lock, which need it on both sides and two actions more.
#[tokio::test(flavor = "multi_thread")]
async fn locks_need_actions_of_their_own() {
    let world = World::start().await;
    let mut sites = Vec::new();
    for (bucket, account, at) in [("lock-tokyo", HERE, TOKYO), ("lock-osaka", THERE, OSAKA)] {
        let site = world.site(bucket, account, at, EncryptionKind::SseC, BucketKey::Off);
        sites.push(Site {
            object_lock: true,
            ..site.await
        });
    }
    let [source, destination] = sites.try_into().unwrap();
    let plan = ReplicationPlan::between(source, destination, true).unwrap();
    let missed = plan_holds(&world, "Object Lock", &plan).await;
    // Those of its cell without Object Lock, and two for each direction.
    assert!(missed >= 12, "{missed}");
    world.lab.shutdown().await;
}

async fn plan_holds(world: &World, name: &str, plan: &ReplicationPlan) -> usize {
    world.applied(plan).await;
    let cell = Cell {
        world,
        plan,
        key: CustomerKey::generate().unwrap(),
    };
    let mut missed = 0;
    for flow in plan.flows() {
        let status = cell.upload(&flow, "whole").await;
        assert_eq!(status, "COMPLETED", "{name}: {flow}");
        for (number, place) in cell.places(&flow).into_iter().enumerate() {
            let whole = cell.document(&flow, &place);
            for (index, (less, without)) in without_each(&whole).into_iter().enumerate() {
                let what = format!("{name}: {place:?} without {without}");
                let object = format!("{number}-{index}");
                cell.put(&place, &less).await;
                let foretold = cell.foretold().await;
                let status = cell.upload(&flow, &object).await;
                let Foretold::Failure(code) = foretold else {
                    // What only some of AWS's pages ask for.
                    assert_eq!(status, "COMPLETED", "{what}");
                    continue;
                };
                if without == "s3:ReplicateDelete" {
                    // Nothing but delete markers needs it.
                    assert_eq!(status, "COMPLETED", "{what}");
                    cell.delete(&flow, &object).await;
                } else {
                    assert_eq!(status, "FAILED", "{what}");
                }
                let failure = cell.failure(&flow, &object).await;
                let Some(ReplicationFailureReason::NotPermitted { code: met, .. }) = failure else {
                    panic!("{what}: {failure:?}");
                };
                assert_eq!(met, code, "{what}");
                missed += 1;
            }
            cell.put(&place, &whole).await;
        }
        let status = cell.upload(&flow, "whole again").await;
        assert_eq!(status, "COMPLETED", "{name}: {flow}");
    }
    let left = world.compared(plan).await.unwrap();
    assert!(left.is_empty(), "{left:#?}");
    missed
}

/// Where a direction's permissions are.
#[derive(Debug, Clone)]
enum Place {
    Trust(RoleArn),
    Role(RoleArn),
    Bucket(Site),
    Key(KmsKeyArn),
}

enum Foretold {
    Failure(Option<String>),
    Nothing,
}

struct Cell<'a> {
    world: &'a World,
    plan: &'a ReplicationPlan,
    key: CustomerKey,
}

impl Cell<'_> {
    /// Where a direction's permissions are.
    fn places(&self, flow: &PlannedFlow<'_>) -> Vec<Place> {
        let mut places = vec![Place::Trust(flow.role_arn()), Place::Role(flow.role_arn())];
        if flow.crosses_accounts() {
            places.push(Place::Bucket(flow.destination.clone()));
            // A key of the source's own account hands the decision to the account.
            places.extend(
                flow.destination
                    .encryption
                    .kms_key()
                    .cloned()
                    .map(Place::Key),
            );
        }
        places
    }

    fn document(&self, flow: &PlannedFlow<'_>, place: &Place) -> PolicyDocument {
        let documents = Documents::of(self.plan);
        let found = match place {
            Place::Trust(_) => documents.policy(Kind::Trust, &flow.source.bucket),
            Place::Role(_) => documents.policy(Kind::Role, &flow.source.bucket),
            Place::Bucket(site) => documents.policy(Kind::BucketPolicy, &site.bucket),
            Place::Key(key) => documents.key_policy(self.plan, key),
        };
        found.unwrap().clone()
    }

    async fn put(&self, place: &Place, document: &PolicyDocument) {
        let json = document.to_json();
        match place {
            Place::Trust(arn) => {
                let iam = self.world.iam(arn.account().as_str());
                let request = iam.update_assume_role_policy().role_name(arn.role_name());
                request.policy_document(json).send().await.unwrap();
            }
            Place::Role(arn) => {
                let iam = self.world.iam(arn.account().as_str());
                let request = iam.put_role_policy().role_name(arn.role_name());
                let request = request.policy_name(INLINE_POLICY).policy_document(json);
                request.send().await.unwrap();
            }
            Place::Bucket(site) => {
                let request = self.world.s3(site).put_bucket_policy();
                let request = request.bucket(site.bucket.as_str()).policy(json);
                request.send().await.unwrap();
            }
            Place::Key(key) => {
                let kms = self.world.kms(key.account().as_str(), key.region());
                let request = kms.put_key_policy().key_id(key.as_str()).policy(json);
                request.send().await.unwrap();
            }
        }
    }

    /// What the first thing that stands in the way will be called.
    async fn foretold(&self) -> Foretold {
        let live = read(self.plan, &self.world.connections).await;
        let findings = check(self.plan, &live.installed);
        let error = findings
            .into_iter()
            .find(|finding| finding.level == Level::Error);
        error.map_or(Foretold::Nothing, |finding| {
            Foretold::Failure(finding.failure_code)
        })
    }

    /// Uploads an object with a tag. Its status in the end.
    async fn upload(&self, flow: &PlannedFlow<'_>, object: &str) -> String {
        let s3 = self.world.s3(flow.source);
        let bucket = flow.source.bucket.as_str();
        let headers = self.key.headers();
        let under_key = flow.source.encryption == Encryption::SseC;
        let given = |text: &str| under_key.then(|| text.to_owned());
        let md5 = headers.md5().to_string();
        s3.put_object()
            .bucket(bucket)
            .key(object)
            .tagging("a=b")
            .body(b"content".to_vec().into())
            .set_sse_customer_algorithm(given(headers.algorithm()))
            .set_sse_customer_key(given(headers.expose_key()))
            .set_sse_customer_key_md5(given(&md5))
            .send()
            .await
            .unwrap();
        let began = Instant::now();
        loop {
            let head = s3
                .head_object()
                .bucket(bucket)
                .key(object)
                .set_sse_customer_algorithm(given(headers.algorithm()))
                .set_sse_customer_key(given(headers.expose_key()))
                .set_sse_customer_key_md5(given(&md5))
                .send()
                .await
                .unwrap();
            let status = head.replication_status().unwrap().as_str();
            if status != "PENDING" {
                return status.to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "{object} is pending for ever");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Deletes an object, which leaves a delete marker.
    async fn delete(&self, flow: &PlannedFlow<'_>, object: &str) {
        let request = self.world.s3(flow.source).delete_object();
        let request = request.bucket(flow.source.bucket.as_str()).key(object);
        request.send().await.unwrap();
    }

    /// Why the object, or its delete marker, was not replicated.
    async fn failure(
        &self,
        flow: &PlannedFlow<'_>,
        object: &str,
    ) -> Option<ReplicationFailureReason> {
        let began = Instant::now();
        loop {
            let failures = self.world.lab.replication_failures().unwrap();
            let found = failures.into_iter().find(|failure| {
                failure.source_bucket == flow.source.bucket.as_str() && failure.key == object
            });
            if found.is_some() || began.elapsed() > PATIENCE {
                return found.map(|failure| failure.reason);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The document without one of its actions, for each of them. The account's own hold on a key is not
/// taken away: KMS would not let it.
fn without_each(whole: &PolicyDocument) -> Vec<(PolicyDocument, String)> {
    let mut all = Vec::new();
    for (index, statement) in whole.statements.iter().enumerate() {
        if statement.effect == Effect::Deny
            || statement.sid.as_deref() == Some("AccountAdministersKey")
        {
            continue;
        }
        for action in statement.action.patterns() {
            let mut less = whole.clone();
            let mut actions = statement.action.patterns().to_vec();
            actions.retain(|known| known != action);
            if actions.is_empty() && whole.statements.len() == 1 {
                // A policy must have a statement, and it an action.
                actions.push("sts:TagSession".to_owned());
            }
            if actions.is_empty() {
                less.statements.remove(index);
            } else {
                less.statements[index].action = ActionElement::Action(actions);
            }
            all.push((less, action.clone()));
        }
    }
    all
}
