//! Policies made from the rows of the matrix.

use std::collections::BTreeMap;

use super::Kind;
use super::guards;
use crate::iam::{Conditions, PolicyDocument, Principals, Statement};
use crate::matrix::{DocumentRole, Feature, Guard, Layout, Matrix, Need, Row, Templates};
use crate::plan::{BucketKey, PlannedFlow, Profile};
use crate::{Encryption, ReplicationPlan, Site};

/// A policy of a plan, each of its statements with the reasons it stands there for.
#[derive(Debug, Clone, PartialEq)]
pub struct EmittedPolicy {
    document: PolicyDocument,
    reasons: Vec<Vec<Reason>>,
}

/// Why a statement is there.
#[derive(Debug, Clone, Copy)]
pub enum Reason {
    /// A row of the matrix.
    Row(&'static Row),
    /// A guard of the matrix.
    Guard(&'static Guard),
}

impl Reason {
    /// The name of the row or guard.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::Row(row) => &row.id,
            Self::Guard(guard) => &guard.id,
        }
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl EmittedPolicy {
    /// The policy of a kind that a site needs. `None` where it needs none.
    pub(super) fn of(kind: Kind, site: &Site, plan: &ReplicationPlan) -> Option<Self> {
        let mut draft = Draft::default();
        match kind {
            Kind::Trust => draft.rows(&plan.flows_from(&site.bucket), DocumentRole::RoleTrust),
            Kind::Role => {
                draft.rows(
                    &plan.flows_from(&site.bucket),
                    DocumentRole::RolePermissions,
                );
            }
            Kind::KeyPolicy => draft.key_policy(site, plan),
            Kind::BucketPolicy => {
                draft.rows(&plan.flows_into(&site.bucket), DocumentRole::BucketPolicy);
                draft.guards(site);
            }
            Kind::BatchTrust => {
                draft.rows(&plan.flows_from(&site.bucket), DocumentRole::BatchRoleTrust);
            }
            Kind::BatchRole => {
                let flows = plan.flows_from(&site.bucket);
                draft.rows(&flows, DocumentRole::BatchRolePermissions);
            }
            Kind::Uploader => draft.rows(&plan.flows_from(&site.bucket), DocumentRole::Uploader),
            Kind::Verifier => draft.rows(&plan.flows_from(&site.bucket), DocumentRole::Verifier),
            Kind::Versioning | Kind::Encryption | Kind::Replication => {}
        }
        draft.finish()
    }

    /// The policy itself.
    #[must_use]
    pub fn document(&self) -> &PolicyDocument {
        &self.document
    }

    /// Each statement with its reasons.
    pub fn statements(&self) -> impl Iterator<Item = (&Statement, &[Reason])> {
        self.document
            .statements
            .iter()
            .zip(self.reasons.iter().map(Vec::as_slice))
    }
}

/// A policy while rows are added to it.
#[derive(Default)]
struct Draft {
    statements: Vec<Statement>,
    reasons: Vec<Vec<Reason>>,
}

impl Draft {
    fn rows(&mut self, flows: &[PlannedFlow<'_>], document: DocumentRole) {
        for flow in flows {
            let templates = Templates::new(flow);
            for row in rows_of(document).filter(|row| applies(row, flow)) {
                self.row(row, flow, &templates);
            }
        }
    }

    /// The account keeps its key; roles of other accounts get what replication needs.
    fn key_policy(&mut self, site: &Site, plan: &ReplicationPlan) {
        let Some(key) = site.encryption.kms_key() else {
            return;
        };
        let uses = |other: &Site| other.encryption.kms_key() == Some(key);
        for flow in plan.flows() {
            let templates =
                || Templates::new(&flow).with("{key.account}", key.account().to_string());
            let foreign = *key.account() != flow.source.account;
            for row in rows_of(DocumentRole::KeyPolicy) {
                let here = match row.id.as_str() {
                    "keypol-root" => uses(flow.source) || uses(flow.destination),
                    "keypol-src-cross" => foreign && uses(flow.source),
                    _ => foreign && uses(flow.destination),
                };
                if here && encrypts(row, &flow) && wanted(row, &flow) {
                    self.row(row, &flow, &templates());
                }
            }
        }
        if self.statements.is_empty() {
            // Nothing under KMS moves through this bucket, and yet its key must stay its account's.
            let root = Matrix::carried().row("keypol-root");
            if let (Some(row), Some(flow)) = (root, plan.flows().first()) {
                let templates =
                    Templates::new(flow).with("{key.account}", key.account().to_string());
                self.row(row, flow, &templates);
            }
        }
    }

    fn guards(&mut self, site: &Site) {
        for (statement, guard) in guards::of(site) {
            self.statements.push(statement);
            self.reasons.push(vec![Reason::Guard(guard)]);
        }
    }

    /// Adds a row: to a statement that differs in nothing but the actions, else as a new one.
    fn row(&mut self, row: &'static Row, flow: &PlannedFlow<'_>, templates: &Templates) {
        let fill = |texts: &[String]| texts.iter().map(|text| templates.fill(text)).collect();
        let actions: Vec<&str> = actions(row, flow).collect();
        let mut resources: Vec<String> = fill(&row.resource);
        resources.dedup();
        let mut statement = Statement::allow("", &actions, resources);
        statement.condition = conditions(row, flow, templates);
        statement.principal = match (row.principal.get("Service"), row.principal.get("AWS")) {
            (Some(service), _) => Some(Principals::service(service)),
            (None, Some(arn)) => Some(Principals::aws(vec![templates.fill(arn)])),
            (None, None) => None,
        }
        .map(crate::iam::PrincipalElement::Principal);

        let same_but_for_actions = |other: &Statement| {
            other.principal == statement.principal
                && other.resource == statement.resource
                && other.condition == statement.condition
        };
        let place = self.statements.iter().position(same_but_for_actions);
        let Some((other, reasons)) = place.and_then(|index| {
            Some((
                self.statements.get_mut(index)?,
                self.reasons.get_mut(index)?,
            ))
        }) else {
            statement.sid = Some(self.free_sid(sid(row)));
            self.statements.push(statement);
            self.reasons.push(vec![Reason::Row(row)]);
            return;
        };
        if let crate::iam::ActionElement::Action(known) = &mut other.action {
            for action in actions {
                if !known.iter().any(|known| known == action) {
                    known.push(action.to_owned());
                }
            }
        }
        if !reasons.contains(&Reason::Row(row)) {
            reasons.push(Reason::Row(row));
        }
    }

    /// A name that no other statement of the document has.
    fn free_sid(&self, sid: &str) -> String {
        let taken = |sid: &str| {
            self.statements
                .iter()
                .any(|statement| statement.sid.as_deref() == Some(sid))
        };
        if !taken(sid) {
            return sid.to_owned();
        }
        (2_usize..)
            .map(|number| format!("{sid}{number}"))
            .find(|sid| !taken(sid))
            .unwrap_or_default()
    }

    fn finish(self) -> Option<EmittedPolicy> {
        (!self.statements.is_empty()).then(|| EmittedPolicy {
            document: PolicyDocument::new(self.statements),
            reasons: self.reasons,
        })
    }
}

/// The rows that a flow calls for in a document, each with the actions that the flow uses.
pub(crate) fn granted<'a>(
    flow: &'a PlannedFlow<'_>,
    document: DocumentRole,
) -> impl Iterator<Item = (&'static Row, Vec<&'static str>)> + 'a {
    rows_of(document)
        .filter(|row| applies(row, flow))
        .map(|row| (row, actions(row, flow).collect()))
}

fn rows_of(document: DocumentRole) -> impl Iterator<Item = &'static Row> {
    Matrix::carried()
        .rows()
        .iter()
        .filter(move |row| row.document == document)
}

