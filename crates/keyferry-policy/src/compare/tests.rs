use super::*;

fn comparison(cross_account: bool, both_ways: bool, profile: Profile) -> Comparison {
    let question = Question {
        cross_account,
        both_ways,
        profile,
    };
    Comparison::of(question, |_| true)
}

fn answers(comparison: &Comparison, id: &str) -> Vec<String> {
    let row = comparison.rows.iter().find(|row| row.id == id);
    row.map(|row| {
        let answers = row.answers.iter();
        answers.map(|answer| answer.lines.join(" / ")).collect()
    })
    .unwrap_or_default()
}

#[test]
fn every_question_has_an_answer_for_every_column() {
    for cross_account in [false, true] {
        for both_ways in [false, true] {
            for profile in [Profile::Minimal, Profile::Compatible] {
                let comparison = comparison(cross_account, both_ways, profile);
                assert_eq!(comparison.columns.len(), 5);
                assert!(comparison.rows.len() >= 13);
                for row in &comparison.rows {
                    assert_eq!(row.answers.len(), 5, "{}", row.id);
                }
            }
        }
    }
}

#[test]
fn the_numbers_of_grants_are_those_that_aws_asks_for() {
    let same = comparison(false, true, Profile::Minimal);
    assert_eq!(answers(&same, "calls"), ["8", "10", "12", "10", "8"]);
    let cross = comparison(true, false, Profile::Minimal);
    assert_eq!(answers(&cross, "calls"), ["9", "11", "13", "11", "9"]);
    let compatible = comparison(false, false, Profile::Compatible);
    assert_eq!(answers(&compatible, "calls"), ["8", "11", "12", "11", "8"]);
}

#[test]
fn what_sets_the_kinds_apart_is_in_the_table() {
    let one = comparison(false, false, Profile::Minimal);
    assert_eq!(
        answers(&one, "role-key"),
        [
            "",
            "source: kms:Decrypt / replica: kms:Encrypt",
            "source: kms:Decrypt / replica: kms:Encrypt, kms:Decrypt, kms:GenerateDataKey",
            "source: kms:Decrypt / replica: kms:Encrypt",
            "",
        ]
    );
    assert_eq!(
        answers(&one, "encryption-context"),
        [
            "",
            "the object's ARN",
            "the bucket's ARN",
            "the object's ARN",
            ""
        ]
    );
    assert_eq!(
        answers(&one, "blocked"),
        ["SSE-C", "SSE-C", "SSE-C", "SSE-C", "NONE"]
    );
    assert!(answers(&one, "bucket-policy").is_empty());
    assert!(answers(&one, "replica-modifications").is_empty());
    let cross = comparison(true, true, Profile::Minimal);
    assert!(answers(&cross, "bucket-policy").iter().all(|answer| {
        answer.contains("s3:ReplicateObject")
            && answer.contains("s3:ObjectOwnerOverrideToBucketOwner")
    }));
    let key_policy = answers(&cross, "key-policy");
    assert!(
        key_policy[1].contains("the role: kms:Encrypt"),
        "{key_policy:?}"
    );
    assert_eq!(key_policy[4], "");
    for row in cross.rows.iter().filter(|row| row.id == "cost") {
        assert!(row.answers.iter().all(|answer| !answer.pages.is_empty()));
    }
}

#[test]
fn columns_can_be_chosen() {
    let question = Question {
        cross_account: false,
        both_ways: false,
        profile: Profile::Minimal,
    };
    let two = Comparison::of(question, |column| !column.kind().uses_kms());
    assert_eq!(two.columns.len(), 2);
    assert!(two.rows.iter().all(|row| row.answers.len() == 2));
    let calls = two.rows.iter().find(|row| row.id == "calls").unwrap();
    assert_eq!(calls.shared(), ["8"]);
    assert_eq!(calls.apart(), None);
    let silent = two.rows.iter().find(|row| row.id == "silent").unwrap();
    assert_eq!(silent.shared().len(), silent.answers[0].lines.len());
}

#[test]
fn markdown_is_a_table_and_a_list() {
    let comparison = comparison(true, true, Profile::Minimal);
    let markdown = comparison.to_markdown();
    let (table, list) = markdown.split_once("\nFor all of them:\n\n").unwrap();
    for line in table.lines() {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 7, "{line}");
    }
    let rows = comparison.rows.iter();
    let apart = rows.clone().filter(|row| row.apart().is_some()).count();
    assert!(list.lines().all(|line| line.starts_with("- ")));
    assert_eq!(
        list.lines().count(),
        rows.map(|row| row.shared().len()).sum::<usize>()
    );
    assert_eq!(table.lines().count(), 2 + apart);
}

/// The grants are the calls that S3 makes: neither fewer nor more.
#[test]
fn the_numbers_are_those_of_the_calls_that_s3_makes() {
    use crate::calls::{Payload, Replication};
    for cross_account in [false, true] {
        let question = Question {
            cross_account,
            both_ways: false,
            profile: Profile::Minimal,
        };
        let comparison = Comparison::of(question, |_| true);
        let counts: Vec<String> = Column::ALL
            .iter()
            .map(|column| {
                let plan = example::plan(column, question).unwrap();
                let mut asked = std::collections::BTreeSet::new();
                for flow in plan.flows() {
                    for payload in [Payload::Object, Payload::DeleteMarker, Payload::Metadata] {
                        for replication in Replication::of_flow(&flow, payload) {
                            for call in replication.calls() {
                                asked.insert((call.request.action, call.request.resource));
                            }
                        }
                    }
                }
                asked.retain(|(action, _)| action != "sts:AssumeRole");
                asked.len().to_string()
            })
            .collect();
        assert_eq!(answers(&comparison, "calls"), counts);
    }
}
