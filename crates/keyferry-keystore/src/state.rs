//! The life of a key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a key may be used for.
///
/// ```text
/// pending ─▶ active ─▶ decrypt-only ─▶ destroy-scheduled ─▶ tombstone
///                  └──── compromised ────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyState {
    /// On disk, but never used: its making was interrupted, or it waits to be activated.
    Pending,
    /// New objects are encrypted with it; at most one in a ring.
    Active,
    /// Existing objects are read with it.
    DecryptOnly,
    /// Nothing should need it any more; it is removed after a waiting time.
    DestroyScheduled,
    /// Known to others: reads still need it, nothing new may.
    Compromised,
    /// Destroyed; only the record remains.
    Tombstone,
}

impl KeyState {
    /// Whether a key may go from this state to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use KeyState::{Active, Compromised, DecryptOnly, DestroyScheduled, Pending, Tombstone};
        matches!(
            (self, next),
            (
                Pending,
                Active | DecryptOnly | DestroyScheduled | Compromised
            ) | (Active, DecryptOnly | Compromised)
                | (DecryptOnly, DestroyScheduled | Compromised)
                | (DestroyScheduled, DecryptOnly | Compromised | Tombstone)
                | (Compromised, DestroyScheduled)
        )
    }

    /// Whether the key's bytes still exist.
    #[must_use]
    pub fn has_key(self) -> bool {
        self != Self::Tombstone
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::DecryptOnly => "decrypt-only",
            Self::DestroyScheduled => "destroy-scheduled",
            Self::Compromised => "compromised",
            Self::Tombstone => "tombstone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::KeyState::*;

    const ALL: [super::KeyState; 6] = [
        Pending,
        Active,
        DecryptOnly,
        DestroyScheduled,
        Compromised,
        Tombstone,
    ];

    #[test]
    fn only_pending_becomes_active_and_nothing_leaves_the_tomb() {
        for from in ALL {
            assert_eq!(from.may_become(Active), from == Pending, "{from}");
            assert!(!Tombstone.may_become(from));
            assert!(!from.may_become(from));
            assert_eq!(from.may_become(Tombstone), from == DestroyScheduled);
        }
    }

    #[test]
    fn shown_as_stored() {
        for state in ALL {
            assert_eq!(
                serde_json::to_string(&state).unwrap(),
                format!("\"{state}\"")
            );
        }
    }
}
