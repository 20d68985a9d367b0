//! Where iam-simulate decides otherwise than AWS documents. `docs/policy-evaluation.md` tells each.
//!
//! Most are mended: the same question is put in other words, of the same meaning to AWS, that do not
//! meet the fault. If iam-simulate then agrees, the fault was the reason, and the only one. The few
//! that cannot be put in other words are told by exactly who asks for what.

use std::collections::BTreeMap;

use keyferry_policy::iam::{
    Caller, Conditions, LanguageVersion, PolicyDocument, ResourceElement, Statement,
};

use crate::case::{Case, Key, Outcome};

pub(crate) struct Mend {
    pub(crate) name: &'static str,
    /// Puts one statement in other words. Returns whether it had to.
    statement: fn(&Case, LanguageVersion, &mut Statement) -> bool,
}

/// Faults that other words avoid.
pub(crate) const MENDS: &[Mend] = &[
    Mend {
        name: "variables-in-2008",
        statement: variables_in_2008,
    },
    Mend {
        name: "variables-in-arn-conditions",
        statement: variables_in_arn_conditions,
    },
    Mend {
        name: "negated-variable-without-value",
        statement: negated_variable_without_value,
    },
    Mend {
        name: "escapes-without-wildcards",
        statement: escapes_without_wildcards,
    },
    Mend {
        name: "address-ranges",
        statement: address_ranges,
    },
    Mend {
        name: "any-value-if-exists",
        statement: any_value_if_exists,
    },
];

pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Whether this is why ours (with its reason) and theirs differ.
    pub(crate) explains: fn(&Case, (Outcome, &str), Outcome) -> bool,
}

/// Differences that are told by the question.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "root-assumes-no-role",
        explains: root_assumes_no_role,
    },
    Known {
        name: "root-mends-bucket-policy",
        explains: root_mends_bucket_policy,
    },
    Known {
        name: "not-principal-in-part",
        explains: not_principal_in_part,
    },
    Known {
        name: "resource-variable-without-value",
        explains: resource_variable_without_value,
    },
];

impl Mend {
    /// The case in other words, if it meets the fault.
    pub(crate) fn apply(&self, case: &Case) -> Option<Case> {
        let mut mended = case.clone();
        let mut changed = false;
        for document in mended.documents_mut() {
            let version = document.version;
            for statement in &mut document.statements {
                changed |= (self.statement)(case, version, statement);
            }
        }
        changed.then_some(mended)
    }
}

/// It replaces variables in documents of the version 2008-10-17, too, which has none: there, `${` is
/// just two characters.
fn variables_in_2008(_: &Case, version: LanguageVersion, statement: &mut Statement) -> bool {
    if version != LanguageVersion::V2008 {
        return false;
    }
    let mut changed = false;
    let mut escape = |text: &mut String| {
        if text.contains("${") {
            // `${$}` stands for a dollar sign.
            *text = text.replace("${", "${$}{");
            changed = true;
        }
    };
    if let Some(ResourceElement::Resource(list) | ResourceElement::NotResource(list)) =
        &mut statement.resource
    {
        list.iter_mut().for_each(&mut escape);
    }
    let values = statement
        .condition
        .values_mut()
        .flat_map(BTreeMap::values_mut)
        .flatten();
    values.for_each(&mut escape);
    changed
}

/// It takes ARNs apart at each colon, those in `${aws:...}` included.
fn variables_in_arn_conditions(
    case: &Case,
    version: LanguageVersion,
    statement: &mut Statement,
) -> bool {
    change_values(statement, |operator, _, value| {
        if version == LanguageVersion::V2008 || !operator.contains("Arn") || !value.contains("${") {
            return None;
        }
        Some(vec![
            resolved(case, value).unwrap_or_else(|| "arn:aws:none:::none".to_owned()),
        ])
    })
}

/// It takes a variable without a value for no match, even where the operator is negated.
fn negated_variable_without_value(
    case: &Case,
    version: LanguageVersion,
    statement: &mut Statement,
) -> bool {
    change_values(statement, |operator, _, value| {
        let negated = operator.contains("StringNot");
        if version == LanguageVersion::V2008 || !negated || resolved(case, value).is_some() {
            return None;
        }
        Some(vec!["what no request has".to_owned()])
    })
}

/// It knows `${*}`, `${?}` and `${$}` only where wildcards are known, too. Elsewhere the plain character
/// says the same.
fn escapes_without_wildcards(
    _: &Case,
    version: LanguageVersion,
    statement: &mut Statement,
) -> bool {
    change_values(statement, |operator, _, value| {
        let plain = operator.contains("String") && !operator.contains("Like");
        if version == LanguageVersion::V2008 || !plain || !value.contains("${*}") {
            return None;
        }
        Some(vec![value.replace("${*}", "*")])
    })
}

