//! Passphrases and keys from outside: a file, a descriptor, the environment, a prompt. Never argv.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use keyferry_keystore::Passphrase;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::settings::Settings;

/// Nothing that is a key or a passphrase is longer; reading stops there.
const LONGEST: u64 = 64 * 1024;

/// The environment variable that may hold the passphrase.
const PASSPHRASE_VARIABLE: &str = "KEYFERRY_PASSPHRASE";

/// The passphrase of an existing store.
pub(crate) fn passphrase(settings: &Settings) -> Result<Passphrase, Failure> {
    passphrase_for(settings, "Passphrase of the key store: ")
}

/// The passphrase of something that exists: given as the key store's is, or asked for.
pub(crate) fn passphrase_for(settings: &Settings, question: &str) -> Result<Passphrase, Failure> {
    if let Some(given) = given_passphrase(settings)? {
        return Ok(given);
    }
    let typed = prompt(question)?;
    Passphrase::new(typed).map_err(|error| Failure::from_error(Exit::Store, &error))
}

/// The passphrase on the first line of a file.
pub(crate) fn passphrase_in(path: &Path) -> Result<Passphrase, Failure> {
    let text = first_line(&from_file(path)?)?;
    Passphrase::new(text).map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .is_ok()
}

/// The passphrase for a new store: typed twice, unless it is given otherwise.
pub(crate) fn new_passphrase(settings: &Settings) -> Result<Passphrase, Failure> {
    if let Some(given) = given_passphrase(settings)? {
        return Ok(given);
    }
    new_passphrase_of("New passphrase for the key store: ")
}

/// A new passphrase, typed twice.
pub(crate) fn new_passphrase_of(question: &str) -> Result<Passphrase, Failure> {
    let typed = prompt(question)?;
    let again = Zeroizing::new(prompt("Once more: ")?);
    if typed != *again {
        return Err(Failure::new(Exit::Usage, "the two passphrases differ"));
    }
    Passphrase::new(typed).map_err(|error| Failure::from_error(Exit::Usage, &error))
}

fn given_passphrase(settings: &Settings) -> Result<Option<Passphrase>, Failure> {
    let text = if let Some(descriptor) = settings.passphrase_fd {
        Some(first_line(&from_descriptor(descriptor)?)?)
    } else if let Some(path) = &settings.passphrase_file {
        Some(first_line(&from_file(path)?)?)
    } else {
        env::var(PASSPHRASE_VARIABLE).ok()
    };
    text.map(Passphrase::new)
        .transpose()
        .map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// Asks on the terminal itself, so that standard input and standard error may be pipes.
fn prompt(question: &str) -> Result<String, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    if terminal.is_err() {
        return Err(Failure::new(
            Exit::Store,
            "the key store needs its passphrase, and there is no terminal to ask on",
        )
        .hint(format!(
            "give --passphrase-file FILE, --passphrase-fd N, or set {PASSPHRASE_VARIABLE}"
        )));
    }
    rpassword::prompt_password(question).context("read", "the passphrase")
}

fn first_line(bytes: &[u8]) -> Result<String, Failure> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8(line.to_vec())
        .map_err(|_| Failure::new(Exit::Usage, "the passphrase is not UTF-8"))
}

/// The bytes of a file that holds a secret.
pub(crate) fn from_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let file = File::open(path).context("open", path.display())?;
    read(file).context("read", path.display())
}

/// The bytes behind a file descriptor.
pub(crate) fn from_descriptor(descriptor: u32) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let path = format!("/dev/fd/{descriptor}");
    let file = File::open(&path).context("open", format!("file descriptor {descriptor}"))?;
    read(file).context("read", format!("file descriptor {descriptor}"))
}

/// The bytes of an environment variable.
pub(crate) fn from_environment(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    use std::os::unix::ffi::OsStringExt;
    let value = env::var_os(name).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!("the environment variable `{name}` is not set"),
        )
        .hint("give the variable's name, not its value, and export it")
    })?;
    Ok(Zeroizing::new(value.into_vec()))
}

/// The bytes on standard input.
pub(crate) fn from_stdin() -> Result<Zeroizing<Vec<u8>>, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "standard input is a terminal: a key typed there is seen",
        )
        .hint("pipe the key in, or give its file"));
    }
    read(io::stdin().lock()).context("read", "standard input")
}

fn read(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Reserved once, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    source.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
