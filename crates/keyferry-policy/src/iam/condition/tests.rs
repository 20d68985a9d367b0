use super::*;
use crate::iam::document::LanguageVersion;
use crate::iam::request::Context;

fn context() -> Context {
    let mut context = Context::new()
        .with("aws:username", "alice")
        .with("s3:prefix", "home/alice/x")
        .with("s3:max-keys", "10")
        .with("aws:CurrentTime", "2026-04-01T12:00:00Z")
        .with("aws:EpochTime", "1775044800")
        .with("aws:SourceIp", "203.0.113.7")
        .with("aws:SecureTransport", "true")
        .with("aws:SourceArn", "arn:aws:s3:::Data/a:b")
        .with("k:binary", "QmluYXJ5")
        .with("k:empty", "");
    context.insert("aws:TagKeys", vec!["team".to_owned(), "cost".to_owned()]);
    context.insert("k:none", Vec::new());
    context.insert_unknown("aws:userid");
    context
}

fn met(operator: &str, key: &str, wanted: &[&str]) -> Match {
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let context = &context();
    let language = LanguageVersion::V2012;
    test(operator, key, &wanted, Scope { context, language })
}

#[track_caller]
fn yes(operator: &str, key: &str, wanted: &[&str]) {
    assert_eq!(
        met(operator, key, wanted),
        Match::Yes,
        "{operator} {key} {wanted:?}"
    );
}

#[track_caller]
fn no(operator: &str, key: &str, wanted: &[&str]) {
    assert_eq!(
        met(operator, key, wanted),
        Match::No,
        "{operator} {key} {wanted:?}"
    );
}

#[track_caller]
fn malformed(operator: &str, key: &str, wanted: &[&str]) {
    let met = met(operator, key, wanted);
    assert!(
        matches!(met, Match::Malformed(_)),
        "{operator} {key} {wanted:?}: {met:?}"
    );
}

#[test]
fn strings() {
    yes("StringEquals", "aws:username", &["bob", "alice"]);
    yes("stringequals", "AWS:UserName", &["alice"]);
    no("StringEquals", "aws:username", &["Alice", "a*"]);
    yes("StringNotEquals", "aws:username", &["Alice", "bob"]);
    no("StringNotEquals", "aws:username", &["bob", "alice"]);
    yes("StringEqualsIgnoreCase", "aws:username", &["ALICE"]);
    no("StringNotEqualsIgnoreCase", "aws:username", &["ALICE"]);
    yes("StringLike", "s3:prefix", &["home/${aws:username}/*"]);
    no("StringLike", "s3:prefix", &["HOME/*"]);
    no("StringNotLike", "s3:prefix", &["x", "home/?????/x"]);
    yes("StringLike", "k:empty", &["", "home/"]);
}

#[test]
fn numbers() {
    yes("NumericLessThanEquals", "s3:max-keys", &["10"]);
    no("NumericLessThan", "s3:max-keys", &["10"]);
    yes("NumericEquals", "s3:max-keys", &["10.00"]);
    no("NumericNotEquals", "s3:max-keys", &["1e1"]);
    yes("NumericGreaterThan", "s3:max-keys", &["-3", "11"]);
    yes("NumericGreaterThanEquals", "s3:max-keys", &["9.999"]);
    malformed("NumericEquals", "s3:max-keys", &["ten"]);
    malformed("NumericNotEquals", "s3:max-keys", &["ten"]);
    malformed("NumericEquals", "aws:username", &["10"]);
    malformed("NumericEquals", "s3:max-keys", &["${s3:max-keys}"]);
}

#[test]
fn dates() {
    for date in [
        "2026-04-01T12:00:00Z",
        "2026-04-01T21:00+09:00",
        "1775044800",
        "2026-04-01T12:00:00.000Z",
    ] {
        yes("DateEquals", "aws:CurrentTime", &[date]);
        yes("DateEquals", "aws:EpochTime", &[date]);
        no("DateNotEquals", "aws:CurrentTime", &[date]);
    }
    yes("DateGreaterThan", "aws:CurrentTime", &["2026"]);
    yes("DateGreaterThan", "aws:CurrentTime", &["2026-04"]);
    yes("DateGreaterThanEquals", "aws:CurrentTime", &["2026-04-01"]);
    no("DateLessThan", "aws:CurrentTime", &["2026-04-01"]);
    yes("DateLessThanEquals", "aws:CurrentTime", &["2026-04-02"]);
    malformed("DateLessThan", "aws:CurrentTime", &["tomorrow"]);
    malformed("DateLessThan", "aws:CurrentTime", &["2026-04-01T12:00:00"]);
}

#[test]
fn addresses() {
    yes(
        "IpAddress",
        "aws:SourceIp",
        &["10.0.0.0/8", "203.0.113.0/24"],
    );
    yes("IpAddress", "aws:SourceIp", &["203.0.113.7"]);
    no(
        "IpAddress",
        "aws:SourceIp",
        &["203.0.113.8", "2001:DB8:1234:5678::/64"],
    );
    no("NotIpAddress", "aws:SourceIp", &["203.0.113.0/24"]);
    yes("NotIpAddress", "aws:SourceIp", &["203.0.112.0/24"]);
    malformed("IpAddress", "aws:SourceIp", &["203.0.113"]);
}

