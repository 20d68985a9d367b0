//! Actions on resources that they do not take: `s3:GetObject` on a bucket, `s3:ListBucket` on objects.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html>

use super::{DocumentKind, Findings, LintRule, listed};
use crate::actions::{self, Action, Service};
use crate::iam::{ActionElement, ResourceElement, Statement};

pub(super) fn check(statement: &Statement, kind: DocumentKind, findings: &mut Findings) {
    let Some(resources) = &statement.resource else {
        return;
    };
    if resources.patterns().is_empty() {
        findings.error(
            LintRule::Element,
            "the statement names no resource".to_owned(),
            "name the resources it is about".to_owned(),
        );
    }
    for pattern in resources.patterns() {
        if pattern != "*" && !looks_like_arn(pattern) {
            findings.error(
                LintRule::NotAnArn,
                format!("the resource `{pattern}` is not an ARN"),
                "write it as `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, or `*`".to_owned(),
            );
        }
    }
    if let (ActionElement::Action(actions), ResourceElement::Resource(resources)) =
        (&statement.action, resources)
    {
        check_fit(actions, resources, kind, findings);
    }
}

/// Whether a pattern has the six fields of an ARN, or a wildcard that may stand for those that lack.
pub(crate) fn looks_like_arn(pattern: &str) -> bool {
    let colons = pattern.bytes().filter(|byte| *byte == b':').count();
    let last = pattern.rsplit(':').next().unwrap_or_default();
    // A field before the resource has no slash: there, one field lacks.
    let open = last.contains(['*', '$']) && !last.contains('/');
    pattern.starts_with("arn:") && (colons >= 5 || open)
}

fn check_fit(
    actions: &[String],
    resources: &[String],
    kind: DocumentKind,
    findings: &mut Findings,
) {
    let mut all_fit = true;
    // Which resources some action takes, and whether an action is there that may take any.
    let mut taken = vec![false; resources.len()];
    let mut unknown = false;
    for pattern in actions {
        let service = pattern.split(':').next().and_then(actions::service);
        let matching = actions::matching(pattern);
        let Some(service) = service.filter(|_| !matching.is_empty()) else {
            unknown = true;
            continue;
        };
        let known: Vec<&Action> = matching
            .iter()
            .filter_map(|name| service.action(name.split(':').nth(1)?))
            .collect();
        let mut fits = false;
        for (resource, taken) in resources.iter().zip(&mut taken) {
            if known
                .iter()
                .any(|action| takes(service, action, resource, kind))
            {
                *taken = true;
                fits = true;
            }
        }
        if !fits && !resources.is_empty() {
            all_fit = false;
            let (works_on, fix) = wanted(service, &known, resources);
            findings.error(
                LintRule::ActionWithoutResource,
                format!(
                    "`{pattern}` {works_on}, and the statement names none: {}",
                    listed(resources)
                ),
                fix,
            );
        }
    }
    // An action that does not fit and a resource that does not are one mistake, told once.
    if unknown || !all_fit {
        return;
    }
    for (resource, _) in resources.iter().zip(taken).filter(|(_, taken)| !taken) {
        if looks_like_arn(resource) {
            findings.warning(
                LintRule::ResourceNotTaken,
                format!("no action of the statement works on `{resource}`"),
                "leave it out".to_owned(),
            );
        }
    }
}

/// What an action works on, and how to write that.
fn wanted(service: &Service, known: &[&Action], resources: &[String]) -> (String, String) {
    let mut types: Vec<_> = known
        .iter()
        .flat_map(|action| service.resources_of(action))
        .collect();
    types.dedup_by_key(|found| found.name);
    if types.is_empty() {
        return (
            "works on no resource but `*`".to_owned(),
            "give it the resource `*`".to_owned(),
        );
    }
    let names: Vec<&str> = types.iter().take(4).map(|found| found.name).collect();
    let bucket = resources.iter().find(|resource| {
        resource.contains(":s3:::") && !resource.contains('/') && !resource.ends_with('*')
    });
    let objects = resources
        .iter()
        .find(|resource| resource.contains(":s3:::") && resource.contains('/'));
    let works_on = |name: &str| types.iter().any(|found| found.name == name);
    let fix = if let (true, Some(bucket)) = (works_on("object"), bucket) {
        format!("for the objects of the bucket, write `{bucket}/*`")
    } else if let (true, Some(objects)) = (works_on("bucket"), objects) {
        let bucket = objects.split('/').next().unwrap_or_default();
        format!("for the bucket itself, write `{bucket}`")
    } else {
        let form = types.first().map_or("", |found| found.arn);
        format!("write `{}`", form.replace("${", "").replace('}', ""))
    };
    (format!("works on {}", listed(&names)), fix)
}

