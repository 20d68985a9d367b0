//! JUnit's XML, as CI servers read it.
//!
//! One test case an object. What is refuted is a failure; what is pending or not proven is an error, since
//! a skipped test would let a run pass that has proven nothing. Skipped is only what needs no replica.

use std::io::{self, Write};

use keyferry_verify::Conclusion;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::entry::Entry;
use crate::run::Ending;
use crate::spool::Spool;
use crate::story;
use crate::tally::Tally;
use crate::{Run, printable};

/// Writes the document.
pub(crate) fn write(
    out: &mut dyn Write,
    run: &Run,
    tally: &Tally,
    ending: &Ending<'_>,
    spool: &mut Spool,
) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let count = |wanted: &[Option<Conclusion>]| {
        tally.count(|verdict| wanted.contains(&verdict.conclusion()))
    };
    let failures = count(&[Some(Conclusion::Refuted)]);
    let unproven = count(&[Some(Conclusion::Pending), Some(Conclusion::Undetermined)]);
    let skipped = count(&[None]).to_string();
    let lacking = lacking(run, tally, ending);
    let one_more = u64::from(lacking.is_some());
    let tests = (tally.objects + one_more).to_string();
    let errors = (unproven + one_more).to_string();
    let failures = failures.to_string();
    let took = seconds(ending.finished.duration_since(run.started).as_secs_f64());
    let started = run.started.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let suite = printable(&run.asked.join(", ")).into_owned();
    let sums = [
        ("tests", tests.as_str()),
        ("failures", failures.as_str()),
        ("errors", errors.as_str()),
        ("time", took.as_str()),
    ];
    let suites = BytesStart::new("testsuites")
        .with_attributes([("name", "keyferry verify")])
        .with_attributes(sums);
    xml.write_event(Event::Start(suites))?;
    let suite = BytesStart::new("testsuite")
        .with_attributes([
            ("name", suite.as_str()),
            ("timestamp", started.as_str()),
            ("skipped", skipped.as_str()),
        ])
        .with_attributes(sums);
    xml.write_event(Event::Start(suite))?;
    for entry in spool.entries()? {
        case(&mut xml, &entry?)?;
    }
    if let Some((kind, message)) = lacking {
        let case = BytesStart::new("testcase").with_attributes([
            ("classname", "keyferry"),
            ("name", "everything was looked at"),
        ]);
        xml.write_event(Event::Start(case))?;
        result(&mut xml, "error", kind, &message, &[])?;
        xml.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.get_mut().write_all(b"\n")
}

/// What keeps a run from proving anything, although no object's test case says so.
fn lacking(run: &Run, tally: &Tally, ending: &Ending<'_>) -> Option<(&'static str, String)> {
    if let Some(why) = ending.broken_off {
        let mut message = "the run was broken off before everything was looked at".to_owned();
        for told in [Some(&why.message), why.hint.as_ref()]
            .into_iter()
            .flatten()
        {
            message.push_str(": ");
            message.push_str(&printable(told));
        }
        Some(("broken-off", message))
    } else if tally.needing_replica() == 0 {
        Some(("nothing", story::tell(run.level, ending).title))
    } else {
        None
    }
}

fn case<W: Write>(xml: &mut Writer<W>, entry: &Entry) -> io::Result<()> {
    let mut name = printable(&entry.key).into_owned();
    if let Some(version) = &entry.version_id {
        name.push_str(&format!(" version {}", printable(version)));
    }
    let took = seconds(entry.latency.unwrap_or_default().as_secs_f64());
    let bucket = format!("s3://{}", printable(&entry.bucket));
    let case = BytesStart::new("testcase").with_attributes([
        ("classname", bucket.as_str()),
        ("name", name.as_str()),
        ("time", took.as_str()),
    ]);
    xml.write_event(Event::Start(case))?;
    let element = match entry.verdict.conclusion() {
        Some(Conclusion::Verified) => None,
        Some(Conclusion::Refuted) => Some("failure"),
        Some(Conclusion::Pending | Conclusion::Undetermined) => Some("error"),
        None => Some("skipped"),
    };
    if let Some(element) = element {
        let mut lines: Vec<String> = entry
            .because
            .iter()
            .map(|line| format!("because: {}", printable(line)))
            .collect();
        for repair in &entry.repairs {
            lines.push(format!("hint: {}", printable(&repair.words)));
            lines.extend(
                repair
                    .command
                    .iter()
                    .map(|command| format!("  {}", printable(command))),
            );
        }
        let headline = printable(&entry.headline);
        result(xml, element, entry.verdict.name(), &headline, &lines)?;
    }
    let seen: Vec<String> = entry
        .evidence
        .iter()
        .map(|(what, line)| format!("{what}: {}", printable(line)))
        .chain(
            entry
                .not_seen
                .iter()
                .map(|line| format!("not seen: {}", printable(line))),
        )
        .collect();
    xml.create_element("system-out")
        .write_text_content(BytesText::new(&seen.join("\n")))?;
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn result<W: Write>(
    xml: &mut Writer<W>,
    element: &str,
    kind: &str,
    message: &str,
    lines: &[String],
) -> io::Result<()> {
    xml.create_element(element)
        .with_attributes([("type", kind), ("message", message)])
        .write_text_content(BytesText::new(&lines.join("\n")))?;
    Ok(())
}

fn seconds(seconds: f64) -> String {
    format!("{:.3}", seconds.max(0.0))
}
