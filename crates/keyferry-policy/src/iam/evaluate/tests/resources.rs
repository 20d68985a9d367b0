//! Keys, roles, services, strangers and root users.

use super::*;

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
    // It may name the role itself, so that the role's own policies would not matter.
    let given = Given {
        identity: NOTHING,
        ..Given::default()
    };
    let decision = decide(&decrypt(role()), ResourceKind::KmsKey, &given);
    assert!(matches!(decision, Decision::Undecided { .. }), "{decision}");
    let decision = decide(&decrypt(root()), ResourceKind::KmsKey, &Given::default());
    assert!(matches!(decision, Decision::Undecided { .. }), "{decision}");
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
