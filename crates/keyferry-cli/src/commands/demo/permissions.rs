//! The permissions of replication: for each encryption, a plan is applied and an object replicates;
//! one permission is taken away, and the next object fails as `policy check --live` foretells; `policy
//! apply` gives it back.

use std::time::Duration;

use aws_sdk_s3::Client;
use keyferry_key::CustomerKey;
use keyferry_lab::{Lab, ReplicationFailureReason};
use keyferry_live::{
    Change, CompareOptions, Connections, INLINE_POLICY, Silent, apply, compare, read,
};
use keyferry_policy::check::check;
use keyferry_policy::iam::{ActionElement, PolicyDocument};
use keyferry_policy::{
    BucketKey, Documents, Encryption, EncryptionKind, ReplicationPlan, Site, documents::Kind,
};
use tokio_util::sync::CancellationToken;

use super::claim_broken;
use super::story::Story;
use crate::commands::lab as lab_command;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::live;

/// How long an object may be on its way in the lab.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn tell(
    story: &Story,
    lab: &Lab,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    story.title("keyferry demo: what replication needs, and what happens without it")?;
    let aws = lab_command::connect(lab)?;
    for kind in EncryptionKind::ALL {
        let plan = plan(lab, kind)?;
        let Some(source) = plan.sites().first() else {
            return Err(claim_broken("the plan of the demo has no bucket"));
        };
        let region = &source.region;
        let connections = Connections::identify(vec![aws.shared_connector()], region).await?;
        let scene = Scene {
            lab,
            source,
            plan: &plan,
            client: aws.client(region)?,
            connections,
            key: match kind {
                EncryptionKind::SseC => Some(CustomerKey::generate().context("make", "a key")?),
                _ => None,
            },
            cancel,
        };
        scene.play(story, kind).await?;
    }
    story.end("every status and code above was read back from the lab, none is staged")?;
    Ok(Exit::Done)
}

/// A permission whose loss says something about its encryption: the statement it is in, and its name.
fn precious(kind: EncryptionKind) -> (&'static str, &'static str) {
    match kind {
        EncryptionKind::SseS3 => ("WriteReplicas", "s3:ReplicateTags"),
        EncryptionKind::SseKms => ("DecryptSourceObjects", "kms:Decrypt"),
        EncryptionKind::DsseKms => ("EncryptReplicas", "kms:Encrypt"),
        EncryptionKind::SseC => ("ReadSourceVersions", "s3:GetObjectVersionTagging"),
    }
}

fn plan(lab: &Lab, kind: EncryptionKind) -> Result<ReplicationPlan, Failure> {
    let usage = |error: &dyn std::error::Error| Failure::from_error(Exit::Failure, error);
    let [first, second] = lab.regions();
    let site = |city: &str, region: &str| -> Result<Site, Failure> {
        let key = || -> Result<_, Failure> {
            let arn = lab.create_kms_key(region)?;
            arn.parse()
                .map_err(|error: keyferry_policy::NameError| usage(&error))
        };
        let encryption = match kind {
            EncryptionKind::SseS3 => Encryption::SseS3,
            EncryptionKind::SseKms => Encryption::SseKms {
                key: key()?,
                bucket_key: BucketKey::On,
            },
            EncryptionKind::DsseKms => Encryption::DsseKms { key: key()? },
            EncryptionKind::SseC => Encryption::SseC,
        };
        let named = |error: keyferry_policy::NameError| usage(&error);
        Ok(Site::new(
            format!("{}-{city}", kind.as_str()).parse().map_err(named)?,
            region.parse().map_err(named)?,
            lab.account_id().parse().map_err(named)?,
            encryption,
        ))
    };
    ReplicationPlan::between(
        site("tokyo", first.name())?,
        site("osaka", second.name())?,
        false,
    )
    .map_err(|error| usage(&error))
}

/// One encryption.
struct Scene<'a> {
    lab: &'a Lab,
    source: &'a Site,
    plan: &'a ReplicationPlan,
    client: Client,
    connections: Connections,
    key: Option<CustomerKey>,
    cancel: &'a CancellationToken,
}

