//! Whether whoever calls may do what keyferry does.
//!
//! Each call that uploads, downloads and verification make is put to the policy core with the policies of
//! whoever calls and those of the buckets. What depends on the network or the session is not known here,
//! and so decides nothing.

mod exceptions;

use std::collections::BTreeMap;

use keyferry_live::{CallerPolicies, INLINE_POLICY, Identity, read_caller};
use keyferry_policy::check::{Finding, Level, Preflight, Repaired, Target};
use keyferry_policy::documents::Kind;
use keyferry_policy::iam::{
    ActionElement, Attached, Caller, Decision, Denial, Policies, PolicyDocument, Request,
    ResourceElement, ResourceKind, ResourcePolicy, Statement, StatementId, evaluate,
};
use keyferry_policy::{BucketName, Documents, Partition, ReplicationPlan};

use super::preflight;
use crate::situation::{Shell, Situation, compact};

/// What decides nothing, because only the service knows it.
const UNKNOWN_HERE: [&str; 13] = [
    "aws:SourceIp",
    "aws:VpcSourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:ViaAWSService",
    "s3:TlsVersion",
];

/// Who the credentials' ARN says asks. `None` for sessions of federated users.
fn caller_of(identity: &Identity, partition: Partition) -> Option<Caller> {
    let account = identity.account.clone();
    let resource = identity.arn.splitn(6, ':').nth(5)?;
    if resource == "root" {
        return Some(Caller::Root { account, partition });
    }
    match resource.split_once('/')? {
        ("user", _) => Some(Caller::User {
            arn: identity.arn.clone(),
        }),
        ("assumed-role", session) => {
            let (role, session) = session.split_once('/')?;
            Some(Caller::Role {
                arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                session: Some(session.to_owned()),
            })
        }
        _ => None,
    }
}

/// Whether the caller may do what keyferry does. The documents that repair what else was found let the
/// caller in, too.
pub(super) async fn check(
    situation: &Situation,
    identity: &Identity,
    shell: &Shell,
    documents: &mut Vec<Repaired>,
) -> Vec<Finding> {
    let Some(plan) = situation.plans.first() else {
        return Vec::new();
    };
    let Some(caller) = caller_of(identity, plan.partition()) else {
        return Vec::new();
    };
    let Some(home) = situation.places.get(&situation.source) else {
        return Vec::new();
    };
    let own = read_caller(&caller, &home.region, &situation.connections).await;
    let work = Work {
        situation,
        plan,
        caller: &caller,
        own: &own,
    };
    work.check(identity, shell, documents)
}

struct Work<'a> {
    situation: &'a Situation,
    plan: &'a ReplicationPlan,
    caller: &'a Caller,
    own: &'a CallerPolicies,
}

/// Calls that one thing denies.
#[derive(Default)]
struct Denied {
    level: Option<Level>,
    actions: Vec<String>,
    why: String,
    by: Option<StatementId>,
}

