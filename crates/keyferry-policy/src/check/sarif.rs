//! Findings as SARIF 2.1.0, which code hosts and editors show beside the lines they are about.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use serde_json::{Value, json};

use super::finding::{Finding, Level, Place};
use super::rule::Rule;

/// A log with one run of `keyferry` in this version.
#[must_use]
pub fn sarif(findings: &[Finding], version: &str) -> Value {
    let mut rules: Vec<Rule> = Rule::ALL.to_vec();
    for finding in findings {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let index = rules.iter().position(|rule| *rule == finding.rule);
            result(finding, index)
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "keyferry",
                "version": version,
                "rules": rules.iter().map(|rule| describe(*rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn describe(rule: Rule) -> Value {
    json!({
        "id": rule.name(),
        "shortDescription": {"text": rule.summary()},
        "helpUri": rule.page(),
    })
}

fn result(finding: &Finding, index: Option<usize>) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut text = format!("{}: {}", finding.subject, finding.message);
    for (label, more) in [("why", &finding.why), ("fix", &finding.fix)] {
        if !more.is_empty() {
            text.push_str(&format!("\n{label}: {more}"));
        }
    }
    for command in &finding.commands {
        text.push_str(&format!("\nrun: {command}"));
    }
    let mut properties = json!({"subject": finding.subject, "page": finding.page});
    let more = [
        (
            "failureCode",
            finding.failure_code.as_ref().map(|code| json!(code)),
        ),
        (
            "changes",
            (!finding.changes.is_empty()).then(|| json!(finding.changes)),
        ),
        (
            "commands",
            (!finding.commands.is_empty()).then(|| json!(finding.commands)),
        ),
        (
            "surplus",
            (!finding.surplus.is_empty()).then(|| json!(finding.surplus)),
        ),
    ];
    if let Some(properties) = properties.as_object_mut() {
        for (name, value) in more {
            if let Some(value) = value {
                properties.insert(name.to_owned(), value);
            }
        }
    }
    json!({
        "ruleId": finding.rule.name(),
        "ruleIndex": index,
        "level": level,
        "message": {"text": text},
        "locations": finding.place.iter().map(location).collect::<Vec<_>>(),
        "properties": properties,
    })
}

fn location(place: &Place) -> Value {
    let mut logical = place.document.clone();
    if let Some(statement) = place.statement {
        logical.push_str(&format!(", statement {}", statement + 1));
    }
    let mut location = json!({"logicalLocations": [{"fullyQualifiedName": logical}]});
    if let (Some(file), Some(line)) = (&place.origin.file, place.line())
        && let Some(location) = location.as_object_mut()
    {
        location.insert(
            "physicalLocation".to_owned(),
            json!({
                "artifactLocation": {"uri": uri(file)},
                "region": {"startLine": line},
            }),
        );
    }
    location
}

/// A path as a URI reference: what has a meaning in URIs is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
