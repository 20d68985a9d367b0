//! The real binary: its words, its whole job, and its silence about keys.

mod crashes;
mod folders;
mod golden;
mod import;
mod key_life;
mod main_job;
mod moving;
mod rekey;
mod resume;
mod running;
mod secrets;
mod verifying;
