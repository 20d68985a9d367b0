//! The small pictures beside names, 20 pixels wide.

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    /// A bucket.
    Bucket,
    /// A key.
    Key,
    /// A role.
    Role,
}

impl Glyph {
    /// The class of its strokes.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Key => "key",
            Self::Role => "role",
        }
    }

    /// The class of the card it stands on.
    pub(super) fn card(self) -> &'static str {
        match self {
            Self::Bucket => "card bucket-card",
            Self::Key => "card key-card",
            Self::Role => "card",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            // A pail: rim, sides, bottom.
            Self::Bucket => {
                "M1 4.5C1 2.6 5 1 10 1s9 1.6 9 3.5S15 8 10 8 1 6.4 1 4.5ZM1 4.5l2.2 13C3.5 19 6.4 20 10 20s6.5-1 6.8-2.5L19 4.5"
            }
            // A ring, a shaft, two teeth.
            Self::Key => "M1 10a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0ZM10 10h9.5v4M15.5 10v3",
            // Head and shoulders.
            Self::Role => "M6 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0ZM2 20c0-5 3.5-7.5 8-7.5s8 2.5 8 7.5",
        }
    }
}
