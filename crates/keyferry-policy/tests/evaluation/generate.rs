//! Random requests and policies out of a small vocabulary, so that they often meet.

use std::collections::BTreeMap;

use keyferry_policy::iam::{
    ActionElement, Caller, Conditions, Context, Effect, LanguageVersion, PolicyDocument,
    PrincipalElement, Principals, Request, ResourceElement, ResourceKind, Statement,
};
use keyferry_policy::{AccountId, Partition};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) const HOME: &str = "111122223333";
pub(crate) const ABROAD: &str = "444455556666";

/// A request and what applies to it. Organisation levels have one document each.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) request: Request,
    pub(crate) kind: ResourceKind,
    pub(crate) identity: Vec<PolicyDocument>,
    pub(crate) boundary: Option<PolicyDocument>,
    pub(crate) scp: Vec<PolicyDocument>,
    pub(crate) rcp: Vec<PolicyDocument>,
    pub(crate) resource: Option<PolicyDocument>,
}

impl Case {
    /// All documents, those of the caller first.
    pub(crate) fn documents(&mut self) -> Vec<&mut PolicyDocument> {
        let mut all: Vec<&mut PolicyDocument> = self.identity.iter_mut().collect();
        all.extend(&mut self.boundary);
        all.extend(&mut self.scp);
        all.extend(&mut self.rcp);
        all.extend(&mut self.resource);
        all
    }
}

fn account(id: &str) -> AccountId {
    id.parse().expect("an account id")
}

fn caller() -> impl Strategy<Value = Caller> {
    let role = |path: &'static str, session: Option<&'static str>| Caller::Role {
        arn: format!("arn:aws:iam::{HOME}:role/{path}r"),
        session: session.map(str::to_owned),
    };
    prop_oneof![
        6 => Just(role("", Some("s"))),
        3 => Just(role("", None)),
        1 => Just(role("aws-service-role/x.amazonaws.com/", Some("s"))),
        4 => Just(Caller::User { arn: format!("arn:aws:iam::{HOME}:user/alice") }),
        2 => Just(Caller::Root { account: account(HOME), partition: Partition::Standard }),
        2 => Just(Caller::Service("s3.amazonaws.com".to_owned())),
        1 => Just(Caller::Anonymous),
    ]
}

/// What is asked: kind of resource, action, ARN, and the owner if the ARN does not tell.
fn subject() -> impl Strategy<Value = (ResourceKind, &'static str, String, Option<&'static str>)> {
    let owners = select(vec![HOME, ABROAD]);
    prop_oneof![
        4 => select(vec![Some(HOME), Some(HOME), Some(ABROAD), None]).prop_map(|owner| {
            (ResourceKind::Bucket, "s3:GetObject", "arn:aws:s3:::data/alice/x".to_owned(), owner)
        }),
        3 => owners.clone().prop_map(|owner| {
            let key = format!("arn:aws:kms:us-east-1:{owner}:key/k");
            (ResourceKind::KmsKey, "kms:Decrypt", key, Some(owner))
        }),
        2 => owners.clone().prop_map(|owner| {
            let role = format!("arn:aws:iam::{owner}:role/target");
            (ResourceKind::RoleTrust, "sts:AssumeRole", role, Some(owner))
        }),
        1 => owners.prop_map(|owner| {
            let queue = format!("arn:aws:sqs:us-east-1:{owner}:q");
            (ResourceKind::Other, "sqs:SendMessage", queue, None)
        }),
    ]
}

fn context() -> impl Strategy<Value = Context> {
    let single = select(vec!["x", "y", "5", "true", ""]);
    let several = subsequence(vec!["x", "y", ""], 0..=3);
    (option::of(single), option::of(several), any::<bool>()).prop_map(
        |(single, several, unknown)| {
            let mut context = Context::new();
            if let Some(single) = single {
                context.insert("k:single", vec![single.to_owned()]);
            }
            if let Some(several) = several {
                context.insert(
                    "k:several",
                    several.into_iter().map(str::to_owned).collect(),
                );
            }
            if unknown {
                context.insert_unknown("k:unknown");
            }
            context
        },
    )
}

fn strings(of: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
    subsequence(of.to_vec(), least..=2)
        .prop_map(|chosen| chosen.into_iter().map(str::to_owned).collect())
}

fn action() -> impl Strategy<Value = ActionElement> {
    const ACTIONS: &[&str] = &[
        "*",
        "s3:*",
        "S3:get?bject",
        "kms:*",
        "kms:Decrypt",
        "sts:Assume*",
        "sqs:*",
        "ec2:*",
    ];
    prop_oneof![
        3 => Just(ActionElement::Action(vec!["*".to_owned()])),
        4 => strings(ACTIONS, 0).prop_map(ActionElement::Action),
        1 => strings(ACTIONS, 0).prop_map(ActionElement::NotAction),
    ]
}

