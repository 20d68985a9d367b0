//! The replication rule of a direction.
//!
//! Elements: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>

use crate::ReplicationPlan;
use crate::check::finding::{Change, Finding, Level, Place, Step};
use crate::check::installed::{Given, Installed, Known};
use crate::check::replications::{Direction, covers, prefix_of, tags_of};
use crate::check::rule::Rule;
use crate::documents::{self, ReplicationConfiguration, Status};
use crate::plan::PlannedFlow;

pub(super) fn check(
    plan: &ReplicationPlan,
    direction: &Direction<'_>,
    installed: &Installed,
) -> Vec<Finding> {
    let flow = direction.flow;
    let bucket = installed.bucket(&flow.source.bucket);
    if bucket.is_some_and(|bucket| !bucket.exists) {
        return Vec::new();
    }
    let Some(configuration) = direction.configuration else {
        let why = match bucket.map(|bucket| &bucket.replication) {
            Some(Known::Absent) => return vec![missing(plan, direction)],
            Some(Known::Unknown(why)) => why,
            _ => "it was not given",
        };
        let subject = direction.subject();
        let what = format!("replication configuration of `{}`", flow.source.bucket);
        return vec![super::buckets::unknown(&subject, &what, why)];
    };
    let Some((index, rule)) = direction.rule else {
        let finding = Finding::new(
            Rule::RuleMissing,
            Level::Error,
            direction.subject(),
            format!("no rule replicates to `{}`", flow.destination.bucket),
        );
        return vec![
            finding
                .because("the configuration has rules for other destinations only, or none")
                .at(Some(configuration_place(direction, configuration)))
                .fix("add the rule")
                .change(planned_rule(direction)),
        ];
    };
    Checked {
        direction,
        flow,
        rule,
        place: Place {
            statement: Some(index),
            sid: rule.id.clone(),
            ..configuration_place(direction, configuration)
        },
    }
    .all(installed)
}

/// No configuration at all.
fn missing(plan: &ReplicationPlan, direction: &Direction<'_>) -> Finding {
    let flow = direction.flow;
    let configuration = ReplicationConfiguration::of(&plan.flows_from(&flow.source.bucket));
    let name = configuration_name(direction);
    let one_of_two = !direction.is_set_up() && flow.both_ways;
    let (rule, message) = if one_of_two {
        (
            Rule::DirectionMissing,
            format!(
                "nothing replicates from `{}` to `{}`: there is neither a replication \
                 configuration nor a role",
                flow.source.bucket, flow.destination.bucket
            ),
        )
    } else {
        (
            Rule::ReplicationMissing,
            format!("`{}` has no replication configuration", flow.source.bucket),
        )
    };
    let why = if flow.source.encryption.kind().uses_kms() {
        "nothing replicates; for objects under KMS it also has to opt in \
         (`SseKmsEncryptedObjects`) and to name the replicas' key (`ReplicaKmsKeyID`)"
    } else {
        "nothing replicates"
    };
    let fix = if one_of_two {
        format!(
            "install the role `{}` with its trust policy and permission policy, and the \
             replication configuration; `keyferry policy emit` has them",
            flow.role_name()
        )
    } else {
        "set the replication configuration".to_owned()
    };
    let finding = Finding::new(rule, Level::Error, direction.subject(), message)
        .because(why)
        .fix(fix);
    match configuration {
        Some(configuration) => {
            finding.change(Change::new(&name, "becomes", Step::Whole, &configuration))
        }
        None => finding,
    }
}

fn configuration_name(direction: &Direction<'_>) -> String {
    format!(
        "the replication configuration of `{}`",
        direction.flow.source.bucket
    )
}

pub(super) fn configuration_place(
    direction: &Direction<'_>,
    configuration: &Given<ReplicationConfiguration>,
) -> Place {
    Place::document(configuration_name(direction), &configuration.origin)
}

fn planned(direction: &Direction<'_>) -> Option<documents::Rule> {
    let flow = *direction.flow;
    let configuration = ReplicationConfiguration::of(&[flow])?;
    configuration.rules.into_iter().next()
}

