//! Every rule that code or tests cite is listed in `docs/s3-rules.md`, once.

use std::collections::BTreeSet;
use std::path::Path;

fn collect(folder: &Path, cited: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, cited);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            cited.extend(words.filter(|word| is_rule(word)).map(str::to_owned));
        }
    }
}

fn is_rule(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        ["S3", subject, last] => {
            subject.len() > 1
                && subject.bytes().all(|byte| byte.is_ascii_uppercase())
                && number(last)
        }
        ["LAB", last] => number(last),
        _ => false,
    }
}

#[test]
fn cited_rules_are_listed_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cited = BTreeSet::new();
    collect(&root.join("src"), &mut cited);
    collect(&root.join("tests"), &mut cited);
    assert!(cited.len() > 50);
    let rules = std::fs::read_to_string(root.join("../../docs/s3-rules.md")).unwrap();
    for rule in &cited {
        let rows = rules
            .lines()
            .filter(|line| line.starts_with(&format!("| {rule} |")))
            .count();
        assert_eq!(rows, 1, "{rule}");
    }
}