fn resource() -> impl Strategy<Value = Option<ResourceElement>> {
    const RESOURCES: &[&str] = &[
        "*",
        "arn:aws:s3:::data/*",
        "arn:aws:s3:::data/${aws:username}/*",
        "arn:aws:s3:::other/*",
        "arn:aws:kms:*:111122223333:key/?",
        "arn:aws:*:target",
    ];
    prop_oneof![
        6 => Just(Some(ResourceElement::Resource(vec!["*".to_owned()]))),
        4 => strings(RESOURCES, 0).prop_map(|all| Some(ResourceElement::Resource(all))),
        1 => strings(RESOURCES, 0).prop_map(|all| Some(ResourceElement::NotResource(all))),
        1 => Just(None),
    ]
}

fn principals() -> impl Strategy<Value = Principals> {
    const AWS: &[&str] = &[
        "*",
        "111122223333",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/r",
        "arn:aws:sts::111122223333:assumed-role/r/s",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::444455556666:root",
    ];
    let listed = (
        subsequence(AWS.to_vec(), 0..=4),
        strings(&["s3.amazonaws.com", "ec2.amazonaws.com"], 0),
        prop_oneof![9 => Just(Vec::new()), 1 => Just(vec!["79a59d".to_owned()])],
    )
        .prop_map(|(aws, service, canonical_user)| Principals::Listed {
            aws: aws.into_iter().map(str::to_owned).collect(),
            service,
            federated: Vec::new(),
            canonical_user,
        });
    prop_oneof![1 => Just(Principals::Everyone), 4 => listed]
}

fn condition() -> impl Strategy<Value = Conditions> {
    const OPERATORS: &[&str] = &[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringEqualsIfExists",
        "StringNotLikeIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringLike",
        "ForAnyValue:StringNotEquals",
        "NumericLessThan",
        "Bool",
        "Null",
        "StringEqual",
    ];
    const KEYS: &[&str] = &["k:single", "K:Several", "k:unknown", "k:missing"];
    const VALUES: &[&str] = &[
        "x",
        "?",
        "",
        "true",
        "false",
        "6",
        "${k:missing, 'x'}",
        "${k:gone}",
    ];
    let one = (
        select(OPERATORS.to_vec()),
        select(KEYS.to_vec()),
        strings(VALUES, 0),
    );
    let some = vec(one, 1..=2).prop_map(|all| {
        let mut conditions = Conditions::new();
        for (operator, key, values) in all {
            let keys: &mut BTreeMap<_, _> = conditions.entry(operator.to_owned()).or_default();
            keys.insert(key.to_owned(), values);
        }
        conditions
    });
    prop_oneof![4 => Just(Conditions::new()), 2 => some]
}

fn statement(
    principal: impl Strategy<Value = Option<PrincipalElement>>,
) -> impl Strategy<Value = Statement> {
    let effect = select(vec![
        Effect::Allow,
        Effect::Allow,
        Effect::Allow,
        Effect::Deny,
    ]);
    (effect, principal, action(), resource(), condition()).prop_map(
        |(effect, principal, action, resource, condition)| Statement {
            sid: None,
            effect,
            principal,
            action,
            resource,
            condition,
        },
    )
}

fn document(
    statements: impl Strategy<Value = Vec<Statement>>,
) -> impl Strategy<Value = PolicyDocument> {
    let version = select(vec![
        LanguageVersion::V2012,
        LanguageVersion::V2012,
        LanguageVersion::V2012,
        LanguageVersion::V2008,
    ]);
    (version, statements).prop_map(|(version, statements)| PolicyDocument {
        version,
        id: None,
        statements,
    })
}

/// A policy of the caller; now and then it has a principal, which it must not.
fn held() -> impl Strategy<Value = PolicyDocument> {
    let principal = prop_oneof![
        20 => Just(None),
        1 => Just(Some(PrincipalElement::Principal(Principals::Everyone))),
    ];
    document(vec(statement(principal), 1..=3))
}

/// A policy of the resource; now and then it lacks the principal.
fn attached() -> impl Strategy<Value = PolicyDocument> {
    let principal = prop_oneof![
        10 => principals().prop_map(|all| Some(PrincipalElement::Principal(all))),
        2 => principals().prop_map(|all| Some(PrincipalElement::NotPrincipal(all))),
        1 => Just(None),
    ];
    document(vec(statement(principal), 1..=3))
}

/// A policy of the organisation that mostly allows, so that the others come to bear.
fn limit(
    of: impl Strategy<Value = PolicyDocument>,
    principal: bool,
) -> impl Strategy<Value = PolicyDocument> {
    let everyone = principal.then_some(PrincipalElement::Principal(Principals::Everyone));
    let everything = PolicyDocument::new(vec![Statement {
        principal: everyone,
        ..Statement::allow("", &["*"], vec!["*".to_owned()])
    }]);
    prop_oneof![5 => Just(everything), 1 => of]
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    (
        (caller(), subject(), context()),
        vec(held(), 0..=2),
        option::weighted(0.3, limit(held(), false)),
        vec(limit(held(), false), 0..=2),
        vec(limit(attached(), true), 0..=2),
        option::weighted(0.8, attached()),
    )
        .prop_map(
            |((caller, subject, context), identity, boundary, scp, rcp, resource)| {
                let (kind, action, arn, owner) = subject;
                let mut request = Request::new(caller, action, &arn);
                request.resource_account = owner.map(account);
                request.context = context;
                Case {
                    request,
                    kind,
                    identity,
                    boundary,
                    scp,
                    rcp,
                    resource,
                }
            },
        )
}
