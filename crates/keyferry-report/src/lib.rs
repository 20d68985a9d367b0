//! What a verification found, for whoever has to answer for the data: text, HTML, JUnit, JSON.

mod printable;
mod size;
mod text;
mod wording;

pub use printable::printable;
pub use size::human_bytes;
pub use text::text;
pub use wording::{
    Repair, because, cause, certainty, difference, evidence, fix, headline, level_name, not_seen,
    repair,
};