impl Work<'_> {
    fn check(
        &self,
        identity: &Identity,
        shell: &Shell,
        documents: &mut Vec<Repaired>,
    ) -> Vec<Finding> {
        let everything =
            PolicyDocument::new(vec![Statement::allow("", &["*"], vec!["*".to_owned()])]);
        let mut denied: BTreeMap<(Option<BucketName>, String), Denied> = BTreeMap::new();
        let mut findings = Vec::new();
        for (kind, statement) in self.needed() {
            for request in self.requests(&statement) {
                let bucket = self.bucket_of(&request.resource);
                let name = bucket.as_ref().map(exceptions::policy_of);
                let live = bucket.as_ref().and_then(|name| self.live(name));
                let policies = self.policies(live, name.as_deref(), &everything);
                let Decision::Denied(denial) = evaluate(&request, &policies) else {
                    continue;
                };
                let by = match &denial {
                    Denial::Explicit { by } => Some(by.clone()),
                    Denial::Implicit { .. } => None,
                };
                let key = by.as_ref().map_or_else(String::new, ToString::to_string);
                let group = denied.entry((bucket, key)).or_default();
                let level = level_of(kind, &request.action);
                group.level = Some(group.level.map_or(level, |known| known.min(level)));
                if group.why.is_empty() {
                    group.why = denial.to_string();
                }
                group.by = by;
                if !group.actions.contains(&request.action) {
                    group.actions.push(request.action.clone());
                }
            }
        }
        self.except(&everything, documents);
        for ((bucket, _), group) in denied {
            findings.push(self.finding(identity, bucket.as_ref(), &group, documents, shell));
        }
        if let Some(why) = &self.own.unread {
            findings.push(
                preflight(
                    Preflight::CallerUnknown,
                    Level::Note,
                    "credentials",
                    format!("the policies of `{}` are not known: {why}", identity.arn),
                )
                .because("whether they allow uploads and downloads was not checked, only whether buckets deny them")
                .fix("allow iam:GetRole, iam:GetUser and the reading of their policies, or try an upload"),
            );
        }
        findings
    }

    /// The statements that uploads, downloads and verification need.
    fn needed(&self) -> Vec<(Kind, Statement)> {
        let documents = Documents::of(self.plan);
        let of = |kind| {
            let policy = documents.policy(kind, &self.situation.source);
            let statements = policy.map(|policy| policy.statements.clone());
            let statements = statements.unwrap_or_default().into_iter();
            statements.map(move |statement| (kind, statement))
        };
        // What is verified by the whole bucket is listed, too.
        let buckets = self.situation.places.keys();
        let buckets = buckets.map(|name| format!("arn:{}:s3:::{name}", self.plan.partition()));
        let listing = Statement::allow("", &["s3:ListBucketVersions"], buckets.collect());
        of(Kind::Uploader)
            .chain(of(Kind::Verifier))
            .chain([(Kind::Verifier, listing)])
            .collect()
    }

    fn requests(&self, statement: &Statement) -> Vec<Request> {
        let ActionElement::Action(actions) = &statement.action else {
            return Vec::new();
        };
        let Some(ResourceElement::Resource(resources)) = &statement.resource else {
            return Vec::new();
        };
        let mut requests = Vec::new();
        for action in actions {
            for resource in resources {
                // KMS is asked in the caller's name only for objects that are not under customer keys.
                if resource.contains(":kms:") || action.contains('*') {
                    continue;
                }
                requests.push(self.request(action, &resource.replace('*', "example")));
            }
        }
        requests
    }

    fn request(&self, action: &str, resource: &str) -> Request {
        let mut request = Request::new(self.caller.clone(), action, resource)
            .with("aws:SecureTransport", "true")
            .with("s3:signatureversion", "AWS4-HMAC-SHA256")
            .with("s3:authType", "REST-HEADER");
        if action == "s3:PutObject" {
            request = request.with(
                "s3:x-amz-server-side-encryption-customer-algorithm",
                "AES256",
            );
        }
        for key in UNKNOWN_HERE {
            request.context.insert_unknown(key);
        }
        let place = self
            .bucket_of(resource)
            .and_then(|name| self.situation.places.get(&name));
        match place {
            Some(place) => request
                .with("aws:RequestedRegion", place.region.as_str())
                .owned_by(place.account.clone()),
            None => request,
        }
    }

    fn bucket_of(&self, resource: &str) -> Option<BucketName> {
        let (_, rest) = resource.split_once(":s3:::")?;
        let name = rest.split('/').next().unwrap_or(rest);
        name.parse().ok()
    }

    /// The bucket policy that is in force.
    fn live(&self, bucket: &BucketName) -> Option<&PolicyDocument> {
        let bucket = self.situation.installed.bucket(bucket)?;
        bucket.policy.value()
    }

    fn policies<'b>(
        &'b self,
        bucket_policy: Option<&'b PolicyDocument>,
        name: Option<&'b str>,
        everything: &'b PolicyDocument,
    ) -> Policies<'b> {
        let mut identity: Vec<Attached<'b>> = Vec::new();
        for policy in &self.own.policies {
            let document = match policy.document.value() {
                Some(document) => document,
                None => everything,
            };
            identity.push(Attached {
                name: &policy.name,
                document,
            });
        }
        if self.own.unread.is_some() {
            identity.push(Attached {
                name: "policies that are not known",
                document: everything,
            });
        }
        let boundary = match (&self.own.boundary.value(), self.own.boundary.why_unknown()) {
            (Some(document), _) => Some(*document),
            (None, Some(_)) => Some(everything),
            (None, None) => None,
        };
        Policies {
            identity,
            boundary: boundary.map(|document| Attached {
                name: "the permissions boundary",
                document,
            }),
            resource: bucket_policy
                .zip(name)
                .map(|(document, name)| ResourcePolicy {
                    kind: ResourceKind::Bucket,
                    name,
                    document,
                }),
            ..Policies::default()
        }
    }

    fn finding(
        &self,
        identity: &Identity,
        bucket: Option<&BucketName>,
        group: &Denied,
        documents: &[Repaired],
        shell: &Shell,
    ) -> Finding {
        let actions: Vec<String> = group
            .actions
            .iter()
            .map(|action| format!("`{action}`"))
            .collect();
        let on = bucket.map_or_else(|| "IAM and KMS".to_owned(), |name| format!("`{name}`"));
        let finding = preflight(
            Preflight::CallerDenied,
            group.level.unwrap_or(Level::Error),
            bucket.map_or_else(|| "credentials".to_owned(), |name| format!("bucket {name}")),
            format!(
                "{} on {on} is denied to `{}`",
                actions.join(", "),
                identity.arn
            ),
        )
        .because(group.why.as_str());
        let written = bucket.and_then(|name| {
            let policy = Target::BucketPolicy(name.clone());
            documents.iter().find(|document| document.target == policy)
        });
        match (&group.by, written) {
            (Some(by), Some(document)) if by.document == document.document => {
                let finding = finding.fix(format!("except the caller from {by}"));
                match shell.write(document, self.situation) {
                    Some(command) => finding.command(command),
                    None => finding,
                }
            }
            (Some(by), ..) => finding.fix(format!("change {by}")),
            (None, ..) => self.allowing(finding, shell),
        }
    }

    /// The command that allows the caller what is lacking.
    fn allowing(&self, finding: Finding, shell: &Shell) -> Finding {
        let finding = finding.fix("allow the caller what is lacking");
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
        let (operation, option, name) = match self.caller {
            Caller::Role { arn, .. } => ("iam put-role-policy", "--role-name", name(arn)),
            Caller::User { arn } => ("iam put-user-policy", "--user-name", name(arn)),
            _ => return finding,
        };
        // A policy of this name may be there; another of ours must not take its place.
        let policy = format!("{INLINE_POLICY}-{}", self.situation.source);
        let policy: String = policy.chars().take(128).collect();
        let numbered = self.needed().into_iter().enumerate();
        let needed = numbered.map(|(index, (_, statement))| Statement {
            sid: Some(format!("Keyferry{}", index + 1)),
            ..statement
        });
        let json = compact(&PolicyDocument::new(needed.collect()));
        let Some(home) = self.situation.places.get(&self.situation.source) else {
            return finding;
        };
        finding.command(shell.other(
            operation,
            &home.region,
            &[
                (option, &name),
                ("--policy-name", &policy),
                ("--policy-document", &json),
            ],
        ))
    }
}

/// What only this examination would have read is no reason to hold up a transfer.
fn level_of(kind: Kind, action: &str) -> Level {
    match kind {
        Kind::Uploader => Level::Error,
        _ if action.starts_with("s3:GetObject") || action == "s3:ListBucket" => Level::Error,
        _ => Level::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(arn: &str) -> Identity {
        Identity {
            account: "111122223333".parse().unwrap(),
            arn: arn.to_owned(),
        }
    }

    #[test]
    fn callers_are_told_by_their_arn() {
        let of = |arn| caller_of(&identity(arn), Partition::Standard);
        assert!(matches!(
            of("arn:aws:iam::111122223333:root"),
            Some(Caller::Root { .. })
        ));
        assert!(matches!(
            of("arn:aws:iam::111122223333:user/a/b"),
            Some(Caller::User { .. })
        ));
        let role = of("arn:aws:sts::111122223333:assumed-role/ops/me");
        assert_eq!(
            role,
            Some(Caller::Role {
                arn: "arn:aws:iam::111122223333:role/ops".to_owned(),
                session: Some("me".to_owned()),
            })
        );
        assert_eq!(of("arn:aws:sts::111122223333:federated-user/me"), None);
        assert_eq!(of(""), None);
    }
}
