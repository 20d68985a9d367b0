//! `keyferry key import`: a key that somebody already has, with doubts settled before it is stored.

use std::path::PathBuf;

use keyferry_key::KeyMd5;
use keyferry_key::import::{self, Format, ImportError, Imported};
use keyferry_keystore::{ImportOutcome, RingName, Role, Succession};
use keyferry_verify::ErrorKind;
use zeroize::Zeroizing;

use crate::args::{ImportArgs, Md5Argument, ObjectVersion, looks_like_a_key};
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{keys, secret_input};

enum Source {
    Stdin,
    File(PathBuf),
    Descriptor(u32),
    Environment(String),
}

impl Source {
    fn from_arguments(arguments: &ImportArgs) -> Self {
        match (&arguments.file, arguments.fd, &arguments.env) {
            (_, Some(number), _) => Self::Descriptor(number),
            (_, _, Some(name)) => Self::Environment(name.clone()),
            (Some(path), _, _) if path.as_os_str() != "-" => Self::File(path.clone()),
            _ => Self::Stdin,
        }
    }

    /// How the store remembers where the key came from.
    fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => format!("file {}", path.display()),
            Self::Descriptor(number) => format!("file descriptor {number}"),
            Self::Environment(name) => format!("environment variable {name}"),
        }
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match self {
            Self::Stdin => secret_input::from_stdin(),
            Self::File(path) => secret_input::from_file(path),
            Self::Descriptor(number) => secret_input::from_descriptor(*number),
            Self::Environment(name) => secret_input::from_environment(name),
        }
    }
}

pub(super) async fn run(invocation: &Invocation, arguments: ImportArgs) -> Result<Exit, Failure> {
    refuse_keys_among(&arguments)?;
    let ring: RingName = arguments.ring.parse()?;
    let md5 = arguments.md5.as_ref().map(md5).transpose()?;
    let source = Source::from_arguments(&arguments);
    let provable = md5.is_some() || arguments.verify.is_some();
    let Reading { imported, doubt } = read(&source, arguments.format, provable)?;
    if let Some(caution) = imported.caution() {
        invocation.terminal.warn(caution);
    }
    if let Some(expected) = md5 {
        check_md5(&imported, expected, doubt.as_ref())?;
    }
    if let Some(object) = &arguments.verify {
        check_object(invocation, &imported, object).await?;
    }
    if let Some(doubt) = doubt {
        invocation.terminal.say(format!(
            "{doubt}; the key inside is proven to be the right one"
        ));
    }

    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let role = if arguments.decrypt_only || keys::active_in(store.list(), &ring).is_some() {
        Role::DecryptOnly
    } else {
        Role::Active(Succession::FirstOnly)
    };
    let outcome = store.import(&ring, &imported, &source.name(), role)?;
    let entry = outcome.entry();
    if !invocation.terminal.is_text() {
        invocation.terminal.json(entry)?;
        return Ok(Exit::Done);
    }
    let state = match outcome {
        ImportOutcome::AlreadyPresent(_) => "was in the store already",
        _ => "imported",
    };
    invocation.terminal.say(format!(
        "{state}: {} version {}, {}",
        entry.ring, entry.version, entry.state
    ));
    invocation.terminal.print(&entry.id)?;
    Ok(Exit::Done)
}

/// A key in place of a name is refused before anything can repeat it.
fn refuse_keys_among(arguments: &ImportArgs) -> Result<(), Failure> {
    let ImportArgs {
        ring, file, env, ..
    } = arguments;
    let missing_file = file
        .as_ref()
        .filter(|path| path.symlink_metadata().is_err())
        .and_then(|path| path.to_str());
    let what = if ring.parse::<RingName>().is_err() && looks_like_a_key(ring) {
        "RING"
    } else if missing_file.is_some_and(looks_like_a_key) {
        "FILE"
    } else if env.as_deref().is_some_and(looks_like_a_key) {
        "--env"
    } else if arguments.md5 == Some(Md5Argument::LooksLikeAKey) {
        "--md5"
    } else {
        return Ok(());
    };
    Err(keys::given_as_argument(what).hint(
        "treat that key as known to others; give the key in a file, by standard input, --fd N or --env NAME",
    ))
}

fn md5(argument: &Md5Argument) -> Result<KeyMd5, Failure> {
    let refused = |why: &str| Failure::new(Exit::Usage, format!("--md5: {why}"));
    match argument {
        Md5Argument::Md5(md5) => Ok(*md5),
        Md5Argument::DigitsInBase64 => Err(refused("this is the base64 of an MD5's digits")
            .hint("give the digits as md5sum prints them, or the base64 of the 16 bytes: `openssl dgst -md5 -binary FILE | base64`")),
        Md5Argument::Sample => Err(refused("this stands in AWS's documentation and is no MD5")
            .hint("take it from where your key is used, or leave --md5 out")),
        Md5Argument::Malformed | Md5Argument::LooksLikeAKey => {
            Err(refused("not an MD5: it must be the base64 of 16 bytes, or 32 hex digits")
                .hint("`openssl dgst -md5 -binary FILE | base64` prints it, for 32 raw bytes in FILE"))
        }
    }
}

/// A key, and what the import rules have against how it was given.
struct Reading {
    imported: Imported,
    doubt: Option<String>,
}

/// Reads a key by the rules. Where they refuse it and the caller can prove which key is meant, the
/// likely one is taken for that proof.
fn read(source: &Source, format: Format, provable: bool) -> Result<Reading, Failure> {
    let bytes = source.read()?;
    let error = match import::decode(&bytes, format) {
        Ok(imported) => {
            let doubt = None;
            return Ok(Reading { imported, doubt });
        }
        Err(error) => error,
    };
    let refused = Failure::new(Exit::Key, format!("{}: {error}", source.name()));
    let likely = match (&error, format) {
        (ImportError::NotAKey { .. }, Format::Auto) => import::likely(&bytes),
        _ => None,
    };
    match (likely, error) {
        (Some(imported), ImportError::NotAKey { diagnosis }) if provable => Ok(Reading {
            imported,
            doubt: Some(format!("{}: {diagnosis}", source.name())),
        }),
        (Some(_), error) => Err(refused.hint(format!(
            "{}; or prove with `--md5 MD5` or `--verify s3://BUCKET/KEY` which key is meant",
            error.hint()
        ))),
        (None, error) => Err(refused.hint(error.hint())),
    }
}

fn check_md5(imported: &Imported, expected: KeyMd5, doubt: Option<&String>) -> Result<(), Failure> {
    let found = imported.key.md5();
    if found == expected {
        return Ok(());
    }
    let what = match doubt {
        None => "refused: the key's MD5".to_owned(),
        Some(doubt) => format!("{doubt}, and the MD5 of the key inside"),
    };
    Err(
        Failure::new(Exit::Key, format!("{what} is {found}, not {expected}"))
            .hint("nothing was stored; look for another key, or another --format"),
    )
}

async fn check_object(
    invocation: &Invocation,
    imported: &Imported,
    object: &ObjectVersion,
) -> Result<(), Failure> {
    let ObjectVersion {
        address,
        version_id,
    } = object;
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&address.bucket).await?;
    let client = aws.client(&region)?;
    keyferry_verify::receipt_of(
        &client,
        address,
        version_id.as_deref(),
        &region,
        &imported.key,
    )
    .await
    .map(|_| ())
    .map_err(|error| {
        let wrong_key = error.kind() == ErrorKind::WrongKey;
        let failure = Failure::from(error);
        if wrong_key {
            failure.hint("nothing was stored; look for another key, or another --format")
        } else {
            failure
        }
    })
}
