//! One Terraform configuration for all of a plan.
//!
//! Provider: <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>. Policies stand in it
//! as they are, so that what is reviewed is what is installed; resources that AWS checks against each
//! other are told to wait for each other.

mod buckets;
mod hcl;
mod keys;
mod replication;
mod roles;

use hcl::{Body, Expression};

use super::labels::Labels;
use super::{EmittedFile, summary};
use crate::documents::{Document, Kind};
use crate::{AccountId, Documents, KmsKeyArn, Region, ReplicationPlan, Site};

/// What every resource is made from.
struct Configuration<'a> {
    plan: &'a ReplicationPlan,
    documents: &'a Documents,
    labels: Labels,
}

pub(super) fn files(plan: &ReplicationPlan, documents: &Documents) -> Vec<EmittedFile> {
    let configuration = Configuration {
        plan,
        documents,
        labels: Labels::snake_case(plan),
    };
    let mut file = Body::new();
    head(plan, &mut file);
    settings(&mut file);
    variables(&mut file);
    for (region, account) in configuration.places() {
        file.block(
            "provider \"aws\"",
            provider(&configuration, region, account),
        );
    }
    locals(&configuration, &mut file);
    for site in plan.sites() {
        let place = format!(
            "{} in {}, account {}",
            site.bucket, site.region, site.account
        );
        file.blank().comment(&place).blank();
        let mut resources = Body::new();
        buckets::of(&configuration, site, &mut resources);
        roles::of(&configuration, site, &mut resources);
        keys::of(&configuration, site, &mut resources);
        buckets::policy(&configuration, site, &mut resources);
        replication::of(&configuration, site, &mut resources);
        roles::for_batch(&configuration, site, &mut resources);
        roles::for_people(&configuration, site, &mut resources);
        file.extend(resources);
    }
    outputs(&configuration, &mut file);
    vec![EmittedFile::new("main.tf", file.to_text())]
}

impl<'a> Configuration<'a> {
    /// Regions and accounts, each once, in the order of the sites.
    fn places(&self) -> Vec<(&'a Region, &'a AccountId)> {
        let mut places = Vec::new();
        for site in self.plan.sites() {
            if !places.contains(&(&site.region, &site.account)) {
                places.push((&site.region, &site.account));
            }
        }
        places
    }

    /// The provider of a region, and of an account where there are several.
    fn alias(&self, region: &Region, account: &AccountId) -> String {
        let region = region.as_str().replace('-', "_");
        if self
            .plan
            .sites()
            .iter()
            .any(|site| site.account != *account)
        {
            format!("{region}_{account}")
        } else {
            region
        }
    }

    fn provider_of(&self, site: &Site) -> String {
        format!("aws.{}", self.alias(&site.region, &site.account))
    }

    /// The provider of a key. Its account may have no bucket in the plan; then the site's own must do.
    fn provider_of_key(&self, site: &Site, key: &KmsKeyArn) -> String {
        let places = self.places();
        let owned = places.contains(&(key.region(), key.account()));
        if owned {
            format!("aws.{}", self.alias(key.region(), key.account()))
        } else {
            self.provider_of(site)
        }
    }

    fn label(&self, site: &Site) -> &str {
        self.labels.of(&site.bucket)
    }

    /// The name of a bucket, by way of the resource where there is one.
    fn bucket(&self, site: &Site) -> String {
        format!("local.{}", self.label(site))
    }

    fn document(&self, kind: Kind, site: &Site) -> Option<&'a Document> {
        self.documents.find(kind, &site.bucket)
    }

    /// A resource that begins with its provider.
    fn resource(&self, site: &Site) -> Body {
        let mut body = Body::new();
        body.code("provider", self.provider_of(site)).blank();
        body
    }

    /// Roles that documents of a site name: those that replicate into it.
    fn roles_into(&self, site: &Site) -> Vec<String> {
        let mut roles: Vec<String> = self
            .plan
            .flows_into(&site.bucket)
            .iter()
            .filter(|flow| flow.crosses_accounts())
            .map(|flow| format!("aws_iam_role.{}", self.label(flow.source)))
            .collect();
        roles.dedup();
        roles
    }

    /// Roles of other accounts that the policy of a key names.
    fn roles_using(&self, key: &KmsKeyArn) -> Vec<String> {
        let uses = |site: &Site| site.encryption.kms_key() == Some(key);
        let mut roles: Vec<String> = self
            .plan
            .flows()
            .iter()
            .filter(|flow| uses(flow.source) || uses(flow.destination))
            .filter(|flow| flow.source.account != *key.account())
            .map(|flow| format!("aws_iam_role.{}", self.label(flow.source)))
            .collect();
        roles.dedup();
        roles
    }
}

