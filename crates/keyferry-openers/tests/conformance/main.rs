//! One suite that every opener of a key store passes, against the real services.
//!
//! `tests/openers/run` starts them and says where they are; without it this fails.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test, though without the harness that clippy knows tests by"
)]

mod age_tool;
mod candidate;
mod local;
mod place;
mod plugin;
mod refusals;
mod services;
mod suite;

use std::os::unix::fs::symlink;
use std::process::{Command, exit};
use std::time::Instant;

use candidate::Candidate;

/// Set for the run that has the plugin on its PATH.
const READY: &str = "KEYFERRY_TEST_PLUGIN_READY";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // age follows the link that names the plugin, so the name alone does not tell.
    if arguments[0].ends_with(plugin::BINARY) || plugin::is_asked_for(&arguments) {
        return plugin::run(&arguments);
    }
    if arguments
        .iter()
        .any(|argument| argument == services::WITHOUT_BUS)
    {
        return services::without_bus();
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    if std::env::var_os(READY).is_none() {
        run_again_with_plugin();
    }
    let candidates: Vec<Box<dyn Candidate>> = local::candidates()
        .into_iter()
        .chain(services::candidates())
        .collect();
    for candidate in &candidates {
        let start = Instant::now();
        suite::run(&**candidate);
        let took = start.elapsed().as_millis();
        println!("{:<24} conforms, {took} ms", candidate.name());
    }
    for (name, test) in [
        ("age opens openers", age_tool::opens_what_we_wrote as fn()),
        ("an opener made by age", age_tool::is_opened_by_us),
        ("sealed Vault", refusals::sealed_vault),
        ("refusals of Vault", refusals::vault_refuses),
        ("refusals of KMS", refusals::kms_refuses),
        ("refusals of tokens", refusals::token_refuses),
        ("no D-Bus", refusals::no_bus),
        ("missing plugin", refusals::missing_plugin),
        ("audit log of OpenBao", refusals::audit_log),
    ] {
        test();
        println!("{name:<24} ok");
    }
    println!("{} openers conform", candidates.len());
}

/// Runs this program again with itself on PATH as an age plugin.
fn run_again_with_plugin() -> ! {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    symlink(&program, folder.path().join(plugin::BINARY)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder.path().display());
    let status = Command::new(program)
        .args(std::env::args().skip(1))
        .env("PATH", path)
        .env(READY, "1")
        .status()
        .unwrap();
    drop(folder);
    exit(status.code().unwrap_or(1));
}
