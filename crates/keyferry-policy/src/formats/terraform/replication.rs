//! Replication configurations.

use super::Configuration;
use super::buckets::settings_of;
use super::hcl::{Body, Expression};
use crate::Site;
use crate::documents::{Content, Destination, Filter, Kind, Rule, SourceSelectionCriteria, Switch};

/// The configuration of a source bucket. S3 takes it only when both buckets keep versions, and acts on
/// it at once, so permissions come first.
pub(super) fn of(configuration: &Configuration<'_>, site: &Site, file: &mut Body) {
    let document = configuration.document(Kind::Replication, site);
    let Some(Content::Replication(document)) = document.map(|document| &document.content) else {
        return;
    };
    let label = configuration.label(site);
    let mut body = settings_of(configuration, site);
    body.code("role", format!("aws_iam_role.{label}.arn"));
    for each in &document.rules {
        body.block("rule", rule(each));
    }
    body.blank().set(
        "depends_on",
        Expression::references(&awaited(configuration, site)),
    );
    file.block(
        &format!("resource \"aws_s3_bucket_replication_configuration\" \"{label}\""),
        body,
    );
}

fn awaited(configuration: &Configuration<'_>, site: &Site) -> Vec<String> {
    let flows = configuration.plan.flows_from(&site.bucket);
    let destinations = flows.iter().map(|flow| flow.destination);
    let mut sites = vec![site];
    for destination in destinations {
        if !sites.iter().any(|known| known.bucket == destination.bucket) {
            sites.push(destination);
        }
    }
    let mut awaited = vec![format!("aws_iam_role_policy.{}", configuration.label(site))];
    for (kind, resource) in [
        (Kind::Versioning, "aws_s3_bucket_versioning"),
        (
            Kind::Encryption,
            "aws_s3_bucket_server_side_encryption_configuration",
        ),
        (Kind::KeyPolicy, "aws_kms_key_policy"),
        (Kind::BucketPolicy, "aws_s3_bucket_policy"),
    ] {
        for site in &sites {
            if configuration.document(kind, site).is_some() {
                awaited.push(format!("{resource}.{}", configuration.label(site)));
            }
        }
    }
    awaited
}

fn rule(rule: &Rule) -> Body {
    let mut body = Body::new();
    if let Some(id) = &rule.id {
        body.text("id", id);
    }
    if let Some(priority) = rule.priority {
        body.code("priority", priority.to_string());
    }
    body.text("status", rule.status.as_str());
    if let Some(chosen) = &rule.filter {
        body.block("filter", filter(chosen));
    }
    if let Some(markers) = &rule.delete_marker_replication {
        body.block("delete_marker_replication", status(markers.status.as_str()));
    }
    if let Some(chosen) = &rule.source_selection_criteria {
        body.block("source_selection_criteria", criteria(chosen));
    }
    body.block("destination", destination(&rule.destination));
    body
}

fn status(status: &str) -> Body {
    let mut body = Body::new();
    body.text("status", status);
    body
}

fn filter(filter: &Filter) -> Body {
    let mut body = Body::new();
    if let Some(prefix) = filter.prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
        body.text("prefix", prefix);
    }
    if let Some(tag) = &filter.tag {
        let mut inside = Body::new();
        inside.text("key", &tag.key).text("value", &tag.value);
        body.block("tag", inside);
    }
    if let Some(and) = &filter.and {
        let mut inside = Body::new();
        if let Some(prefix) = &and.prefix {
            inside.text("prefix", prefix);
        }
        let tag = |tag: &crate::documents::Tag| (tag.key.clone(), Expression::text(&tag.value));
        inside.set(
            "tags",
            Expression::Object(and.tags.iter().map(tag).collect()),
        );
        body.block("and", inside);
    }
    body
}

fn criteria(criteria: &SourceSelectionCriteria) -> Body {
    let mut body = Body::new();
    let mut switch = |name: &str, switch: Option<Switch>| {
        if let Some(switch) = switch {
            body.block(name, status(switch.status.as_str()));
        }
    };
    switch(
        "sse_kms_encrypted_objects",
        criteria.sse_kms_encrypted_objects,
    );
    switch("replica_modifications", criteria.replica_modifications);
    body
}

fn destination(destination: &Destination) -> Body {
    let mut body = Body::new();
    body.text("bucket", &destination.bucket);
    if let Some(account) = &destination.account {
        body.text("account", account);
    }
    if let Some(class) = &destination.storage_class {
        body.text("storage_class", class);
    }
    if destination.access_control_translation.is_some() {
        let mut inside = Body::new();
        inside.text("owner", "Destination");
        body.block("access_control_translation", inside);
    }
    let key = destination.encryption_configuration.as_ref();
    if let Some(key) = key.and_then(|configuration| configuration.replica_kms_key.as_ref()) {
        let mut inside = Body::new();
        inside.text("replica_kms_key_id", key);
        body.block("encryption_configuration", inside);
    }
    let minutes = |minutes: i32| {
        let mut inside = Body::new();
        inside.code("minutes", minutes.to_string());
        inside
    };
    if let Some(time) = &destination.replication_time {
        let mut inside = status(time.status.as_str());
        inside.block("time", minutes(time.time.minutes));
        body.block("replication_time", inside);
    }
    if let Some(metrics) = &destination.metrics {
        let mut inside = status(metrics.status.as_str());
        if let Some(threshold) = metrics.event_threshold {
            inside.block("event_threshold", minutes(threshold.minutes));
        }
        body.block("metrics", inside);
    }
    body
}
