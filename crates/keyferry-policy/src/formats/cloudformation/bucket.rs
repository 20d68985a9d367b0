//! Buckets, with all that can be set on them, and their policies.

use super::{REPLICATING, Stacks, resource, while_replicating};
use crate::Site;
use crate::documents::Kind;
use crate::formats::tree::Tree;

pub(super) fn resources(stacks: &Stacks<'_>, site: &Site) -> Vec<(String, Tree)> {
    let id = stacks.id(site, "Bucket");
    let bucket = Tree::map([
        ("Type", "AWS::S3::Bucket".into()),
        // Objects outlive their stack.
        ("DeletionPolicy", "Retain".into()),
        ("UpdateReplacePolicy", "Retain".into()),
        ("Properties", properties(stacks, site)),
    ]);
    let mut resources = vec![(id.clone(), bucket)];
    if let Some(policy) = policy(stacks, site, &id) {
        resources.push((stacks.id(site, "BucketPolicy"), policy));
    }
    resources
}

fn properties(stacks: &Stacks<'_>, site: &Site) -> Tree {
    let ownership = Tree::map([("ObjectOwnership", site.ownership.as_str().into())]);
    let mut properties = Tree::map([
        ("BucketName", site.bucket.as_str().into()),
        (
            "OwnershipControls",
            Tree::map([("Rules", Tree::List(vec![ownership]))]),
        ),
    ]);
    if site.object_lock {
        properties.insert("ObjectLockEnabled", Tree::Bool(true));
    }
    let document = |kind| {
        let document = stacks.document(kind, site)?;
        Some(Tree::of(&document.content))
    };
    if let Some(versioning) = document(Kind::Versioning) {
        properties.insert("VersioningConfiguration", versioning);
    }
    if let Some(encryption) = document(Kind::Encryption) {
        properties.insert("BucketEncryption", encryption_of(encryption));
    }
    if let Some(replication) = document(Kind::Replication) {
        let replication = replication_of(replication, &stacks.id(site, "ReplicationRole"));
        properties.insert("ReplicationConfiguration", while_replicating(replication));
    }
    properties
}

/// The same as the API's, under CloudFormation's names.
fn encryption_of(mut encryption: Tree) -> Tree {
    let rename = |mut rule: Tree| {
        rule.replace(
            "ApplyServerSideEncryptionByDefault",
            "ServerSideEncryptionByDefault",
            |value| value,
        );
        rule
    };
    encryption.replace("Rules", "ServerSideEncryptionConfiguration", |rules| {
        rules.each(rename)
    });
    encryption
}

fn replication_of(mut replication: Tree, role: &str) -> Tree {
    let arn = Tree::List(vec![role.into(), "Arn".into()]);
    replication.replace("Role", "Role", |_| Tree::map([("Fn::GetAtt", arn)]));
    replication.replace("Rules", "Rules", |rules| rules.each(rule_of));
    replication
}

fn rule_of(mut rule: Tree) -> Tree {
    rule.replace("ID", "Id", |value| value);
    rule.replace("Filter", "Filter", |mut filter| {
        filter.replace("Tag", "TagFilter", |value| value);
        filter.replace("And", "And", |mut and| {
            and.replace("Tags", "TagFilters", |value| value);
            and
        });
        filter
    });
    rule
}

/// A policy that names roles waits for them; what it denies to everyone does not.
fn policy(stacks: &Stacks<'_>, site: &Site, bucket: &str) -> Option<Tree> {
    let document = stacks.document(Kind::BucketPolicy, site)?;
    let mut policy = Tree::of(&document.content);
    let (mut waiting, mut all) = (0, 0);
    policy.replace("Statement", "Statement", |statements| {
        all = statements.items().len();
        let names_role = |statement: &Tree| {
            statement
                .member("Principal")
                .is_some_and(|principal| principal.member("AWS").is_some())
        };
        waiting = statements
            .items()
            .iter()
            .filter(|each| names_role(each))
            .count();
        if waiting == all {
            return statements;
        }
        statements.each(|statement| {
            if names_role(&statement) {
                while_replicating(statement)
            } else {
                statement
            }
        })
    });
    let properties = Tree::map([
        ("Bucket", Tree::map([("Ref", bucket.into())])),
        ("PolicyDocument", policy),
    ]);
    let mut resource = resource("AWS::S3::BucketPolicy", properties);
    if waiting == all {
        resource.insert("Condition", REPLICATING.into());
    }
    Some(resource)
}
