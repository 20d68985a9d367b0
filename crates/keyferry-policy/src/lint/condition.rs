//! Conditions that cannot hold, or hold when they should not.
//!
//! Operators: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
//! Global keys: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
//! Encryption context: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context>.

use super::{Findings, LintRule, listed};
use crate::actions::{self, ConditionKey, KeyType};
use crate::iam::{ActionElement, Effect, Statement};

const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
];

/// An operator taken apart.
struct Operator<'a> {
    all_values: bool,
    any_value: bool,
    base: &'a str,
    if_exists: bool,
}

impl<'a> Operator<'a> {
    fn read(text: &'a str) -> Self {
        let all = text.strip_prefix("ForAllValues:");
        let any = text.strip_prefix("ForAnyValue:");
        let rest = all.or(any).unwrap_or(text);
        let base = rest.strip_suffix("IfExists");
        Self {
            all_values: all.is_some(),
            any_value: any.is_some(),
            base: base.unwrap_or(rest),
            if_exists: base.is_some(),
        }
    }

    fn known(&self) -> bool {
        OPERATORS.contains(&self.base) && !(self.base == "Null" && self.if_exists)
    }

    /// Whether it holds for a key that is not there.
    fn holds_without_key(&self) -> bool {
        self.if_exists || self.all_values || self.base.contains("Not") || self.base == "Null"
    }

    /// It with another base, `StringLike` for `ArnLike`.
    fn with_base(&self, base: &str) -> String {
        let set = match (self.all_values, self.any_value) {
            (true, _) => "ForAllValues:",
            (_, true) => "ForAnyValue:",
            _ => "",
        };
        format!(
            "{set}{base}{}",
            if self.if_exists { "IfExists" } else { "" }
        )
    }
}

pub(super) fn check(statement: &Statement, findings: &mut Findings) {
    for (written, keys) in &statement.condition {
        let operator = Operator::read(written);
        if !operator.known() {
            let fix = if operator.base == "Null" {
                "`Null` asks whether the key is there: leave `IfExists` out".to_owned()
            } else {
                match actions::closest(operator.base, OPERATORS.into_iter()) {
                    Some(nearest) => format!(
                        "the nearest that exists is `{}`",
                        operator.with_base(nearest)
                    ),
                    None => "use one of IAM's operators".to_owned(),
                }
            };
            findings.error(
                LintRule::UnknownOperator,
                format!("there is no condition operator `{written}`"),
                fix,
            );
        }
        for (key, values) in keys {
            let known = find_key(key, findings);
            if operator.known() {
                check_values(&operator, key, values, findings);
                if let Some(known) = known {
                    check_type(&operator, key, known.kind, findings);
                    check_set(&operator, key, known.kind, statement, findings);
                    check_taken(&operator, key, statement, findings);
                }
            }
        }
    }
}

/// What is known of a key. Says so when it is certain that there is no such key.
fn find_key(key: &str, findings: &mut Findings) -> Option<ConditionKey> {
    let known_to = |keys: &[ConditionKey]| keys.iter().find(|known| known.is(key)).copied();
    let (prefix, _) = key.split_once(':').unwrap_or((key, ""));
    if let Some(known) = known_to(actions::global_keys()) {
        return Some(known);
    }
    let described = actions::service(prefix);
    if let Some(known) = described.and_then(|service| known_to(&service.keys)) {
        return Some(known);
    }
    // Identity providers' keys (`accounts.google.com:aud`, `saml:sub`) are listed with STS, though
    // not all: any provider can be registered.
    if let Some(known) = actions::service("sts").and_then(|service| known_to(&service.keys)) {
        return Some(known);
    }
    let other_service = described.is_none()
        && (prefix.contains(['.', '/'])
            || actions::services().any(|name| name.eq_ignore_ascii_case(prefix)));
    if other_service && key.contains(':') {
        return None;
    }
    let candidates = actions::global_keys()
        .iter()
        .chain(described.iter().flat_map(|service| service.keys.iter()))
        .map(|known| known.name);
    let fix = match actions::closest(key, candidates) {
        Some(nearest) => format!("the nearest that exists is `{nearest}`"),
        None => "look the key up in the Service Authorization Reference".to_owned(),
    };
    findings.warning(
        LintRule::UnknownConditionKey,
        format!("there is no condition key `{key}`"),
        fix,
    );
    None
}

fn check_values(operator: &Operator<'_>, key: &str, values: &[String], findings: &mut Findings) {
    if values.is_empty() {
        findings.warning(
            LintRule::OperatorType,
            format!("the condition on `{key}` compares with nothing"),
            "give it a value, or leave it out".to_owned(),
        );
    }
    for value in values.iter().filter(|value| !value.contains("${")) {
        let wanted = if ["Bool", "Null"].contains(&operator.base) {
            let right = ["true", "false"]
                .iter()
                .any(|word| word.eq_ignore_ascii_case(value));
            (!right).then_some("`true` or `false`")
        } else if operator.base.starts_with("Numeric") {
            value.trim().parse::<f64>().is_err().then_some("a number")
        } else if operator.base.ends_with("IpAddress") {
            (!is_address_range(value)).then_some("an address such as `203.0.113.0/24`")
        } else {
            None
        };
        if let Some(wanted) = wanted {
            findings.error(
                LintRule::OperatorType,
                format!(
                    "`{}` on `{key}` takes {wanted}, not `{value}`",
                    operator.base
                ),
                format!("give it {wanted}"),
            );
        }
    }
}

