//! Roles and the policies they carry, and policies for people.

use super::Configuration;
use super::hcl::{Body, Expression};
use crate::Site;
use crate::documents::Kind;
use crate::formats::tree::Tree;
use crate::formats::{INLINE_POLICY, user_policy_name};

/// The role that S3 acts as.
pub(super) fn of(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let flows = configuration.plan.flows_from(&site.bucket);
    let Some(flow) = flows.first() else { return };
    let label = configuration.label(site).to_owned();
    let description = format!("S3 replicates out of {} as this role", site.bucket);
    role(
        configuration,
        site,
        file,
        &Role {
            label,
            name: flow.role_name(),
            description,
            trust: Kind::Trust,
            permissions: Kind::Role,
        },
    );
}

/// The role that Batch Operations acts as, where objects older than the rules replicate.
pub(super) fn for_batch(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let flows = configuration.plan.flows_from(&site.bucket);
    let Some(flow) = flows.first() else { return };
    let label = format!("{}_batch", configuration.label(site));
    let description = format!("Batch Replication of existing objects in {}", site.bucket);
    role(
        configuration,
        site,
        file,
        &Role {
            label,
            name: flow.batch_role_name(),
            description,
            trust: Kind::BatchTrust,
            permissions: Kind::BatchRole,
        },
    );
}

struct Role {
    label: String,
    name: String,
    description: String,
    trust: Kind,
    permissions: Kind,
}

fn role(configuration: &Configuration<'_>, site: &Site, file: &mut Body, role: &Role) {
    let Some(trust) = configuration.document(role.trust, site) else {
        return;
    };
    let mut body = configuration.resource(site);
    body.text("name", &role.name)
        .text("description", &role.description)
        .set(
            "assume_role_policy",
            Expression::json(&Tree::of(&trust.content)),
        );
    let label = &role.label;
    file.block(&format!("resource \"aws_iam_role\" \"{label}\""), body);

    let Some(permissions) = configuration.document(role.permissions, site) else {
        return;
    };
    let mut body = configuration.resource(site);
    body.text("name", INLINE_POLICY)
        .code("role", format!("aws_iam_role.{label}.name"))
        .set("policy", Expression::json(&Tree::of(&permissions.content)));
    file.block(
        &format!("resource \"aws_iam_role_policy\" \"{label}\""),
        body,
    );
}

/// Managed policies, to be attached to those who upload, download and verify.
pub(super) fn for_people(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    for kind in [Kind::Uploader, Kind::Verifier] {
        let Some(document) = configuration.document(kind, site) else {
            continue;
        };
        let mut body = Body::new();
        body.code("count", "var.create_user_policies ? 1 : 0")
            .code("provider", configuration.provider_of(site))
            .blank()
            .text("name", user_policy_name(kind, site))
            .set("policy", Expression::json(&Tree::of(&document.content)));
        let label = format!("{}_{}", configuration.label(site), kind.as_str());
        file.block(&format!("resource \"aws_iam_policy\" \"{label}\""), body);
    }
}
