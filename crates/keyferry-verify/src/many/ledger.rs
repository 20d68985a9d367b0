//! What a run has done, what it is at, and from where another could go on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::item::Item;
use super::summary::Summary;

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Things that were taken up.
    pub taken: u64,
    /// Those of them that there is a result for.
    pub done: u64,
    /// Those that wait for their replication.
    pub waiting: u64,
    /// Whether all there is was taken up.
    pub complete: bool,
}

/// Where another run can go on. Holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Everything up to this key was taken up.
    pub after: Option<String>,
    /// Of the key behind it, what was taken up.
    pub of_key: Option<(String, Vec<Option<String>>)>,
    /// How many things were taken up.
    pub taken: u64,
    /// Of what was taken up, that which there is no result for.
    pub unfinished: Vec<Item>,
    /// What there is a result for.
    pub summary: Summary,
}

/// The books of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) summary: Summary,
    pub(super) taken: u64,
    pub(super) done: u64,
    pub(super) waiting: u64,
    pub(super) complete: bool,
    keeps_state: bool,
    after: Option<String>,
    of_key: Option<(String, Vec<Option<String>>)>,
    at: BTreeMap<u64, Item>,
    tickets: u64,
}

impl Ledger {
    pub(super) fn new(keeps_state: bool, state: Option<&State>) -> Self {
        let mut ledger = Self {
            keeps_state,
            ..Self::default()
        };
        if let Some(state) = state {
            ledger.summary = state.summary.clone();
            ledger.after.clone_from(&state.after);
            ledger.of_key.clone_from(&state.of_key);
            ledger.taken = state.taken;
            ledger.done = state.taken.saturating_sub(state.unfinished.len() as u64);
        }
        ledger
    }

    /// Takes up an item. `is_new` says that it comes from behind the position.
    pub(super) fn take_up(&mut self, item: &Item, is_new: bool) -> u64 {
        self.tickets += 1;
        self.taken += u64::from(is_new);
        if self.keeps_state {
            self.at.insert(self.tickets, item.clone());
            if let (true, Some((key, version_id))) = (is_new, item.listed()) {
                self.advance(key, version_id);
            }
        }
        self.tickets
    }

    fn advance(&mut self, key: &str, version_id: Option<&str>) {
        let version_id = version_id.map(str::to_owned);
        match &mut self.of_key {
            Some((current, versions)) if current == key => versions.push(version_id),
            of_key => {
                let before = of_key.replace((key.to_owned(), vec![version_id]));
                if let Some((before, _)) = before {
                    self.after = Some(before);
                }
            }
        }
    }

    /// There is a result.
    pub(super) fn finish(&mut self, ticket: u64) {
        self.done += 1;
        self.at.remove(&ticket);
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            taken: self.taken,
            done: self.done,
            waiting: self.waiting,
            complete: self.complete,
        }
    }

    pub(super) fn state(&self) -> State {
        State {
            after: self.after.clone(),
            of_key: self.of_key.clone(),
            taken: self.taken,
            unfinished: self.at.values().cloned().collect(),
            summary: self.summary.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(key: &str, id: &str) -> Item {
        Item::Version {
            key: key.to_owned(),
            version_id: Some(id.to_owned()),
        }
    }

    #[test]
    fn a_later_run_goes_on_where_this_one_is() {
        let mut ledger = Ledger::new(true, None);
        let first = ledger.take_up(&version("a", "1"), true);
        let second = ledger.take_up(&version("a", "0"), true);
        let third = ledger.take_up(&version("b", "2"), true);
        ledger.finish(third);
        ledger.finish(first);
        let state = ledger.state();
        assert_eq!(state.after.as_deref(), Some("a"));
        assert_eq!(
            state.of_key,
            Some(("b".to_owned(), vec![Some("2".to_owned())]))
        );
        assert_eq!(state.unfinished, [version("a", "0")]);
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        ledger.finish(second);
        assert_eq!(ledger.progress().done, 3);

        let mut resumed = Ledger::new(true, Some(&state));
        assert_eq!(resumed.progress().done, 2);
        let again = resumed.take_up(&state.unfinished[0], false);
        resumed.finish(again);
        assert_eq!(resumed.progress().done, resumed.progress().taken);
        assert_eq!(resumed.state().after, state.after);
    }
}