fn applies(row: &Row, flow: &PlannedFlow<'_>) -> bool {
    let layout = if flow.crosses_accounts() {
        Layout::Cross
    } else {
        Layout::Same
    };
    row.when.layout.contains(&layout) && encrypts(row, flow) && wanted(row, flow)
}

/// Whether the row is about the encryption of the objects that come from the source.
fn encrypts(row: &Row, flow: &PlannedFlow<'_>) -> bool {
    row.when.encryption.contains(&flow.source.encryption.kind())
}

fn wanted(row: &Row, flow: &PlannedFlow<'_>) -> bool {
    let feature = |feature: &Option<Feature>| feature.is_none_or(|feature| feature.is_on(flow));
    match row.need {
        Need::Required | Need::DocumentedExample | Need::RequiredWithFeature | Need::Optional => {
            feature(&row.when.feature)
        }
        Need::Compat => flow.profile == Profile::Compatible || feature(&row.when.feature),
        Need::OptionalTightening | Need::NotEmitted | Need::ForSetup => false,
    }
}

/// The actions of a row that the flow uses: `s3:ReplicateDelete` only where delete markers replicate.
fn actions<'a>(row: &'a Row, flow: &PlannedFlow<'_>) -> impl Iterator<Item = &'a str> {
    let delete_markers = flow.delete_markers();
    row.actions
        .iter()
        .map(String::as_str)
        .filter(move |action| delete_markers || *action != "s3:ReplicateDelete")
}

