//! What happens to what is there already.

/// What happens to a file, or an object, that exists where a transfer would put its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// The transfer is refused.
    #[default]
    Never,
    /// It is left alone where size and checksum show that it is the same already, and replaced
    /// otherwise.
    IfDifferent,
    /// It is replaced, in one step, by the new one.
    Always,
}
