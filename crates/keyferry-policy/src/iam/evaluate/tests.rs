use super::*;
use crate::iam::{Attached, Mismatch, PolicyDocument, ResourcePolicy};
use crate::names::Partition;

const ROLE: &str = "arn:aws:iam::111122223333:role/replication";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/replication/s3";
const OBJECT: &str = "arn:aws:s3:::data/a";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

/// Everything that may apply, as JSON of statements; an empty text is no policy.
#[derive(Default)]
struct Given {
    identity: &'static str,
    boundary: &'static str,
    scp: Vec<&'static str>,
    rcp: Vec<&'static str>,
    resource: String,
}

fn document(statements: &str) -> PolicyDocument {
    let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    PolicyDocument::parse(&json).unwrap()
}

fn decide(request: &Request, kind: ResourceKind, given: &Given) -> Decision {
    let read = |text: &str| (!text.is_empty()).then(|| document(text));
    let identity = read(given.identity);
    let boundary = read(given.boundary);
    let resource = read(&given.resource);
    let scp: Vec<_> = given.scp.iter().map(|text| document(text)).collect();
    let rcp: Vec<_> = given.rcp.iter().map(|text| document(text)).collect();
    fn attached<'a>(name: &'a str, document: &'a PolicyDocument) -> Attached<'a> {
        Attached { name, document }
    }
    let policies = Policies {
        identity: identity
            .iter()
            .map(|document| attached("identity", document))
            .collect(),
        boundary: boundary
            .as_ref()
            .map(|document| attached("boundary", document)),
        service_control: scp
            .iter()
            .map(|document| vec![attached("scp", document)])
            .collect(),
        resource_control: rcp
            .iter()
            .map(|document| vec![attached("rcp", document)])
            .collect(),
        resource: resource.as_ref().map(|document| ResourcePolicy {
            kind,
            name: "resource",
            document,
        }),
    };
    evaluate(request, &policies)
}

fn role() -> Caller {
    Caller::Role {
        arn: ROLE.to_owned(),
        session: Some("s3".to_owned()),
    }
}

fn user() -> Caller {
    Caller::User {
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
    }
}

fn root() -> Caller {
    Caller::Root {
        account: "111122223333".parse().unwrap(),
        partition: Partition::Standard,
    }
}

fn get(caller: Caller) -> Request {
    Request::new(caller, "s3:GetObject", OBJECT).owned_by("111122223333".parse().unwrap())
}

fn get_across(caller: Caller) -> Request {
    Request::new(caller, "s3:GetObject", OBJECT).owned_by("444455556666".parse().unwrap())
}

fn decrypt(caller: Caller) -> Request {
    Request::new(caller, "kms:Decrypt", KEY)
}

fn to(principal: &str, action: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"*"}}"#)
}

