//! `Principal` and `NotPrincipal`: whether a statement is about the caller, and how directly.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>.

use super::condition::Match;
use super::document::Principals;
use super::request::Caller;

/// How directly a statement names the caller. What is granted less directly is limited by more:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Directness {
    /// Only the caller's account, which decides by its own policies.
    Account,
    /// The role that the caller is a session of; its boundary still limits.
    Role,
    /// The user, session, service or root user itself, or everyone.
    Itself,
}

/// How directly the principals name the caller, if they do.
pub(crate) fn named(principals: &Principals, caller: &Caller) -> Option<Directness> {
    let Principals::Listed { aws, service, .. } = principals else {
        return Some(Directness::Itself);
    };
    if aws.iter().any(|principal| principal == "*") {
        return Some(Directness::Itself);
    }
    let has = |arn: &str| aws.iter().any(|principal| principal == arn);
    let account = names_account(aws, caller);
    match caller {
        Caller::Anonymous => None,
        Caller::Service(name) => service
            .iter()
            .any(|principal| principal == name)
            .then_some(Directness::Itself),
        Caller::Root { .. } => account.then_some(Directness::Itself),
        Caller::User { arn } if has(arn) => Some(Directness::Itself),
        Caller::Role { .. } if caller.session_arn().is_some_and(|session| has(&session)) => {
            Some(Directness::Itself)
        }
        Caller::Role { arn, .. } if has(arn) => Some(Directness::Role),
        Caller::User { .. } | Caller::Role { .. } => account.then_some(Directness::Account),
    }
}

/// Whether a `Deny` on these principals concerns the caller.
pub(crate) fn denied(principals: &Principals, caller: &Caller) -> Match {
    if named(principals, caller).is_some() {
        return Match::Yes;
    }
    match principals {
        Principals::Listed { canonical_user, .. }
            if !canonical_user.is_empty() && caller.account().is_some() =>
        {
            Match::Unsure("the account behind a canonical user id is not known".to_owned())
        }
        _ => Match::No,
    }
}

/// Whether a `Deny` on everyone but these principals concerns the caller.
///
/// AWS checks the account, then the role, then the session, and says that a list which names only some
/// of them may deny; so only a caller that is named all the way is surely exempt.
pub(crate) fn denied_unless_named(
    principals: &Principals,
    caller: &Caller,
    has_boundary: bool,
) -> Match {
    // AWS denies every user and role that has a boundary, whatever the list says.
    if has_boundary && matches!(caller, Caller::User { .. } | Caller::Role { .. }) {
        return Match::Yes;
    }
    let Principals::Listed {
        aws,
        service,
        canonical_user,
        ..
    } = principals
    else {
        return Match::No;
    };
    let has = |arn: &str| aws.iter().any(|principal| principal == arn);
    // The same as `"*"` by itself: everyone is named.
    if has("*") {
        return Match::No;
    }
    let account = names_account(aws, caller);
    let levels = match caller {
        Caller::Service(name) => return Match::from(!service.contains(name)),
        Caller::Anonymous => return Match::Yes,
        Caller::Root { .. } => vec![account],
        Caller::User { arn } => vec![account, has(arn)],
        Caller::Role { arn, .. } => {
            let session = caller.session_arn().map(|session| has(&session));
            [Some(account), Some(has(arn)), session]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    if levels.iter().all(|named| *named) {
        Match::No
    } else if levels.contains(&true) {
        Match::Unsure(format!(
            "`NotPrincipal` names part of account, role and session of {caller}; AWS may deny then"
        ))
    } else if canonical_user.is_empty() {
        Match::Yes
    } else {
        Match::Unsure("the account behind a canonical user id is not known".to_owned())
    }
}

fn names_account(aws: &[String], caller: &Caller) -> bool {
    let (Some(id), Some(arn)) = (caller.account(), caller.account_arn()) else {
        return false;
    };
    aws.iter()
        .any(|principal| principal == id.as_str() || *principal == arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(session: Option<&str>) -> Caller {
        Caller::Role {
            arn: "arn:aws:iam::111122223333:role/path/replication".to_owned(),
            session: session.map(str::to_owned),
        }
    }

    fn aws(arns: &[&str]) -> Principals {
        Principals::aws(arns.iter().map(ToString::to_string).collect())
    }

    const ACCOUNT: &str = "arn:aws:iam::111122223333:root";
    const ROLE: &str = "arn:aws:iam::111122223333:role/path/replication";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/replication/s3";

    #[test]
    fn a_session_is_named_by_itself_its_role_or_its_account() {
        let caller = role(Some("s3"));
        assert_eq!(named(&aws(&[SESSION]), &caller), Some(Directness::Itself));
        assert_eq!(named(&aws(&[ROLE]), &caller), Some(Directness::Role));
        assert_eq!(named(&aws(&[ACCOUNT]), &caller), Some(Directness::Account));
        assert_eq!(
            named(&aws(&["111122223333"]), &caller),
            Some(Directness::Account)
        );
        assert_eq!(named(&aws(&["*"]), &caller), Some(Directness::Itself));
        assert_eq!(
            named(&Principals::Everyone, &caller),
            Some(Directness::Itself)
        );
        assert_eq!(named(&aws(&["444455556666"]), &caller), None);
        assert_eq!(
            named(&aws(&["arn:aws-cn:iam::111122223333:root"]), &caller),
            None
        );
        assert_eq!(named(&aws(&[SESSION]), &role(None)), None);
    }

    #[test]
    fn part_of_a_name_is_no_name() {
        assert_eq!(
            named(&aws(&["arn:aws:iam::111122223333:role/*"]), &role(None)),
            None
        );
        assert_eq!(
            named(
                &aws(&["arn:aws:iam::111122223333:role/path/Replication"]),
                &role(None)
            ),
            None
        );
    }

    #[test]
    fn services_and_strangers() {
        let service = Caller::Service("s3.amazonaws.com".to_owned());
        assert_eq!(
            named(&Principals::service("s3.amazonaws.com"), &service),
            Some(Directness::Itself)
        );
        assert_eq!(
            named(&Principals::service("ec2.amazonaws.com"), &service),
            None
        );
        assert_eq!(named(&aws(&[ACCOUNT]), &Caller::Anonymous), None);
        assert_eq!(
            named(&Principals::Everyone, &Caller::Anonymous),
            Some(Directness::Itself)
        );
    }

    #[test]
    fn not_principal_spares_only_who_is_named_all_the_way() {
        let denies =
            |list: &[&str], caller: &Caller| denied_unless_named(&aws(list), caller, false);
        let session = role(Some("s3"));
        assert_eq!(denies(&[SESSION, ROLE, ACCOUNT], &session), Match::No);
        assert!(matches!(
            denies(&[ROLE, ACCOUNT], &session),
            Match::Unsure(_)
        ));
        assert_eq!(denies(&[ROLE, ACCOUNT], &role(None)), Match::No);
        assert!(matches!(denies(&[ACCOUNT], &role(None)), Match::Unsure(_)));
        assert_eq!(denies(&["444455556666"], &role(None)), Match::Yes);
        assert_eq!(denies(&[ACCOUNT], &Caller::Anonymous), Match::Yes);
        for caller in [session, role(None), Caller::Anonymous] {
            assert_eq!(denies(&["*"], &caller), Match::No);
        }
        let bounded = denied_unless_named(&aws(&[ROLE, ACCOUNT]), &role(None), true);
        assert_eq!(bounded, Match::Yes);
    }
}
