//! Secrets out of the environment.
//!
//! What stands in a process's environment can be read there for as long as it runs, and every process
//! that it starts inherits it: age's plugins, a `credential_process`. A process cannot reliably take a
//! variable back, but it can begin again without it. So the values go into pipes, keyferry executes
//! itself once more with the variables removed, and reads the pipes first thing.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

use rustix::io::{FdFlags, fcntl_setfd};
use zeroize::Zeroizing;

/// Says which pipes hold what: `PID NAME=DESCRIPTOR ...`. Only the process of that number is meant.
const VARIABLE: &str = "KEYFERRY_INHERITED";

/// Every pipe holds as much before anybody reads it.
const LONGEST: usize = 4096;

type Values = BTreeMap<String, Zeroizing<Vec<u8>>>;

static VALUES: OnceLock<Values> = OnceLock::new();

/// The value of an environment variable that may hold a secret.
pub(crate) fn secret(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt;
    let taken = VALUES.get().and_then(|values| values.get(name));
    taken
        .cloned()
        .or_else(|| Some(Zeroizing::new(env::var_os(name)?.into_vec())))
}

/// Takes secrets out of the environment: `named` always, and the variables that the command line
/// names. Returns in a process without them; in this one if something stands in the way.
pub(crate) fn take_secrets(named: &[&str]) {
    if let Some(values) = receive() {
        let _ = VALUES.set(values);
        return;
    }
    let mut names: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
    names.extend(named_on_the_command_line(env::args_os(), |variable| {
        env::var_os(variable)
    }));
    names.sort();
    names.dedup();
    let pipes: Vec<(String, PipeReader)> = names
        .into_iter()
        .filter_map(|name| {
            let value = Zeroizing::new(env::var_os(&name)?.as_bytes().to_vec());
            Some((name, filled_pipe(&value)?))
        })
        .collect();
    if !pipes.is_empty() {
        begin_again(&pipes);
    }
}

fn filled_pipe(value: &[u8]) -> Option<PipeReader> {
    if value.len() > LONGEST {
        return None;
    }
    let (reader, mut writer) = std::io::pipe().ok()?;
    writer.write_all(value).ok()?;
    // The reading end survives the execution; the writing end is gone before.
    fcntl_setfd(&reader, FdFlags::empty()).ok()?;
    Some(reader)
}

/// Does not return if all goes well.
fn begin_again(pipes: &[(String, PipeReader)]) {
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let mut list = std::process::id().to_string();
    for (name, reader) in pipes {
        list.push_str(&format!(" {name}={}", reader.as_raw_fd()));
        command.env_remove(name);
    }
    let _why_not = command.args(arguments).env(VARIABLE, list).exec();
}

fn receive() -> Option<Values> {
    let list = env::var(VARIABLE).ok()?;
    let mut words = list.split(' ');
    // A process that keyferry starts inherits the variable, but not the number.
    if words.next()?.parse() != Ok(std::process::id()) {
        return None;
    }
    let read = |word: &str| -> Option<(String, Zeroizing<Vec<u8>>)> {
        let (name, descriptor) = word.split_once('=')?;
        let descriptor: u32 = descriptor.parse().ok()?;
        let mut value = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        File::open(format!("/dev/fd/{descriptor}"))
            .ok()?
            .read_to_end(&mut value)
            .ok()?;
        Some((name.to_owned(), value))
    };
    Some(words.filter_map(read).collect())
}

/// The variables named by `env:NAME` behind an option, or by `--env NAME`.
fn named_on_the_command_line(
    arguments: impl Iterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<String> {
    let text = |value: &OsStr| value.to_str().map(str::to_owned);
    let arguments: Vec<String> = arguments.filter_map(|argument| text(&argument)).collect();
    let mut options: Vec<(String, String)> = arguments
        .iter()
        .zip(arguments.iter().skip(1))
        .filter(|(option, _)| option.starts_with("--"))
        .map(|(option, value)| (option.clone(), value.clone()))
        .collect();
    options.extend(arguments.iter().filter_map(|argument| {
        let (option, value) = argument.split_once('=')?;
        Some((option.to_owned(), value.to_owned()))
    }));
    for (name, option) in [("KEYFERRY_KEY", "--key"), ("KEYFERRY_ENV", "--env")] {
        if let Some(value) = variable(name).as_deref().and_then(text) {
            options.push((option.to_owned(), value));
        }
    }
    let valid = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    options
        .into_iter()
        .filter_map(|(option, value)| match option.as_str() {
            "--env" => Some(value),
            option if option.starts_with("--") => value.strip_prefix("env:").map(str::to_owned),
            _ => None,
        })
        .filter(|name| valid(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_where_options_name_them() {
        let found = |line: &str, key: Option<&str>| {
            let arguments = line.split(' ').map(OsString::from);
            named_on_the_command_line(arguments, |name| {
                key.filter(|_| name == "KEYFERRY_KEY").map(OsString::from)
            })
        };
        assert_eq!(found("keyferry upload f s3://b/k --key env:A", None), ["A"]);
        assert_eq!(found("keyferry upload f s3://b/k --key=env:A", None), ["A"]);
        assert_eq!(found("keyferry key import r --env B", None), ["B"]);
        assert_eq!(found("keyferry key import r --env=B", None), ["B"]);
        assert_eq!(found("keyferry download s3://b/k f", Some("env:C")), ["C"]);
        assert!(found("keyferry upload env:HOME s3://b/k --key ring", None).is_empty());
        assert!(found("keyferry key import r --env not/a/name", None).is_empty());
    }
}
