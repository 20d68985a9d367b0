//! What the actions of S3 and its kin, KMS, IAM and STS take: resource types and condition keys.
//!
//! AWS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html> and the
//! page of each other service beside it.

use std::sync::LazyLock;

const TABLE: &str = include_str!("../../data/authorization.txt");
const GLOBAL: &str = include_str!("../../data/global-keys.txt");

/// A service whose actions are described.
#[derive(Debug, Default)]
pub struct Service {
    /// Its prefix, such as `s3`.
    pub name: &'static str,
    /// Condition keys that at least one of its actions takes.
    pub keys: Vec<ConditionKey>,
    /// Kinds of resources that its actions work on.
    pub resources: Vec<ResourceType>,
    /// Its actions, sorted by name.
    pub actions: Vec<Action>,
}

/// A condition key and the type of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionKey {
    /// Its name; one that ends in `*` stands for all that begin alike, such as `s3:ExistingObjectTag/*`.
    pub name: &'static str,
    /// What its value is.
    pub kind: KeyType,
}

/// Type of a condition key's value, which says which operators fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Text.
    Text,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A point in time.
    Date,
    /// An address or range of addresses.
    IpAddress,
    /// Several texts or ARNs: needs `ForAllValues:` or `ForAnyValue:`.
    Several,
}

/// A kind of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name, such as `bucket` or `object`.
    pub name: &'static str,
    /// Its ARN with placeholders, such as `arn:${Partition}:s3:::${BucketName}`.
    pub arn: &'static str,
    /// Condition keys that come with it.
    keys: Vec<usize>,
}

/// An action.
#[derive(Debug)]
pub struct Action {
    /// Its name without prefix.
    pub name: &'static str,
    /// The names of the resource types it works on; none: it takes `*` only.
    pub resources: Vec<&'static str>,
    /// Condition keys of its own.
    keys: Vec<usize>,
}

static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| read(TABLE));
static GLOBAL_KEYS: LazyLock<Vec<ConditionKey>> = LazyLock::new(|| {
    let lines = GLOBAL.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter(|(name, _)| *name != "#")
        .map(|(name, kind)| key(name, kind))
        .collect()
});

/// The description of a service, if there is one.
#[must_use]
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES
        .iter()
        .find(|service| service.name.eq_ignore_ascii_case(name))
}

/// Condition keys that every request can have.
#[must_use]
pub fn global_keys() -> &'static [ConditionKey] {
    &GLOBAL_KEYS
}

impl ConditionKey {
    /// Whether a key as written in a policy is this one. Case does not count.
    #[must_use]
    pub fn is(&self, written: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(stem) => written
                .get(..stem.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(stem)),
            None => self.name.eq_ignore_ascii_case(written),
        }
    }
}

impl Service {
    /// One of its actions.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions
            .iter()
            .find(|action| action.name.eq_ignore_ascii_case(name))
    }

    /// The resource types an action works on.
    pub fn resources_of(&self, action: &Action) -> impl Iterator<Item = &ResourceType> {
        self.resources
            .iter()
            .filter(|resource| action.resources.contains(&resource.name))
    }

    /// Whether an action takes a condition key: one of its own, of its resources, or a global one.
    #[must_use]
    pub fn takes(&self, action: &Action, key: &str) -> bool {
        let of_resources = self
            .resources_of(action)
            .flat_map(|resource| resource.keys.iter());
        action
            .keys
            .iter()
            .chain(of_resources)
            .filter_map(|at| self.keys.get(*at))
            .chain(global_keys())
            .any(|known| known.is(key))
    }
}

fn read(table: &'static str) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for line in table.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (what, name) = (word(), word());
        if what == "service" {
            services.push(Service {
                name,
                ..Service::default()
            });
            continue;
        }
        let Some(service) = services.last_mut() else {
            continue;
        };
        match what {
            "key" => service.keys.push(key(name, word())),
            "resource" => service.resources.push(ResourceType {
                name,
                arn: word(),
                keys: numbers(word()),
            }),
            "action" => {
                let _access_level = word();
                let resources = word().split(',').filter(|name| *name != "-").collect();
                service.actions.push(Action {
                    name,
                    resources,
                    keys: numbers(word()),
                });
            }
            _ => {}
        }
    }
    services
}

fn key(name: &'static str, kind: &str) -> ConditionKey {
    let kind = match kind {
        "ARN" => KeyType::Arn,
        "Bool" => KeyType::Bool,
        "Numeric" => KeyType::Numeric,
        "Date" => KeyType::Date,
        "IPAddress" => KeyType::IpAddress,
        kind if kind.starts_with("ArrayOf") => KeyType::Several,
        _ => KeyType::Text,
    };
    ConditionKey { name, kind }
}

/// `0-2,7` as numbers.
fn numbers(text: &str) -> Vec<usize> {
    text.split(',')
        .filter_map(|run| {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(service_name: &str, action: &str, key: &str) -> bool {
        let service = service(service_name).expect("described");
        service.takes(service.action(action).expect("known"), key)
    }

    #[test]
    fn keys_of_actions() {
        assert!(takes(
            "s3",
            "ReplicateObject",
            "s3:x-amz-server-side-encryption-customer-algorithm"
        ));
        assert!(takes("s3", "GetObject", "S3:existingobjecttag/team"));
        assert!(takes("s3", "GetObject", "aws:SourceIp"));
        assert!(!takes("s3", "GetObject", "s3:prefix"));
        assert!(takes("s3", "ListBucket", "s3:prefix"));
        assert!(takes("kms", "Decrypt", "kms:EncryptionContext:aws:s3:arn"));
        assert!(takes("kms", "Decrypt", "kms:ViaService"));
        assert!(!takes(
            "kms",
            "DescribeKey",
            "kms:EncryptionContext:aws:s3:arn"
        ));
        assert!(takes("sts", "AssumeRole", "sts:ExternalId"));
    }

    #[test]
    fn resources_of_actions() {
        let s3 = service("s3").expect("described");
        let types = |action: &str| s3.action(action).expect("known").resources.clone();
        assert!(types("GetObject").contains(&"object"));
        assert!(!types("GetObject").contains(&"bucket"));
        assert!(types("ListBucket").contains(&"bucket"));
        assert!(types("ListAllMyBuckets").is_empty());
        let kinds = |name: &str| {
            global_keys()
                .iter()
                .find(|key| key.is(name))
                .map(|key| key.kind)
        };
        assert_eq!(kinds("aws:SourceIp"), Some(KeyType::IpAddress));
        assert_eq!(kinds("aws:PrincipalTag/x"), Some(KeyType::Text));
        assert_eq!(kinds("#"), None);
    }

    #[test]
    fn the_two_tables_agree() {
        for service in SERVICES.iter() {
            let names = crate::actions::names(service.name);
            let described: Vec<&str> = service.actions.iter().map(|action| action.name).collect();
            assert_eq!(names, described, "{}", service.name);
            for action in &service.actions {
                assert_eq!(
                    service.resources_of(action).count(),
                    action.resources.len(),
                    "{}",
                    action.name
                );
            }
        }
    }
}
