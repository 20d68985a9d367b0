//! Many objects in one run: a bucket, what lies below a prefix, all versions of an object, or a list of
//! receipts.
//!
//! What becomes of each is told when it is known ([`Checked`]), and all of it is counted
//! ([`Summary`]); what is in memory does not grow with the bucket.

mod checked;
mod summary;

pub use checked::{
    Checked, CheckedResult, DeleteMarker, Extra, MarkerFinding, MarkerReplica, Verdict,
};
pub use summary::{Latencies, ProbeCounts, Summary};

/// Which objects are asked for without their key, and with another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProbeScope {
    /// All of them: eight requests more for each.
    All,
    /// A few of each pair of buckets; an object by itself always.
    #[default]
    Sample,
    /// None.
    None,
}

/// Which versions of the objects below a prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Versions {
    /// What a read without version id gets.
    #[default]
    Current,
    /// All, with delete markers and null versions.
    All,
}
