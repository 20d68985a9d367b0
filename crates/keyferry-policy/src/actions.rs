//! The actions of AWS's services, by name.
//!
//! The table is that of the Service Authorization Reference; `data/README.md` says where it comes from
//! and how it is packed. A service's names are unpacked when they are asked for, so that a program
//! that asks for none pays nothing.
//!
//! AWS: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

mod authorization;

use std::sync::{LazyLock, OnceLock};

use crate::glob;

pub use authorization::{
    Action, ConditionKey, KeyType, ResourceType, Service, global_keys, service,
};

const TABLE: &str = include_str!("../data/actions.txt");
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    Index {
        verbs: lines.next().unwrap_or_default().split(' ').collect(),
        services: lines
            .filter_map(|line| line.split_once(' '))
            .map(|(name, nouns)| Packed {
                name,
                nouns,
                names: OnceLock::new(),
            })
            .collect(),
    }
});

/// The table by lines.
struct Index {
    /// In the order of their letters.
    verbs: Vec<&'static str>,
    /// Sorted by name.
    services: Vec<Packed>,
}

/// A service and its actions, as they stand in the table and unpacked.
struct Packed {
    name: &'static str,
    nouns: &'static str,
    names: OnceLock<Vec<String>>,
}

/// The prefixes that services have in actions, sorted: `s3`, `kms`, ...
pub fn services() -> impl Iterator<Item = &'static str> {
    INDEX.services.iter().map(|service| service.name)
}

/// The names of a service's actions, without prefix, sorted; none for a service that does not exist.
#[must_use]
pub fn names(service: &str) -> &'static [String] {
    let Index { verbs, services } = &*INDEX;
    let service = service.to_ascii_lowercase();
    let found = services.binary_search_by_key(&service.as_str(), |packed| packed.name);
    let Some(packed) = found.ok().and_then(|found| services.get(found)) else {
        return &[];
    };
    packed.names.get_or_init(|| unpack(packed.nouns, verbs))
}

fn unpack(nouns: &str, verbs: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    let mut noun = String::new();
    for word in nouns.split(' ') {
        let Some((packed, letters)) = word.rsplit_once('=') else {
            continue;
        };
        let Some((shared, rest)) = packed.split_at_checked(1) else {
            continue;
        };
        let shared = shared.bytes().next().unwrap_or(b'0').saturating_sub(b'0');
        noun.truncate(usize::from(shared));
        noun.push_str(rest);
        for letter in letters.bytes() {
            let verb = LETTERS.iter().position(|other| *other == letter);
            let verb = verb
                .and_then(|at| verbs.get(at))
                .copied()
                .unwrap_or_default();
            names.push(format!("{verb}{noun}"));
        }
    }
    names.sort_unstable();
    names
}

/// Whether a pattern of an `Action` element matches at least one action that exists.
#[must_use]
pub fn matches_any(pattern: &str) -> bool {
    pattern == "*" || !matching(pattern).is_empty()
}

/// The actions that a pattern matches, as `s3:GetObject`. Case does not count, as in IAM. The prefix
/// may hold no wildcard, as IAM demands; the pattern `*`, which matches all, gives none here.
#[must_use]
pub fn matching(pattern: &str) -> Vec<String> {
    let Some((service, name)) = pattern.split_once(':') else {
        return Vec::new();
    };
    let prefix = service.to_ascii_lowercase();
    names(service)
        .iter()
        .filter(|known| glob::matches_ignoring_case(name, known))
        .map(|known| format!("{prefix}:{known}"))
        .collect()
}

