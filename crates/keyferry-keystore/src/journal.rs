//! The journal: what became of every key, in order, append-only.
//!
//! One JSON object on each line, numbered from 1. Each is sealed over the seal of the line before,
//! so that no line can be changed, left out, added or moved without the identity. `journal.head`
//! names the last line, so that a cut end is noticed too; and since it is written after the line, a
//! line beyond it that does not hold is an interrupted write and not damage.

mod chain;
mod follow;
mod head;
mod record;
mod replay;

pub(crate) use chain::LIMIT as JOURNAL_LIMIT;
pub(crate) use chain::{
    JOURNAL_FILE, Journal, JournalEnd, Tip, lines_in, lines_unproven, read_bytes, start,
    unreadable_line,
};
pub(crate) use head::Head;
pub use record::{Actor, Event, Record, user_name};
pub(crate) use replay::{Position, replay};
