//! `keyferry key import`: a key that somebody already has, with doubts settled before it is stored.

use std::path::PathBuf;

use keyferry_key::KeyMd5;
use keyferry_key::import::{self, Format, Imported};
use keyferry_keystore::{ImportOutcome, RingName, Role, Succession};
use keyferry_transfer::ObjectAddress;

use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{keys, secret_input};

pub(super) struct Request {
    pub(super) ring: String,
    pub(super) source: Source,
    pub(super) format: Format,
    pub(super) md5: Option<KeyMd5>,
    pub(super) verify: Option<ObjectAddress>,
    pub(super) decrypt_only: bool,
}

pub(super) enum Source {
    Stdin,
    File(PathBuf),
    Descriptor(u32),
    Environment(String),
}

impl Source {
    pub(super) fn from_arguments(
        file: Option<PathBuf>,
        fd: Option<u32>,
        env: Option<String>,
    ) -> Self {
        match (file, fd, env) {
            (_, Some(number), _) => Self::Descriptor(number),
            (_, _, Some(name)) => Self::Environment(name),
            (Some(path), _, _) if path.as_os_str() != "-" => Self::File(path),
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
}

pub(super) async fn run(invocation: &Invocation, request: Request) -> Result<Exit, Failure> {
    let ring: RingName = request.ring.parse()?;
    let imported = decode(&request)?;
    if imported.strength.bits() < 256 {
        invocation.terminal.warn(format!(
            "the form of this key allows {} of randomness; replace it when you can",
            imported.strength
        ));
    }
    if let Some(expected) = request.md5
        && imported.key.md5() != expected
    {
        return Err(Failure::new(
            Exit::Key,
            format!(
                "refused: the key's MD5 is {}, not {expected}",
                imported.key.md5()
            ),
        )
        .hint("nothing was stored; look for another key, or another --format"));
    }
    if let Some(address) = &request.verify {
        let aws = Aws::connect(&invocation.settings).await?;
        let region = aws.bucket_region(&address.bucket).await?;
        keyferry_verify::receipt_of(&aws.client(&region)?, address, None, &region, &imported.key)
            .await
            .map_err(|error| {
                Failure::from(error)
                    .hint("nothing was stored; look for another key, or another --format")
            })?;
    }
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let role = if request.decrypt_only || keys::active_in(store.list(), &ring).is_some() {
        Role::DecryptOnly
    } else {
        Role::Active(Succession::FirstOnly)
    };
    let outcome = store.import(&ring, &imported, &request.source.name(), role)?;
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

fn decode(request: &Request) -> Result<Imported, Failure> {
    let bytes = match &request.source {
        Source::Stdin => secret_input::from_stdin()?,
        Source::File(path) => secret_input::from_file(path)?,
        Source::Descriptor(number) => secret_input::from_descriptor(*number)?,
        Source::Environment(name) => secret_input::from_environment(name)?,
    };
    import::decode(&bytes, request.format).map_err(|error| {
        Failure::new(Exit::Key, format!("{}: {error}", request.source.name())).hint(error.hint())
    })
}
