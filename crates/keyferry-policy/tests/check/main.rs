//! `check`: what it finds in documents, and that its repairs repair.

#[path = "../cells/mod.rs"]
mod cells;
mod emitted;
mod given;
mod seed;
mod settings;
mod trust_and_surplus;
