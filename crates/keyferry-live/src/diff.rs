//! What a change does, line by line, in the manner of `diff -u`.

use similar::{ChangeTag, TextDiff};

use crate::change::Change;
use crate::content::Content;

/// Lines that stay around a change.
const CONTEXT: usize = 3;

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// It stays.
    Kept,
    /// It goes.
    Removed,
    /// It comes.
    Added,
    /// Lines that stay are left out here; the text says where the next ones are.
    Gap,
}

/// A line of the diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happens to it.
    pub kind: LineKind,
    /// The line, without its mark and line break.
    pub text: String,
}

impl Change {
    /// What the change does to the JSON, line by line.
    #[must_use]
    pub fn diff(&self) -> Vec<DiffLine> {
        let before = self.before.as_ref().map(Content::to_json);
        let after = self.after.to_json();
        lines(before.as_deref().unwrap_or_default(), &after)
    }
}

fn lines(before: &str, after: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        if !before.is_empty() {
            lines.push(DiffLine {
                kind: LineKind::Gap,
                text: hunk.header().to_string().trim_end().to_owned(),
            });
        }
        for change in hunk.iter_changes() {
            lines.push(DiffLine {
                kind: match change.tag() {
                    ChangeTag::Equal => LineKind::Kept,
                    ChangeTag::Delete => LineKind::Removed,
                    ChangeTag::Insert => LineKind::Added,
                },
                text: change.value().trim_end_matches('\n').to_owned(),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown_with_its_surroundings() {
        let before: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let after: Vec<String> = (0..20)
            .map(|n| {
                if n == 10 {
                    "ten".to_owned()
                } else {
                    n.to_string()
                }
            })
            .collect();
        let lines = lines(&before.join("\n"), &after.join("\n"));
        let of = |kind| -> Vec<&str> {
            let matching = lines.iter().filter(move |line| line.kind == kind);
            matching.map(|line| line.text.as_str()).collect()
        };
        assert_eq!(of(LineKind::Removed), ["10"]);
        assert_eq!(of(LineKind::Added), ["ten"]);
        assert_eq!(of(LineKind::Kept), ["7", "8", "9", "11", "12", "13"]);
        assert_eq!(of(LineKind::Gap).len(), 1);
    }
}
