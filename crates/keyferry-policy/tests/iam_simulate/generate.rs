//! Random requests and policies, small enough that they often meet. A seed gives the same case always.

mod conditions;
mod statements;

pub(crate) use conditions::of_caller;

use keyferry_policy::iam::{Caller, LanguageVersion, PolicyDocument, ResourceKind};
use keyferry_policy::{AccountId, Partition};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::case::{Case, Key, everything};
use statements::{About, Elements};

/// The resource's account, and another.
pub(crate) const HERE: &str = "111122223333";
pub(crate) const ELSEWHERE: &str = "444455556666";

pub(crate) type Random = StdRng;

/// What is asked for.
pub(crate) struct Subject {
    pub(crate) kind: ResourceKind,
    pub(crate) actions: &'static [&'static str],
    pub(crate) action_patterns: &'static [&'static str],
    pub(crate) resources: &'static [&'static str],
    pub(crate) resource_patterns: &'static [&'static str],
}

const OBJECTS: Subject = Subject {
    kind: ResourceKind::Bucket,
    actions: &[
        "s3:GetObject",
        "s3:PutObject",
        "s3:ReplicateObject",
        "s3:DeleteObjectVersion",
        "s3:GetObjectVersionForReplication",
    ],
    action_patterns: &[
        "s3:*",
        "*",
        "s3:Get*",
        "s3:*Object",
        "s3:?etObject",
        "S3:GETOBJECT",
        "s3:Replicate*",
        "kms:*",
        "s3:*Ob*Rep*",
    ],
    resources: &[
        "arn:aws:s3:::tokyo/reports/a.txt",
        "arn:aws:s3:::tokyo/alice/a.txt",
        "arn:aws:s3:::tokyo/red",
        "arn:aws:s3:::tokyo/a$b",
    ],
    resource_patterns: &[
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::tokyo/*",
        "arn:aws:s3:::tokyo*",
        "arn:aws:s3:::t?kyo/*",
        "arn:aws:s3:::tokyo/reports/?.txt",
        "arn:aws:s3:::tokyo",
        "arn:aws:s3:::osaka/*",
        "arn:aws:s3:::tokyo/${aws:username}/*",
        "arn:aws:s3:::tokyo/${aws:PrincipalTag/team}",
        "arn:aws:s3:::tokyo/${aws:PrincipalTag/team, 'red'}",
        "arn:aws:s3:::tokyo/a${*}b",
        "arn:aws:s3:::tokyo/a${$}b",
        "arn:aws:s3:::tokyo/a?b",
        "arn:aws:s3:::tokyo/a${?}b",
        "arn:aws-cn:s3:::tokyo/*",
        "arn:*:s3:::tokyo/*",
        "arn:aws:kms:*:*:key/*",
    ],
};

const BUCKETS: Subject = Subject {
    kind: ResourceKind::Bucket,
    actions: &[
        "s3:ListBucket",
        "s3:GetReplicationConfiguration",
        "s3:PutBucketPolicy",
    ],
    action_patterns: &[
        "s3:*",
        "*",
        "s3:List*",
        "s3:GetObject",
        "s3:*Configuration",
        "s3:ListBucket?",
    ],
    resources: &["arn:aws:s3:::tokyo"],
    resource_patterns: &[
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::tokyo",
        "arn:aws:s3:::tokyo/*",
        "arn:aws:s3:::tok*",
        "arn:aws:s3:::osaka",
        "arn:aws:s3:::${aws:PrincipalTag/team}",
    ],
};

const KEYS: Subject = Subject {
    kind: ResourceKind::KmsKey,
    actions: &[
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:DescribeKey",
    ],
    action_patterns: &[
        "kms:*",
        "*",
        "kms:*crypt",
        "kms:Generate*",
        "kms:GenerateDataKey*",
        "s3:*",
    ],
    resources: &[
        "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555",
    ],
    resource_patterns: &[
        "*",
        "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555",
        "arn:aws:kms:ap-northeast-1:111122223333:key/*",
        "arn:aws:kms:*:111122223333:key/*",
        "arn:aws:kms:ap-northeast-3:111122223333:key/*",
        "arn:aws:kms:*:*:key/11111111-2222-3333-4444-555555555555",
        "arn:aws:kms:*:*:key/${aws:PrincipalTag/team, '*'}",
    ],
};

const ROLES: Subject = Subject {
    kind: ResourceKind::RoleTrust,
    actions: &["sts:AssumeRole", "sts:TagSession"],
    action_patterns: &[
        "sts:*",
        "*",
        "sts:Assume*",
        "sts:AssumeRoleWithSAML",
        "s3:*",
    ],
    resources: &["arn:aws:iam::111122223333:role/replication"],
    resource_patterns: &[
        "*",
        "arn:aws:iam::111122223333:role/replication",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::*:role/replication",
        "arn:aws:iam::444455556666:role/replication",
    ],
};

/// The case of a seed.
pub(crate) fn case(seed: u64) -> Case {
    let random = &mut Random::seed_from_u64(seed);
    let subject = match random.random_range(0..10) {
        0..4 => &OBJECTS,
        4..6 => &BUCKETS,
        6..8 => &KEYS,
        _ => &ROLES,
    };
    let action = pick(random, subject.actions);
    let resource = pick(random, subject.resources);
    let caller = caller(random);
    let context = conditions::context(random, &caller);
    let about = About {
        subject,
        action,
        resource,
        caller: &caller,
    };
    let known = matches!(caller, Caller::User { .. } | Caller::Role { .. });
    let has_account = known || matches!(caller, Caller::Root { .. });
    let plain = Elements {
        principal: false,
        resource: true,
    };
    let identity = if known {
        (0..random.random_range(0..3))
            .map(|_| document(random, &about, plain, 3))
            .collect()
    } else {
        Vec::new()
    };
    let boundary = (known && random.random_bool(0.2)).then(|| document(random, &about, plain, 2));
    let service_control = if has_account && random.random_bool(0.25) {
        levels(random, &about, plain)
    } else {
        Vec::new()
    };
    let resource_control = if random.random_bool(0.2) {
        levels(
            random,
            &about,
            Elements {
                principal: true,
                resource: true,
            },
        )
    } else {
        Vec::new()
    };
    let resource_policy =
        (subject.kind != ResourceKind::Bucket || random.random_bool(0.75)).then(|| {
            let resource = subject.kind != ResourceKind::RoleTrust;
            (
                subject.kind,
                document(
                    random,
                    &about,
                    Elements {
                        principal: true,
                        resource,
                    },
                    3,
                ),
            )
        });
    let account = HERE.parse::<AccountId>().expect("an account");
    Case {
        action: action.to_owned(),
        resource: resource.to_owned(),
        account,
        context,
        identity,
        boundary,
        service_control,
        resource_control,
        resource_policy,
        caller,
    }
}

fn document(
    random: &mut Random,
    about: &About<'_>,
    elements: Elements,
    most: usize,
) -> PolicyDocument {
    let statements = (0..random.random_range(1..=most))
        .map(|index| statements::statement(random, about, elements, index))
        .collect();
    let mut document = PolicyDocument::new(statements);
    if random.random_bool(0.03) {
        document.version = LanguageVersion::V2008;
    }
    document
}

/// Levels of an organisation: mostly AWS's own policy that allows everything and a denying one.
fn levels(random: &mut Random, about: &About<'_>, elements: Elements) -> Vec<Vec<PolicyDocument>> {
    (0..random.random_range(1..3))
        .map(|_| {
            let mut level = Vec::new();
            // Resource control policies cannot be without it.
            if elements.principal || random.random_bool(0.7) {
                let mut all = everything();
                if elements.principal {
                    all.statements.iter_mut().for_each(statements::for_everyone);
                }
                level.push(all);
            }
            if level.is_empty() || random.random_bool(0.5) {
                let mut own = document(random, about, elements, 2);
                if elements.principal {
                    own.statements
                        .iter_mut()
                        .for_each(statements::as_resource_control);
                }
                level.push(own);
            }
            level
        })
        .collect()
}

fn caller(random: &mut Random) -> Caller {
    let account = if random.random_bool(0.6) {
        HERE
    } else {
        ELSEWHERE
    };
    match random.random_range(0..20) {
        0..4 => Caller::Role {
            arn: format!("arn:aws:iam::{account}:role/replication"),
            session: None,
        },
        4..8 => Caller::Role {
            arn: format!("arn:aws:iam::{account}:role/replication"),
            session: Some("s3".to_owned()),
        },
        8..10 => Caller::Role {
            arn: format!("arn:aws:iam::{account}:role/service/replication"),
            session: Some("s3".to_owned()),
        },
        10..15 => Caller::User {
            arn: format!("arn:aws:iam::{account}:user/team/alice"),
        },
        15..17 => Caller::Root {
            account: account.parse().expect("an account"),
            partition: Partition::Standard,
        },
        17..19 => Caller::Service("s3.amazonaws.com".to_owned()),
        _ => Caller::Anonymous,
    }
}

pub(crate) fn pick<'a, T: ?Sized>(random: &mut Random, from: &[&'a T]) -> &'a T {
    from.choose(random).expect("something to pick from")
}

pub(crate) fn key(name: &str, value: &str) -> Key {
    Key {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        several: false,
    }
}
