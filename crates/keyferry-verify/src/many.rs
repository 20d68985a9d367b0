//! Many objects in one run: a bucket, what lies below a prefix, all versions of an object, or a list of
//! receipts.
//!
//! What becomes of each is told when it is known ([`Checked`]), and all of it is counted
//! ([`Summary`]). What is in memory does not grow with the bucket: both sides are listed once, in order,
//! and joined ([`join`]); so many objects as asked for are looked at at once; what waits for replication
//! waits in a room of bounded size ([`room`]) and is looked at again from time to time.

mod checked;
mod context;
mod extra;
mod first_look;
mod intake;
mod item;
mod join;
mod lane;
mod ledger;
mod marker;
mod object;
mod opener;
mod options;
mod room;
mod run;
mod summary;

pub use checked::{
    Checked, CheckedResult, DeleteMarker, Extra, MarkerFinding, MarkerReplica, Verdict,
};
pub use item::Item;
pub use ledger::{Progress, State};
pub use options::{Keys, Listed, Many, ManyOptions, ProbeScope, Recorded, Versions, What};
pub use run::{Run, verify_many};
pub use summary::{Latencies, ProbeCounts, Summary};
