//! Documents as text: each with the file it came from, and the lines of its statements.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::installed::{Installed, Known, NamedPolicy, Origin};
use crate::documents::Kind;
use crate::iam::{ParseError, PolicyDocument};
use crate::{BucketName, ReplicationPlan};

/// A document that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no policy document.
    #[error("{0}")]
    Policy(#[from] ParseError),
    /// It is no JSON, or not of the shape that it should have.
    #[error("line {line}, column {column}: {message}")]
    Shape {
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl Installed {
    /// Adds a document as `policy emit` names them, by kind and bucket. The permission policies of a role
    /// that are given are taken to be all it has.
    ///
    /// # Errors
    /// Text that is no such document, with the line and column.
    pub fn read(
        &mut self,
        plan: &ReplicationPlan,
        kind: Kind,
        bucket: &BucketName,
        file: &str,
        text: &str,
    ) -> Result<(), ReadError> {
        match kind {
            Kind::Trust | Kind::Role => {
                let document = policy(file, text)?;
                let flows = plan.flows_from(bucket);
                let Some(flow) = flows.first() else {
                    return Ok(());
                };
                let role = self.role_mut(&flow.role_arn());
                role.boundary = Known::Absent;
                if kind == Kind::Trust {
                    role.trust = document;
                } else {
                    role.unread_policies = None;
                    role.policies.push(NamedPolicy {
                        name: file.to_owned(),
                        document,
                    });
                }
            }
            Kind::KeyPolicy => {
                let document = policy(file, text)?;
                let site = plan.site(bucket);
                if let Some(key) = site.and_then(|site| site.encryption.kms_key()) {
                    self.key_mut(key).policy = document;
                }
            }
            Kind::BucketPolicy => self.bucket_mut(bucket).policy = policy(file, text)?,
            Kind::Replication => {
                let value = shaped(text, "ReplicationConfiguration")?;
                let origin = Origin {
                    lines: lines_of_rules(text),
                    ..Origin::file(file)
                };
                self.bucket_mut(bucket).replication = Known::present(value, origin);
            }
            Kind::Encryption => {
                let value = shaped(text, "ServerSideEncryptionConfiguration")?;
                self.bucket_mut(bucket).encryption = Known::present(value, Origin::file(file));
            }
            Kind::Versioning => {
                let value = shaped(text, "VersioningConfiguration")?;
                self.bucket_mut(bucket).versioning = Known::present(value, Origin::file(file));
            }
            // These are not what replication runs by.
            Kind::BatchTrust | Kind::BatchRole | Kind::Uploader | Kind::Verifier => {
                policy(file, text)?;
            }
        }
        Ok(())
    }

    /// Says that all documents there are have been given: what need not exist, as bucket policies and
    /// replication configurations, is absent if it was not. What always exists stays unknown.
    pub fn complete(&mut self, plan: &ReplicationPlan) {
        fn absent<T>(known: &mut Known<T>) {
            if matches!(known, Known::Unknown(_)) {
                *known = Known::Absent;
            }
        }
        for site in plan.sites() {
            let replicates = !plan.flows_from(&site.bucket).is_empty();
            let bucket = self.bucket_mut(&site.bucket);
            absent(&mut bucket.policy);
            if replicates {
                absent(&mut bucket.replication);
            }
        }
    }
}

fn policy(file: &str, text: &str) -> Result<Known<PolicyDocument>, ReadError> {
    let (document, lines) = PolicyDocument::parse_with_lines(text)?;
    let origin = Origin {
        lines,
        ..Origin::file(file)
    };
    Ok(Known::present(document, origin))
}

/// A configuration, or what `aws s3api get-...` answers, which wraps it in its name.
fn shaped<T: DeserializeOwned>(text: &str, wrapper: &str) -> Result<T, ReadError> {
    let wrapped = || {
        let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
        serde_json::from_value(value.get_mut(wrapper)?.take()).ok()
    };
    serde_json::from_str(text).or_else(|error| {
        wrapped().ok_or_else(|| {
            let message = error.to_string();
            // serde_json ends its messages with the place, which is given apart.
            let place = format!(" at line {} column {}", error.line(), error.column());
            ReadError::Shape {
                line: error.line(),
                column: error.column(),
                message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
            }
        })
    })
}

fn lines_of_rules(text: &str) -> Vec<usize> {
    #[derive(Deserialize)]
    struct Rules<'a> {
        #[serde(rename = "Rules", borrow)]
        rules: Vec<&'a RawValue>,
    }
    let Ok(read) = serde_json::from_str::<Rules<'_>>(text) else {
        return Vec::new();
    };
    let rules = read.rules.iter();
    rules
        .map(|rule| {
            // Both are parts of the same text, so the difference of their addresses is the offset.
            let offset = (rule.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            let before = text.get(..offset).unwrap_or_default();
            before.matches('\n').count() + 1
        })
        .collect()
}
