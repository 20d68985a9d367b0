//! The real binary: its words, its whole job, and its silence about keys.

mod golden;
mod key_life;
mod main_job;
mod running;
mod secrets;