fn head(plan: &ReplicationPlan, file: &mut Body) {
    file.comment("S3 replication:");
    for line in summary(plan) {
        file.comment(&format!("  {line}"));
    }
    file.comment("")
        .comment("Policies of buckets and keys that exist already are replaced as a whole: look at the plan")
        .comment("before you apply it. Made by `keyferry policy emit --format terraform`.")
        .blank();
}

fn settings(file: &mut Body) {
    let mut providers = Body::new();
    providers.set(
        "aws",
        Expression::Object(vec![
            ("source".to_owned(), Expression::text("hashicorp/aws")),
            (
                "version".to_owned(),
                // Before 6.40.0, a plan never settles on blocked_encryption_types.
                Expression::text(">= 6.40.0, < 7.0.0"),
            ),
        ]),
    );
    let mut terraform = Body::new();
    terraform
        .text("required_version", ">= 1.0")
        .block("required_providers", providers);
    file.block("terraform", terraform);
}

fn variables(file: &mut Body) {
    let mut variable = |name: &str, description: &str, kind: &str, default: &str| {
        let mut body = Body::new();
        body.text("description", description)
            .code("type", kind)
            .code("default", default);
        file.block(&format!("variable \"{name}\""), body);
    };
    variable(
        "create_buckets",
        "Whether buckets are made. If not, they are there already, and only their settings are managed.",
        "bool",
        "true",
    );
    variable(
        "create_user_policies",
        "Whether managed policies are made for those who upload and download, and for those who verify.",
        "bool",
        "true",
    );
    variable(
        "profiles",
        "Profile of the AWS configuration to use, by account id.",
        "map(string)",
        "{}",
    );
    variable(
        "assume_role_arns",
        "Role that Terraform assumes, by account id.",
        "map(string)",
        "{}",
    );
}

fn provider(configuration: &Configuration<'_>, region: &Region, account: &AccountId) -> Body {
    let mut assume_role = Body::new();
    assume_role
        .code(
            "for_each",
            format!("compact([lookup(var.assume_role_arns, \"{account}\", \"\")])"),
        )
        .block("content", {
            let mut content = Body::new();
            content.code("role_arn", "assume_role.value");
            content
        });
    let mut provider = Body::new();
    provider
        .text("alias", configuration.alias(region, account))
        .text("region", region.as_str())
        .code(
            "profile",
            format!("lookup(var.profiles, \"{account}\", null)"),
        )
        .set(
            "allowed_account_ids",
            Expression::List(vec![Expression::text(account.as_str())]),
        )
        .block("dynamic \"assume_role\"", assume_role);
    provider
}

fn locals(configuration: &Configuration<'_>, file: &mut Body) {
    let mut locals = Body::new();
    for site in configuration.plan.sites() {
        let label = configuration.label(site);
        locals.code(
            label,
            format!(
                "var.create_buckets ? aws_s3_bucket.{label}[0].bucket : \"{}\"",
                site.bucket
            ),
        );
    }
    file.block("locals", locals);
}

fn outputs(configuration: &Configuration<'_>, file: &mut Body) {
    let sources = configuration
        .plan
        .sites()
        .iter()
        .filter(|site| configuration.document(Kind::Trust, site).is_some());
    let roles = sources
        .map(|site| {
            let label = configuration.label(site);
            (
                site.bucket.to_string(),
                Expression::code(format!("aws_iam_role.{label}.arn")),
            )
        })
        .collect();
    let mut output = Body::new();
    output
        .text("description", "Role that replicates, by source bucket.")
        .set("value", Expression::Object(roles));
    file.block("output \"replication_roles\"", output);
}
