//! Which objects of a bucket.

/// Which objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All whose key begins so; the empty text is the whole bucket.
    Prefix(String),
    /// The one with this key.
    Object(String),
}

impl Scope {
    /// What to list.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Object(text) => text,
        }
    }

    /// Whether an object belongs to it.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        match self {
            Self::Prefix(prefix) => key.starts_with(prefix),
            Self::Object(name) => key == name,
        }
    }
}
