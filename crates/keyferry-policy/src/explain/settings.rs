//! Settings beside the policies: versioning, encryption, and the elements of replication rules.
//!
//! Elements of a rule: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>.

use super::{ExplainedSetting, pages};
use crate::documents::{Content, Document, EncryptionConfiguration, Rule, Status};
use crate::matrix::Matrix;

/// The settings of a document; none where it is a policy.
pub(super) fn of(document: &Document) -> Vec<ExplainedSetting> {
    let setting = |id, value| explained(document, None, id, value);
    match &document.content {
        Content::Policy(_) => Vec::new(),
        Content::Versioning(_) => setting("versioning", "Enabled".to_owned())
            .into_iter()
            .collect(),
        Content::Encryption(configuration) => [
            setting("default-encryption", default_encryption(configuration)),
            setting(
                if configuration.blocks_sse_c() {
                    "ssec-block"
                } else {
                    "ssec-unblock"
                },
                blocked_types(configuration),
            ),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Content::Replication(configuration) => configuration
            .rules
            .iter()
            .flat_map(|rule| {
                in_rule(rule)
                    .into_iter()
                    .filter_map(|(id, value)| explained(document, rule.id.clone(), id, value))
            })
            .collect(),
    }
}

fn default_encryption(configuration: &EncryptionConfiguration) -> String {
    let rules = configuration.rules.iter().map(|rule| {
        let default = &rule.apply_server_side_encryption_by_default;
        let mut value = default.algorithm.clone();
        if let Some(key) = &default.kms_key {
            value = format!("{value} under {key}");
        }
        if rule.bucket_key_enabled {
            value.push_str(", with a Bucket Key");
        }
        value
    });
    rules.collect::<Vec<_>>().join("; ")
}

fn blocked_types(configuration: &EncryptionConfiguration) -> String {
    let types: Vec<&str> = configuration
        .rules
        .iter()
        .filter_map(|rule| rule.blocked_encryption_types.as_ref())
        .flat_map(|blocked| &blocked.encryption_type)
        .map(|blocked| blocked.as_str())
        .collect();
    types.join(", ")
}

/// The settings of a rule, with their values.
fn in_rule(rule: &Rule) -> Vec<(&'static str, String)> {
    let destination = &rule.destination;
    let criteria = rule.source_selection_criteria.as_ref();
    let mut settings = vec![("v2", filter(rule))];
    match criteria.and_then(|criteria| criteria.sse_kms_encrypted_objects) {
        Some(switch) => {
            let key = destination
                .encryption_configuration
                .as_ref()
                .and_then(|configuration| configuration.replica_kms_key.as_deref());
            let key = key.map_or_else(String::new, |key| format!(", ReplicaKmsKeyID {key}"));
            settings.push(("kms-optin", format!("{}{key}", switch.status.as_str())));
        }
        None => settings.push(("no-optin", "absent".to_owned())),
    }
    if let Some(switch) = criteria.and_then(|criteria| criteria.replica_modifications) {
        settings.push(("two-way", switch.status.as_str().to_owned()));
    }
    let delete_markers = rule.delete_marker_replication.as_ref();
    let delete_markers = delete_markers.map_or(Status::Disabled, |markers| markers.status);
    settings.push(("delete-markers", delete_markers.as_str().to_owned()));
    if destination.access_control_translation.is_some() {
        let account = destination.account.as_deref().unwrap_or_default();
        settings.push((
            "owner",
            format!("Account {account}, AccessControlTranslation.Owner Destination"),
        ));
    }
    if let Some(time) = destination.replication_time {
        settings.push(("rtc", format!("{} minutes", time.time.minutes)));
    }
    settings
}

fn filter(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if let Some(filter) = &rule.filter {
        parts.push(match filter.key_prefix() {
            "" => "all keys".to_owned(),
            prefix => format!("keys that begin with `{prefix}`"),
        });
        let tags = filter
            .tag
            .iter()
            .chain(filter.and.iter().flat_map(|and| &and.tags));
        parts.extend(tags.map(|tag| format!("tag `{}` is `{}`", tag.key, tag.value)));
    }
    if let Some(priority) = rule.priority {
        parts.push(format!("priority {priority}"));
    }
    parts.join(", ")
}

fn explained(
    document: &Document,
    rule: Option<String>,
    id: &str,
    value: String,
) -> Option<ExplainedSetting> {
    let setting = Matrix::carried().setting(id)?;
    Some(ExplainedSetting {
        document: document.kind,
        bucket: document.bucket.clone(),
        file: document.file_name(),
        rule,
        id: setting.id.clone(),
        place: setting.place.clone(),
        value,
        why: setting.why.clone(),
        without: setting.without.clone(),
        silent: setting.silent,
        failure_codes: setting.failure_codes.clone(),
        note: setting.note.clone(),
        pages: pages(&setting.sources),
    })
}
