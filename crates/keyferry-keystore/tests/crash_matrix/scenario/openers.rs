//! Openers that are added, replaced and removed, interrupted at every step.

use keyferry_keystore::{Error, Existing, Store};

use super::{Scenario, with_base_key};
use crate::fixture::{Place, open, passphrase};
use crate::worker::{add_opener, spare};

pub(super) const SCENARIOS: [Scenario; 3] = [
    Scenario {
        name: "add-opener",
        prepare: with_base_key,
        task: |place| vec!["add-opener".into(), place.dir.clone()],
        check: |place, outcome| {
            let opens = opens(place, "new");
            assert!(opens || !outcome.succeeded);
            assert_eq!(is_listed(place), opens, "an opener is half there");
        },
        at_least: 12,
    },
    Scenario {
        name: "replace-opener",
        prepare: with_spare,
        task: |place| vec!["replace-opener".into(), place.dir.clone()],
        check: |place, outcome| {
            // Whoever opens the store first finishes what was interrupted, so the old passphrase is
            // tried last.
            let new = opens(place, "new");
            open(place);
            assert!(new || !outcome.succeeded);
            let (new, old) = (opens(place, "new"), opens(place, "old"));
            assert_ne!(new, old, "there is not exactly one passphrase");
            assert!(is_listed(place));
        },
        at_least: 12,
    },
    Scenario {
        name: "remove-opener",
        prepare: with_spare,
        task: |place| vec!["remove-opener".into(), place.dir.clone()],
        check: |place, outcome| {
            open(place);
            let opens = opens(place, "old");
            assert!(!(opens && outcome.succeeded));
            assert_eq!(is_listed(place), opens, "an opener is half gone");
        },
        at_least: 12,
    },
];

fn with_spare(place: &Place) {
    with_base_key(place);
    add_opener(&mut open(place), "old", Existing::Keep).unwrap();
}

/// Whether a passphrase opens the store, once what was interrupted is in order.
fn opens(place: &Place, text: &str) -> bool {
    open(place);
    match Store::open(&place.dir, &passphrase(text)) {
        Ok(_) => true,
        Err(Error::WrongPassphrase { .. } | Error::NotProtected { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

fn is_listed(place: &Place) -> bool {
    let openers = open(place).openers().unwrap();
    openers.iter().any(|opener| opener.name == spare())
}