fn is_address_range(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return false;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|bits| bits <= most))
}

fn check_type(operator: &Operator<'_>, key: &str, kind: KeyType, findings: &mut Findings) {
    let base = operator.base;
    let lower = key.to_ascii_lowercase();
    if base.starts_with("Arn") && lower.starts_with("kms:encryptioncontext:") {
        let instead = operator.with_base(&base.replace("Arn", "String"));
        findings.error(
            LintRule::OperatorType,
            format!("`{base}` on `{key}`: an encryption context is text to KMS, even where it holds an ARN"),
            format!("use `{instead}`"),
        );
        return;
    }
    let fits = match kind {
        KeyType::Several => true,
        _ if ["Null", "BinaryEquals"].contains(&base) => true,
        // Some keys that hold ARNs are listed as text.
        KeyType::Text => {
            base.starts_with("String") || (base.starts_with("Arn") && lower.ends_with("arn"))
        }
        KeyType::Arn => base.starts_with("Arn") || base.starts_with("String"),
        KeyType::Bool => base == "Bool" || base.starts_with("String"),
        KeyType::Numeric => base.starts_with("Numeric"),
        KeyType::Date => base.starts_with("Date") || base.starts_with("Numeric"),
        KeyType::IpAddress => base.ends_with("IpAddress"),
    };
    if !fits {
        let (is, takes) = match kind {
            KeyType::Arn => ("an ARN", "`ArnLike` or `ArnEquals`"),
            KeyType::Bool => ("true or false", "`Bool`"),
            KeyType::Numeric => ("a number", "a `Numeric` operator"),
            KeyType::Date => ("a date", "a `Date` operator"),
            KeyType::IpAddress => ("an address", "`IpAddress` or `NotIpAddress`"),
            KeyType::Text | KeyType::Several => ("text", "a `String` operator"),
        };
        findings.warning(
            LintRule::OperatorType,
            format!("`{base}` does not fit `{key}`, which is {is}"),
            format!("use {takes}"),
        );
    }
}

fn check_set(
    operator: &Operator<'_>,
    key: &str,
    kind: KeyType,
    statement: &Statement,
    findings: &mut Findings,
) {
    if operator.base == "Null" {
        return;
    }
    if kind == KeyType::Several && !operator.all_values && !operator.any_value {
        findings.warning(
            LintRule::SetOperator,
            format!(
                "`{key}` has several values, and `{}` compares one",
                operator.base
            ),
            format!(
                "put `ForAnyValue:` or `ForAllValues:` before `{}`",
                operator.with_base(operator.base)
            ),
        );
    }
    let asked_for = statement.condition.get("Null").is_some_and(|keys| {
        keys.iter().any(|(other, values)| {
            other.eq_ignore_ascii_case(key)
                && values
                    .iter()
                    .any(|value| value.eq_ignore_ascii_case("false"))
        })
    });
    if operator.all_values && statement.effect == Effect::Allow && !asked_for {
        findings.warning(
            LintRule::SetOperator,
            format!("`ForAllValues:` on `{key}` also allows requests that do not have the key"),
            format!("add the condition `\"Null\": {{\"{key}\": \"false\"}}`"),
        );
    }
}

/// Whether the actions of the statement take the key; otherwise it is never there.
fn check_taken(operator: &Operator<'_>, key: &str, statement: &Statement, findings: &mut Findings) {
    let ActionElement::Action(patterns) = &statement.action else {
        return;
    };
    let mut lacking = Vec::new();
    for pattern in patterns {
        let service = pattern.split(':').next().and_then(actions::service);
        let matching = actions::matching(pattern);
        let Some(service) = service.filter(|_| !matching.is_empty()) else {
            // What is not known, or everything: may take it.
            continue;
        };
        let takes = matching.iter().any(|name| {
            let name = name.split(':').nth(1).unwrap_or_default();
            service
                .action(name)
                .is_some_and(|action| service.takes(action, key))
        });
        if !takes {
            lacking.push(pattern.as_str());
        }
    }
    if lacking.is_empty() || (operator.holds_without_key() && lacking.len() < patterns.len()) {
        return;
    }
    let does = if lacking.len() == 1 { "does" } else { "do" };
    let message = format!(
        "{} {does} not have the condition key `{key}`",
        listed(&lacking)
    );
    if operator.holds_without_key() {
        findings.warning(
            LintRule::ConditionKeyNotTaken,
            format!("{message}, so the condition always says the same"),
            "leave the condition out, or name an action that has the key".to_owned(),
        );
    } else if lacking.len() == patterns.len() {
        findings.error(
            LintRule::ConditionKeyNotTaken,
            format!("{message}, so the statement never applies"),
            "leave the condition out, or name an action that has the key".to_owned(),
        );
    } else {
        findings.warning(
            LintRule::ConditionKeyNotTaken,
            format!(
                "{message}, so the statement never applies to {}",
                if lacking.len() == 1 { "it" } else { "them" }
            ),
            "put them into a statement without this condition".to_owned(),
        );
    }
}