/// It finds no address in `0.0.0.0/0`, and takes a single address for neither equal nor different to
/// one of the other family.
fn address_ranges(_: &Case, _: LanguageVersion, statement: &mut Statement) -> bool {
    change_values(statement, |operator, _, value| {
        if !operator.contains("IpAddress") {
            return None;
        }
        match value {
            "0.0.0.0/0" => Some(vec!["0.0.0.0/1".to_owned(), "128.0.0.0/1".to_owned()]),
            "::/0" => Some(vec!["::/1".to_owned(), "8000::/1".to_owned()]),
            _ if value.contains('/') => None,
            _ if value.contains(':') => Some(vec![format!("{value}/128")]),
            _ => Some(vec![format!("{value}/32")]),
        }
    })
}

/// It forgets `IfExists` behind `ForAnyValue:`.
fn any_value_if_exists(case: &Case, _: LanguageVersion, statement: &mut Statement) -> bool {
    let before = statement.condition.clone();
    for (operator, keys) in &mut statement.condition {
        if operator.starts_with("ForAnyValue:") && operator.ends_with("IfExists") {
            // What holds without the key says nothing where the key is not there.
            keys.retain(|key, _| case.key(key).is_some());
        }
    }
    statement.condition.retain(|_, keys| !keys.is_empty());
    statement.condition != before
}

/// Replaces values of conditions by others. Returns whether there was anything to replace.
fn change_values(
    statement: &mut Statement,
    change: impl Fn(&str, &str, &str) -> Option<Vec<String>>,
) -> bool {
    let mut changed = false;
    let conditions: &mut Conditions = &mut statement.condition;
    for (operator, keys) in conditions {
        for (key, values) in keys {
            let new = values
                .iter()
                .flat_map(|value| match change(operator, key, value) {
                    Some(others) => {
                        changed = true;
                        others
                    }
                    None => vec![value.clone()],
                });
            *values = new.collect();
        }
    }
    changed
}

/// The text with the request's values for its variables, if it has them all.
fn resolved(case: &Case, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (variable, behind) = after.split_once('}')?;
        let (name, default) = match variable.split_once(", ") {
            Some((name, default)) => (name, Some(default.trim_matches('\''))),
            None => (variable, None),
        };
        match (name, case.key(name), default) {
            ("*" | "?" | "$", _, _) => out.push_str(&format!("${{{name}}}")),
            (_, Some(Key { values, .. }), _) => out.push_str(values.first()?),
            (_, None, default) => out.push_str(default?),
        }
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// It lets the root user assume roles.
fn root_assumes_no_role(case: &Case, ours: (Outcome, &str), theirs: Outcome) -> bool {
    matches!(case.caller, Caller::Root { .. })
        && case.action.starts_with("sts:")
        && ours.0 == Outcome::Implicit
        && ours.1.contains("a root user cannot assume roles")
        && theirs == Outcome::Allowed
}

/// It lets a bucket policy lock out the root user of the bucket's own account.
fn root_mends_bucket_policy(case: &Case, ours: (Outcome, &str), theirs: Outcome) -> bool {
    matches!(&case.caller, Caller::Root { account, .. } if *account == case.account)
        && case.action == "s3:PutBucketPolicy"
        && ours.0 != Outcome::Explicit
        && theirs == Outcome::Explicit
}

/// AWS says that a `NotPrincipal` which names some of account, role and session may deny; we do not
/// guess, and it does.
fn not_principal_in_part(_: &Case, ours: (Outcome, &str), _: Outcome) -> bool {
    ours.0 == Outcome::Undecided
        && ours
            .1
            .contains("`NotPrincipal` names part of account, role and session")
}

/// AWS says that a statement with such a resource may be invalid; we do not guess, and it does.
fn resource_variable_without_value(case: &Case, ours: (Outcome, &str), _: Outcome) -> bool {
    let names_one = |document: &PolicyDocument| {
        document.version == LanguageVersion::V2012
            && document.statements.iter().any(|statement| {
                statement.resource.as_ref().is_some_and(|resource| {
                    resource
                        .patterns()
                        .iter()
                        .any(|pattern| resolved(case, pattern).is_none())
                })
            })
    };
    ours.0 == Outcome::Undecided
        && ours.1.contains("the request has no value for `${")
        && case.documents().any(names_one)
}
