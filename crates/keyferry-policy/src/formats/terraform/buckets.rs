//! Buckets and their settings.

use super::Configuration;
use super::hcl::{Body, Expression};
use crate::Site;
use crate::documents::{Content, EncryptionConfiguration, Kind};
use crate::formats::tree::Tree;

pub(super) fn of(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let label = configuration.label(site);

    let mut bucket = Body::new();
    bucket
        .code("count", "var.create_buckets ? 1 : 0")
        .code("provider", configuration.provider_of(site))
        .blank()
        .text("bucket", site.bucket.as_str());
    if site.object_lock {
        bucket.code("object_lock_enabled", "true");
    }
    file.block(&format!("resource \"aws_s3_bucket\" \"{label}\""), bucket);

    let mut ownership = settings_of(configuration, site);
    ownership.block("rule", {
        let mut rule = Body::new();
        rule.text("object_ownership", site.ownership.as_str());
        rule
    });
    file.block(
        &format!("resource \"aws_s3_bucket_ownership_controls\" \"{label}\""),
        ownership,
    );

    let mut versioning = settings_of(configuration, site);
    versioning.block("versioning_configuration", {
        let mut status = Body::new();
        status.text("status", "Enabled");
        status
    });
    file.block(
        &format!("resource \"aws_s3_bucket_versioning\" \"{label}\""),
        versioning,
    );

    let document = configuration.document(Kind::Encryption, site);
    if let Some(Content::Encryption(document)) = document.map(|document| &document.content) {
        let mut encryption = settings_of(configuration, site);
        for rule in encryption_rules(document) {
            encryption.block("rule", rule);
        }
        file.block(
            &format!("resource \"aws_s3_bucket_server_side_encryption_configuration\" \"{label}\""),
            encryption,
        );
    }
}

/// The policy of the bucket, once the roles it names are there.
pub(super) fn policy(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let Some(document) = configuration.document(Kind::BucketPolicy, site) else {
        return;
    };
    let mut policy = settings_of(configuration, site);
    policy.set("policy", Expression::json(&Tree::of(&document.content)));
    let roles = configuration.roles_into(site);
    if !roles.is_empty() {
        policy
            .blank()
            .set("depends_on", Expression::references(&roles));
    }
    let label = configuration.label(site);
    file.block(
        &format!("resource \"aws_s3_bucket_policy\" \"{label}\""),
        policy,
    );
}

/// The beginning of every resource that sets something on a bucket.
pub(super) fn settings_of(configuration: &Configuration<'_>, site: &Site) -> Body {
    let mut body = configuration.resource(site);
    body.code("bucket", configuration.bucket(site));
    body
}

fn encryption_rules(document: &EncryptionConfiguration) -> Vec<Body> {
    document
        .rules
        .iter()
        .map(|rule| {
            let by_default = &rule.apply_server_side_encryption_by_default;
            let mut default = Body::new();
            default.text("sse_algorithm", &by_default.algorithm);
            if let Some(key) = &by_default.kms_key {
                default.text("kms_master_key_id", key);
            }
            let mut body = Body::new();
            body.code("bucket_key_enabled", rule.bucket_key_enabled.to_string());
            if let Some(blocked) = &rule.blocked_encryption_types {
                let names = blocked.encryption_type.iter();
                let names = names.map(|kind| Expression::text(kind.as_str())).collect();
                body.set("blocked_encryption_types", Expression::List(names));
            }
            body.block("apply_server_side_encryption_by_default", default);
            body
        })
        .collect()
}