fn takes(service: &Service, action: &Action, pattern: &str, kind: DocumentKind) -> bool {
    if pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    if action.resources.is_empty() {
        // AWS's own examples of `s3:ListAllMyBuckets` name `arn:aws:s3:::*`. In a resource's policy,
        // the resource is the one the policy is attached to, whatever the action.
        let all_buckets = service.name == "s3" && pattern.ends_with(":s3:::*");
        return all_buckets || matches!(kind, DocumentKind::Bucket | DocumentKind::Key);
    }
    service
        .resources_of(action)
        .any(|resource| overlap(pattern, resource.arn))
}

/// A character of an ARN's form, or a placeholder.
#[derive(Clone, Copy)]
enum Part {
    Byte(u8),
    /// Any characters but `/` and `:`.
    Word,
    /// Any characters.
    Anything,
}

fn form(arn: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = arn;
    while let Some(byte) = rest.bytes().next() {
        if let Some((placeholder, after)) = rest
            .strip_prefix("${")
            .and_then(|rest| rest.split_once('}'))
        {
            // The last one can be a path, but for those that are names.
            let name = ["BucketName", "AccessPointName", "AccessPointAlias", "KeyId"]
                .contains(&placeholder);
            parts.push(if after.is_empty() && !name {
                Part::Anything
            } else {
                Part::Word
            });
            rest = after;
        } else {
            parts.push(Part::Byte(byte));
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    parts
}

/// The pattern's bytes, with policy variables as `*`: their values can be anything.
fn without_variables(pattern: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        bytes.extend(before.bytes());
        bytes.push(b'*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    bytes.extend(rest.bytes());
    bytes
}

/// Whether some resource of this form is matched by the pattern.
///
/// A walk over both at once: `reached` holds the places in the form where what was read of the
/// pattern can end.
fn overlap(pattern: &str, arn: &str) -> bool {
    let form = form(arn);
    let mut reached = vec![false; form.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    skip_placeholders(&mut reached, &form);
    for byte in without_variables(pattern) {
        let mut next = vec![false; form.len() + 1];
        let mut star_from_here = false;
        for (at, here) in reached.iter().enumerate() {
            star_from_here |= here;
            let mut reach = |place: usize| {
                if let Some(place) = next.get_mut(place) {
                    *place = true;
                }
            };
            if byte == b'*' {
                // A star reads any number of characters, so it ends anywhere further on.
                if star_from_here {
                    reach(at);
                }
                continue;
            }
            if !here {
                continue;
            }
            match form.get(at) {
                Some(Part::Byte(wanted)) if byte == b'?' || byte == *wanted => reach(at + 1),
                Some(Part::Word) if !matches!(byte, b'/' | b':') => reach(at),
                Some(Part::Anything) => reach(at),
                _ => {}
            }
        }
        skip_placeholders(&mut next, &form);
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// A placeholder can end, or be empty, at any point.
fn skip_placeholders(reached: &mut [bool], form: &[Part]) {
    for at in 0..form.len() {
        let placeholder = matches!(form.get(at), Some(Part::Word | Part::Anything));
        let here = reached.get(at).copied().unwrap_or_default();
        if let Some(next) = reached.get_mut(at + 1).filter(|_| placeholder && here) {
            *next = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn patterns_against_forms() {
        let bucket = "arn:${Partition}:s3:::${BucketName}";
        let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
        for (pattern, is_bucket, is_object) in [
            ("arn:aws:s3:::tokyo", true, false),
            ("arn:aws:s3:::tokyo/*", false, true),
            ("arn:aws:s3:::tokyo*", true, true),
            ("arn:aws:s3:::tokyo/a/b?c", false, true),
            ("arn:aws:s3:::${aws:username}", true, true),
            ("arn:*", true, true),
            // `?` can be a slash.
            ("arn:aws-cn:s3:::tok?o", true, true),
            (
                "arn:aws:sqs:ap-northeast-1:111122223333:queue",
                false,
                false,
            ),
            ("arn:aws:s3", false, false),
            ("", false, false),
        ] {
            assert_eq!(overlap(pattern, bucket), is_bucket, "{pattern}");
            assert_eq!(overlap(pattern, object), is_object, "{pattern}");
        }
        let role = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}";
        assert!(overlap("arn:aws:iam::111122223333:role/path/name", role));
        assert!(overlap("arn:aws:iam::*:role/*", role));
        assert!(!overlap("arn:aws:iam::111122223333:user/name", role));
    }
}
