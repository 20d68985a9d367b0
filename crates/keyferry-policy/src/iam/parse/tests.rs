use proptest::prelude::*;

use super::*;

fn problem(json: &str) -> String {
    PolicyDocument::parse(json).unwrap_err().to_string()
}

/// A statement of an otherwise good document; it begins on line 1, column 15.
fn statement_problem(statement: &str) -> String {
    problem(&format!(r#"{{"Statement":[{statement}]}}"#))
}

#[test]
fn one_value_or_a_list_are_the_same() {
    let short = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},
        "Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true},
        "NumericLessThan":{"s3:max-keys":[10, 1.50]}}}}"#;
    let long = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333"]},
        "Action":["s3:*"],"Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":["true"]},
        "NumericLessThan":{"s3:max-keys":["10","1.50"]}}}]}"#;
    let short = PolicyDocument::parse(short).unwrap();
    assert_eq!(short, PolicyDocument::parse(long).unwrap());
    assert_eq!(
        short.statements[0].condition["NumericLessThan"]["s3:max-keys"],
        ["10", "1.50"]
    );
}

#[test]
fn without_a_version_it_is_the_older_language() {
    let document = PolicyDocument::parse(
        r#"{"Statement":{"Effect":"Deny","NotAction":"*","NotResource":[]}}"#,
    );
    assert_eq!(document.unwrap().version, LanguageVersion::V2008);
}

#[test]
fn broken_json_has_its_place() {
    assert_eq!(problem(""), "line 1, column 1: EOF while parsing a value");
    assert_eq!(
        problem("{\n  \"Version\": \"2012-10-17\",,\n}"),
        "line 2, column 27: key must be a string"
    );
    assert_eq!(problem("{\"é\": nul}"), "line 1, column 10: expected ident");
    assert_eq!(problem("{} x"), "line 1, column 4: trailing characters");
    assert_eq!(
        problem("{\n\n"),
        "line 3, column 1: EOF while parsing an object"
    );
    assert_eq!(
        problem("{\"Id\":\n \"\\ud800\", \"Statement\": []}"),
        "line 2, column 9: unexpected end of hex escape"
    );
}

