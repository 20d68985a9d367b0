//! What a Terraform plan will install: the output of `terraform show -json PLAN`.
//!
//! Format: <https://developer.hashicorp.com/terraform/internals/json-format>. Values that Terraform
//! knows only after apply are unknown here, save names that it takes from another resource of the plan.

mod buckets;
mod resources;

use super::installed::{Installed, Known, NamedPolicy, Origin};
use super::read::ReadError;
use crate::iam::PolicyDocument;
use crate::{KmsKeyArn, ReplicationPlan, RoleArn};

use resources::{Resource, Resources};

const AFTER_APPLY: &str = "Terraform knows it after apply only";

impl Installed {
    /// Adds what a Terraform plan will have installed.
    ///
    /// # Errors
    /// Text that is no plan as JSON, with the line and column.
    pub fn read_terraform(
        &mut self,
        plan: &ReplicationPlan,
        file: &str,
        text: &str,
    ) -> Result<(), ReadError> {
        let resources = Resources::read(text)?;
        let mut reader = Reader {
            plan,
            file,
            resources: &resources,
            installed: self,
        };
        for resource in resources.all() {
            reader.resource(resource);
        }
        for resource in resources.all() {
            reader.attachment(resource);
        }
        reader.settle();
        Ok(())
    }
}

struct Reader<'a> {
    plan: &'a ReplicationPlan,
    file: &'a str,
    resources: &'a Resources,
    installed: &'a mut Installed,
}

impl Reader<'_> {
    fn resource(&mut self, resource: &Resource) {
        match resource.kind.as_str() {
            "aws_iam_role" => self.role(resource),
            "aws_kms_key" => self.key(resource, "arn"),
            "aws_kms_key_policy" => self.key(resource, "key_id"),
            kind if kind.starts_with("aws_s3_bucket") => self.bucket(resource),
            _ => {}
        }
    }

    fn attachment(&mut self, resource: &Resource) {
        match resource.kind.as_str() {
            "aws_iam_role_policy" => {
                let document = self.policy(resource, "policy");
                self.attach(resource, document);
            }
            "aws_iam_role_policy_attachment" | "aws_iam_policy_attachment" => {
                let policy = self
                    .resources
                    .behind(resource, "policy_arn", "aws_iam_policy");
                let document = match policy {
                    Some(policy) => self.policy(policy, "policy"),
                    None => Known::unknown("it is attached, and not part of the plan"),
                };
                self.attach(resource, document);
            }
            _ => {}
        }
    }

    fn origin(&self, resource: &Resource) -> Origin {
        Origin::place(format!("{}: {}", self.file, resource.address))
    }

    /// A policy document in an attribute.
    fn policy(&self, resource: &Resource, attribute: &str) -> Known<PolicyDocument> {
        let Some(text) = resource.text(attribute) else {
            return Known::unknown(AFTER_APPLY);
        };
        match PolicyDocument::parse(text) {
            Ok(document) => Known::present(document, self.origin(resource)),
            Err(error) => Known::unknown(format!("`{}`: {error}", resource.address)),
        }
    }

    /// The role by its name: in the account of the source that it is planned for.
    fn role_arn(&self, name: &str) -> Option<RoleArn> {
        let flows = self.plan.flows();
        let planned = flows.iter().find(|flow| flow.role_name() == name);
        let flow = planned.or_else(|| flows.first())?;
        let account = flow.source.account.clone();
        Some(RoleArn::new(flow.source.partition(), account, name))
    }

    fn role(&mut self, resource: &Resource) {
        let Some(arn) = resource.text("name").and_then(|name| self.role_arn(name)) else {
            return;
        };
        let trust = self.policy(resource, "assume_role_policy");
        let boundary = match (
            resource.values.get("permissions_boundary"),
            resource.is_unknown("permissions_boundary"),
        ) {
            (Some(serde_json::Value::String(_)), _) | (_, true) => {
                let kind = "aws_iam_policy";
                match self
                    .resources
                    .behind(resource, "permissions_boundary", kind)
                {
                    Some(policy) => self.policy(policy, "policy"),
                    None => Known::unknown("it is not part of the plan"),
                }
            }
            _ => Known::Absent,
        };
        let inline: Vec<NamedPolicy> = resource
            .blocks("inline_policy")
            .filter_map(|block| {
                let text = block.get("policy")?.as_str()?;
                let document = match PolicyDocument::parse(text) {
                    Ok(document) => Known::present(document, self.origin(resource)),
                    Err(error) => Known::unknown(error.to_string()),
                };
                let name = block.get("name").and_then(|name| name.as_str());
                Some(NamedPolicy {
                    name: name.unwrap_or("inline").to_owned(),
                    document,
                })
            })
            .collect();
        let role = self.installed.role_mut(&arn);
        role.trust = trust;
        role.boundary = boundary;
        role.unread_policies = None;
        role.policies.extend(inline);
    }

    fn attach(&mut self, resource: &Resource, document: Known<PolicyDocument>) {
        let named = resource.text("role").map(ToOwned::to_owned);
        let name = named.or_else(|| {
            let role = self.resources.behind(resource, "role", "aws_iam_role")?;
            role.text("name").map(ToOwned::to_owned)
        });
        if let Some(arn) = name.and_then(|name| self.role_arn(&name)) {
            self.installed.role_mut(&arn).policies.push(NamedPolicy {
                name: resource.address.clone(),
                document,
            });
        }
    }

    /// A key of the plan, by its ARN or its id.
    fn key(&mut self, resource: &Resource, attribute: &str) {
        let behind = self.resources.behind(resource, attribute, "aws_kms_key");
        let named = resource
            .text(attribute)
            .or_else(|| behind.and_then(|key| key.text("arn")));
        let sites = self.plan.sites().iter();
        let mut keys = sites.filter_map(|site| site.encryption.kms_key());
        let is = |key: &&KmsKeyArn| {
            named.is_some_and(|named| named == key.as_str() || named == key.key_id())
        };
        let Some(key) = keys.find(is).cloned() else {
            return;
        };
        let policy = self.policy(resource, "policy");
        let origin = self.origin(resource);
        let key = self.installed.key_mut(&key);
        key.policy = policy;
        let state = match resource
            .values
            .get("is_enabled")
            .and_then(|on| on.as_bool())
        {
            Some(true) => super::KeyState::Enabled,
            Some(false) => super::KeyState::Disabled,
            None => return,
        };
        key.state = Known::present(state, origin);
    }

    /// What the plan does not have, though it has the bucket.
    fn settle(&mut self) {
        let here: Vec<_> = self
            .resources
            .all()
            .filter(|resource| resource.kind == "aws_s3_bucket")
            .filter_map(|resource| resource.text("bucket")?.parse().ok())
            .collect();
        for name in here {
            let bucket = self.installed.bucket_mut(&name);
            if matches!(bucket.policy, Known::Unknown(ref why) if why != AFTER_APPLY) {
                bucket.policy = Known::Absent;
            }
            if matches!(bucket.replication, Known::Unknown(ref why) if why != AFTER_APPLY) {
                bucket.replication = Known::Absent;
            }
            if matches!(bucket.versioning, Known::Unknown(ref why) if why != AFTER_APPLY) {
                bucket.versioning = Known::Absent;
            }
        }
    }
}
