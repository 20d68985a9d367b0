//! Formats of reports, by the names of their files.

use std::path::Path;

use crate::ReportError;

/// A format that a report can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One self-contained page: `.html`.
    Html,
    /// JUnit's XML, for CI: `.xml`.
    Junit,
    /// A JSON document a line: `.ndjson`, `.jsonl`.
    Ndjson,
    /// One JSON document: `.json`.
    Json,
    /// Text for people: `.txt`.
    Text,
}

impl Format {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// When the name ends in none of the known ways.
    pub fn of(path: &Path) -> Result<Self, ReportError> {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("xml") => Ok(Self::Junit),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            Some("json") => Ok(Self::Json),
            Some("txt") => Ok(Self::Text),
            _ => Err(ReportError::Format {
                path: path.to_owned(),
            }),
        }
    }

    /// Whether the sum of all must be known before the first line.
    pub(crate) fn needs_sum(self) -> bool {
        matches!(self, Self::Html | Self::Junit | Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_formats() {
        let of = |name: &str| Format::of(Path::new(name)).ok();
        assert_eq!(of("out.html"), Some(Format::Html));
        assert_eq!(of("a.b/OUT.HTM"), Some(Format::Html));
        assert_eq!(of("junit.xml"), Some(Format::Junit));
        assert_eq!(of("x.ndjson"), Some(Format::Ndjson));
        assert_eq!(of("x.jsonl"), Some(Format::Ndjson));
        assert_eq!(of("x.json"), Some(Format::Json));
        assert_eq!(of("x.txt"), Some(Format::Text));
        assert_eq!(of("x"), None);
        assert_eq!(of("x.pdf"), None);
        assert_eq!(of(".html"), None);
    }
}