#[test]
fn names_have_their_place_and_their_neighbour() {
    assert_eq!(
        problem("{\n  \"Statement\": [],\n  \"Statment\": []\n}"),
        "line 3, column 3: the document has no element `Statment`; did you mean `Statement`?"
    );
    assert_eq!(
        statement_problem(r#"{"Effect":"Allow","Resouce":"*"}"#),
        "line 1, column 33: a statement has no element `Resouce`; did you mean `Resource`?"
    );
    assert_eq!(
        statement_problem(r#"{"effect":"Allow"}"#),
        "line 1, column 16: a statement has no element `effect`; did you mean `Effect`?"
    );
    assert_eq!(
        statement_problem(r#"{"Zebra":1}"#),
        "line 1, column 16: a statement has no element `Zebra`"
    );
    assert_eq!(
        statement_problem(r#"{"Principal":{"aws":"*"}}"#),
        "line 1, column 29: a principal has no element `aws`; did you mean `AWS`?"
    );
}

#[test]
fn what_appears_twice_is_an_error() {
    assert_eq!(
        statement_problem(r#"{"Effect":"Deny","Effect":"Allow"}"#),
        "line 1, column 32: `Effect` appears twice"
    );
    assert_eq!(
        statement_problem(r#"{"Effect":"Deny","\u0045ffect":"Allow"}"#),
        "line 1, column 32: `Effect` appears twice"
    );
    assert_eq!(
        statement_problem(
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"a":"1","a":"2"}}}"#
        ),
        "line 1, column 89: `a` appears twice"
    );
    assert_eq!(
        statement_problem(r#"{"NotAction":"*","Action":"*"}"#),
        "line 1, column 32: a statement has `Action` or `NotAction`, not both"
    );
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_named() {
    for (json, expected) in [
        (
            "[]",
            "line 1, column 1: the document must be an object, not a list",
        ),
        ("{}", "line 1, column 1: the document has no `Statement`"),
        (
            r#"{"Statement":[]}"#,
            "line 1, column 14: `Statement` is empty",
        ),
        (
            r#"{"Statement":7}"#,
            "line 1, column 14: a statement must be an object, not a number",
        ),
        (
            r#"{"Version":"2012-10-18","Statement":[]}"#,
            "line 1, column 12: `Version` must be `2012-10-17` or `2008-10-17`, not `2012-10-18`",
        ),
        (
            r#"{"Version":2012,"Statement":[]}"#,
            "line 1, column 12: `Version` must be a string, not a number",
        ),
        (
            r#"{"Id":null,"Statement":[]}"#,
            "line 1, column 7: `Id` must be a string, not null",
        ),
    ] {
        assert_eq!(problem(json), expected);
    }
    for (statement, expected) in [
        (
            r#"{"Action":"*"}"#,
            "line 1, column 15: the statement has no `Effect`",
        ),
        (
            r#"{"Effect":"Allow"}"#,
            "line 1, column 15: the statement has no `Action`",
        ),
        (
            r#"{"Effect":"allow"}"#,
            "line 1, column 25: `Effect` must be `Allow` or `Deny`, not `allow`",
        ),
        (
            r#"{"Action":["s3:*",1]}"#,
            "line 1, column 33: `Action` must be a string or a list of strings, not a number",
        ),
        (
            r#"{"Action":{}}"#,
            "line 1, column 25: `Action` must be a string or a list of strings, not an object",
        ),
        (
            r#"{"Principal":"arn"}"#,
            r#"line 1, column 28: `Principal` must be `*` or an object such as {"AWS": "..."}, not `arn`"#,
        ),
        (
            r#"{"NotPrincipal":true}"#,
            "line 1, column 31: a principal must be an object, not true or false",
        ),
        (
            r#"{"Condition":{"Bool":"x"}}"#,
            "line 1, column 36: `Bool` must be an object, not a string",
        ),
        (
            r#"{"Condition":{"Bool":{"a":[null]}}}"#,
            "line 1, column 42: `a` must be a string, a number, true or false, or a list of these, not null",
        ),
    ] {
        assert_eq!(statement_problem(statement), expected);
    }
}

#[test]
fn depth_does_not_matter() {
    let deep = "[".repeat(200_000);
    assert!(PolicyDocument::parse(&deep).is_err());
    let closed = format!(r#"{{"Statement":{deep}{}}}"#, "]".repeat(200_000));
    assert!(PolicyDocument::parse(&closed).is_err());
}

prop_compose! {
    fn patterns()(patterns in prop::collection::vec("[a-z:*?\"\\\\é\n]{0,6}", 0..3)) -> Vec<String> {
        patterns
    }
}

fn principals() -> impl Strategy<Value = super::super::Principals> {
    use super::super::Principals;
    prop_oneof![
        Just(Principals::Everyone),
        (patterns(), patterns(), patterns(), patterns()).prop_map(
            |(aws, service, federated, canonical_user)| Principals::Listed {
                aws,
                service,
                federated,
                canonical_user
            }
        )
    ]
}

fn statement() -> impl Strategy<Value = super::super::Statement> {
    use super::super::{ActionElement, Effect, PrincipalElement, ResourceElement, Statement};
    let principal = principals().prop_flat_map(|principals| {
        prop::sample::select(vec![
            PrincipalElement::Principal(principals.clone()),
            PrincipalElement::NotPrincipal(principals),
        ])
    });
    let action = patterns().prop_flat_map(|patterns| {
        prop::sample::select(vec![
            ActionElement::Action(patterns.clone()),
            ActionElement::NotAction(patterns),
        ])
    });
    let resource = patterns().prop_flat_map(|patterns| {
        prop::sample::select(vec![
            ResourceElement::Resource(patterns.clone()),
            ResourceElement::NotResource(patterns),
        ])
    });
    let keys = prop::collection::btree_map("[a-z:/\"]{0,6}", patterns(), 0..3);
    (
        prop::option::of(".{0,6}"),
        prop::sample::select(vec![Effect::Allow, Effect::Deny]),
        prop::option::of(principal),
        action,
        prop::option::of(resource),
        prop::collection::btree_map("[A-Za-z:]{0,6}", keys, 0..3),
    )
        .prop_map(
            |(sid, effect, principal, action, resource, condition)| Statement {
                sid,
                effect,
                principal,
                action,
                resource,
                condition,
            },
        )
}

fn document() -> impl Strategy<Value = PolicyDocument> {
    (
        prop::sample::select(vec![LanguageVersion::V2008, LanguageVersion::V2012]),
        prop::option::of(".{0,6}"),
        prop::collection::vec(statement(), 1..4),
    )
        .prop_map(|(version, id, statements)| PolicyDocument {
            version,
            id,
            statements,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(document in document()) {
        prop_assert_eq!(PolicyDocument::parse(&document.to_json()), Ok(document));
    }

    #[test]
    fn one_changed_byte_is_read_or_refused_in_place(document in document(), at in any::<prop::sample::Index>(), byte in "[{}\\[\\]\",:a0é\n]") {
        let mut text: Vec<char> = document.to_json().chars().collect();
        let at = at.index(text.len());
        text[at] = byte.chars().next().unwrap();
        let text: String = text.into_iter().collect();
        if let Err(error) = PolicyDocument::parse(&text) {
            let line = text.split('\n').nth(error.line() - 1).unwrap();
            prop_assert!((1..=line.chars().count() + 1).contains(&error.column()), "{error}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        let _ = PolicyDocument::parse(&text);
    }
}
