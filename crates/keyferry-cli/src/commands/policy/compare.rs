//! `keyferry policy compare`

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use keyferry_policy::EncryptionKind;
use keyferry_policy::compare::{Comparison, Question};

use crate::args::{CompareArgs, CompareFormat};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{paragraph, width};

/// What a column needs, so that no name of an action is broken.
const COLUMN: usize = 22;
/// What the titles of the rows need.
const TITLES: usize = 28;

pub(super) fn run(invocation: &Invocation, arguments: &CompareArgs) -> Result<Exit, Failure> {
    let question = Question {
        cross_account: arguments.cross_account,
        both_ways: arguments.both_ways,
        profile: arguments.permissions.into(),
    };
    let wanted: Vec<EncryptionKind> = arguments
        .encryptions
        .iter()
        .map(|kind| EncryptionKind::from(*kind))
        .collect();
    let comparison = Comparison::of(question, |column| {
        wanted.is_empty() || wanted.contains(&column.kind())
    });
    let terminal = &invocation.terminal;
    if !terminal.is_text() {
        terminal.json(&comparison)?;
    } else if arguments.format == CompareFormat::Markdown {
        terminal.print(comparison.to_markdown().trim_end())?;
    } else {
        terminal.print(text(&comparison, width()))?;
    }
    Ok(Exit::Done)
}

fn text(comparison: &Comparison, width: usize) -> String {
    let mut parts = vec![comparison.title()];
    let fits = TITLES + comparison.columns.len() * COLUMN <= width;
    parts.push(if fits {
        table(comparison, width).to_string()
    } else {
        list(comparison, width)
    });
    let shared = shared(comparison, width);
    if !shared.is_empty() {
        parts.push(format!("For all of them\n{shared}"));
    }
    let pages = pages(comparison);
    if !pages.is_empty() {
        parts.push(format!("Pages on cost\n{pages}"));
    }
    parts.join("\n\n")
}

/// What sets the columns apart.
fn table(comparison: &Comparison, width: usize) -> Table {
    let mut table = Table::new();
    let columns = comparison.columns.iter().map(|column| column.title);
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(std::iter::once("").chain(columns));
    for row in &comparison.rows {
        if let Some(answers) = row.apart() {
            table.add_row(std::iter::once(row.title.to_owned()).chain(answers));
        }
    }
    if let Some(titles) = table.column_mut(0) {
        titles.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// The same, a column below the other.
fn list(comparison: &Comparison, width: usize) -> String {
    let mut lines = Vec::new();
    for (index, column) in comparison.columns.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.push(column.title.to_owned());
        for row in &comparison.rows {
            if let Some(answer) = row.apart().as_ref().and_then(|answers| answers.get(index)) {
                lines.push(entry(row.title, answer, width));
            }
        }
    }
    lines.join("\n")
}

fn shared(comparison: &Comparison, width: usize) -> String {
    let rows = comparison.rows.iter();
    let said = rows.map(|row| (row.title, row.shared().join("\n")));
    let entries = said
        .filter(|(_, said)| !said.is_empty())
        .map(|(title, said)| entry(title, &said, width));
    entries.collect::<Vec<_>>().join("\n")
}

/// A question and its answer beside it.
fn entry(title: &str, said: &str, width: usize) -> String {
    const INDENT: usize = 28;
    let mut lines = said.lines().flat_map(|line| paragraph(line, width, INDENT));
    let first = lines.next().unwrap_or_default();
    let mut entry = format!("  {title:<26}{}", first.trim_start());
    for line in lines {
        entry.push('\n');
        entry.push_str(&line);
    }
    entry
}

fn pages(comparison: &Comparison) -> String {
    let mut pages: Vec<String> = Vec::new();
    let answers = comparison.rows.iter().flat_map(|row| &row.answers);
    for page in answers.flat_map(|answer| &answer.pages) {
        let line = format!("  {}\n    {}", page.title, page.url);
        if !pages.contains(&line) {
            pages.push(line);
        }
    }
    pages.join("\n")
}
