//! Passphrases and keys from outside: a file, a descriptor, the environment, a prompt. Never argv.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use keyferry_key::import::LONGEST;
use keyferry_keystore::Passphrase;
use zeroize::Zeroizing;

use crate::args::SecretPlace;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::settings::Settings;
use crate::{inherited, interrupt};

/// The environment variable that may hold the passphrase.
pub(crate) const PASSPHRASE_VARIABLE: &str = "KEYFERRY_PASSPHRASE";

/// The passphrase of an existing store, asked for.
pub(crate) fn passphrase() -> Result<Passphrase, Failure> {
    let typed = prompt("Passphrase of the key store: ")?;
    Passphrase::new(typed).map_err(|error| Failure::from_error(Exit::Store, &error))
}

/// The passphrase for a new store: typed twice, unless it is given otherwise.
pub(crate) fn new_passphrase(settings: &Settings) -> Result<Passphrase, Failure> {
    if let Some(given) = given_passphrase(settings)? {
        return Ok(given);
    }
    chosen_passphrase()
}

/// A passphrase that is to open a store from now on: from its place, or typed twice.
pub(crate) fn further_passphrase(place: Option<&SecretPlace>) -> Result<Passphrase, Failure> {
    match place {
        Some(place) => Passphrase::new(line_from(place)?)
            .map_err(|error| Failure::from_error(Exit::Usage, &error)),
        None => chosen_passphrase(),
    }
}

fn chosen_passphrase() -> Result<Passphrase, Failure> {
    let typed = prompt("New passphrase for the key store: ")?;
    let again = Zeroizing::new(prompt("Once more: ")?);
    if typed != *again {
        return Err(Failure::new(Exit::Usage, "the two passphrases differ"));
    }
    Passphrase::new(typed).map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// The passphrase of an existing store, if it is given without asking.
pub(crate) fn given_passphrase(settings: &Settings) -> Result<Option<Passphrase>, Failure> {
    let text = if let Some(descriptor) = settings.passphrase_fd {
        Some(first_line(&from_descriptor(descriptor)?)?)
    } else if let Some(path) = &settings.passphrase_file {
        Some(first_line(&from_file(path)?)?)
    } else {
        inherited::secret(PASSPHRASE_VARIABLE)
            .map(|bytes| text(&bytes))
            .transpose()?
    };
    text.map(Passphrase::new)
        .transpose()
        .map_err(|error| Failure::from_error(Exit::Usage, &error))
}

/// Asks on the terminal itself, so that standard input and standard error may be pipes.
fn prompt(question: &str) -> Result<String, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let Ok(terminal) = terminal else {
        return Err(Failure::new(
            Exit::Store,
            "the key store needs its passphrase, and there is no terminal to ask on",
        )
        .hint(format!(
            "give --passphrase-file FILE, --passphrase-fd N, or set {PASSPHRASE_VARIABLE}"
        )));
    };
    interrupt::at_prompt(terminal, || rpassword::prompt_password(question)).map_err(|error| {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::new(Exit::Store, "no passphrase was given")
                .hint("type it and end it with Enter"),
            _ => Failure::new(
                Exit::Failure,
                format!("cannot ask for the passphrase on the terminal: {error}"),
            )
            .hint("give --passphrase-file FILE or --passphrase-fd N"),
        }
    })
}

/// The first line of a secret's place.
pub(crate) fn line_from(place: &SecretPlace) -> Result<String, Failure> {
    match place {
        SecretPlace::File(path) => first_line(&from_file(path)?),
        SecretPlace::Descriptor(number) => first_line(&from_descriptor(*number)?),
        SecretPlace::Environment(name) => first_line(&from_environment(name)?),
    }
}

/// Asks for a secret on the terminal, if there is one.
pub(crate) fn ask(question: &str) -> Option<String> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    terminal.ok()?;
    rpassword::prompt_password(question).ok()
}

fn first_line(bytes: &[u8]) -> Result<String, Failure> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    text(line)
}

fn text(bytes: &[u8]) -> Result<String, Failure> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(
            Failure::new(Exit::Usage, "a passphrase or PIN must be UTF-8")
                .hint("save it as UTF-8 text, or choose one of plain letters"),
        ),
    }
}

/// The bytes of a file that holds a secret.
pub(crate) fn from_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let attempt = |action: &str, error: &io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "run as the user who may read it",
            io::ErrorKind::IsADirectory => "name a file in that folder",
            _ => "check the disk and the path",
        };
        Failure::new(
            Exit::Failure,
            format!("cannot {action} `{}`: {error}", path.display()),
        )
        .hint(hint)
    };
    let file = File::open(path).map_err(|error| attempt("open", &error))?;
    read(file).map_err(|error| attempt("read", &error))
}

/// The bytes behind a file descriptor.
pub(crate) fn from_descriptor(descriptor: u32) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let attempt = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => format!("file descriptor {descriptor} is not open"),
            _ => format!("cannot read file descriptor {descriptor}: {error}"),
        };
        Failure::new(Exit::Failure, what).hint(format!(
            "open it for reading where keyferry is started, in a shell with `{descriptor}< FILE`"
        ))
    };
    let file = File::open(format!("/dev/fd/{descriptor}")).map_err(attempt)?;
    read(file).map_err(attempt)
}

/// The bytes of an environment variable.
pub(crate) fn from_environment(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    inherited::secret(name).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!("the environment variable `{name}` is not set"),
        )
        .hint("give the variable's name, not its value, and export it")
    })
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
    // One byte more than a key or a passphrase has, so that longer ones are noticed. Reserved once, so
    // that growing leaves no copies behind.
    let most = LONGEST + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    let mut limited = source.take(most as u64);
    limited.read_to_end(&mut bytes)?;
    Ok(bytes)
}
