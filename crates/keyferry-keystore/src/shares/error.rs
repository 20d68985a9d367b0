//! What can be wrong with shares.

use crate::{ErrorClass, StoreId};

/// Why shares do not restore an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum ShareError {
    /// More are needed than there are, or so few that each alone would say all.
    #[error("{threshold} of {shares} shares is not possible")]
    Counts { shares: u8, threshold: u8 },
    /// No share given.
    #[error("no share was given")]
    Empty,
    /// Text without a share.
    #[error("{source_name} holds no share: {reason}")]
    NotAShare { source_name: String, reason: String },
    /// A miscopied share.
    #[error("the share in {source_name} was miscopied: its checksum does not hold{}", near(*.group))]
    Miscopied {
        source_name: String,
        /// The group, from 1, in which a single wrong character would explain it.
        group: Option<usize>,
    },
    /// A newer kind of share.
    #[error("the share in {source_name} is of kind {found}, and this keyferry knows up to {known}")]
    Newer {
        source_name: String,
        found: u8,
        known: u8,
    },
    /// Shares that were not made together.
    #[error("{one} and {other} are of different sets")]
    MixedSets { one: String, other: String },
    /// The same share twice.
    #[error("{one} and {other} are the same share")]
    Duplicate { one: String, other: String },
    /// Not enough.
    #[error("{given} shares of store `{store}` were given, and it takes {needed}")]
    TooFew {
        given: usize,
        needed: u8,
        store: StoreId,
    },
    /// The result is not what was split.
    #[error("the shares do not give the identity that was split{}", listed(.shares))]
    WrongSecret { shares: Vec<String> },
    /// An identity that opens something else.
    #[error("the identity given is not that of store `{store}`")]
    NotTheIdentity { store: StoreId },
    /// Another store's.
    #[error("the shares are of store `{found}`, and this is `{store}`")]
    OtherStore { found: StoreId, store: StoreId },
}

fn near(group: Option<usize>) -> String {
    match group {
        Some(group) => format!("; look at the group numbered {group}"),
        None => String::new(),
    }
}

fn listed(shares: &[String]) -> String {
    match shares {
        [] => String::new(),
        shares => format!(" ({})", shares.join(", ")),
    }
}

impl ShareError {
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Counts { .. } | Self::Empty | Self::Duplicate { .. } => ErrorClass::Usage,
            _ => ErrorClass::Locked,
        }
    }

    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Counts { .. } => {
                "of 2 to 255 shares any number from 2 may be enough: `--shares 5 --threshold 3`"
            }
            Self::Empty => "give the files that hold the shares",
            Self::NotAShare { .. } => {
                "a share begins with kfs1; give its file, or all of what was written down"
            }
            Self::Miscopied { .. } => {
                "compare it with the original, group by group; there is no b, i, o or 1 after kfs1"
            }
            Self::Newer { .. } => "use the newest keyferry",
            Self::MixedSets { .. } => {
                "each splitting makes a set of its own: only shares with the same set go together"
            }
            Self::Duplicate { .. } => "give each share once",
            Self::TooFew { .. } => "get more shares of the same set",
            Self::WrongSecret { .. } => {
                "one of them was not made with the others: try other shares of the set"
            }
            Self::NotTheIdentity { .. } => {
                "it is what decrypting the identity.age of the store, of a backup or of a recovery sheet gives"
            }
            Self::OtherStore { .. } => "give shares of this store, or name the other with --store",
        }
        .to_owned()
    }
}
