//! What statements say, what cannot be decided, and what a denial explains.

use super::*;

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

/// A statement that hands over to the account does not allow where another names the role.
#[test]
fn only_what_suffices_is_named() {
    let given = Given {
        resource: format!(
            "{},{}",
            to_aws("111122223333", "s3:*"),
            to_aws(ROLE, "s3:*")
        ),
        ..Given::default()
    };
    let decision = decide(&get(role()), ResourceKind::Bucket, &given);
    assert_eq!(decision.to_string(), "allowed: statement 2 of resource");
}
