//! What a verification found, for whoever has to answer for the data.
//!
//! * [`Reports`]: files written side by side while a run goes on. Their names choose the [`Format`]: one
//!   self-contained HTML page, JUnit's XML for CI, JSON documents a line or in one, text.
//! * [`summary_text`], [`text`]: what a terminal shows of a run, and of one object.
//! * [`headline`], [`because`], [`difference`], [`cause`], [`not_seen`], [`fix`]: the same words, one by
//!   one, so that no two reports say different things about an object.
//!
//! Nothing here reads S3 or judges: a report says what `keyferry-verify` found. No report holds a customer
//! key, only its id and its MD5.

mod entry;
mod error;
mod format;
mod html;
mod junit;
mod latencies;
mod printable;
mod records;
mod reports;
mod run;
mod size;
mod spool;
mod story;
mod sum;
mod tally;
mod text;
mod told;
mod verdict;
mod wording;

pub use error::ReportError;
pub use format::Format;
pub use printable::printable;
pub use reports::Reports;
pub use run::{BrokenOff, Run};
pub use size::human_bytes;
pub use sum::summary_text;
pub use text::{Telling, text};
pub use told::Told;
pub use verdict::{label, meaning};
pub use wording::{
    Repair, because, cause, certainty, difference, evidence, fix, headline, level_name, not_seen,
    reason, repair,
};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
