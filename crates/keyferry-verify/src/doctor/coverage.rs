//! Which objects the replication rules cover.

use std::fmt::Write;

use keyferry_policy::check::{Finding, Known, Level, Preflight};
use keyferry_policy::documents::{Rule, Status};
use serde::Serialize;

use super::{Examination, preflight};
use crate::situation::Situation;
use crate::situation::infer::{prefix_of, tags_of};

/// A replication rule, and what it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// The rule's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Beginning of the keys; empty for all.
    pub prefix: String,
    /// Tags that an object must have.
    pub tags: Vec<(String, String)>,
    /// The destination bucket.
    pub destination: String,
    /// Its region, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl std::fmt::Display for Covered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.rule.as_deref().unwrap_or("without a name");
        let off = if self.enabled { "" } else { " (switched off)" };
        write!(
            formatter,
            "`{name}`{off}: {}",
            objects(&self.prefix, &self.tags)
        )?;
        write!(formatter, " to `{}`", self.destination)?;
        match &self.region {
            Some(region) => write!(formatter, " in {region}"),
            None => Ok(()),
        }
    }
}

fn objects(prefix: &str, tags: &[(String, String)]) -> String {
    let mut text = match prefix {
        "" => "all objects".to_owned(),
        prefix => format!("objects below `{prefix}`"),
    };
    for (index, (key, value)) in tags.iter().enumerate() {
        let word = if index == 0 { "with the tag" } else { "and" };
        // Writing to a string cannot fail.
        let _ = write!(text, " {word} `{key}={value}`");
    }
    text
}

/// The rules of the bucket.
pub(super) fn of(situation: &Situation) -> Vec<Covered> {
    rules(situation)
        .map(|rule| {
            let destination = rule.destination.bucket_name();
            let place = situation.places.iter();
            let mut place = place.filter(|(name, _)| name.as_str() == destination);
            Covered {
                rule: rule.id.clone(),
                enabled: rule.status == Status::Enabled,
                prefix: prefix_of(rule).to_owned(),
                tags: tags_of(rule)
                    .map(|tag| (tag.key.clone(), tag.value.clone()))
                    .collect(),
                destination: destination.to_owned(),
                region: place.next().map(|(_, place)| place.region.to_string()),
            }
        })
        .collect()
}

fn rules(situation: &Situation) -> impl Iterator<Item = &Rule> {
    let bucket = situation.bucket();
    let known = bucket.and_then(|bucket| bucket.replication.value());
    known.into_iter().flat_map(|known| &known.rules)
}

/// Says what the rules leave out: an object that was named, or any.
pub(super) fn tell(situation: &Situation, object: Option<&str>, examination: &mut Examination) {
    let known = situation
        .bucket()
        .is_some_and(|bucket| matches!(bucket.replication, Known::Present(_)));
    if !known {
        return;
    }
    let enabled: Vec<Covered> = examination
        .rules
        .iter()
        .filter(|rule| rule.enabled)
        .cloned()
        .collect();
    for rule in &examination.rules {
        let seen = rule.to_string();
        examination
            .looked_at
            .push(super::Look { what: "rule", seen });
    }
    let finding = match object {
        Some(object) => of_object(&enabled, object),
        None => of_all(&enabled),
    };
    let subject = examination.subject();
    examination
        .findings
        .extend(finding.map(|finding| Finding { subject, ..finding }));
    for rule in enabled.iter().filter(|rule| rule.tags.len() >= 10) {
        let name = rule.rule.as_deref().unwrap_or("without a name");
        examination.findings.push(
            preflight(
                Preflight::NoRoomForKeyTag,
                Level::Warning,
                examination.subject(),
                format!("the rule `{name}` asks for {} tags", rule.tags.len()),
            )
            .because("an object has at most 10 tags, so one that replicates cannot carry the tag that names its key")
            .fix("let the rule ask for fewer tags; without the tag, a key is found in the catalogue or by trying"),
        );
    }
}

fn of_object(enabled: &[Covered], object: &str) -> Option<Finding> {
    let fits = |rule: &&Covered| object.starts_with(&rule.prefix);
    if enabled.iter().filter(fits).any(|rule| rule.tags.is_empty()) {
        return None;
    }
    let tagged: Vec<String> = enabled
        .iter()
        .filter(fits)
        .map(|rule| objects("", &rule.tags))
        .collect();
    let below = enabled
        .iter()
        .find(|rule| rule.prefix.starts_with(object) && rule.prefix != object);
    let (level, message) = match (tagged.as_slice(), below) {
        ([], None) => (Level::Error, format!("no enabled rule covers `{object}`")),
        ([], Some(rule)) => (
            Level::Warning,
            format!(
                "of what is below `{object}`, only {} replicates",
                objects(&rule.prefix, &rule.tags)
            ),
        ),
        (tagged, _) => (
            Level::Warning,
            format!(
                "`{object}` replicates only as one of {}",
                tagged.join(", or of ")
            ),
        ),
    };
    Some(
        preflight(Preflight::ObjectNotCovered, level, "", message)
            .because("S3 looks at key and tags when an object is written, and never again")
            .fix("widen a rule's filter, or give the upload the tags (--tag)"),
    )
}

fn of_all(enabled: &[Covered]) -> Option<Finding> {
    let all = enabled
        .iter()
        .any(|rule| rule.prefix.is_empty() && rule.tags.is_empty());
    if all || enabled.is_empty() {
        return None;
    }
    let each: Vec<String> = enabled
        .iter()
        .map(|rule| objects(&rule.prefix, &rule.tags))
        .collect();
    Some(
        preflight(
            Preflight::ObjectsNotCovered,
            Level::Note,
            "",
            format!("only these replicate: {}", each.join("; ")),
        )
        .because("whatever else is uploaded stays in one region")
        .fix("that may be meant so; `keyferry doctor s3://BUCKET/KEY` says it for one object"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, tags: &[(&str, &str)]) -> Covered {
        Covered {
            rule: Some("r".to_owned()),
            enabled: true,
            prefix: prefix.to_owned(),
            tags: tags
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            destination: "osaka".to_owned(),
            region: None,
        }
    }

    #[test]
    fn an_object_is_covered_or_it_is_said_why_not() {
        let level = |rules: &[Covered], object| of_object(rules, object).map(|found| found.level);
        assert_eq!(level(&[rule("", &[])], "a"), None);
        assert_eq!(level(&[rule("logs/", &[])], "logs/a"), None);
        assert_eq!(level(&[rule("logs/", &[])], "data/a"), Some(Level::Error));
        assert_eq!(level(&[], "a"), Some(Level::Error));
        assert_eq!(level(&[rule("logs/", &[])], "lo"), Some(Level::Warning));
        assert_eq!(level(&[rule("", &[("k", "v")])], "a"), Some(Level::Warning));
        let said = of_object(&[rule("", &[("k", "v")])], "a").unwrap().message;
        assert_eq!(
            said,
            "`a` replicates only as one of all objects with the tag `k=v`"
        );
    }

    #[test]
    fn a_rule_for_everything_leaves_nothing_out() {
        assert_eq!(of_all(&[rule("", &[]), rule("logs/", &[])]), None);
        let said = of_all(&[rule("logs/", &[("k", "v")])]).unwrap().message;
        assert_eq!(
            said,
            "only these replicate: objects below `logs/` with the tag `k=v`"
        );
    }
}
