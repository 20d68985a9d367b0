//! The permission matrix: what replication needs, as data.
//!
//! `data/permissions.json` holds one row for each grant, with the AWS page that it rests on, how sure
//! that is, and how replication fails without it. Documents are made from its rows, and explanations
//! quote them.

mod encryption;
mod expand;
mod feature;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::EncryptionKind;
use crate::iam::Effect;

pub use encryption::EncryptionFacts;
pub(crate) use expand::Templates;
pub use feature::Feature;

static MATRIX: LazyLock<Result<Matrix, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/permissions.json"))
        .map_err(|error| error.to_string())
});

/// Everything known about what replication needs.
#[derive(Debug, Deserialize)]
pub struct Matrix {
    sources: BTreeMap<String, Source>,
    rows: Vec<Row>,
    settings: Vec<Setting>,
    guards: Vec<Guard>,
    cells: BTreeMap<String, Cell>,
    encryptions: Vec<EncryptionFacts>,
}

/// A page that a row rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// One grant.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// The document it belongs to.
    pub document: DocumentRole,
    /// What S3 does with it, in a sentence.
    pub why: String,
    /// Allow or deny.
    pub effect: Effect,
    /// Who is granted it, as templates by kind of principal.
    #[serde(default)]
    pub principal: BTreeMap<String, String>,
    /// The actions.
    pub actions: Vec<String>,
    /// The resources, as templates.
    #[serde(default)]
    pub resource: Vec<String>,
    /// The conditions, as templates.
    #[serde(default)]
    pub condition: ConditionTemplates,
    /// Where it applies.
    pub when: When,
    /// Whether replication needs it.
    pub need: Need,
    /// How sure that is.
    pub evidence: Evidence,
    /// How S3 names the failure without it; the likeliest first. Empty where AWS names none.
    #[serde(default)]
    pub failure_codes: Vec<String>,
    /// What happens without it, where a failure code does not say so.
    #[serde(default)]
    pub without: String,
    /// Whether that shows nowhere.
    #[serde(default)]
    pub silent: bool,
    /// Pages, by their short names.
    pub sources: Vec<String>,
    /// What else there is to say.
    #[serde(default)]
    pub note: String,
}

/// Which document a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentRole {
    /// Trust policy of the replication role.
    RoleTrust,
    /// Permission policy of the replication role.
    RolePermissions,
    /// Policy of a KMS key.
    KeyPolicy,
    /// Policy of the destination bucket.
    BucketPolicy,
    /// What the person needs who sets replication up.
    CreatorPermissions,
    /// Trust policy of the Batch Operations role.
    BatchRoleTrust,
    /// Permission policy of the Batch Operations role.
    BatchRolePermissions,
    /// Permission policy for uploads and downloads.
    Uploader,
    /// Permission policy for verification and preflight.
    Verifier,
}

/// Conditions of a row: operator, key, value; all templates.
#[derive(Debug, Default, Deserialize)]
pub struct ConditionTemplates {
    /// For objects without a Bucket Key.
    #[serde(default)]
    pub bucket_key_off: BTreeMap<String, BTreeMap<String, String>>,
    /// For objects with one.
    #[serde(default)]
    pub bucket_key_on: BTreeMap<String, BTreeMap<String, String>>,
}

/// Where a row applies.
#[derive(Debug, Deserialize)]
pub struct When {
    /// To objects of these encryptions.
    pub encryption: Vec<EncryptionKind>,
    /// Inside an account, across accounts, or both.
    pub layout: Vec<Layout>,
    /// Only with this feature.
    pub feature: Option<Feature>,
}

/// Whether source and destination share an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One account.
    Same,
    /// Two accounts.
    Cross,
}

/// Whether replication needs a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Replication fails without it.
    Required,
    /// Only with a feature.
    RequiredWithFeature,
    /// It stands in AWS's examples, though the text says that it is not needed.
    DocumentedExample,
    /// Pages disagree; safe to add.
    Compat,
    /// Adds a capability.
    Optional,
    /// Narrows.
    OptionalTightening,
    /// Left out.
    NotEmitted,
    /// For the person who sets replication up.
    ForSetup,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Required => "required",
            Self::RequiredWithFeature => "required by a feature of the plan",
            Self::DocumentedExample => "in AWS's examples, though its text does without",
            Self::Compat => "asked for by some pages only",
            Self::Optional => "adds a capability",
            Self::OptionalTightening => "narrows",
            Self::NotEmitted => "left out",
            Self::ForSetup => "for whoever sets replication up",
        })
    }
}

