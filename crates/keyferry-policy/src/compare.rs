//! The kinds of encryption side by side: what each asks for in permissions, settings, keys and care.
//!
//! Computed: for each kind, a plan between two buckets is made, its documents are looked at, and what
//! documents cannot tell is quoted from the [matrix](crate::matrix).

mod cells;
mod example;
mod markdown;

use serde::Serialize;

use crate::matrix::{Layout, Matrix, Source};
use crate::plan::{BucketKey, Profile};
use crate::{Documents, EncryptionKind};

/// A table: a row for each question, a column for each kind of encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// What was compared.
    pub question: Question,
    /// The kinds of encryption.
    pub columns: Vec<Column>,
    /// The questions, with an answer for each column.
    pub rows: Vec<Row>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Whether the destination belongs to another account.
    pub cross_account: bool,
    /// Whether objects replicate both ways.
    pub both_ways: bool,
    /// How much the documents grant.
    pub profile: Profile,
}

/// A kind of encryption; SSE-KMS with a Bucket Key is a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Column {
    /// As in the names of the matrix's cells.
    pub id: &'static str,
    /// As people write it.
    pub title: &'static str,
    #[serde(skip)]
    kind: EncryptionKind,
    #[serde(skip)]
    bucket_key: BucketKey,
}

/// A question and its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: &'static str,
    /// As people ask it.
    pub title: &'static str,
    /// The answers, by column.
    pub answers: Vec<Answer>,
}

/// An answer: short lines, and the pages that they rest on where documents do not show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The lines; none means that there is nothing to say.
    pub lines: Vec<String>,
    /// The pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Source>,
}

impl Column {
    /// The columns there are.
    pub const ALL: [Self; 5] = [
        Self::new("sse-s3", "SSE-S3", EncryptionKind::SseS3, BucketKey::Off),
        Self::new("sse-kms", "SSE-KMS", EncryptionKind::SseKms, BucketKey::Off),
        Self::new(
            "sse-kms-bucketkey",
            "SSE-KMS, Bucket Key",
            EncryptionKind::SseKms,
            BucketKey::On,
        ),
        Self::new(
            "dsse-kms",
            "DSSE-KMS",
            EncryptionKind::DsseKms,
            BucketKey::Off,
        ),
        Self::new("sse-c", "SSE-C", EncryptionKind::SseC, BucketKey::Off),
    ];

    const fn new(
        id: &'static str,
        title: &'static str,
        kind: EncryptionKind,
        bucket_key: BucketKey,
    ) -> Self {
        Self {
            id,
            title,
            kind,
            bucket_key,
        }
    }

    /// The kind of encryption.
    #[must_use]
    pub fn kind(&self) -> EncryptionKind {
        self.kind
    }

    /// The name of the matrix's cell for a question.
    #[must_use]
    pub fn cell(&self, question: Question) -> String {
        let layout = match question.layout() {
            Layout::Same => "same",
            Layout::Cross => "cross",
        };
        let direction = if question.both_ways {
            "two-way"
        } else {
            "one-way"
        };
        format!("{}.{layout}.{direction}", self.id)
    }
}

impl Question {
    fn layout(self) -> Layout {
        if self.cross_account {
            Layout::Cross
        } else {
            Layout::Same
        }
    }
}

impl Row {
    /// What is said of every column; nothing where there is but one.
    #[must_use]
    pub fn shared(&self) -> Vec<&str> {
        let Some((first, others)) = self.answers.split_first() else {
            return Vec::new();
        };
        let everywhere = |line: &&String| others.iter().all(|answer| answer.lines.contains(line));
        let lines = first.lines.iter().filter(everywhere);
        lines
            .filter(|_| !others.is_empty())
            .map(String::as_str)
            .collect()
    }

    /// What is said of each column beside that. Nothing where all of it is shared.
    #[must_use]
    pub fn apart(&self) -> Option<Vec<String>> {
        let shared = self.shared();
        let own = |answer: &Answer| {
            let lines = answer.lines.iter();
            let lines: Vec<&str> = lines
                .map(String::as_str)
                .filter(|line| !shared.contains(line))
                .collect();
            lines.join("\n")
        };
        let mut own: Vec<String> = self.answers.iter().map(own).collect();
        if own.iter().all(String::is_empty) {
            return None;
        }
        let nothing = if shared.is_empty() { "none" } else { "no more" };
        for answer in own.iter_mut().filter(|answer| answer.is_empty()) {
            nothing.clone_into(answer);
        }
        Some(own)
    }
}

impl Comparison {
    /// Compares the columns that `wanted` keeps.
    #[must_use]
    pub fn of(question: Question, wanted: impl Fn(&Column) -> bool) -> Self {
        let columns: Vec<Column> = Column::ALL.into_iter().filter(wanted).collect();
        let examples: Vec<cells::Example> = columns
            .iter()
            .filter_map(|column| {
                let plan = example::plan(column, question)?;
                let documents = Documents::of(&plan);
                let cell = Matrix::carried().cells().get(&column.cell(question))?;
                Some(cells::Example {
                    column: *column,
                    plan,
                    documents,
                    cell,
                })
            })
            .collect();
        let rows = cells::QUESTIONS
            .iter()
            .map(|(id, title, answer)| Row {
                id,
                title,
                answers: examples.iter().map(answer).collect(),
            })
            // What has an answer nowhere is no difference.
            .filter(|row| row.answers.iter().any(|answer| !answer.lines.is_empty()))
            .collect();
        Self {
            question,
            columns,
            rows,
        }
    }

    /// What is compared, in a line.
    #[must_use]
    pub fn title(&self) -> String {
        format!(
            "Replication {}, {}, {} permissions",
            if self.question.cross_account {
                "across accounts"
            } else {
                "inside one account"
            },
            if self.question.both_ways {
                "both ways"
            } else {
                "one way"
            },
            self.question.profile.as_str()
        )
    }
}

#[cfg(test)]
mod tests;
