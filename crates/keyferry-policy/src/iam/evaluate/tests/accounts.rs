//! Who must allow: inside an account, across accounts, under boundaries and organisations.

use super::*;

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
