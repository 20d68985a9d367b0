//! The commands that repair a finding, to be pasted into a shell.
//!
//! Documents are written whole, so a command for a document repairs everything that was found in it,
//! and running it twice does no harm.

use keyferry_live::INLINE_POLICY;
use keyferry_policy::check::{Finding, Repaired, Rule, Target};
use keyferry_policy::documents::Kind;
use keyferry_policy::{BucketName, Documents, Region};
use keyferry_transfer::Endpoints;

use super::Situation;

/// How commands reach what they are about: what the caller had to say to get there.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Profile with the credentials.
    pub profile: Option<String>,
    /// Where S3 is, if not at AWS.
    pub endpoints: Endpoints,
    /// Where other services are, if not there, too.
    pub other_services: Option<Endpoints>,
    /// File with the certificates to trust.
    pub ca_bundle: Option<String>,
}

/// Text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl Shell {
    /// `aws s3api OPERATION --bucket BUCKET`, and what else it is to be told.
    pub(crate) fn s3api(
        &self,
        operation: &str,
        bucket: &BucketName,
        region: &Region,
        more: &[(&str, &str)],
    ) -> String {
        let mut words = vec![("--bucket", bucket.as_str())];
        words.extend(more);
        self.aws(
            &format!("s3api {operation}"),
            region,
            &self.endpoints,
            &words,
        )
    }

    pub(crate) fn other(&self, operation: &str, region: &Region, more: &[(&str, &str)]) -> String {
        let endpoints = self.other_services.as_ref().unwrap_or(&self.endpoints);
        self.aws(operation, region, endpoints, more)
    }

    fn aws(
        &self,
        operation: &str,
        region: &Region,
        endpoints: &Endpoints,
        more: &[(&str, &str)],
    ) -> String {
        let mut command = format!("aws {operation}");
        let mut say = |option: &str, value: &str| {
            command.push_str(&format!(" {option} {}", quoted(value)));
        };
        for (option, value) in more {
            say(option, value);
        }
        say("--region", region.as_str());
        if let Some(endpoint) = endpoints.of(region) {
            say("--endpoint-url", endpoint.as_str());
        }
        if let Some(bundle) = &self.ca_bundle {
            say("--ca-bundle", bundle);
        }
        if let Some(profile) = &self.profile {
            say("--profile", profile);
        }
        command
    }

    /// What repairs a finding of the policy core, in the order in which it is to be run.
    pub(crate) fn commands(
        &self,
        finding: &Finding,
        documents: &[Repaired],
        situation: &Situation,
    ) -> Vec<String> {
        let special = self.special(finding, situation);
        if !special.is_empty() {
            return special;
        }
        let mut commands = Vec::new();
        for change in &finding.changes {
            let document = documents
                .iter()
                .find(|document| document.document == change.document);
            let command = document.and_then(|document| self.write(document, situation));
            commands.extend(command.filter(|command| !commands.contains(command)));
        }
        commands
    }

    /// Writes a document.
    pub(crate) fn write(&self, document: &Repaired, situation: &Situation) -> Option<String> {
        let json = document.json.as_str();
        let bucket = |operation, name: &BucketName, option| {
            let place = situation.places.get(name)?;
            Some(self.s3api(operation, name, &place.region, &[(option, json)]))
        };
        let home = &situation.places.get(&situation.source)?.region;
        match &document.target {
            Target::Versioning(name) => {
                bucket("put-bucket-versioning", name, "--versioning-configuration")
            }
            Target::Encryption(name) => bucket(
                "put-bucket-encryption",
                name,
                "--server-side-encryption-configuration",
            ),
            Target::BucketPolicy(name) => bucket("put-bucket-policy", name, "--policy"),
            Target::Replication(name) => bucket(
                "put-bucket-replication",
                name,
                "--replication-configuration",
            ),
            Target::Trust(role) => Some(self.other(
                "iam update-assume-role-policy",
                home,
                &[
                    ("--role-name", role.role_name()),
                    ("--policy-document", json),
                ],
            )),
            Target::Permissions(_, arn) if arn.starts_with("arn:") => {
                let words = [("--policy-arn", arn.as_str()), ("--policy-document", json)];
                let command = self.other("iam create-policy-version", home, &words);
                Some(format!("{command} --set-as-default"))
            }
            Target::Permissions(role, name) => Some(self.other(
                "iam put-role-policy",
                home,
                &[
                    ("--role-name", role.role_name()),
                    ("--policy-name", name),
                    ("--policy-document", json),
                ],
            )),
            Target::KeyPolicy(key) => Some(self.other(
                "kms put-key-policy",
                key.region(),
                &[
                    ("--key-id", key.as_str()),
                    ("--policy-name", "default"),
                    ("--policy", json),
                ],
            )),
            _ => None,
        }
    }

    /// What no document repairs.
    fn special(&self, finding: &Finding, situation: &Situation) -> Vec<String> {
        match finding.rule {
            Rule::RoleMissing => self.new_role(finding, situation),
            Rule::KeyDisabled => self.usable_key(finding, situation),
            Rule::ObjectLockOnSourceOnly => destination_of(finding, situation)
                .and_then(|name| {
                    let region = &situation.places.get(name)?.region;
                    let lock = [(
                        "--object-lock-configuration",
                        r#"{"ObjectLockEnabled":"Enabled"}"#,
                    )];
                    Some(self.s3api("put-object-lock-configuration", name, region, &lock))
                })
                .into_iter()
                .collect(),
            Rule::ReplicationMissing | Rule::DirectionMissing => {
                self.apply(situation).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn new_role(&self, finding: &Finding, situation: &Situation) -> Vec<String> {
        let Some(home) = situation.places.get(&situation.source) else {
            return Vec::new();
        };
        let missing = situation.installed.roles.iter();
        let missing = missing
            .filter(|role| !role.exists)
            .find(|role| finding.message.contains(role.arn.as_str()));
        let Some(role) = missing else {
            return Vec::new();
        };
        let name = role.arn.role_name();
        for plan in &situation.plans {
            let documents = Documents::of(plan);
            for flow in plan
                .flows()
                .iter()
                .filter(|flow| flow.role_arn() == role.arn)
            {
                let document = |kind| documents.policy(kind, &flow.source.bucket);
                if let (Some(trust), Some(permissions)) =
                    (document(Kind::Trust), document(Kind::Role))
                {
                    let (trust, permissions) = (compact(trust), compact(permissions));
                    let make = [
                        ("--role-name", name),
                        ("--assume-role-policy-document", trust.as_str()),
                    ];
                    let allow = [
                        ("--role-name", name),
                        ("--policy-name", INLINE_POLICY),
                        ("--policy-document", permissions.as_str()),
                    ];
                    return vec![
                        self.other("iam create-role", &home.region, &make),
                        self.other("iam put-role-policy", &home.region, &allow),
                    ];
                }
            }
        }
        Vec::new()
    }

    fn usable_key(&self, finding: &Finding, situation: &Situation) -> Vec<String> {
        use keyferry_policy::check::KeyState;
        let keys = situation.installed.keys.iter();
        let mut keys = keys.filter(|key| finding.message.contains(key.arn.as_str()));
        let Some(key) = keys.next() else {
            return Vec::new();
        };
        let words = [("--key-id", key.arn.as_str())];
        let ask = |operation| self.other(operation, key.arn.region(), &words);
        match key.state.value() {
            Some(KeyState::Disabled) => vec![ask("kms enable-key")],
            Some(KeyState::PendingDeletion) => {
                vec![ask("kms cancel-key-deletion"), ask("kms enable-key")]
            }
            _ => Vec::new(),
        }
    }

    /// `keyferry policy apply` for all that is missing between two buckets.
    fn apply(&self, situation: &Situation) -> Option<String> {
        let source = situation.places.get(&situation.source)?;
        let plan = situation.plans.first()?;
        let flow = plan.flows_from(&situation.source).into_iter().next()?;
        let mut command = format!(
            "keyferry policy apply --encryption sse-c --source {}@{} --destination {}@{} --account {}",
            situation.source,
            source.region,
            flow.destination.bucket,
            flow.destination.region,
            source.account
        );
        if flow.destination.account != source.account {
            let account = &flow.destination.account;
            command.push_str(&format!(" --destination-account {account}"));
        }
        if flow.both_ways {
            command.push_str(" --both-ways");
        }
        if let Some(profile) = &self.profile {
            command.push_str(&format!(" --profile {}", quoted(profile)));
        }
        Some(command)
    }
}

/// The destination that a finding about a direction names: `SOURCE -> DESTINATION`.
fn destination_of<'a>(finding: &Finding, situation: &'a Situation) -> Option<&'a BucketName> {
    let (_, name) = finding.subject.split_once(" -> ")?;
    situation
        .places
        .keys()
        .find(|bucket| bucket.as_str() == name)
}

/// A policy in one line.
pub(crate) fn compact(policy: &keyferry_policy::iam::PolicyDocument) -> String {
    serde_json::to_string(policy).unwrap_or_default()
}
