//! Arguments of `keyferry key unlock-with`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use keyferry_keystore::OpenerName;

use crate::args::SecretPlace;

/// `keyferry key unlock-with`
#[derive(Debug, Args)]
pub(crate) struct UnlockWithArgs {
    #[command(subcommand)]
    pub(crate) command: UnlockWithCommand,
}

/// The commands below `keyferry key unlock-with`.
#[derive(Debug, Subcommand)]
pub(crate) enum UnlockWithCommand {
    /// Add a way to open the key store. Each of them suffices.
    #[command(after_help = "\
Kinds of OPENER:
  passphrase       a passphrase; with --replace this changes the one there is
  age:RECIPIENT    an age recipient, age1..., or one of an age plugin
  ssh:FILE         a public ssh key: ssh-ed25519 or ssh-rsa
  kms:KEY          a key of AWS KMS: ARN, id or alias/NAME
  vault:PATH       a transit key of HashiCorp Vault or OpenBao, as transit/NAME; the server is that
                   of VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT and VAULT_NAMESPACE
  pkcs11:URI       an AES key on a PKCS#11 token: pkcs11:token=LABEL;object=LABEL
  secret-service   the secret service of the desktop session

The last three need a keyferry that was built with the feature of that name.")]
    Add {
        /// What is to open the key store.
        opener: OpenerSpec,
        /// Name of the opener, where that of its kind is taken.
        #[arg(long)]
        name: Option<OpenerName>,
        /// Take the place of the opener of this name, in one step.
        #[arg(long)]
        replace: bool,
        /// Private half of a recipient: add it only if this opens it.
        #[arg(long, value_name = "FILE")]
        prove_with: Option<PathBuf>,
        /// Where to read a new passphrase: file:PATH, fd:N or env:NAME. Asked for if left out.
        #[arg(long, value_name = "PLACE")]
        new_passphrase: Option<SecretPlace>,
    },
    /// Remove a way to open the key store. Another one has to open it in the same call.
    Remove {
        /// Name of the opener.
        name: OpenerName,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// List the ways to open the key store. Needs none of them and shows no secret.
    List,
}

/// What is to open a key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenerSpec {
    Passphrase,
    Age(String),
    Ssh(PathBuf),
    Kms(String),
    Vault(String),
    Pkcs11(String),
    SecretService,
}

/// Text that names no opener.
#[derive(Debug, thiserror::Error)]
#[error(
    "it must be passphrase, age:RECIPIENT, ssh:FILE, kms:KEY, vault:PATH, pkcs11:URI or secret-service"
)]
pub(crate) struct ParseOpenerSpecError;

impl FromStr for OpenerSpec {
    type Err = ParseOpenerSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        Ok(match (kind, rest) {
            ("passphrase", "") => Self::Passphrase,
            ("secret-service", "") => Self::SecretService,
            // As `age -r` takes it.
            (recipient, "") if recipient.starts_with("age1") => Self::Age(recipient.to_owned()),
            (_, "") => return Err(ParseOpenerSpecError),
            ("age", recipient) => Self::Age(recipient.to_owned()),
            ("ssh", file) => Self::Ssh(file.into()),
            ("kms", key) => Self::Kms(key.to_owned()),
            // An ARN of a key names its service.
            ("arn", _) if text.split(':').nth(2) == Some("kms") => Self::Kms(text.to_owned()),
            ("vault", path) => Self::Vault(path.to_owned()),
            ("pkcs11", _) => Self::Pkcs11(text.to_owned()),
            _ => return Err(ParseOpenerSpecError),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openers_parse() {
        let parse = |text: &str| text.parse::<OpenerSpec>().ok();
        assert_eq!(parse("passphrase"), Some(OpenerSpec::Passphrase));
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/1";
        for text in [arn, "kms:arn:aws:kms:eu-west-1:111122223333:key/1"] {
            assert_eq!(parse(text), Some(OpenerSpec::Kms(arn.into())));
        }
        assert_eq!(parse("age1x"), Some(OpenerSpec::Age("age1x".into())));
        assert_eq!(parse("ssh:/k.pub"), Some(OpenerSpec::Ssh("/k.pub".into())));
        let uri = "pkcs11:token=a;object=b";
        assert_eq!(parse(uri), Some(OpenerSpec::Pkcs11(uri.into())));
        for bad in [
            "",
            "kms",
            "ssh:",
            "tpm:1",
            "arn:aws:s3:::b",
            "passphrase:secret",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
