//! What is worth saying of a key that is accepted.

use std::fmt;

use super::{Format, Imported, is_printable};
use crate::KeyStrength;

/// A weakness of a key that does not stop its import: objects may exist that only it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caution {
    /// Its form holds less than 256 bits of randomness.
    Weak {
        /// How much.
        strength: KeyStrength,
    },
    /// It was read as 32 raw bytes, and they are text: perhaps a passphrase.
    Text,
    /// It was read as 32 raw bytes, and they are text with a newline at the end.
    TextWithNewline,
}

impl Imported {
    /// What to say of it before it is used.
    #[must_use]
    pub fn caution(&self) -> Option<Caution> {
        let strength = self.strength;
        if strength.bits() < 256 {
            return Some(Caution::Weak { strength });
        }
        match self.key.expose() {
            [text @ .., b'\n'] if is_printable(text) && self.format == Format::Raw => {
                Some(Caution::TextWithNewline)
            }
            text if is_printable(text) => Some(Caution::Text),
            _ => None,
        }
    }
}

impl fmt::Display for Caution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weak { strength } => write!(
                formatter,
                "the form of this key allows {strength} of randomness; replace it when you can"
            ),
            Self::Text => formatter.write_str(
                "this key is 32 printable characters; if a person chose them, others can guess them: replace it when you can",
            ),
            Self::TextWithNewline => formatter.write_str(
                "this key is 31 printable characters and a newline, and the newline is taken as part of it",
            ),
        }
    }
}