#[test]
fn truth_bytes_and_arns() {
    yes("Bool", "aws:SecureTransport", &["TRUE"]);
    no("Bool", "aws:SecureTransport", &["false"]);
    malformed("Bool", "aws:SecureTransport", &["yes"]);
    yes("BinaryEquals", "k:binary", &["QmluYXJ5"]);
    no("BinaryEquals", "k:binary", &["QmluYXJ6"]);
    malformed("BinaryEquals", "k:binary", &["?"]);
    yes("ArnLike", "aws:SourceArn", &["arn:aws:s3:*:*:Da?a/*"]);
    yes("ArnEquals", "aws:SourceArn", &["arn:*:s3:::Data/a:b"]);
    no("ArnEquals", "aws:SourceArn", &["arn:aws:s3:::data/*"]);
    no("ArnNotLike", "aws:SourceArn", &["arn:aws:s3:::*"]);
    yes("ArnNotEquals", "aws:username", &["arn:aws:s3:::*"]);
    malformed("ArnLike", "aws:SourceArn", &["*"]);
}

/// The example of the page of operators: a `*` in an ARN does not reach over a colon.
#[test]
fn arns_are_compared_component_by_component() {
    let given =
        "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    let context = &Context::new().with("aws:SourceArn", given);
    let language = LanguageVersion::V2012;
    let wanted = ["arn:aws:someservice:*:111122223333:finance/*".to_owned()];
    let met = |operator| {
        test(
            operator,
            "aws:SourceArn",
            &wanted,
            Scope { context, language },
        )
    };
    assert_eq!(met("StringLike"), Match::Yes);
    assert_eq!(met("ArnLike"), Match::No);
}

#[test]
fn a_missing_key_meets_only_what_is_negated_or_optional() {
    for positive in [
        "StringEquals",
        "StringLike",
        "NumericLessThan",
        "DateEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "ArnLike",
        "ForAnyValue:StringNotEquals",
        "ForAnyValue:StringLike",
    ] {
        no(positive, "k:missing", &["x"]);
        no(positive, "k:none", &["x"]);
        yes(&format!("{positive}IfExists"), "k:missing", &["x"]);
    }
    for negated in [
        "StringNotEquals",
        "StringNotLike",
        "NumericNotEquals",
        "DateNotEquals",
        "NotIpAddress",
        "ArnNotLike",
        "ForAllValues:StringEquals",
    ] {
        yes(negated, "k:missing", &["x"]);
        yes(&format!("{negated}IfExists"), "k:missing", &["x"]);
    }
    no("StringEqualsIfExists", "aws:username", &["x"]);
}

#[test]
fn null_asks_whether_a_key_is_there() {
    yes("Null", "k:missing", &["true"]);
    no("Null", "k:missing", &["false"]);
    yes("Null", "k:none", &["true"]);
    yes("Null", "aws:username", &["false"]);
    no("Null", "aws:username", &["true"]);
    yes("Null", "aws:userid", &["false"]);
    malformed("Null", "aws:username", &["maybe"]);
}

/// The tables of the page on single-valued and multivalued keys.
#[test]
fn sets() {
    yes(
        "ForAllValues:StringEquals",
        "aws:TagKeys",
        &["team", "cost", "more"],
    );
    no("ForAllValues:StringEquals", "aws:TagKeys", &["team"]);
    yes("ForAnyValue:StringLike", "aws:TagKeys", &["te*"]);
    no("ForAnyValue:StringEquals", "aws:TagKeys", &["x"]);
    yes("ForAnyValue:StringNotEquals", "aws:TagKeys", &["team"]);
    no("ForAllValues:StringNotEquals", "aws:TagKeys", &["team"]);
    yes("ForAllValues:StringNotEquals", "aws:TagKeys", &["x"]);
    yes("ForAllValues:StringEquals", "k:empty", &["x"]);
    no("ForAnyValue:StringEquals", "k:empty", &[""]);
    malformed("StringEquals", "aws:TagKeys", &["team"]);
}

#[test]
fn what_does_not_exist_or_is_not_known() {
    malformed("StringEqual", "aws:username", &["alice"]);
    malformed("NullIfExists", "aws:username", &["true"]);
    malformed("ForAllValues:Null", "aws:username", &["true"]);
    malformed("ForSomeValues:StringEquals", "aws:username", &["alice"]);
    malformed("StringEquals", "aws:username", &[]);
    no("StringEquals", "aws:username", &["${aws:none}"]);
    no("StringLike", "aws:username", &["*${aws:none}"]);
    yes("StringNotEquals", "aws:username", &["${aws:none}"]);
    no("StringNotEquals", "aws:username", &["${aws:none}", "alice"]);
    malformed("StringNotEquals", "aws:username", &["${aws:none"]);
    yes("StringEquals", "aws:username", &["${aws:none}", "alice"]);
    assert!(matches!(
        met("StringEquals", "aws:userid", &["x"]),
        Match::Unsure(_)
    ));
    assert!(matches!(
        met("StringNotLike", "aws:userid", &["x"]),
        Match::Unsure(_)
    ));
    assert!(matches!(
        met("StringEquals", "aws:username", &["${aws:userid}"]),
        Match::Unsure(_)
    ));
}
