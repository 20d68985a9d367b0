//! Opening a key store by whichever of its openers works.
//!
//! What was given is tried first, then what needs no person and no network, then services, and a
//! person is asked last: for a token's PIN, for the passphrase. An opener that does not work stops
//! nothing while another may; if none does, each says why.

mod prompt;
pub(crate) mod services;

use std::path::Path;
use std::sync::Arc;

use keyferry_keystore::{
    Error, Identities, LockedStore, Opener, OpenerKind, OpenerName, OpenerState, Passphrase,
    Prompt, Store, Unlock,
};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::Terminal;
use crate::{secret_input, store_place};

/// How a person is asked by identities and plugins.
pub(crate) fn prompt(terminal: Terminal) -> Arc<dyn Prompt> {
    Arc::new(prompt::TerminalPrompt(terminal))
}

/// The identities in a file.
pub(crate) fn identities(path: &Path, terminal: Terminal) -> Result<Identities, Failure> {
    let bytes = secret_input::from_file(path).map_err(|failure| failure.with_exit(Exit::Store))?;
    let name = path.display().to_string();
    Ok(Identities::parse(&bytes, &name, &prompt(terminal))?)
}

/// Opens the store.
pub(crate) fn open(settings: &Settings, terminal: Terminal) -> Result<Store, Failure> {
    let store = store_place::find(settings)?;
    let openers: Vec<Opener> = store
        .openers()?
        .into_iter()
        .filter(|opener| opener.state != OpenerState::Missing)
        .collect();
    if openers.is_empty() {
        // Says what is missing.
        return Ok(store.unlock(&Unlock::Unprotected)?);
    }
    open_by(settings, terminal, store, openers)
}

/// Opens the store by another opener than this one, which is to go.
pub(crate) fn open_but(
    settings: &Settings,
    terminal: Terminal,
    name: &OpenerName,
) -> Result<Store, Failure> {
    let store = store_place::find(settings)?;
    let openers = store.openers()?;
    if !openers.iter().any(|opener| opener.name == *name) {
        return Err(Error::UnknownOpener { name: name.clone() }.into());
    }
    let others: Vec<Opener> = openers
        .into_iter()
        .filter(|opener| opener.name != *name && opener.state != OpenerState::Missing)
        .collect();
    if others.is_empty() {
        return Err(Error::LastOpener { name: name.clone() }.into());
    }
    let store = open_by(settings, terminal, store, others)?;
    for finding in store.findings() {
        terminal.warn(finding);
    }
    Ok(store)
}

