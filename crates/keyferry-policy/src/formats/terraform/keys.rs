//! Policies of KMS keys that exist already.

use super::Configuration;
use super::hcl::{Body, Expression};
use crate::Site;
use crate::documents::Kind;
use crate::formats::tree::Tree;

/// The policy of a site's key, once the roles it names are there.
pub(super) fn of(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let (Some(document), Some(key)) = (
        configuration.document(Kind::KeyPolicy, site),
        site.encryption.kms_key(),
    ) else {
        return;
    };
    let mut policy = Body::new();
    policy
        .code("provider", configuration.provider_of_key(site, key))
        .blank()
        .text("key_id", key.as_str())
        .set("policy", Expression::json(&Tree::of(&document.content)));
    let roles = configuration.roles_using(key);
    if !roles.is_empty() {
        policy
            .blank()
            .set("depends_on", Expression::references(&roles));
    }
    let label = configuration.label(site);
    file.block(
        &format!("resource \"aws_kms_key_policy\" \"{label}\""),
        policy,
    );
}
