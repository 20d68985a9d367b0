//! `docs/policy-findings.md` lists every rule, with what it finds and its page.
//!
//! `KEYFERRY_GOLDEN=overwrite cargo test -p keyferry-policy --test check documented` writes it anew.

use std::fmt::Write;

use keyferry_policy::check::{Preflight, Rule};

const HEAD: &str = "# Findings of `keyferry policy check`

Names stay the same from version to version; JSON has them as `rule`, SARIF as `ruleId`. What is
wrong in a document whatever the plan (an action that does not exist, a document of the wrong kind)
has rules of its own, named by what they find.

An `error` means that something will not replicate; a `warning`, that more is allowed than needed,
or that something goes against the plan; a `note`, that something could not be checked. A document
that is not known counts neither as allowing nor as denying.

| rule | finds | page |
| --- | --- | --- |
";

#[test]
fn every_rule_is_documented() {
    let mut text = HEAD.to_owned();
    for rule in Rule::ALL {
        writeln!(
            text,
            "| `{}` | {} | <{}> |",
            rule.name(),
            rule.summary(),
            rule.page()
        )
        .unwrap();
    }
    let path = format!(
        "{}/../../docs/policy-findings.md",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("KEYFERRY_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}

/// The table at the end of `docs/doctor.md`; what stands before it is written by people.
#[test]
fn every_rule_of_preflight_is_documented() {
    let path = format!("{}/../../docs/doctor.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let head = "| rule | finds | page |\n| --- | --- | --- |\n";
    let (before, after) = text.rsplit_once(head).unwrap();
    let mut table = String::new();
    for rule in Preflight::ALL.map(Rule::Preflight) {
        let (name, summary, page) = (rule.name(), rule.summary(), rule.page());
        writeln!(table, "| `{name}` | {summary} | <{page}> |").unwrap();
    }
    if std::env::var_os("KEYFERRY_GOLDEN").is_some() {
        std::fs::write(&path, format!("{before}{head}{table}")).unwrap();
    } else {
        assert_eq!(after, table);
    }
    let mut names: Vec<&str> = Preflight::ALL
        .iter()
        .map(|rule| Rule::Preflight(*rule).name())
        .chain(Rule::ALL.iter().map(|rule| rule.name()))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Preflight::ALL.len() + Rule::ALL.len());
}