fn planned_rule(direction: &Direction<'_>) -> Change {
    let name = configuration_name(direction);
    Change::new(&name, "add the rule", Step::AddRule, &planned(direction))
}

/// A rule that is checked.
pub(super) struct Checked<'a> {
    pub(super) direction: &'a Direction<'a>,
    pub(super) flow: &'a PlannedFlow<'a>,
    pub(super) rule: &'a documents::Rule,
    pub(super) place: Place,
}

impl Checked<'_> {
    fn all(&self, installed: &Installed) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.disabled());
        findings.extend(self.reach());
        findings.extend(self.version());
        findings.extend(self.delete_markers());
        findings.extend(self.replica_modifications());
        findings.extend(self.kms_opt_in());
        findings.extend(self.destination(installed));
        findings
    }

    pub(super) fn finding(&self, rule: Rule, level: Level, message: impl Into<String>) -> Finding {
        Finding::new(rule, level, self.direction.subject(), message).at(Some(self.place.clone()))
    }

    /// An element of the rule as planned.
    pub(super) fn element<T: serde::Serialize>(
        &self,
        path: &str,
        pick: impl FnOnce(&documents::Rule) -> T,
    ) -> Change {
        let rule = match &self.rule.id {
            Some(id) => format!("rule `{id}` gets"),
            None => "the rule gets".to_owned(),
        };
        let value = planned(self.direction).map(|rule| pick(&rule));
        let step = self.place.statement.map_or(Step::Described, Step::Rule);
        Change::new(&configuration_name(self.direction), rule, step, &value).within(path)
    }

    fn disabled(&self) -> Option<Finding> {
        (self.rule.status == Status::Disabled).then(|| {
            self.finding(Rule::RuleDisabled, Level::Error, "the rule is switched off")
                .because("nothing replicates by it")
                .fix("set its `Status` to `Enabled`")
                .change(self.element("Status", |rule| rule.status))
        })
    }

    fn reach(&self) -> Option<Finding> {
        let settings = &self.flow.settings;
        let (prefix, tags) = (prefix_of(self.rule), tags_of(self.rule));
        let shown = |prefix: &str, tags: &[(&str, &str)]| {
            let mut words = Vec::new();
            if !prefix.is_empty() {
                words.push(format!("keys that begin with `{prefix}`"));
            }
            words.extend(
                tags.iter()
                    .map(|(key, value)| format!("the tag `{key}={value}`")),
            );
            match words.is_empty() {
                true => "all objects".to_owned(),
                false => words.join(" and "),
            }
        };
        let planned: Vec<(&str, &str)> = settings
            .tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let message = format!(
            "the rule covers {}, and the plan says {}",
            shown(prefix, &tags),
            shown(&settings.prefix, &planned)
        );
        if !covers(self.rule, self.flow) {
            return Some(
                self.finding(Rule::RuleTooNarrow, Level::Error, message)
                    .because("the other objects do not replicate")
                    .fix("set the planned filter")
                    .change(self.element("Filter", |rule| rule.filter.clone())),
            );
        }
        if prefix != settings.prefix || tags.len() != planned.len() {
            return Some(
                self.finding(Rule::RuleTooWide, Level::Warning, message)
                    .because(
                        "the other objects replicate, too, or fail where the role does not reach them",
                    )
                    .fix("set the planned filter")
                    .change(self.element("Filter", |rule| rule.filter.clone())),
            );
        }
        None
    }

    fn version(&self) -> Option<Finding> {
        let rule = self.rule;
        if rule.filter.is_none() {
            return Some(
                self.finding(
                    Rule::RuleVersion1,
                    Level::Warning,
                    "the rule has no `Filter`, which makes it one of version 1",
                )
                .because(
                    "delete markers always replicate by it, and metadata changes of replicas cannot",
                )
                .fix("give it `Filter`, `Priority` and `DeleteMarkerReplication`")
                .change(self.element("Filter", |rule| rule.filter.clone()))
                .change(self.element("Priority", |rule| rule.priority))
                .change(self.element("DeleteMarkerReplication", |rule| {
                    rule.delete_marker_replication.clone()
                })),
            );
        }
        let mut lacking = Vec::new();
        let mut changes = Vec::new();
        if rule.priority.is_none() {
            lacking.push("`Priority`");
            changes.push(self.element("Priority", |rule| rule.priority));
        }
        if rule.delete_marker_replication.is_none() {
            lacking.push("`DeleteMarkerReplication`");
            changes.push(self.element("DeleteMarkerReplication", |rule| {
                rule.delete_marker_replication.clone()
            }));
        }
        (!lacking.is_empty()).then(|| {
            let mut finding = self
                .finding(
                    Rule::RuleIncomplete,
                    Level::Error,
                    format!("the rule lacks {}", lacking.join(" and ")),
                )
                .because("S3 refuses a rule with a `Filter` and without these")
                .fix(format!("add {}", lacking.join(" and ")));
            finding.changes = changes;
            finding
        })
    }

    fn delete_markers(&self) -> Option<Finding> {
        let filter = self.rule.filter.as_ref()?;
        let setting = self.rule.delete_marker_replication.as_ref()?;
        let on = setting.status == Status::Enabled;
        let planned = self.flow.delete_markers();
        let change = || {
            let off = documents::DeleteMarkerReplication {
                status: Status::from(planned && !filter.has_tags()),
            };
            self.element("DeleteMarkerReplication", |_| off)
        };
        if on && filter.has_tags() {
            return Some(
                self.finding(
                    Rule::DeleteMarkersWithTags,
                    Level::Error,
                    "the rule has a tag filter and replicates delete markers",
                )
                .because("S3 refuses that")
                .fix("set `DeleteMarkerReplication` to `Disabled`")
                .change(change()),
            );
        }
        if on == planned {
            return None;
        }
        let (is, plan) = if on {
            ("replicate", "do not")
        } else {
            ("do not replicate", "do")
        };
        Some(
            self.finding(
                Rule::DeleteMarkersDiffer,
                Level::Warning,
                format!("delete markers {is}; by the plan they {plan}"),
            )
            .because("what is deleted on one side stays on the other, or goes against the plan")
            .fix("set `DeleteMarkerReplication` as planned")
            .change(change()),
        )
    }

    fn replica_modifications(&self) -> Option<Finding> {
        let criteria = self.rule.source_selection_criteria.as_ref();
        let on = criteria
            .and_then(|criteria| criteria.replica_modifications)
            .is_some_and(|switch| switch.status == Status::Enabled);
        (self.flow.both_ways && !on).then(|| {
            self.finding(
                Rule::ReplicaModificationsMissing,
                Level::Warning,
                "`ReplicaModifications` is not enabled",
            )
            .because("changes of tags, ACLs and locks on replicas do not replicate back")
            .fix("enable `ReplicaModifications` on both sides")
            .change(self.element("SourceSelectionCriteria", |rule| {
                rule.source_selection_criteria.clone()
            }))
        })
    }

    fn kms_opt_in(&self) -> Option<Finding> {
        let criteria = self.rule.source_selection_criteria.as_ref();
        let on = criteria
            .and_then(|criteria| criteria.sse_kms_encrypted_objects)
            .is_some_and(|switch| switch.status == Status::Enabled);
        (self.flow.source.encryption.kind().uses_kms() && !on).then(|| {
            self.finding(
                Rule::KmsOptInMissing,
                Level::Error,
                "`SseKmsEncryptedObjects` is not enabled",
            )
            .because("objects under KMS do not replicate without it, and nothing fails visibly")
            .fix("enable `SourceSelectionCriteria.SseKmsEncryptedObjects`")
            .change(self.element("SourceSelectionCriteria", |rule| {
                rule.source_selection_criteria.clone()
            }))
        })
    }
}
