//! A page to print: the store's identity as text and as QR codes, and how to use it.
//!
//! Paper outlives disks and services. What is printed is an age file, encrypted by a passphrase unless
//! somebody chose otherwise, so stock `age` and any scanner are all it takes.

mod layout;
mod pdf;
mod svg;

use std::io::Write;

use age::armor::{ArmoredWriter, Format};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::identity::IDENTITY_FILE;
use crate::journal::Event;
use crate::opener::OpenerFile;
use crate::{Error, OpenerName, Passphrase, Store, StoreId, WorkFactor};

use layout::Page;

/// How the identity stands on the sheet.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SheetIdentity {
    /// As in the store: behind its passphrase.
    AsInStore,
    /// Behind a passphrase of the sheet's own.
    Passphrase(Passphrase, WorkFactor),
    /// In the clear: whoever sees the paper can open every key.
    Plaintext,
}

/// A recovery sheet, ready to be drawn.
pub struct RecoverySheet {
    page: Page,
}

/// What stands on it.
struct Particulars {
    store: StoreId,
    recipient: String,
    date: Timestamp,
    /// An age file in ASCII armor, or an age identity file.
    identity: Zeroizing<String>,
    encrypted: bool,
}

impl Store {
    /// Makes a recovery sheet; `to` says where it will be written, for the journal, which records it
    /// first.
    ///
    /// # Errors
    /// [`Error::SheetNeedsPassphrase`] if the store has none and the sheet is to have the store's;
    /// [`Error::Unwritable`] if the identity does not fit on a page; as for [`Self::create`].
    pub fn recovery_sheet(
        &mut self,
        identity: &SheetIdentity,
        to: &str,
    ) -> Result<RecoverySheet, Error> {
        let lock = self.begin_write()?;
        let path = self.folder.path_of(IDENTITY_FILE);
        let unwritable = |reason: String| Error::Unwritable {
            path: path.clone(),
            reason,
        };
        let encrypted = match identity {
            SheetIdentity::Plaintext => None,
            SheetIdentity::AsInStore => {
                let file = OpenerFile::read(&self.folder, &OpenerName::passphrase())?;
                let protected = file.filter(OpenerFile::is_protected);
                Some(protected.ok_or(Error::SheetNeedsPassphrase)?.bytes.to_vec())
            }
            SheetIdentity::Passphrase(passphrase, work) => Some(
                self.identity
                    .behind_passphrase(self.id(), passphrase, *work)
                    .map_err(|error| unwritable(error.to_string()))?,
            ),
        };
        let text = match &encrypted {
            Some(file) => armored(file).map_err(|error| unwritable(error.to_string()))?,
            None => self.identity.text(self.id()).to_vec(),
        };
        let text = Zeroizing::new(text);
        let text = std::str::from_utf8(&text).map_err(|error| unwritable(error.to_string()))?;
        let page = layout::page(&Particulars {
            store: self.id().clone(),
            recipient: self.recipient(),
            date: Timestamp::now(),
            identity: Zeroizing::new(text.to_owned()),
            encrypted: encrypted.is_some(),
        })
        .ok_or_else(|| unwritable("it does not fit on a page".to_owned()))?;
        self.record(&lock, Event::RecoverySheetMade { to: to.to_owned() })?;
        Ok(RecoverySheet { page })
    }
}

fn armored(file: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut writer = ArmoredWriter::wrap_output(&mut text, Format::AsciiArmor)?;
    writer.write_all(file)?;
    writer.finish()?;
    Ok(text)
}

impl RecoverySheet {
    /// The page as SVG, A4.
    #[must_use]
    pub fn to_svg(&self) -> Zeroizing<Vec<u8>> {
        svg::draw(&self.page)
    }

    /// The page as PDF, A4, with the fonts that every reader has.
    #[must_use]
    pub fn to_pdf(&self) -> Zeroizing<Vec<u8>> {
        pdf::draw(&self.page)
    }
}

impl std::fmt::Debug for RecoverySheet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RecoverySheet(..)")
    }
}