fn to_aws(arn: &str, action: &str) -> String {
    to(&format!(r#"{{"AWS":"{arn}"}}"#), action)
}

fn lacking(decision: &Decision) -> Vec<Lacking> {
    match decision {
        Decision::Denied(Denial::Implicit { lacking, also, .. }) => {
            [*lacking].into_iter().chain(also.iter().copied()).collect()
        }
        other => panic!("{other}"),
    }
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const NOTHING: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
const DENY: &str = r#"{"Sid":"No","Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#;

#[test]
fn an_explicit_denial_wins_wherever_it_stands() {
    let everyone = to(r#""*""#, "*");
    let base = || Given {
        identity: ALLOW,
        boundary: ALLOW,
        scp: vec![ALLOW],
        rcp: vec![r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#],
        resource: everyone.clone(),
    };
    assert!(decide(&get(role()), ResourceKind::Bucket, &base()).is_allowed());
    let both = r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#;
    let for_all = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*"}"#;
    for (name, given) in [
        (
            "identity",
            Given {
                identity: both,
                ..base()
            },
        ),
        (
            "boundary",
            Given {
                boundary: both,
                ..base()
            },
        ),
        (
            "scp",
            Given {
                scp: vec![ALLOW, both],
                ..base()
            },
        ),
        (
            "rcp",
            Given {
                rcp: vec![for_all],
                ..base()
            },
        ),
        (
            "resource",
            Given {
                resource: for_all.to_owned(),
                ..base()
            },
        ),
    ] {
        let decision = decide(&get(role()), ResourceKind::Bucket, &given);
        assert_eq!(
            decision.to_string(),
            format!("denied: statement 2 `No` of {name} denies it")
        );
    }
}

/// `reference_policies_evaluation-logic_policy-eval-basics`: one of the two is enough in one account.
#[test]
fn in_one_account_either_policy_of_a_bucket_is_enough() {
    let identity = Given {
        identity: ALLOW,
        ..Given::default()
    };
    assert!(decide(&get(role()), ResourceKind::Bucket, &identity).is_allowed());
    for principal in [ROLE, SESSION, "*"] {
        let given = Given {
            resource: to_aws(principal, "s3:GetObject"),
            ..Given::default()
        };
        assert!(
            decide(&get(role()), ResourceKind::Bucket, &given).is_allowed(),
            "{principal}"
        );
    }
    // Naming the account leaves the decision to its own policies.
    let account = to_aws("arn:aws:iam::111122223333:root", "s3:*");
    let given = Given {
        resource: account,
        ..Given::default()
    };
    let decision = decide(&get(role()), ResourceKind::Bucket, &given);
    assert_eq!(lacking(&decision), [Lacking::Identity]);
}

/// The same page's table of principals and implicit denials.
#[test]
fn a_boundary_limits_what_is_granted_to_the_role_but_not_to_session_or_user() {
    let bounded = |principal: &str| Given {
        boundary: NOTHING,
        resource: to_aws(principal, "s3:GetObject"),
        ..Given::default()
    };
    let decide = |caller, given: &Given| decide(&get(caller), ResourceKind::Bucket, given);
    assert_eq!(
        lacking(&decide(role(), &bounded(ROLE))),
        [Lacking::Boundary]
    );
    assert!(decide(role(), &bounded(SESSION)).is_allowed());
    assert!(decide(user(), &bounded("arn:aws:iam::111122223333:user/alice")).is_allowed());
    assert!(decide(role(), &bounded("*")).is_allowed());
    let identity = Given {
        identity: ALLOW,
        boundary: NOTHING,
        ..Given::default()
    };
    assert_eq!(lacking(&decide(role(), &identity)), [Lacking::Boundary]);
    let neither = Given {
        boundary: NOTHING,
        ..Given::default()
    };
    assert_eq!(
        lacking(&decide(role(), &neither)),
        [Lacking::Identity, Lacking::Boundary]
    );
}

/// `reference_policies_evaluation-logic-cross-account`
#[test]
fn across_accounts_both_must_allow() {
    for principal in [
        ROLE,
        SESSION,
        "arn:aws:iam::111122223333:root",
        "111122223333",
        "*",
    ] {
        let resource = to_aws(principal, "s3:GetObject");
        let decide = |identity, boundary| {
            let given = Given {
                identity,
                boundary,
                resource: resource.clone(),
                ..Given::default()
            };
            decide(&get_across(role()), ResourceKind::Bucket, &given)
        };
        assert!(decide(ALLOW, "").is_allowed(), "{principal}");
        assert_eq!(lacking(&decide("", "")), [Lacking::Identity], "{principal}");
        assert_eq!(
            lacking(&decide(ALLOW, NOTHING)),
            [Lacking::Boundary],
            "{principal}"
        );
    }
    let given = Given {
        identity: ALLOW,
        ..Given::default()
    };
    let decision = decide(&get_across(role()), ResourceKind::Bucket, &given);
    assert_eq!(
        lacking(&decision),
        [Lacking::Resource(ResourceKind::Bucket)]
    );
    let decision = decide(&get_across(role()), ResourceKind::Bucket, &Given::default());
    assert_eq!(
        lacking(&decision),
        [Lacking::Resource(ResourceKind::Bucket), Lacking::Identity]
    );
}

#[test]
fn every_level_of_the_organisation_must_allow() {
    let decide = |scp: &[&'static str], rcp: &[&'static str], caller| {
        let given = Given {
            identity: ALLOW,
            scp: scp.to_vec(),
            rcp: rcp.to_vec(),
            resource: to(r#"{"Service":"s3.amazonaws.com"}"#, "*"),
            ..Given::default()
        };
        decide(&get(caller), ResourceKind::Bucket, &given)
    };
    assert!(decide(&[ALLOW, ALLOW], &[], role()).is_allowed());
    assert_eq!(
        lacking(&decide(&[ALLOW, NOTHING], &[], role())),
        [Lacking::ServiceControl { level: 1 }]
    );
    // A resource control policy names everyone.
    let silent = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;
    assert_eq!(
        lacking(&decide(&[NOTHING], &[silent], role())),
        [
            Lacking::ServiceControl { level: 0 },
            Lacking::ResourceControl { level: 0 }
        ]
    );
    let linked = Caller::Role {
        arn: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
            .to_owned(),
        session: None,
    };
    assert!(decide(&[NOTHING], &[silent], linked).is_allowed());
    let service = || Caller::Service("s3.amazonaws.com".to_owned());
    assert!(decide(&[NOTHING], &[], service()).is_allowed());
    assert!(!decide(&[NOTHING], &[silent], service()).is_allowed());
    assert_eq!(
        lacking(&decide(&[NOTHING], &[], root())),
        [Lacking::ServiceControl { level: 0 }]
    );
}

/// KMS developer guide, `key-policy-default`: a key's policy decides, or hands over to its account.
#[test]
fn a_key_opens_only_by_its_policy() {
    let decide = |identity, resource: String, caller| {
        let given = Given {
            identity,
            resource,
            ..Given::default()
        };
        decide(&decrypt(caller), ResourceKind::KmsKey, &given)
    };
    let account = || to_aws("arn:aws:iam::111122223333:root", "kms:*");
    assert!(decide(ALLOW, account(), role()).is_allowed());
    assert_eq!(lacking(&decide("", account(), role())), [Lacking::Identity]);
    assert!(decide("", to_aws(ROLE, "kms:Decrypt"), role()).is_allowed());
    let other = || to_aws("arn:aws:iam::111122223333:role/other", "kms:*");
    assert_eq!(
        lacking(&decide(ALLOW, other(), role())),
        [Lacking::Delegation(ResourceKind::KmsKey)]
    );
    assert_eq!(
        lacking(&decide("", other(), role())),
        [Lacking::Resource(ResourceKind::KmsKey), Lacking::Identity]
    );
    assert!(decide("", account(), root()).is_allowed());
    assert!(!decide("", other(), root()).is_allowed());
}

#[test]
fn a_policy_that_was_not_given_is_not_guessed() {
    let given = Given {
        identity: ALLOW,
        ..Given::default()
    };
    let decision = decide(&decrypt(role()), ResourceKind::KmsKey, &given);
    assert_eq!(
        decision,
        Decision::Undecided {
            why: "the key policy is not given".to_owned()
        }
    );
    let assume = Request::new(role(), "sts:AssumeRole", "arn:aws:iam::111122223333:role/x");
    let decision = decide(&assume, ResourceKind::RoleTrust, &given);
    assert_eq!(
        decision,
        Decision::Undecided {
            why: "the trust policy is not given".to_owned()
        }
    );
    let unowned = Request::new(role(), "s3:GetObject", OBJECT);
    let decision = decide(&unowned, ResourceKind::Bucket, &given);
    assert!(matches!(decision, Decision::Undecided { .. }), "{decision}");
    let given = Given {
        identity: NOTHING,
        ..Given::default()
    };
    assert!(matches!(
        decide(&decrypt(role()), ResourceKind::KmsKey, &given),
        Decision::Denied(_)
    ));
}

#[test]
fn a_service_assumes_a_role_by_its_trust_policy_alone() {
    let trust = |principal: &str| Given {
        resource: format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#
        ),
        ..Given::default()
    };
    let assume =
        |caller| Request::new(caller, "sts:AssumeRole", "arn:aws:iam::111122223333:role/x");
    let decide = |caller, given: &Given| decide(&assume(caller), ResourceKind::RoleTrust, given);
    let service = || Caller::Service("s3.amazonaws.com".to_owned());
    let for_s3 = trust(r#"{"Service":"s3.amazonaws.com"}"#);
    assert!(decide(service(), &for_s3).is_allowed());
    assert_eq!(
        lacking(&decide(
            service(),
            &trust(r#"{"Service":"ec2.amazonaws.com"}"#)
        )),
        [Lacking::Resource(ResourceKind::RoleTrust)]
    );
    let for_account = Given {
        identity: ALLOW,
        ..trust(r#"{"AWS":"111122223333"}"#)
    };
    assert!(decide(user(), &for_account).is_allowed());
    assert!(!decide(user(), &trust(r#"{"AWS":"111122223333"}"#)).is_allowed());
    assert_eq!(
        lacking(&decide(root(), &for_account)),
        [Lacking::RootAssumesNoRole]
    );
}

#[test]
fn strangers_and_root_users() {
    let public = Given {
        resource: to(r#""*""#, "s3:GetObject"),
        ..Given::default()
    };
    assert!(decide(&get(Caller::Anonymous), ResourceKind::Bucket, &public).is_allowed());
    let decision = decide(
        &get(Caller::Anonymous),
        ResourceKind::Bucket,
        &Given {
            identity: ALLOW,
            ..Given::default()
        },
    );
    assert_eq!(
        lacking(&decision),
        [Lacking::Resource(ResourceKind::Bucket)]
    );

    let decision = decide(&get(root()), ResourceKind::Bucket, &Given::default());
    assert_eq!(decision, Decision::Allowed { by: Vec::new() });
    assert!(!decide(&get_across(root()), ResourceKind::Bucket, &Given::default()).is_allowed());
    let locked = Given {
        resource: r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#.to_owned(),
        ..Given::default()
    };
    assert!(!decide(&get(root()), ResourceKind::Bucket, &locked).is_allowed());
    let mut mend = get(root());
    mend.action = "s3:DeleteBucketPolicy".to_owned();
    assert!(decide(&mend, ResourceKind::Bucket, &locked).is_allowed());
}

#[test]
fn a_denial_that_cannot_be_judged_leaves_it_undecided() {
    for denial in [
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"aws:username":"b"}}}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":"b"}}}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::data/${aws:nothing}"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#,
    ] {
        let both: &'static str = Box::leak(format!("{ALLOW},{denial}").into_boxed_str());
        let decision = decide(
            &get(user()),
            ResourceKind::Bucket,
            &Given {
                identity: both,
                ..Given::default()
            },
        );
        assert!(
            matches!(decision, Decision::Undecided { .. }),
            "{denial}: {decision}"
        );
        // Without the allowance it is denied either way.
        let alone: &'static str = Box::leak(denial.to_owned().into_boxed_str());
        let decision = decide(
            &get(user()),
            ResourceKind::Bucket,
            &Given {
                identity: alone,
                ..Given::default()
            },
        );
        assert_eq!(lacking(&decision), [Lacking::Identity], "{denial}");
    }
    for allowance in [
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericNotEquals":{"aws:username":"b"}}}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::data/${aws:nothing}"}"#,
        r#"{"Effect":"Allow","Action":"*"}"#,
        r#"{"Effect":"Allow","NotAction":[],"Resource":"*"}"#,
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#,
    ] {
        let decision = decide(
            &get(user()),
            ResourceKind::Bucket,
            &Given {
                identity: allowance,
                ..Given::default()
            },
        );
        assert_eq!(lacking(&decision), [Lacking::Identity], "{allowance}");
    }
}

/// `reference_policies_elements_notprincipal`
#[test]
fn not_principal_denies_all_others() {
    let given = |principals: &str| Given {
        identity: ALLOW,
        resource: format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{principals}]}},"Action":"s3:*","Resource":"*"}}"#
        ),
        ..Given::default()
    };
    let exempt = r#""arn:aws:iam::111122223333:user/alice","arn:aws:iam::111122223333:root""#;
    let decide = |given: &Given| decide(&get(user()), ResourceKind::Bucket, given);
    assert!(decide(&given(exempt)).is_allowed());
    assert!(matches!(
        decide(&given(r#""444455556666""#)),
        Decision::Denied(Denial::Explicit { .. })
    ));
    let bounded = Given {
        boundary: ALLOW,
        ..given(exempt)
    };
    assert!(matches!(
        decide(&bounded),
        Decision::Denied(Denial::Explicit { .. })
    ));
    let half = decide(&given(r#""arn:aws:iam::111122223333:user/alice""#));
    assert!(matches!(half, Decision::Undecided { .. }), "{half}");
    // With `Allow` it is not supported.
    let allow = Given {
        resource: r#"{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"*","Resource":"*"}"#.to_owned(),
        ..Given::default()
    };
    assert!(!decide(&allow).is_allowed());
}

/// `reference_policies_elements_notaction` and `_notresource`
#[test]
fn not_action_and_not_resource() {
    let decide = |identity, action: &str| {
        let mut request = get(user());
        request.action = action.to_owned();
        decide(
            &request,
            ResourceKind::Bucket,
            &Given {
                identity,
                ..Given::default()
            },
        )
        .is_allowed()
    };
    let but_iam = r#"{"Effect":"Allow","NotAction":["iam:*","S3:delete*"],"Resource":"*"}"#;
    assert!(decide(but_iam, "s3:GetObject"));
    assert!(!decide(but_iam, "s3:DeleteObject"));
    let elsewhere = r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::data/*"}"#;
    assert!(!decide(elsewhere, "s3:GetObject"));
    let here = r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::Data/*"}"#;
    assert!(decide(here, "s3:GetObject"), "resources distinguish case");
}

#[test]
fn the_context_knows_what_follows_from_the_request() {
    let decide = |caller: Caller, condition: &str| {
        let identity: &'static str = Box::leak(
            format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#)
                .into_boxed_str(),
        );
        let given = Given {
            identity,
            ..Given::default()
        };
        decide(&get(caller), ResourceKind::Bucket, &given).is_allowed()
    };
    assert!(decide(
        role(),
        r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/replication"}}"#
    ));
    assert!(decide(
        role(),
        r#"{"StringEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}}"#
    ));
    assert!(decide(
        user(),
        r#"{"StringEquals":{"aws:username":"alice","aws:PrincipalType":"User"}}"#
    ));
    assert!(decide(role(), r#"{"Null":{"aws:username":"true"}}"#));
    assert!(decide(user(), r#"{"Null":{"aws:TokenIssueTime":"true"}}"#));
    assert!(!decide(role(), r#"{"Null":{"aws:TokenIssueTime":"true"}}"#));
    assert!(decide(
        user(),
        r#"{"Bool":{"aws:PrincipalIsAWSService":"false"}}"#
    ));
}

#[test]
fn a_near_miss_says_which_element_and_what_the_request_has() {
    let identity = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"},
        {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"},
        {"Sid":"ViaS3","Effect":"Allow","Action":"s3:*","Resource":"*",
         "Condition":{"StringEquals":{"s3:prefix":["a","b"]},"Bool":{"aws:SecureTransport":"true"}}}"#;
    let given = Given {
        identity,
        ..Given::default()
    };
    let request = get(user()).with("s3:prefix", "c");
    let decision = decide(&request, ResourceKind::Bucket, &given);
    assert_eq!(
        decision.to_string(),
        "denied: no policy of the caller allows it (statement 3 `ViaS3` of identity would, but asks for \
         `aws:SecureTransport` Bool `true`, which the request does not have and asks for `s3:prefix` \
         StringEquals `a` or `b`, and the request has `c`)"
    );
    let Decision::Denied(Denial::Implicit { nearly, .. }) = decision else {
        panic!("{decision}");
    };
    assert_eq!(nearly.len(), 2);
    assert!(matches!(&nearly[1].but, Mismatch::Resource { given, .. } if given == OBJECT));
}

#[test]
fn what_allows_is_named() {
    let given = Given {
        identity: ALLOW,
        resource: to_aws(ROLE, "s3:*"),
        ..Given::default()
    };
    let decision = decide(&get_across(role()), ResourceKind::Bucket, &given);
    assert_eq!(
        decision.to_string(),
        "allowed: statement 1 of identity and statement 1 of resource"
    );
    let denied = decide(
        &get(role()),
        ResourceKind::Bucket,
        &Given {
            identity: DENY,
            ..Given::default()
        },
    );
    assert_eq!(
        denied.to_string(),
        "denied: statement 1 `No` of identity denies it"
    );
}
