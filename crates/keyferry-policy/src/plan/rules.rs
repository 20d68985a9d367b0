//! The rules that make a plan possible.

use super::{Encryption, Flow, Ownership, PlanError, PlanRule, Site};

pub(super) fn check(sites: &[Site], flows: &[Flow]) -> Result<(), PlanError> {
    for (index, site) in sites.iter().enumerate() {
        let before = sites.get(..index).unwrap_or_default();
        check_site(site, before)?;
        if let Some(role) = &site.role
            && before
                .iter()
                .any(|other| other.account == site.account && other.role.as_ref() == Some(role))
        {
            return Err(site_error(
                site,
                "role",
                PlanRule::RoleTwice(role.to_string()),
            ));
        }
        let replicates = flows.iter().any(|flow| flow.source == site.bucket);
        if site.role.is_some() && !replicates {
            return Err(site_error(
                site,
                "role",
                PlanRule::RoleUnused(site.bucket.to_string()),
            ));
        }
    }
    if flows.is_empty() {
        return Err(PlanError::new("flow", PlanRule::NoFlow));
    }
    for (index, flow) in flows.iter().enumerate() {
        let find = |name: &'static str, bucket: &crate::BucketName| {
            sites
                .iter()
                .find(|site| site.bucket == *bucket)
                .ok_or_else(|| flow_error(flow, name, PlanRule::UnknownBucket(bucket.to_string())))
        };
        let source = find("source", &flow.source)?;
        let destination = find("destination", &flow.destination)?;
        check_flow(flow, source, destination)?;
        let twice = flows.iter().take(index).any(|other| {
            other.source == flow.source
                && other.destination == flow.destination
                && other.prefix == flow.prefix
                && other.tags == flow.tags
        });
        if twice {
            return Err(flow_error(
                flow,
                "destination",
                PlanRule::FlowTwice {
                    source_bucket: flow.source.to_string(),
                    destination: flow.destination.to_string(),
                },
            ));
        }
    }
    Ok(())
}

fn check_site(site: &Site, before: &[Site]) -> Result<(), PlanError> {
    if before.iter().any(|other| other.bucket == site.bucket) {
        let rule = PlanRule::BucketTwice(site.bucket.to_string());
        return Err(site_error(site, "bucket", rule));
    }
    if let Some(first) = before.first()
        && first.partition() != site.partition()
    {
        let rule = PlanRule::CrossPartition {
            region: site.region.to_string(),
            partition: site.partition().to_string(),
            other: first.partition().to_string(),
        };
        return Err(site_error(site, "region", rule));
    }
    if let Some(key) = site.encryption.kms_key() {
        if key.partition() != site.partition() {
            let rule = PlanRule::KeyInAnotherPartition(key.partition().to_string());
            return Err(site_error(site, "kms-key", rule));
        }
        if *key.region() != site.region {
            let rule = PlanRule::KeyInAnotherRegion {
                key_region: key.region().to_string(),
                bucket_region: site.region.to_string(),
            };
            return Err(site_error(site, "kms-key", rule));
        }
    }
    Ok(())
}

fn check_flow(flow: &Flow, source: &Site, destination: &Site) -> Result<(), PlanError> {
    let error = |field, rule| Err(flow_error(flow, field, rule));
    if flow.source == flow.destination {
        return error(
            "destination",
            PlanRule::IntoItself(flow.destination.to_string()),
        );
    }
    let kind = source.encryption.kind();
    if kind.uses_kms() && destination.encryption.kms_key().is_none() {
        return error("destination", PlanRule::ReplicaKeyMissing(kind.title()));
    }
    let customer_keys = source.encryption == Encryption::SseC || source.allow_sse_c;
    if customer_keys && !destination.accepts_sse_c() {
        return error(
            "destination",
            PlanRule::SseCBlocked(destination.bucket.to_string()),
        );
    }
    check_filter(flow)?;
    let crosses = source.account != destination.account;
    if flow.owner_override == Some(true) {
        if !crosses {
            return error("owner-override", PlanRule::OwnerOverrideInOneAccount);
        }
        if destination.ownership == Ownership::BucketOwnerEnforced {
            return error(
                "owner-override",
                PlanRule::OwnerOverrideNotNeeded(destination.bucket.to_string()),
            );
        }
    }
    if source.object_lock && !destination.object_lock {
        return error("destination", PlanRule::ObjectLockOnSourceOnly);
    }
    Ok(())
}

fn check_filter(flow: &Flow) -> Result<(), PlanError> {
    if flow.prefix.len() > 1024 {
        return Err(flow_error(flow, "prefix", PlanRule::PrefixTooLong));
    }
    if flow.tags.len() > 10 {
        return Err(flow_error(flow, "tags", PlanRule::TooManyTags));
    }
    let fits = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if !flow.tags.iter().all(fits) {
        return Err(flow_error(flow, "tags", PlanRule::BadTag));
    }
    if flow.delete_markers == Some(true) && !flow.tags.is_empty() {
        return Err(flow_error(
            flow,
            "delete-markers",
            PlanRule::DeleteMarkersWithTags,
        ));
    }
    Ok(())
}

fn site_error(site: &Site, field: &str, rule: PlanRule) -> PlanError {
    PlanError::new(format!("site {}: {field}", site.bucket), rule)
}

fn flow_error(flow: &Flow, field: &str, rule: PlanRule) -> PlanError {
    PlanError::new(
        format!("flow {} -> {}: {field}", flow.source, flow.destination),
        rule,
    )
}