impl Scene<'_> {
    async fn play(&self, story: &Story, kind: EncryptionKind) -> Result<(), Failure> {
        let (statement, action) = precious(kind);
        let changes = self.apply().await?;
        self.expect("COMPLETED", "first").await?;
        story.step(
            kind.title(),
            format!("plan applied in {changes} changes; an object with a tag: COMPLETED"),
        )?;

        take_away(&self.connections, self.plan, self.source, statement, action).await?;
        let foretold = self.foretold().await?;
        story.step("without", format!("{action}: check says {foretold}"))?;
        self.expect("FAILED", "second").await?;
        let code = self.failure_of("second")?;
        if code != foretold {
            return Err(claim_broken(&format!(
                "without {action}, replication failed with {code}, and not with {foretold}"
            )));
        }
        story.step("failed", format!("the next object: FAILED with {code}"))?;

        let changes = self.apply().await?;
        if changes != 1 {
            return Err(claim_broken(&format!(
                "one permission was taken away, and applying the plan made {changes} changes"
            )));
        }
        self.expect("COMPLETED", "third").await?;
        story.step(
            "restored",
            "applied again in 1 change; the next object: COMPLETED",
        )
    }

    /// Brings everything to the plan; how many changes that took.
    async fn apply(&self) -> Result<usize, Failure> {
        let options = CompareOptions {
            create_buckets: true,
            ..CompareOptions::default()
        };
        let found = read(self.plan, &self.connections).await;
        let changes: Vec<Change> =
            compare(self.plan, &found, options).map_err(|refusals| live::refused(&refusals))?;
        let applied = apply(&changes, &self.connections, &Silent, self.cancel).await?;
        Ok(applied.changes)
    }

    /// The failure that checking what is live foretells.
    async fn foretold(&self) -> Result<String, Failure> {
        let found = read(self.plan, &self.connections).await;
        check(self.plan, &found.installed)
            .into_iter()
            .find_map(|finding| finding.failure_code)
            .ok_or_else(|| claim_broken("policy check found nothing that would fail"))
    }

    /// Uploads an object with a tag, and waits until it is replicated, or has failed to.
    async fn expect(&self, status: &str, object: &str) -> Result<(), Failure> {
        let headers = self.key.as_ref().map(CustomerKey::headers);
        let failed = |what: &str, error: &dyn std::error::Error| {
            Failure::from_error(Exit::Failure, error).hint(what.to_owned())
        };
        let mut put = self
            .client
            .put_object()
            .bucket(self.source.bucket.as_str())
            .key(object)
            .tagging("project=demo")
            .body(object.as_bytes().to_vec().into());
        if let Some(headers) = &headers {
            put = put
                .sse_customer_algorithm(headers.algorithm())
                .sse_customer_key(headers.expose_key())
                .sse_customer_key_md5(headers.md5().to_string());
        }
        put.send()
            .await
            .map_err(|error| failed("the upload failed", &error))?;
        let began = tokio::time::Instant::now();
        loop {
            let mut head = self
                .client
                .head_object()
                .bucket(self.source.bucket.as_str())
                .key(object);
            if let Some(headers) = &headers {
                head = head
                    .sse_customer_algorithm(headers.algorithm())
                    .sse_customer_key(headers.expose_key())
                    .sse_customer_key_md5(headers.md5().to_string());
            }
            let answer = head
                .send()
                .await
                .map_err(|error| failed("the object cannot be looked at", &error))?;
            let now = answer.replication_status().map(|status| status.as_str());
            match now {
                Some(now) if now == status => return Ok(()),
                Some("PENDING") if began.elapsed() < PATIENCE => {}
                other => {
                    return Err(claim_broken(&format!(
                        "the {object} object in {} should be {status} and is {}",
                        self.source.bucket,
                        other.unwrap_or("not replicated at all"),
                    )));
                }
            }
            tokio::select! {
                () = self.cancel.cancelled() => {
                    return Err(Failure::new(Exit::Interrupted, "interrupted"));
                }
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
    }

    /// The code with which S3 would report why an object was not replicated.
    fn failure_of(&self, object: &str) -> Result<String, Failure> {
        let failures = self.lab.replication_failures()?;
        let failure = failures.into_iter().find(|failure| {
            failure.source_bucket == self.source.bucket.as_str() && failure.key == object
        });
        match failure.map(|failure| failure.reason) {
            Some(ReplicationFailureReason::NotPermitted {
                code: Some(code), ..
            }) => Ok(code),
            Some(other) => Err(claim_broken(&format!("it failed otherwise: {other}"))),
            None => Err(claim_broken("the lab recorded no failure")),
        }
    }
}

/// Takes an action of one statement away from the role that replicates from a bucket.
pub(super) async fn take_away(
    connections: &Connections,
    plan: &ReplicationPlan,
    source: &Site,
    statement: &str,
    action: &str,
) -> Result<(), Failure> {
    let documents = Documents::of(plan);
    let flows = plan.flows();
    let (Some(policy), Some(flow)) = (documents.policy(Kind::Role, &source.bucket), flows.first())
    else {
        return Err(claim_broken("the plan of the demo has no role"));
    };
    let less = without(policy, statement, action)
        .ok_or_else(|| claim_broken(&format!("the role has no {action}")))?;
    connections
        .put_role_policy(&flow.role_arn(), &source.region, INLINE_POLICY, &less)
        .await?;
    Ok(())
}

/// A policy without an action of one statement; `None` where it has none.
fn without(policy: &PolicyDocument, statement: &str, action: &str) -> Option<PolicyDocument> {
    let mut less = policy.clone();
    let found = less
        .statements
        .iter_mut()
        .find(|found| found.sid.as_deref() == Some(statement))?;
    let ActionElement::Action(actions) = &mut found.action else {
        return None;
    };
    actions.retain(|known| known != action);
    less.statements
        .retain(|statement| !statement.action.patterns().is_empty());
    (less != *policy).then_some(less)
}