/// How sure a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// AWS says so.
    #[serde(rename = "documented")]
    Documented,
    /// AWS says so, and a published test agrees.
    #[serde(rename = "documented+field-test")]
    Tested,
    /// AWS's pages disagree.
    #[serde(rename = "documented-inconsistent")]
    PagesDisagree,
    /// AWS says so, and a field report says otherwise.
    #[serde(rename = "documented, field report to the contrary")]
    Disputed,
    /// AWS shows it, and it has no effect.
    #[serde(rename = "documented, ineffective")]
    Ineffective,
}

impl fmt::Display for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Documented => "documented",
            Self::Tested => "documented and tested",
            Self::PagesDisagree => "pages disagree",
            Self::Disputed => "documented; a field report says otherwise",
            Self::Ineffective => "documented, without effect",
        })
    }
}

/// A setting that replication needs beside permissions.
#[derive(Debug, Deserialize)]
pub struct Setting {
    /// Its name.
    pub id: String,
    /// Where it is set.
    #[serde(rename = "where")]
    pub place: String,
    /// To what.
    pub value: String,
    /// What S3 does with it, in a sentence.
    pub why: String,
    /// What happens without it.
    #[serde(default)]
    pub without: String,
    /// Whether that shows nowhere.
    #[serde(default)]
    pub silent: bool,
    /// How S3 names the failure without it. Empty where AWS names none.
    #[serde(default)]
    pub failure_codes: Vec<String>,
    /// Pages, by their short names.
    pub sources: Vec<String>,
    /// What else there is to say.
    #[serde(default)]
    pub note: String,
}

/// A statement that refuses what should not happen.
#[derive(Debug, Deserialize)]
pub struct Guard {
    /// Its name.
    pub id: String,
    /// What it is good for, in a sentence.
    pub why: String,
    /// Pages, by their short names.
    pub sources: Vec<String>,
    /// What else there is to say.
    #[serde(default)]
    pub note: String,
}

/// One combination of encryption, accounts and direction.
#[derive(Debug, Deserialize)]
pub struct Cell {
    /// How many flows it has.
    pub flows: usize,
    /// The rows of each.
    pub rows_per_flow: Vec<String>,
    /// The settings.
    pub settings: Vec<String>,
}

impl Matrix {
    /// The matrix that this version carries.
    #[must_use]
    pub fn carried() -> &'static Self {
        static EMPTY: Matrix = Matrix {
            sources: BTreeMap::new(),
            rows: Vec::new(),
            settings: Vec::new(),
            guards: Vec::new(),
            cells: BTreeMap::new(),
            encryptions: Vec::new(),
        };
        // The data is part of the program, and a test reads it: it cannot be malformed here.
        MATRIX.as_ref().unwrap_or(&EMPTY)
    }

    /// The rows, in the order in which they make statements.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A row by its name.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// The settings beside permissions.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// A setting by its name.
    #[must_use]
    pub fn setting(&self, id: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.id == id)
    }

    /// The guards.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// A guard by its name.
    #[must_use]
    pub fn guard(&self, id: &str) -> Option<&Guard> {
        self.guards.iter().find(|guard| guard.id == id)
    }

    /// The combinations, by name such as `sse-kms-bucketkey.cross.two-way`.
    #[must_use]
    pub fn cells(&self) -> &BTreeMap<String, Cell> {
        &self.cells
    }

    /// What the kinds of encryption ask of people, Bucket Keys told apart.
    #[must_use]
    pub fn encryptions(&self) -> &[EncryptionFacts] {
        &self.encryptions
    }

    /// A page by its short name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The pages of a list of short names.
    pub fn pages<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Source> {
        names.iter().filter_map(|name| self.source(name))
    }
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carried_matrix_can_be_read_and_is_whole() {
        assert_eq!(MATRIX.as_ref().err(), None);
        let matrix = Matrix::carried();
        assert_eq!(matrix.cells.len(), 20);
        for row in &matrix.rows {
            assert!(row.why.ends_with('.'), "{}", row.id);
            assert!(!row.sources.is_empty(), "{}", row.id);
            assert_eq!(matrix.pages(&row.sources).count(), row.sources.len());
        }
        for setting in &matrix.settings {
            assert!(setting.why.ends_with('.'), "{}", setting.id);
            assert_eq!(
                matrix.pages(&setting.sources).count(),
                setting.sources.len()
            );
        }
        for (name, cell) in &matrix.cells {
            for id in &cell.rows_per_flow {
                assert!(matrix.row(id).is_some(), "{name}: {id}");
            }
            for id in &cell.settings {
                assert!(matrix.setting(id).is_some(), "{name}: {id}");
            }
        }
    }
}
