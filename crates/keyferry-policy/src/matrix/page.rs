//! Keeps `docs/policy.md` in step with the data: `KEYFERRY_GOLDEN=overwrite` writes its tables and its
//! picture anew.

use std::path::{Path, PathBuf};

use super::{Matrix, Need, Row};
use crate::compare::{Comparison, Question};
use crate::plan::Profile;
use crate::{Encryption, ReplicationPlan, Site, diagram};

fn docs(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(file)
}

fn keeps(file: &str, wanted: &str) {
    let path = docs(file);
    if std::env::var("KEYFERRY_GOLDEN").is_ok_and(|value| value == "overwrite") {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == wanted, "{} is out of step", path.display());
}

fn comparison(cross_account: bool) -> String {
    let question = Question {
        cross_account,
        both_ways: false,
        profile: Profile::Minimal,
    };
    Comparison::of(question, |_| true).to_markdown()
}

fn table() -> String {
    let mut table = String::from(
        "| row | document | actions | why | needed | how sure | failure without it | pages |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in Matrix::carried().rows() {
        table.push_str(&line(row));
    }
    table
}

fn line(row: &Row) -> String {
    let code = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let failure = match (row.failure_codes.is_empty(), row.need) {
        (_, Need::NotEmitted | Need::OptionalTightening | Need::ForSetup) => String::new(),
        (true, _) => "none named".to_owned(),
        (false, _) => code(&row.failure_codes),
    };
    let pages: Vec<String> = Matrix::carried()
        .pages(&row.sources)
        .map(|page| format!("[{}]({})", page.title, page.url))
        .collect();
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {failure} | {} |\n",
        row.id,
        document(row),
        code(&row.actions),
        row.why,
        row.need,
        row.evidence,
        pages.join(", ")
    )
}

fn document(row: &Row) -> String {
    // The names that the data gives them.
    let name = format!("{:?}", row.document);
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

/// The page with everything between `<!-- NAME -->` and `<!-- end -->` replaced.
fn with(page: &str, name: &str, content: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{begin}\n{content}\n<!-- end -->{after}")
}

#[test]
fn the_page_on_policies_shows_the_data() {
    let page = std::fs::read_to_string(docs("policy.md")).unwrap();
    let page = with(&page, "matrix", &table());
    let page = with(&page, "same account", &comparison(false));
    let page = with(&page, "two accounts", &comparison(true));
    keeps("policy.md", &page);
}

#[test]
fn the_picture_on_the_page_is_of_its_example() {
    let site = |bucket: &str, region: &str| {
        Site::new(
            bucket.parse().unwrap(),
            region.parse().unwrap(),
            "111122223333".parse().unwrap(),
            Encryption::SseC,
        )
    };
    let plan = ReplicationPlan::between(
        site("tokyo-data", "ap-northeast-1"),
        site("osaka-data", "ap-northeast-3"),
        true,
    );
    keeps("replication.svg", &diagram::svg(&plan.unwrap()));
}
