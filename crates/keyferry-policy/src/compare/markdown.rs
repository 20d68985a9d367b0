//! A comparison as a Markdown table, and a list of what all columns share.

use super::{Answer, Comparison};

impl Comparison {
    /// The table of what sets the columns apart, with the pages as links, and the list of the rest.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let titles = self.columns.iter().map(|column| column.title);
        let header = row("", titles.map(ToOwned::to_owned));
        let rule = format!("|{}\n", " --- |".repeat(self.columns.len() + 1));
        let apart = self.rows.iter().filter_map(|compared| {
            let answers = compared.apart()?;
            let cells = answers.iter().zip(&compared.answers);
            Some(row(
                compared.title,
                cells.map(|(text, answer)| cell(text, answer)),
            ))
        });
        let mut markdown: String = [header, rule].into_iter().chain(apart).collect();
        let shared = self.rows.iter().flat_map(|compared| {
            let lines = compared.shared().into_iter();
            lines.map(|line| format!("- {}: {}\n", compared.title, escaped(line)))
        });
        let shared: Vec<String> = shared.collect();
        if !shared.is_empty() {
            markdown.push_str("\nFor all of them:\n\n");
            markdown.extend(shared);
        }
        markdown
    }
}

fn row(title: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("| {title} |");
    for cell in cells {
        line.push(' ');
        line.push_str(&cell);
        line.push_str(" |");
    }
    line.push('\n');
    line
}

fn cell(text: &str, answer: &Answer) -> String {
    let mut lines: Vec<String> = text.lines().map(escaped).collect();
    let pages = answer.pages.iter();
    lines.extend(pages.map(|page| format!("[{}]({})", escaped(&page.title), page.url)));
    lines.join("<br>")
}

/// Text whose characters mean nothing to Markdown's tables. Code in backticks stays code.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '[' | ']' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("&lt;"),
            other => escaped.push(other),
        }
    }
    escaped
}
