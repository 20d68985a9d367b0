//! What is to be said about the key store: whether its keys open, and would outlive it.

use std::collections::BTreeMap;

use keyferry_keystore::{CheckItem, CheckLevel, CheckSubject, Error, PermissionFault};
use keyferry_policy::check::{Finding, Level, Preflight, Rule};

use crate::commands::Invocation;
use crate::failure::Failure;
use crate::opening;
use crate::store_place::{self, Standing};

const SUBJECT: &str = "key store";

/// Opens the store as every command does, and proves it.
pub(super) fn check(invocation: &Invocation) -> Vec<Finding> {
    let settings = &invocation.settings;
    match store_place::standing(settings) {
        Standing::Missing => return vec![missing(&settings.store.to_string())],
        Standing::Damaged(error) => return vec![damaged(error)],
        Standing::There => {}
    }
    let store = match opening::open(settings, invocation.terminal) {
        Ok(store) => store,
        Err(failure) => {
            return vec![
                found(Preflight::StoreNotOpened, Level::Note, failure.message())
                    .because("whether its keys open, and are in a backup, was not checked")
                    .fix(
                        failure
                            .hint_text()
                            .unwrap_or("`keyferry key check` opens it and checks"),
                    ),
            ];
        }
    };
    match store.check() {
        Ok(items) => findings(&items),
        Err(error) => vec![damaged(error)],
    }
}

fn damaged(error: Error) -> Finding {
    let open_to_others = matches!(
        &error,
        Error::Permissions(problem) if matches!(problem.fault, PermissionFault::OpenToOthers { .. })
    );
    let failure = Failure::from(error);
    let finding = found(Preflight::StoreDamaged, Level::Error, failure.message())
        .because("a key that does not open opens no object")
        .fix(failure.hint_text().unwrap_or_default());
    match open_to_others {
        true => finding.command("keyferry key check --fix-permissions"),
        false => finding,
    }
}

fn found(rule: Preflight, level: Level, message: &str) -> Finding {
    Finding::new(Rule::Preflight(rule), level, SUBJECT, message)
}

fn missing(place: &str) -> Finding {
    let message = format!("there is no key store in `{place}`");
    found(Preflight::StoreMissing, Level::Warning, &message)
        .because("customer keys have to be kept somewhere: AWS does not keep them, and without its key an object is lost")
        .fix("make one, or say where it is: --store")
        .command("keyferry key init")
}

/// One finding for each thing that is to be done.
fn findings(items: &[CheckItem]) -> Vec<Finding> {
    type Grouped<'a> = BTreeMap<(&'static str, Option<&'a str>), (Preflight, Level, Vec<&'a str>)>;
    let mut grouped = Grouped::new();
    for item in items {
        let (rule, level) = match (item.level, item.subject) {
            (CheckLevel::Sound, _) => continue,
            (CheckLevel::Error, _) => (Preflight::StoreDamaged, Level::Error),
            (CheckLevel::Warning, CheckSubject::Backups) => {
                (Preflight::StoreNotBackedUp, Level::Warning)
            }
            (CheckLevel::Warning, _) => (Preflight::StoreWarning, Level::Warning),
        };
        let key = (Rule::Preflight(rule).name(), item.hint.as_deref());
        let group = grouped.entry(key).or_insert((rule, level, Vec::new()));
        group.2.push(&item.message);
    }
    grouped
        .into_iter()
        .map(|((_, hint), (rule, level, messages))| {
            let more = messages.len().saturating_sub(5);
            let shown: Vec<&str> = messages.into_iter().take(5).collect();
            let mut message = shown.join("; ");
            if more > 0 {
                message.push_str(&format!("; and {more} more"));
            }
            let why = match rule {
                Preflight::StoreNotBackedUp => {
                    "who loses a key loses every object under it, in both regions"
                }
                Preflight::StoreDamaged => "a key that does not open opens no object",
                _ => "it may become a loss later",
            };
            found(rule, level, &message)
                .because(why)
                .fix(hint.unwrap_or("`keyferry key check` says more"))
        })
        .collect()
}
