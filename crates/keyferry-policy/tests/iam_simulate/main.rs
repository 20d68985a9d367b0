//! keyferry's policy evaluator against another one, iam-simulate, on random requests.
//!
//! iam-simulate runs as a process of its own (`tests/iam-simulate/oracle.mjs`, which needs Node and
//! `npm ci`). Every case must be decided alike, but for the faults of the other evaluator that
//! `exceptions.rs` lists, each with AWS's page that says otherwise; `docs/policy-evaluation.md` tells
//! them one by one.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "also in what is shared by the tests of this file"
)]

mod case;
#[path = "../plans/cells.rs"]
mod cells;
mod exceptions;
mod generate;
mod oracle;
mod replication;

use std::collections::BTreeMap;

use case::{Case, Outcome};
use exceptions::{KNOWN, Known, MENDS};

/// How many random cases are asked; the environment can ask for more.
const CASES: u64 = 15_000;

fn wanted() -> u64 {
    std::env::var("KEYFERRY_IAM_CASES").map_or(CASES, |text| text.parse().expect("a number"))
}

#[test]
fn random_requests_are_decided_alike() {
    let cases: Vec<(String, Case)> = (0..wanted())
        .map(|seed| (format!("seed {seed}"), generate::case(seed)))
        .collect();
    let tally = compare(&cases);
    // A generator whose requests are all denied would find nothing.
    let each = cases.len() / 10;
    for outcome in [Outcome::Allowed, Outcome::Explicit, Outcome::Implicit] {
        let count = tally.outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(count > each, "{outcome:?}: {count} of {}", cases.len());
    }
    if wanted() >= CASES {
        let mends = MENDS.iter().map(|mend| mend.name);
        for name in mends.chain(KNOWN.iter().map(|known| known.name)) {
            assert!(
                tally.exceptions.contains_key(name),
                "`{name}` is no longer needed: take it out"
            );
        }
    }
}

#[test]
fn what_replication_needs_is_decided_alike() {
    let cases = replication::as_emitted();
    assert!(cases.len() > 1_000, "{}", cases.len());
    let tally = compare(&cases);
    assert_eq!(
        tally.outcomes.get(&Outcome::Allowed),
        Some(&cases.len()),
        "every cell works"
    );
    assert!(tally.exceptions.is_empty(), "and no fault touches it");
}

#[test]
fn changed_documents_of_replication_are_decided_alike() {
    let mut cases = Vec::new();
    for (name, case) in replication::as_emitted() {
        // The profile that grants more has all the statements, and objects make all the calls.
        if name.contains("Compatible, Object") {
            cases.extend(replication::changed(&name, &case));
        }
    }
    assert!(cases.len() > 5_000, "{}", cases.len());
    let tally = compare(&cases);
    for outcome in [Outcome::Allowed, Outcome::Explicit, Outcome::Implicit] {
        let count = tally.outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(
            count > cases.len() / 50,
            "{outcome:?}: {count} of {}",
            cases.len()
        );
    }
}

#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<Outcome, usize>,
    exceptions: BTreeMap<&'static str, usize>,
}

/// Asks both, prints the counts, and fails on every disagreement that no exception explains.
fn compare(cases: &[(String, Case)]) -> Tally {
    let answers = oracle::ask(cases.iter().map(|(_, case)| case.question()));
    let mut tally = Tally::default();
    let mut differing = Vec::new();
    for ((name, case), theirs) in cases.iter().zip(answers) {
        let (ours, why) = case.ours();
        *tally.outcomes.entry(ours).or_default() += 1;
        let known = || {
            let explains = |known: &&Known| (known.explains)(case, (ours, &why), theirs);
            KNOWN.iter().find(explains)
        };
        if ours == theirs {
            continue;
        } else if let Some(known) = known() {
            *tally.exceptions.entry(known.name).or_default() += 1;
        } else {
            differing.push(Difference {
                name,
                case,
                ours,
                why,
                theirs,
            });
        }
    }
    let unexplained = mend(&differing, &mut tally);
    println!(
        "{} cases: {:?}; exceptions: {:?}",
        cases.len(),
        tally.outcomes,
        tally.exceptions
    );
    let shown: Vec<String> = unexplained
        .iter()
        .take(10)
        .map(ToString::to_string)
        .collect();
    assert!(
        unexplained.is_empty(),
        "{} disagreements, the first of them:\n{}",
        unexplained.len(),
        shown.join("\n")
    );
    tally
}

struct Difference<'a> {
    name: &'a str,
    case: &'a Case,
    ours: Outcome,
    why: String,
    theirs: Outcome,
}

impl std::fmt::Display for Difference<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            case,
            ours,
            why,
            theirs,
        } = self;
        let question = serde_json::to_string_pretty(&case.question()).expect("a question");
        write!(
            formatter,
            "{name}: ours {ours:?} ({why}), theirs {theirs:?}\n{question}"
        )
    }
}

/// Asks again in words that avoid the other evaluator's faults: first one at a time, then all that
/// apply. Returns what still differs.
fn mend<'a>(differing: &'a [Difference<'a>], tally: &mut Tally) -> Vec<&'a Difference<'a>> {
    let mut again = Vec::new();
    for (at, difference) in differing.iter().enumerate() {
        let mut all = difference.case.clone();
        let mut names = Vec::new();
        for mend in MENDS {
            if let Some(mended) = mend.apply(difference.case) {
                again.push((at, vec![mend.name], mended));
                names.push(mend.name);
                all = mend.apply(&all).unwrap_or(all);
            }
        }
        if names.len() > 1 {
            again.push((at, names, all));
        }
    }
    let answers = oracle::ask(again.iter().map(|(_, _, case)| case.question()));
    let mut explained = vec![false; differing.len()];
    for ((at, names, mended), theirs) in again.iter().zip(answers) {
        // The other words must mean the same to us, too.
        let same = mended.ours().0 == differing[*at].ours;
        if !explained[*at] && same && theirs == differing[*at].ours {
            explained[*at] = true;
            for name in names {
                *tally.exceptions.entry(name).or_default() += 1;
            }
        }
    }
    let left = differing.iter().zip(explained);
    left.filter(|(_, explained)| !explained)
        .map(|(difference, _)| difference)
        .collect()
}
