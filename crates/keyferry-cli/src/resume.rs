//! Going on with transfers that broke off: where they are remembered, and the command that does it.

use std::ffi::OsString;

use clap::Command;
use keyferry_policy::Region;
use keyferry_transfer::{Overwrite, Resume, ResumePlace, TransferError};

use crate::args::{self, Arguments};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::human_bytes;

/// What becomes of an earlier transfer.
pub(crate) fn asked(resume: bool) -> Resume {
    if resume {
        Resume::Continue
    } else {
        Resume::StartOver
    }
}

/// What happens to what is there: whoever goes on does not do again what an earlier run has finished.
pub(crate) fn overwrite(asked: args::Overwrite, resume: bool) -> Overwrite {
    match (asked, resume) {
        (args::Overwrite::Always, true) => Overwrite::IfDifferent,
        (asked, _) => asked.into(),
    }
}

/// Where unfinished uploads to a region are remembered; nowhere without a home. The endpoint is part
/// of the name: other services may have a bucket of the same name.
pub(crate) fn place(settings: &Settings, region: &Region, resume: bool) -> Option<ResumePlace> {
    let endpoint = settings
        .endpoints
        .as_ref()
        .and_then(|endpoints| endpoints.of(region));
    let folder = settings.state.as_ref()?.join("transfers");
    let service = endpoint.map_or_else(String::new, ToString::to_string);
    Some(ResumePlace::new(folder, service, asked(resume)))
}

/// What a transfer that failed is to the user: one that can be continued comes with the command.
pub(crate) fn failure(error: TransferError) -> Failure {
    let TransferError::Resumable { cause, kept, total } = error else {
        return error.into();
    };
    let failure = Failure::from(*cause);
    let message = match kept {
        0 => failure.message().to_owned(),
        kept => format!(
            "{}; {} of {} are kept",
            failure.message(),
            human_bytes(kept),
            human_bytes(total)
        ),
    };
    let again = format!("resume with: {}", command(std::env::args_os()));
    let hint = match failure.hint_text() {
        Some(hint) => format!("{hint}; {again}"),
        None => again,
    };
    Failure::new(failure.exit(), message).hint(hint)
}

/// The command line with `--resume` behind the name of the command, as a shell takes it. Secrets are
/// not in it: they cannot be given as arguments.
pub(crate) fn command(arguments: impl IntoIterator<Item = OsString>) -> String {
    let known = Arguments::command_line();
    let mut words = vec!["keyferry".to_owned()];
    let mut arguments = arguments.into_iter().skip(1);
    let mut resumes = false;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        words.push(quoted(&argument));
        if !resumes && !text.starts_with('-') {
            // These have no such option: their next run does what is left to do.
            if !["cp", "sync"].contains(&&*text) {
                words.push("--resume".to_owned());
            }
            resumes = true;
        } else if !resumes && takes_value(&known, &text) {
            words.extend(arguments.next().as_ref().map(quoted));
        } else if text == "--resume" {
            words.pop();
        }
    }
    words.join(" ")
}

/// Whether an option's value is the next argument.
fn takes_value(known: &Command, text: &str) -> bool {
    let Some(name) = text.strip_prefix("--") else {
        return false;
    };
    known
        .get_arguments()
        .any(|argument| argument.get_long() == Some(name) && argument.get_action().takes_values())
}

fn quoted(argument: &OsString) -> String {
    let text = argument.to_string_lossy();
    // Only a NUL cannot be quoted, and no argument has one.
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_what_was_typed() {
        for (typed, expected) in [
            (
                &["/usr/bin/keyferry", "upload", "a b", "s3://bucket/it's"][..],
                "keyferry upload --resume 'a b' \"s3://bucket/it's\"",
            ),
            (
                &[
                    "keyferry", "--store", "upload", "-v", "download", "s3://b/k", ".",
                ],
                "keyferry --store upload -v download --resume s3://b/k .",
            ),
            (
                &[
                    "keyferry",
                    "--region=x",
                    "-q",
                    "upload",
                    "--resume",
                    "a",
                    "s3://b",
                ],
                "keyferry '--region=x' -q upload --resume a s3://b",
            ),
            (
                &["keyferry", "upload", "--", "-file", "s3://b"],
                "keyferry upload --resume -- -file s3://b",
            ),
        ] {
            let typed = typed.iter().map(|word| OsString::from(*word));
            assert_eq!(command(typed), expected);
        }
    }
}
