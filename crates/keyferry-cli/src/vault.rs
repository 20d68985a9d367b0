//! The Vault or OpenBao that a key store lives in, or that opens it.

use keyferry_vault::{Address, Settings as VaultSettings, Vault, VaultError};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::from_error(Exit::Store, &error).maybe_hint(error.hint())
    }
}

/// A client of this server, or of the one that the environment names; the environment says who asks.
pub(crate) fn connect(settings: &Settings, server: Option<&str>) -> Result<Vault, Failure> {
    let address = server.map(str::parse::<Address>).transpose()?;
    let from_environment = VaultSettings::from_environment(address)?;
    Ok(Vault::connect(VaultSettings {
        authorities: from_environment
            .authorities
            .clone()
            .or_else(|| settings.ca_bundle.clone()),
        allow_plaintext_loopback: settings.allow_plaintext_loopback,
        ..from_environment
    })?)
}
