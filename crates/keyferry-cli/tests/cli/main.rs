//! The real binary: its words, its whole job, and its silence about keys.

mod golden;
mod main_job;
mod rekey;
mod running;
mod secrets;
