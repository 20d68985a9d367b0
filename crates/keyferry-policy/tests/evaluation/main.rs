//! The evaluator against a naive model that shares no code with it.

#[cfg(test)]
mod generate;
#[cfg(test)]
mod naive;

use keyferry_policy::iam::{
    Attached, Decision, Denial, Effect, Policies, PolicyDocument, ResourcePolicy, evaluate,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};

use generate::{Case, case};
use naive::Verdict;

/// Asks the evaluator.
fn decide(case: &Case) -> Decision {
    fn attach<'a>(name: &'a str, document: &'a PolicyDocument) -> Attached<'a> {
        Attached { name, document }
    }
    let policies = Policies {
        identity: case
            .identity
            .iter()
            .map(|document| attach("identity", document))
            .collect(),
        boundary: case
            .boundary
            .as_ref()
            .map(|document| attach("boundary", document)),
        service_control: case
            .scp
            .iter()
            .map(|document| vec![attach("scp", document)])
            .collect(),
        resource_control: case
            .rcp
            .iter()
            .map(|document| vec![attach("rcp", document)])
            .collect(),
        resource: case.resource.as_ref().map(|document| ResourcePolicy {
            kind: case.kind,
            name: "resource",
            document,
        }),
    };
    evaluate(&case.request, &policies)
}

fn verdict(decision: &Decision) -> Verdict {
    match decision {
        Decision::Allowed { .. } => Verdict::Allowed,
        Decision::Denied(Denial::Explicit { .. }) => Verdict::Explicit,
        Decision::Denied(Denial::Implicit { .. }) => Verdict::Implicit,
        Decision::Undecided { .. } => Verdict::Undecided,
    }
}

/// Runs a test on so many cases.
fn each(cases: u32, test: impl Fn(Case) -> Result<(), TestCaseError>) {
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let failure = runner.run(&case(), test).err();
    let failure = failure
        .map(|failure| failure.to_string())
        .unwrap_or_default();
    assert!(failure.is_empty(), "{failure}");
}

#[test]
fn decides_as_the_naive_model() {
    each(10_000, |case| {
        let decision = decide(&case);
        prop_assert_eq!(verdict(&decision), naive::decide(&case), "{}", decision);
        Ok(())
    });
}

/// If the cases were mostly of one answer, the comparison would show little.
#[test]
fn the_cases_have_every_answer() {
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::new());
    each(4_000, |case| {
        *seen.borrow_mut().entry(naive::decide(&case)).or_insert(0) += 1;
        Ok(())
    });
    let seen = seen.into_inner();
    for verdict in [
        Verdict::Allowed,
        Verdict::Explicit,
        Verdict::Implicit,
        Verdict::Undecided,
    ] {
        assert!(
            seen.get(&verdict).is_some_and(|count| *count >= 150),
            "{seen:?}"
        );
    }
}

#[test]
fn less_allowance_and_more_denial_never_open() {
    each(4_000, |mut case| {
        if decide(&case).is_allowed() {
            return Ok(());
        }
        for document in 0..case.documents().len() {
            let mut less = case.clone();
            let mut documents = less.documents();
            documents[document]
                .statements
                .retain(|statement| statement.effect == Effect::Deny);
            prop_assert!(!decide(&less).is_allowed());
        }
        Ok(())
    });
}

#[test]
fn a_denial_of_everything_closes_everything() {
    let deny = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let deny = PolicyDocument::parse(deny).expect("a document");
    each(2_000, |mut case| {
        case.identity.push(deny.clone());
        // Services, strangers and root users have no policies of their own.
        let entity = naive::is_entity(&case.request.caller);
        prop_assert!(!entity || verdict(&decide(&case)) == Verdict::Explicit);
        Ok(())
    });
}
