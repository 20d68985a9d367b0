//! Random conditions, and contexts with the same keys and values.

use keyferry_policy::iam::{Caller, Conditions};
use rand::RngExt;

use super::{Random, key, pick};
use crate::case::Key;

/// A kind of values, with the operators that compare them.
struct Family {
    operators: &'static [&'static str],
    keys: &'static [&'static str],
    /// What requests have.
    given: &'static [&'static str],
    /// What statements compare with, beside the same.
    wanted: &'static [&'static str],
    /// Whether the keys have several values.
    several: bool,
}

const STRING: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const ARN: &[&str] = &[
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "StringLike",
    "StringEquals",
];
const NUMERIC: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

const FAMILIES: &[Family] = &[
    Family {
        operators: STRING,
        keys: &[
            "aws:PrincipalTag/team",
            "s3:prefix",
            "sts:ExternalId",
            "aws:ResourceTag/team",
        ],
        given: &["red", "Red", "blue", "alice", "a*"],
        wanted: &[
            "r*",
            "?ed",
            "*",
            "${aws:username}",
            "${aws:PrincipalTag/team}",
            "${aws:PrincipalTag/team, 'red'}",
            "a${*}",
            "",
        ],
        several: false,
    },
    Family {
        operators: STRING,
        keys: &["kms:EncryptionContext:aws:s3:arn"],
        given: &["arn:aws:s3:::tokyo", "arn:aws:s3:::tokyo/reports/a.txt"],
        wanted: &[
            "arn:aws:s3:::tokyo/*",
            "arn:aws:s3:::tokyo*",
            "arn:aws:s3:::osaka/*",
        ],
        several: false,
    },
    Family {
        operators: STRING,
        keys: &[
            "kms:ViaService",
            "aws:PrincipalAccount",
            "aws:PrincipalType",
            "aws:PrincipalServiceName",
        ],
        given: &[
            "s3.ap-northeast-1.amazonaws.com",
            "111122223333",
            "User",
            "s3.amazonaws.com",
        ],
        wanted: &["s3.*.amazonaws.com", "444455556666", "AssumedRole"],
        several: false,
    },
    Family {
        operators: ARN,
        keys: &["aws:SourceArn", "aws:PrincipalArn"],
        given: &[
            "arn:aws:s3:::tokyo",
            "arn:aws:iam::111122223333:role/replication",
        ],
        wanted: &[
            "arn:aws:s3:::*",
            "arn:*:s3:::tokyo",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::${aws:PrincipalAccount}:role/*",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::*:user/team/alice",
        ],
        several: false,
    },
    Family {
        operators: &["Bool"],
        keys: &[
            "aws:SecureTransport",
            "aws:MultiFactorAuthPresent",
            "aws:PrincipalIsAWSService",
        ],
        given: &["true", "false"],
        wanted: &["True"],
        several: false,
    },
    Family {
        operators: NUMERIC,
        keys: &["s3:max-keys", "aws:MultiFactorAuthAge"],
        given: &["10", "11", "-3", "10.5"],
        wanted: &["10.0", "12"],
        several: false,
    },
    Family {
        operators: DATE,
        keys: &["aws:CurrentTime", "aws:TokenIssueTime"],
        given: &[
            "2026-11-23T00:00:00Z",
            "2026-11-23T09:00:00+09:00",
            "2026-11-24T00:00:00Z",
        ],
        wanted: &["2026-11-23", "2027-01-01T00:00:00.500Z"],
        several: false,
    },
    Family {
        operators: &["IpAddress", "NotIpAddress"],
        keys: &["aws:SourceIp", "aws:VpcSourceIp"],
        given: &["203.0.113.9", "198.51.100.1", "2001:db8::1"],
        wanted: &[
            "203.0.113.0/24",
            "0.0.0.0/0",
            "2001:db8::/32",
            "203.0.113.8/31",
            "::/0",
        ],
        several: false,
    },
    Family {
        operators: &["BinaryEquals"],
        keys: &["aws:PrincipalTag/blob"],
        given: &["QmluYXJ5", "AAEC"],
        wanted: &["AAED"],
        several: false,
    },
    Family {
        operators: STRING,
        keys: &["aws:TagKeys", "aws:CalledVia", "kms:EncryptionContextKeys"],
        given: &["aws:s3:arn", "team", "Team", "athena.amazonaws.com"],
        wanted: &["t*", "*", "aws:*"],
        several: true,
    },
];

/// One more condition.
pub(crate) fn add(random: &mut Random, conditions: &mut Conditions) {
    let family = &FAMILIES[random.random_range(0..FAMILIES.len())];
    let name = pick(random, family.keys);
    if random.random_bool(0.12) {
        let value = pick(random, &["true", "false"]).to_owned();
        conditions
            .entry("Null".to_owned())
            .or_default()
            .insert(name.to_owned(), vec![value]);
        return;
    }
    let mut operator = pick(random, family.operators).to_owned();
    if family.several || random.random_bool(0.06) {
        operator = format!(
            "{}{operator}",
            pick(random, &["ForAllValues:", "ForAnyValue:"])
        );
    }
    if random.random_bool(0.2) {
        operator.push_str("IfExists");
    }
    let mut values = Vec::new();
    for _ in 0..random.random_range(1..3) {
        let pool = if random.random_bool(0.6) {
            family.given
        } else {
            family.wanted
        };
        let value = pick(random, pool).to_owned();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    conditions
        .entry(operator)
        .or_default()
        .insert(name.to_owned(), values);
}

/// What a request has, with all that follows from its caller.
pub(crate) fn context(random: &mut Random, caller: &Caller) -> Vec<Key> {
    let mut context = of_caller(caller, super::HERE);
    for family in FAMILIES {
        for name in family.keys {
            if context.iter().any(|key| key.name == *name) || !random.random_bool(0.65) {
                continue;
            }
            // Keys that say who calls are not there for others.
            if name.starts_with("aws:Principal") && !name.contains("Tag") {
                continue;
            }
            let count = if family.several {
                random.random_range(1..3)
            } else {
                1
            };
            let mut values: Vec<String> = Vec::new();
            for _ in 0..count {
                let value = pick(random, family.given).to_owned();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            context.push(Key {
                name: (*name).to_owned(),
                values,
                several: family.several,
            });
        }
    }
    context
}

/// What follows from who calls, and from whose the resource is.
pub(crate) fn of_caller(caller: &Caller, owner: &str) -> Vec<Key> {
    let mut keys = vec![key("aws:ResourceAccount", owner)];
    if let Some(account) = caller.account() {
        keys.push(key("aws:PrincipalAccount", account.as_str()));
        keys.push(key("aws:PrincipalIsAWSService", "false"));
    }
    match caller {
        Caller::Service(name) => {
            keys.push(key("aws:PrincipalIsAWSService", "true"));
            keys.push(key("aws:PrincipalServiceName", name));
        }
        Caller::Root { account, .. } => {
            keys.push(key("aws:PrincipalType", "Account"));
            keys.push(key(
                "aws:PrincipalArn",
                &format!("arn:aws:iam::{account}:root"),
            ));
        }
        Caller::User { arn } => {
            keys.push(key("aws:PrincipalType", "User"));
            keys.push(key("aws:PrincipalArn", arn));
            keys.push(key(
                "aws:username",
                arn.rsplit('/').next().unwrap_or_default(),
            ));
        }
        Caller::Role { arn, .. } => {
            keys.push(key("aws:PrincipalType", "AssumedRole"));
            keys.push(key("aws:PrincipalArn", arn));
            keys.push(key("aws:TokenIssueTime", "2026-11-23T00:00:00Z"));
        }
        Caller::Anonymous => keys.push(key("aws:PrincipalType", "Anonymous")),
    }
    keys
}
