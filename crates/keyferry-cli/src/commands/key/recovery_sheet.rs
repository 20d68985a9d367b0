//! `keyferry key recovery-sheet`

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use keyferry_keystore::{SheetIdentity, WorkFactor};

use super::backup::has_passphrase;
use crate::args::{RecoverySheetArgs, SheetFormat};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::{keys, secret_input, terminal};

pub(super) fn run(invocation: &Invocation, arguments: &RecoverySheetArgs) -> Result<Exit, Failure> {
    let to_stdout = arguments.out.as_os_str() == "-";
    let named = match arguments.out.extension().and_then(OsStr::to_str) {
        Some("svg") => Some(SheetFormat::Svg),
        Some("pdf") => Some(SheetFormat::Pdf),
        _ if to_stdout => Some(SheetFormat::Svg),
        _ => None,
    };
    let format = arguments.format.or(named).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!("`{}` does not tell a format", arguments.out.display()),
        )
        .hint("name a file that ends in .svg or .pdf, or give --format")
    })?;
    if !to_stdout && arguments.out.exists() {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "`{}` exists and is not overwritten",
                arguments.out.display()
            ),
        )
        .hint("name a new file"));
    }
    let identity = if arguments.plaintext_identity {
        SheetIdentity::Plaintext
    } else if let Some(path) = &arguments.sheet_passphrase_file {
        SheetIdentity::Passphrase(secret_input::passphrase_in(path)?, WorkFactor::DEFAULT)
    } else if has_passphrase(&invocation.settings)? || !secret_input::can_ask() {
        SheetIdentity::AsInStore
    } else {
        let asked = secret_input::new_passphrase_of("Passphrase for the recovery sheet: ")?;
        SheetIdentity::Passphrase(asked, WorkFactor::DEFAULT)
    };
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let to = if to_stdout {
        "standard output".to_owned()
    } else {
        let path = std::path::absolute(&arguments.out);
        path.unwrap_or_else(|_| arguments.out.clone())
            .display()
            .to_string()
    };
    let sheet = store.recovery_sheet(&identity, &to)?;
    let drawn = match format {
        SheetFormat::Svg => sheet.to_svg(),
        SheetFormat::Pdf => sheet.to_pdf(),
    };
    if to_stdout {
        terminal::write_all(&drawn)?;
    } else {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&arguments.out)
            .context("write", arguments.out.display())?;
        file.write_all(&drawn)
            .and_then(|()| file.sync_all())
            .context("write", arguments.out.display())?;
    }
    let warning = if arguments.plaintext_identity {
        "it opens every key without a passphrase: print it, then remove the file"
    } else {
        "it opens every key with its passphrase: keep the two apart"
    };
    invocation
        .terminal
        .say(format!("wrote the recovery sheet to {to}; {warning}"));
    Ok(Exit::Done)
}