fn open_by(
    settings: &Settings,
    terminal: Terminal,
    store: LockedStore,
    mut openers: Vec<Opener>,
) -> Result<Store, Failure> {
    if let Some(name) = &settings.open_with {
        openers.retain(|opener| opener.name == *name);
        if openers.is_empty() {
            return Err(Error::UnknownOpener { name: name.clone() }.into());
        }
    }
    let given = Given {
        passphrase: secret_input::given_passphrase(settings)?,
        identities: settings
            .identity
            .as_deref()
            .map(|path| identities(path, terminal))
            .transpose()?,
    };
    openers.sort_by_key(|opener| rank(opener.kind, &given));
    let mut failures = Vec::new();
    for opener in &openers {
        let unlock = match means(settings, terminal, opener, &given) {
            Ok(Some(unlock)) => unlock,
            Ok(None) => continue,
            Err(failure) => {
                tell(&opener.name, &failure);
                failures.push(failure);
                continue;
            }
        };
        match store.identity_by(&opener.name, &unlock) {
            Ok(identity) => {
                let store = store.unlock_with(identity)?;
                tracing::info!(opener = %opener.name, "opened the key store");
                return Ok(store);
            }
            Err(error) if concerns_opener(&error) => {
                let fits_nothing = matches!(error, Error::NoOpenerFits { .. });
                let failure = Failure::from(error);
                tell(&opener.name, &failure);
                // An identity is tried on all; that it is not for one is no news.
                if !fits_nothing {
                    failures.push(failure);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(nothing_opened(settings, &openers, failures, &given))
}

/// What was given without asking.
struct Given {
    passphrase: Option<Passphrase>,
    identities: Option<Identities>,
}

/// The order in which openers are tried.
fn rank(kind: Option<OpenerKind>, given: &Given) -> u8 {
    match kind {
        Some(OpenerKind::Unprotected) => 0,
        Some(OpenerKind::Age | OpenerKind::Ssh | OpenerKind::Plugin) => 1,
        Some(OpenerKind::Passphrase) if given.passphrase.is_some() => 2,
        Some(OpenerKind::SecretService) => 3,
        Some(OpenerKind::Vault) => 4,
        Some(OpenerKind::Kms) => 5,
        // These may ask a person.
        Some(OpenerKind::Pkcs11) => 6,
        Some(OpenerKind::Passphrase) => 7,
        _ => 8,
    }
}

/// What there is to open an opener with; nothing for one that takes what was not given.
fn means(
    settings: &Settings,
    terminal: Terminal,
    opener: &Opener,
    given: &Given,
) -> Result<Option<Unlock>, Failure> {
    let argument = opener.arguments.first().map_or("", String::as_str);
    Ok(Some(match opener.kind {
        Some(OpenerKind::Unprotected) => Unlock::Unprotected,
        Some(OpenerKind::Passphrase) => Unlock::Passphrase(match &given.passphrase {
            Some(passphrase) => passphrase.clone(),
            None => secret_input::passphrase()?,
        }),
        Some(OpenerKind::Age | OpenerKind::Ssh | OpenerKind::Plugin) => match &given.identities {
            Some(identities) => Unlock::Identities(identities.clone()),
            None => return Ok(None),
        },
        Some(OpenerKind::SecretService) => {
            Unlock::Identities(services::kept_identity(argument, terminal)?)
        }
        Some(OpenerKind::Kms) => Unlock::Wrap(services::kms(settings, argument)?),
        Some(OpenerKind::Vault) => Unlock::Wrap(services::vault(settings, argument)?),
        Some(OpenerKind::Pkcs11) => Unlock::Wrap(services::pkcs11(settings, argument)?),
        // Whatever it is, opening it says what is wrong.
        _ => match (&given.passphrase, &given.identities) {
            (_, Some(identities)) => Unlock::Identities(identities.clone()),
            (Some(passphrase), None) => Unlock::Passphrase(passphrase.clone()),
            (None, None) => return Ok(None),
        },
    }))
}

/// Whether an error is about one opener, and another may still do.
fn concerns_opener(error: &Error) -> bool {
    matches!(
        error,
        Error::WrongPassphrase { .. }
            | Error::PassphraseNeeded { .. }
            | Error::NotProtected { .. }
            | Error::NoOpenerFits { .. }
            | Error::OpenerFailed { .. }
            | Error::OpenerDamaged { .. }
            | Error::IdentityDamaged { .. }
            | Error::UnknownOpener { .. }
    )
}

fn tell(name: &OpenerName, failure: &Failure) {
    tracing::info!(opener = %name, "did not open the key store: {}", failure.message());
}

fn nothing_opened(
    settings: &Settings,
    openers: &[Opener],
    mut failures: Vec<Failure>,
    given: &Given,
) -> Failure {
    let path = &settings.store;
    if failures.len() == 1
        && let Some(only) = failures.pop()
    {
        return only;
    }
    if failures.is_empty() {
        let names: Vec<String> = openers
            .iter()
            .map(|opener| format!("`{}`", opener.name))
            .collect();
        let (what, hint) = if given.identities.is_some() {
            (
                "the identity that was given does not open",
                "give another with --identity FILE",
            )
        } else {
            (
                "nothing was given that opens",
                "give the identity with --identity FILE",
            )
        };
        return Failure::new(
            Exit::Store,
            format!(
                "{what} the key store `{path}`; its openers: {}",
                names.join(", ")
            ),
        )
        .hint(hint);
    }
    let each: Vec<&str> = failures.iter().map(Failure::message).collect();
    let mut hints: Vec<&str> = failures.iter().filter_map(Failure::hint_text).collect();
    hints.dedup();
    Failure::new(
        Exit::Store,
        format!(
            "no opener of the key store `{path}` works:\n  - {}",
            each.join("\n  - ")
        ),
    )
    .hint(hints.join("\n      "))
}