/// The conditions of a row, with the encryption contexts of the Bucket Key states there are.
fn conditions(row: &Row, flow: &PlannedFlow<'_>, templates: &Templates) -> Conditions {
    let off = &row.condition.bucket_key_off;
    let on = &row.condition.bucket_key_on;
    let site = match row.id.as_str() {
        "kms-src" | "keypol-src-cross" | "up-kms" | "ver-kms-src" => flow.source,
        _ => flow.destination,
    };
    // A grant that Bucket Keys alone call for says nothing of objects without one.
    let only_bucket_keys =
        row.need == Need::Compat && flow.profile == Profile::Minimal || off.is_empty();
    let state = match (&site.encryption, &flow.source.encryption) {
        // DSSE-KMS objects never use a Bucket Key, whatever their bucket does for others.
        (_, Encryption::DsseKms { .. }) => BucketKey::Off,
        (encryption, _) => encryption.bucket_key(),
    };
    let forms = match state {
        BucketKey::Off => vec![off],
        BucketKey::On => vec![on],
        BucketKey::Mixed if only_bucket_keys => vec![on],
        BucketKey::Mixed => vec![on, off],
    };
    merged(&forms, templates)
}

/// Several forms of one condition as one: where their operators differ, the wider one takes all values.
fn merged(
    forms: &[&BTreeMap<String, BTreeMap<String, String>>],
    templates: &Templates,
) -> Conditions {
    let mut merged = Conditions::new();
    for key in keys(forms) {
        let operator = if uses(forms, "StringLike", key) {
            "StringLike"
        } else {
            "StringEquals"
        };
        let mut values: Vec<String> = forms
            .iter()
            .flat_map(|form| form.values())
            .filter_map(|entries| entries.get(key))
            .map(|value| templates.fill(value))
            .collect();
        values.dedup();
        merged
            .entry(operator.to_owned())
            .or_default()
            .insert(key.to_owned(), values);
    }
    merged
}

fn keys<'a>(forms: &[&'a BTreeMap<String, BTreeMap<String, String>>]) -> Vec<&'a str> {
    let mut keys: Vec<&str> = forms
        .iter()
        .flat_map(|form| form.values())
        .flat_map(BTreeMap::keys)
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn uses(forms: &[&BTreeMap<String, BTreeMap<String, String>>], operator: &str, key: &str) -> bool {
    forms.iter().any(|form| {
        form.get(operator)
            .is_some_and(|entries| entries.contains_key(key))
    })
}

/// What the statement that a row begins is called.
fn sid(row: &Row) -> &str {
    match row.id.as_str() {
        "trust" => "S3MayAssumeThisRole",
        "src-bucket" => "ReadSourceConfiguration",
        "src-object" => "ReadSourceVersions",
        "dst-write" => "WriteReplicas",
        "kms-src" => "DecryptSourceObjects",
        "kms-dst" => "EncryptReplicas",
        "kms-dst-gdk" | "kms-dst-bk-decrypt" => "UseReplicaBucketKey",
        "kms-dst-updated" => "DecryptReplicas",
        "keypol-root" => "AccountAdministersKey",
        "keypol-cross" => "ReplicationRoleEncryptsReplicas",
        "keypol-cross-gdk" | "keypol-cross-bk-decrypt" => "ReplicationRoleUsesBucketKey",
        "keypol-src-cross" => "ReplicationRoleDecryptsSource",
        "bktpol-write" => "ReplicationRoleWritesReplicas",
        "batch-trust" => "BatchOperationsMayAssumeThisRole",
        "batch-start" => "StartReplication",
        "batch-manifest" => "MakeManifest",
        "batch-read" => "ReadManifest",
        "batch-write" => "WriteManifestAndReport",
        "up-put" => "UploadObjects",
        "up-get" => "DownloadObjects",
        "up-bucket" => "FindBucket",
        "up-kms" => "UseKey",
        "ver-bucket" => "ReadBucketSettings",
        "ver-object" => "ReadObjectsAndReplicas",
        "ver-kms-src" => "DecryptObjects",
        "ver-kms-dst" => "DecryptReplicas",
        "ver-role" => "ReadReplicationRole",
        "ver-policy" => "ReadManagedPolicies",
        "ver-key" => "ReadKeySettings",
        other => other,
    }
}