/// The action or service prefix that was probably meant by a pattern that matches nothing.
#[must_use]
pub fn nearest(pattern: &str) -> Option<String> {
    let (service, name) = pattern.split_once(':').unwrap_or((pattern, ""));
    let service = service.to_ascii_lowercase();
    let known = names(&service);
    if !known.is_empty() {
        let stem = name.trim_end_matches('*');
        let best = closest(stem, known.iter().map(String::as_str))
            // A wildcard goes with the name that begins most alike.
            .or_else(|| (stem != name).then(|| begins_alike(stem, known)).flatten())?;
        return Some(format!("{service}:{best}"));
    }
    // Of several prefixes that are near, the one whose service has such an action.
    let near = services().filter(|known| slip(&service, known).is_some());
    let mut found: Vec<_> = near
        .flat_map(|known| matching(&format!("{known}:{name}")))
        .collect();
    found.sort_by_cached_key(|action| slip(&service, action.split(':').next().unwrap_or_default()));
    found
        .into_iter()
        .next()
        .or_else(|| Some(format!("{}:{name}", closest(&service, services())?)))
}

/// The name that is nearest by edits, if it is near enough to be a slip.
pub(crate) fn closest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .filter_map(|name| Some((slip(wanted, name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many edits make one name of the other, if few enough for a slip: one, or one in three
/// characters.
fn slip(wanted: &str, name: &str) -> Option<usize> {
    // The distance takes the product of both lengths; no name of AWS's comes near this one. It is at
    // least the difference of the lengths, which rules most names out at once.
    let most = 1.max(name.len().max(wanted.len()) / 3);
    if wanted.len() > 128 || name.len().abs_diff(wanted.len()) > most {
        return None;
    }
    let (wanted, name) = (wanted.to_ascii_lowercase(), name.to_ascii_lowercase());
    let distance = strsim::damerau_levenshtein(&wanted, &name);
    (distance <= most).then_some(distance)
}

fn begins_alike<'a>(stem: &str, known: &'a [String]) -> Option<&'a str> {
    let shared = |name: &str| {
        let pairs = name.bytes().zip(stem.bytes());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    known
        .iter()
        .map(|name| (shared(name), name.as_str()))
        .filter(|(shared, _)| *shared >= 3)
        .max_by_key(|(shared, _)| *shared)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_unpacks() {
        let total: usize = services().map(|service| names(service).len()).sum();
        assert!(services().count() > 400, "{}", services().count());
        assert!(total > 20_000, "{total}");
        assert!(services().is_sorted(), "the search is binary");
        for service in services() {
            for name in names(service) {
                assert!(
                    name.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                    "{service}:{name}"
                );
            }
        }
    }

    #[test]
    fn names_that_replication_needs_are_there() {
        for action in [
            "s3:GetObjectVersionForReplication",
            "s3:ReplicateObject",
            "s3:ObjectOwnerOverrideToBucketOwner",
            "s3:InitiateReplication",
            "s3:CreateJob",
            "kms:GenerateDataKey",
            "sts:AssumeRole",
            "iam:PassRole",
            "ec2:RunInstances",
        ] {
            assert_eq!(matching(action), [action]);
        }
        assert_eq!(matching("S3:getobject"), ["s3:GetObject"]);
        assert!(matching("s3:Replicate*").contains(&"s3:ReplicateDelete".to_owned()));
        assert!(matches_any("*"));
        assert!(!matches_any("s3:GetObjct"));
        assert!(!matches_any("nonsense"));
    }

    #[test]
    fn slips_find_what_was_meant() {
        let nearest = |text| nearest(text).unwrap_or_default();
        assert_eq!(nearest("s3:GetObjct"), "s3:GetObject");
        assert_eq!(nearest("s3:ReplicatObject"), "s3:ReplicateObject");
        assert_eq!(nearest("kms:GenerateDatakeys"), "kms:GenerateDataKey");
        assert_eq!(nearest("smts:AssumeRole"), "sts:AssumeRole");
        assert_eq!(nearest("s3:Zzzzzzzzzzzz"), "");
        assert_eq!(nearest("s3:ReplicateObjct*"), "s3:ReplicateObject");
        assert_eq!(nearest("s3:Repl1*").get(..7), Some("s3:Repl"));
    }
}
