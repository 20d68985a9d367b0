//! `keyferry policy explain`

use std::fmt::Write;

use keyferry_policy::explain::{
    ExplainedReason, ExplainedSetting, ExplainedStatement, Explanation,
};
use keyferry_policy::iam::Effect;
use keyferry_policy::matrix::Source;
use serde::Serialize;

use super::plan;
use crate::args::ExplainArgs;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{paragraph, width};

pub(super) fn run(invocation: &Invocation, arguments: &ExplainArgs) -> Result<Exit, Failure> {
    let plan = plan::read(&arguments.plan, invocation.settings.profile.as_deref())?;
    let mut explanation = Explanation::of(&plan);
    if let Some(kind) = arguments.document {
        explanation = explanation.of_kind(kind);
        if explanation.is_empty() {
            let what = format!("this plan has no {}", kind.title());
            return Err(Failure::new(Exit::Usage, what)
                .hint("`keyferry policy emit` prints the documents that it has"));
        }
    }
    if let Some(sid) = &arguments.statement {
        let names = names(&explanation);
        explanation = explanation.of_statement(sid);
        if explanation.is_empty() {
            let what = format!("no statement is called `{sid}`");
            return Err(Failure::new(Exit::Usage, what).hint(format!("there are {names}")));
        }
    }
    let terminal = &invocation.terminal;
    if terminal.is_text() {
        terminal.print(text(&explanation, width()).trim_end())?;
    } else {
        terminal.json_list(&entries(&explanation))?;
    }
    Ok(Exit::Done)
}

/// One thing that is explained, as data says it.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Entry<'a> {
    Statement(&'a ExplainedStatement),
    Setting(&'a ExplainedSetting),
}

fn entries(explanation: &Explanation) -> Vec<Entry<'_>> {
    let statements = explanation.statements.iter().map(Entry::Statement);
    let settings = explanation.settings.iter().map(Entry::Setting);
    statements.chain(settings).collect()
}

fn names(explanation: &Explanation) -> String {
    let mut names: Vec<&str> = explanation
        .statements
        .iter()
        .filter_map(|statement| statement.sid.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn text(explanation: &Explanation, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        file: String::new(),
        width,
    };
    for statement in &explanation.statements {
        let title = format!("{} for {}", statement.document.title(), statement.bucket);
        page.document(&statement.file, &title);
        page.statement(statement);
    }
    for setting in &explanation.settings {
        let title = format!("{} of {}", setting.document.title(), setting.bucket);
        page.document(&setting.file, &title);
        page.setting(setting);
    }
    page.text
}

/// Text under way.
struct Page {
    text: String,
    file: String,
    width: usize,
}

impl Page {
    /// A heading, where another document begins.
    fn document(&mut self, file: &str, title: &str) {
        if self.file != file {
            self.file = file.to_owned();
            let bold = anstyle::Style::new().bold();
            self.line(&format!("{bold}{file}{bold:#}: {title}\n"));
        }
    }

    fn statement(&mut self, statement: &ExplainedStatement) {
        self.line(&heading(statement.sid.as_deref().unwrap_or("(no name)")));
        let effect = match statement.effect {
            Effect::Allow => "allows",
            Effect::Deny => "denies",
        };
        self.entry(effect, &statement.actions.join(", "));
        self.entry("to", &statement.principals.join(", "));
        self.entry("on", &statement.resources.join(", "));
        for (operator, keys) in &statement.conditions {
            for (key, values) in keys {
                self.entry("if", &format!("{key} {operator} {}", values.join(" or ")));
            }
        }
        let several = statement.reasons.len() > 1;
        for reason in &statement.reasons {
            if several {
                self.line("");
                self.entry("of these", &reason.actions.join(", "));
            }
            self.reason(reason);
        }
        self.line("");
    }

    fn reason(&mut self, reason: &ExplainedReason) {
        self.entry("why", &reason.why);
        let sure = match (reason.need, reason.evidence) {
            (Some(need), Some(evidence)) => format!("{need}; {evidence}"),
            _ => "a guard, which replication does not need".to_owned(),
        };
        self.entry("how sure", &sure);
        if reason.need.is_some() {
            self.without(&reason.without, &reason.failure_codes);
        }
        self.entry("note", &reason.note);
        self.pages(&reason.pages);
        self.entry("row", &reason.id);
    }

    fn setting(&mut self, setting: &ExplainedSetting) {
        self.line(&heading(&setting.place));
        self.entry("rule", setting.rule.as_deref().unwrap_or_default());
        self.entry("value", &setting.value);
        self.entry("why", &setting.why);
        if !setting.without.is_empty() || !setting.failure_codes.is_empty() {
            self.without(&setting.without, &setting.failure_codes);
        }
        self.entry("note", &setting.note);
        self.pages(&setting.pages);
        self.entry("row", &setting.id);
        self.line("");
    }

    fn without(&mut self, without: &str, codes: &[String]) {
        let codes = if codes.is_empty() {
            "AWS names no failure code".to_owned()
        } else {
            codes.join(", ")
        };
        self.entry("without", format!("{without} {codes}").trim_start());
    }

    fn pages(&mut self, pages: &[Source]) {
        for page in pages {
            self.entry("page", &page.title);
            self.entry("", &page.url);
        }
    }

    /// A word and what it is about; nothing where there is nothing to say.
    fn entry(&mut self, word: &str, what: &str) {
        const INDENT: usize = 14;
        let mut word = word;
        for line in paragraph(what, self.width, INDENT) {
            let line = format!("    {word:<10}{}", line.trim_start());
            self.line(&line);
            word = "";
        }
    }

    fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn heading(name: &str) -> String {
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    format!("  {style}{name}{style:#}")
}
