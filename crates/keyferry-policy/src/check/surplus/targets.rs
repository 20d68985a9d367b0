//! The resources that surplus is looked for on.

use crate::check::applying::{self, Applied};
use crate::check::finding::Surplus;
use crate::check::installed::Installed;
use crate::check::replications::Direction;
use crate::iam::{ResourceElement, ResourceKind, Statement};
use crate::{AccountId, RoleArn, actions, glob};

/// Name of what no document names.
const OTHER: &str = "keyferry-looks-for-surplus";

/// A resource to ask about.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    /// The service it belongs to.
    pub(super) service: &'static str,
    /// Its type, as the Service Authorization Reference names it; `*` for none.
    pub(super) kind: &'static str,
    /// Its ARN.
    pub(super) resource: String,
    /// Who owns it.
    pub(super) account: AccountId,
    /// How reports name it.
    pub(super) on: String,
    /// Its policy.
    pub(super) policy: Option<(ResourceKind, String, Applied<'a>)>,
}

/// All resources for a role: the plan's, what lies beside its prefixes, and others.
pub(super) fn of<'a>(
    role: &RoleArn,
    directions: &[&Direction<'_>],
    installed: &'a Installed,
) -> Vec<Target<'a>> {
    let mut targets: Vec<Target<'a>> = Vec::new();
    let mut add = |target: Target<'a>| {
        if !targets
            .iter()
            .any(|known| known.resource == target.resource)
        {
            targets.push(target);
        }
    };
    for direction in directions {
        for site in [direction.flow.source, direction.flow.destination] {
            let policy = Some(applying::bucket(&site.bucket, installed));
            let target = |kind, resource: String, on: String| Target {
                service: "s3",
                kind,
                resource,
                account: site.account.clone(),
                on,
                policy: policy.clone(),
            };
            let (arn, bucket) = (site.bucket_arn(), &site.bucket);
            let prefix = &direction.flow.settings.prefix;
            add(target(
                "bucket",
                arn.clone(),
                format!("the bucket `{bucket}`"),
            ));
            let inside = format!("{arn}/{prefix}example");
            add(target("object", inside, format!("objects of `{bucket}`")));
            let covers_all = directions.iter().any(|other| {
                let here = [&other.flow.source.bucket, &other.flow.destination.bucket];
                here.contains(&bucket) && other.flow.settings.prefix.is_empty()
            });
            if !covers_all {
                let outside = format!("{arn}/{OTHER}");
                let on = format!("objects of `{bucket}` outside the prefix");
                add(target("object", outside, on));
            }
        }
    }
    let partition = role.partition();
    let other = |service, kind, resource, on: &str| Target {
        service,
        kind,
        resource,
        account: role.account().clone(),
        on: on.to_owned(),
        policy: None,
    };
    let bucket = format!("arn:{partition}:s3:::{OTHER}");
    add(other(
        "s3",
        "object",
        format!("{bucket}/example"),
        "objects of any other bucket",
    ));
    add(other("s3", "bucket", bucket, "any other bucket"));
    add(other("iam", "role", role.to_string(), "itself"));
    for service in ["s3", "iam", "sts"] {
        let Some(service) = actions::service(service) else {
            continue;
        };
        for kind in &service.resources {
            if service.name == "s3" && matches!(kind.name, "bucket" | "object") {
                continue;
            }
            let on = format!("any {} {}", service.name.to_ascii_uppercase(), kind.name);
            add(other(service.name, kind.name, filled(kind.arn, role), &on));
        }
    }
    add(other("", "*", "*".to_owned(), "`*`"));
    let named = named_elsewhere(role, installed, &targets);
    targets.extend(named);
    targets
}

/// Buckets and objects that the role's policies name and the plan does not.
fn named_elsewhere<'a>(
    role: &RoleArn,
    installed: &'a Installed,
    known: &[Target<'a>],
) -> Vec<Target<'a>> {
    let policies = installed.role(role).map_or(&[][..], |role| &role.policies);
    let statements = policies
        .iter()
        .filter_map(|policy| policy.document.value())
        .flat_map(|document| &document.statements);
    let mut targets: Vec<Target<'a>> = Vec::new();
    for statement in statements {
        let Some(ResourceElement::Resource(patterns)) = &statement.resource else {
            continue;
        };
        for pattern in patterns.iter().filter(|pattern| pattern.contains(":s3:::")) {
            let bucket = pattern.split('/').next().unwrap_or_default();
            // A pattern of buckets also takes in those of others, the plan's own or not.
            let many = bucket.contains(['*', '?']);
            let mut add = |kind, resource: String| {
                let covered = known.iter().chain(&targets).any(|target| {
                    let matched = glob::matches_ignoring_case(pattern, &target.resource);
                    target.resource == resource || matched && !many
                });
                if !covered {
                    targets.push(Target {
                        service: "s3",
                        kind,
                        resource,
                        account: role.account().clone(),
                        on: format!("`{pattern}`"),
                        policy: None,
                    });
                }
            };
            if pattern.contains('/') {
                add("object", instance(pattern));
                continue;
            }
            add("bucket", instance(pattern));
            if pattern.ends_with('*') {
                add("object", format!("{}/example", instance(pattern)));
            }
        }
    }
    targets
}

/// What a statement is about, one instance of each pattern.
pub(super) fn of_statement<'a>(statement: &Statement, role: &RoleArn) -> Vec<Target<'a>> {
    let everything = ["*".to_owned()];
    let patterns: &[String] = match &statement.resource {
        Some(ResourceElement::Resource(patterns)) => patterns,
        Some(ResourceElement::NotResource(_)) => &everything,
        None => &[],
    };
    patterns
        .iter()
        .map(|pattern| Target {
            service: "",
            kind: "*",
            resource: instance(pattern),
            account: role.account().clone(),
            on: format!("`{pattern}`"),
            policy: None,
        })
        .collect()
}

/// Something that a pattern matches.
fn instance(pattern: &str) -> String {
    if pattern == "*" {
        return pattern.to_owned();
    }
    pattern.replace('*', OTHER).replace('?', "x")
}

/// The ARN of a resource type with its placeholders filled in.
pub(super) fn filled(template: &str, role: &RoleArn) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        match name {
            "Partition" => filled.push_str(&role.partition().to_string()),
            "Account" => filled.push_str(role.account().as_str()),
            "Region" => filled.push_str("us-east-1"),
            _ => filled.push_str(OTHER),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// What holds of any bucket need not be said of the plan's own.
pub(super) fn without_repetition(surplus: Vec<Surplus>) -> Vec<Surplus> {
    let wider = |on: &str| {
        if on.starts_with("the bucket `") {
            "any other bucket"
        } else if on.starts_with("objects of `") {
            "objects of any other bucket"
        } else if on.starts_with("the key `") {
            "any other key"
        } else {
            ""
        }
    };
    let all = surplus.clone();
    surplus
        .into_iter()
        .filter(|narrow| {
            let wide = all.iter().find(|wide| wide.on == wider(&narrow.on));
            !wide.is_some_and(|wide| {
                let mut actions = narrow.actions.iter();
                actions.all(|action| wide.actions.contains(action))
            })
        })
        .collect()
}
