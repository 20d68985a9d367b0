//! Roles with their policies, and managed policies for people.
//!
//! Roles belong to an account, not to a region: each is in the template of its source bucket.

use super::{FOR_PEOPLE, Stacks, resource};
use crate::Site;
use crate::documents::Kind;
use crate::formats::tree::Tree;
use crate::formats::{INLINE_POLICY, user_policy_name};

pub(super) fn resources(stacks: &Stacks<'_>, site: &Site) -> Vec<(String, Tree)> {
    let flows = stacks.plan.flows_from(&site.bucket);
    let Some(flow) = flows.first() else {
        return Vec::new();
    };
    let replication = role(stacks, site, &flow.role_name(), (Kind::Trust, Kind::Role));
    let batch = role(
        stacks,
        site,
        &flow.batch_role_name(),
        (Kind::BatchTrust, Kind::BatchRole),
    );
    let policy = |kind| policy(stacks, site, kind);
    [
        ("ReplicationRole", replication),
        ("BatchRole", batch),
        ("UploaderPolicy", policy(Kind::Uploader)),
        ("VerifierPolicy", policy(Kind::Verifier)),
    ]
    .into_iter()
    .filter_map(|(what, resource)| Some((stacks.id(site, what), resource?)))
    .collect()
}

fn role(
    stacks: &Stacks<'_>,
    site: &Site,
    name: &str,
    (trust, permissions): (Kind, Kind),
) -> Option<Tree> {
    let trust = stacks.document(trust, site)?;
    let permissions = stacks.document(permissions, site)?;
    let policy = Tree::map([
        ("PolicyName", INLINE_POLICY.into()),
        ("PolicyDocument", Tree::of(&permissions.content)),
    ]);
    let properties = Tree::map([
        ("RoleName", name.into()),
        ("AssumeRolePolicyDocument", Tree::of(&trust.content)),
        ("Policies", Tree::List(vec![policy])),
    ]);
    Some(resource("AWS::IAM::Role", properties))
}

fn policy(stacks: &Stacks<'_>, site: &Site, kind: Kind) -> Option<Tree> {
    let document = stacks.document(kind, site)?;
    let properties = Tree::map([
        ("ManagedPolicyName", user_policy_name(kind, site).into()),
        ("PolicyDocument", Tree::of(&document.content)),
    ]);
    let mut resource = resource("AWS::IAM::ManagedPolicy", properties);
    resource.insert("Condition", FOR_PEOPLE.into());
    Some(resource)
}
