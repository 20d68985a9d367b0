//! Printing a listing while it is read: nothing of it is kept.

use keyferry_transfer::Entry;
use keyferry_verify::Scope;
use serde::Serialize;
use serde_json::json;

use super::Shown;
use super::details::Details;
use super::lines::Lines;
use super::summary::Summary;
use crate::args::{LsArgs, Output};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(super) struct Writer<'a> {
    terminal: Terminal,
    arguments: &'a LsArgs,
    scope: &'a Scope,
    lines: Lines,
    summary: Summary,
    printed: u64,
}

/// An entry as data.
#[derive(Serialize)]
struct Item<'a> {
    r#type: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_latest: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<&'a str>,
    #[serde(flatten)]
    details: Option<&'a Details>,
}

impl<'a> Writer<'a> {
    pub(super) fn begin(
        terminal: Terminal,
        arguments: &'a LsArgs,
        scope: &'a Scope,
    ) -> Result<Self, Failure> {
        if terminal.output() == Output::Json {
            terminal.print(format!("{{\"address\": {},\n\"entries\": [", json!(scope)))?;
        }
        Ok(Self {
            terminal,
            arguments,
            scope,
            lines: Lines::new(arguments, &scope.prefix),
            summary: Summary::default(),
            printed: 0,
        })
    }

    pub(super) fn entry(&mut self, shown: Shown) -> Result<(), Failure> {
        self.summary.count(&shown.entry);
        match self.terminal.output() {
            Output::Text => {
                if self.printed == 0
                    && let Some(header) = self.lines.header()
                {
                    self.terminal.print(header)?;
                }
                self.terminal.print(self.lines.line(&shown))?;
            }
            Output::Ndjson => self.terminal.json(&item(&shown))?,
            Output::Json => {
                let comma = if self.printed == 0 { "" } else { "," };
                let item = json!(item(&shown));
                self.terminal.print(format!("{comma}{item}"))?;
            }
        }
        self.printed += 1;
        Ok(())
    }

    /// Whether there was anything.
    pub(super) fn end(self) -> Result<bool, Failure> {
        let (terminal, summary) = (self.terminal, &self.summary);
        match terminal.output() {
            Output::Json => terminal.print(format!("],\n\"summary\": {}}}", json!(summary)))?,
            Output::Ndjson if self.arguments.summarize => terminal.json(&json!({
                "type": "summary",
                "address": self.scope,
                "summary": summary,
            }))?,
            Output::Text if self.arguments.summarize => {
                if self.printed > 0 {
                    terminal.print("")?;
                }
                terminal.print(summary.text(self.arguments.versions))?;
            }
            Output::Ndjson | Output::Text => {}
        }
        Ok(summary.found())
    }
}

fn item(shown: &Shown) -> Item<'_> {
    let details = shown.details.as_ref();
    match &shown.entry {
        Entry::Prefix(prefix) => Item {
            r#type: "prefix",
            key: prefix,
            size: None,
            last_modified: None,
            version_id: None,
            is_latest: None,
            etag: None,
            storage_class: None,
            details: None,
        },
        Entry::Version(version) => Item {
            r#type: "object",
            key: &version.key,
            size: Some(version.size),
            last_modified: version.last_modified.map(|time| time.to_string()),
            version_id: version
                .version_id
                .as_deref()
                .or_else(|| details?.version_id.as_deref()),
            is_latest: Some(version.is_latest),
            etag: Some(&version.etag),
            storage_class: Some(&version.storage_class),
            details,
        },
        Entry::DeleteMarker(marker) => Item {
            r#type: "delete-marker",
            key: &marker.key,
            size: None,
            last_modified: marker.last_modified.map(|time| time.to_string()),
            version_id: marker.version_id.as_deref(),
            is_latest: Some(marker.is_latest),
            etag: None,
            storage_class: None,
            details: None,
        },
    }
}
