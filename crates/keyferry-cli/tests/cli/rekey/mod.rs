//! `keyferry rekey` against a lab, with the objects read by the SDK alone.

mod commands;
mod killed;
mod world;
