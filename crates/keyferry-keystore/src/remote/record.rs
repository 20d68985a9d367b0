//! Entries that others may overtake.

use std::time::{Duration, Instant};

use super::pull::WorkingCopy;
use super::push::key_document;
use super::segments::LONGEST_LINE;
use crate::journal::{Event, Record};
use crate::ledger::Ledger;
use crate::load::load;
use crate::lock::ExclusiveLock;
use crate::{Error, KeyState, RingName, Store};

/// How long a write is tried again that others overtake. As long as for a lock.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Tries again, with pauses of chance that grow, until patience ends.
pub(crate) struct Attempts {
    begun: Instant,
    pause: Duration,
    made: u32,
}

impl Attempts {
    pub(crate) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            pause: FIRST_PAUSE,
            made: 1,
        }
    }

    /// Whether to try again; waits first.
    pub(crate) fn again(&mut self) -> bool {
        if self.begun.elapsed() > PATIENCE {
            return false;
        }
        // Different for each, so that two that met do not meet again.
        let chance = Instant::now().elapsed().subsec_nanos() ^ std::process::id() ^ self.made;
        let share = f64::from(chance % 1000) / 1000.0;
        std::thread::sleep(self.pause.mul_f64(0.5 + share));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.made += 1;
        true
    }

    pub(crate) fn made(&self) -> u32 {
        self.made
    }
}

/// What an entry depends on: others about the same do not commute with it.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Ring(RingName),
    Openers,
    Nothing,
}

fn subject(event: &Event, ledger: &Ledger) -> Subject {
    match event {
        Event::KeyAdded { facts, .. } | Event::KeyAdopted { facts } => {
            Subject::Ring(facts.ring.clone())
        }
        Event::StateChanged { id, .. } => match ledger.by_id(id) {
            Some(entry) => Subject::Ring(entry.ring.clone()),
            None => Subject::Nothing,
        },
        Event::OpenerAdded { .. } | Event::OpenerRemoved { .. } => Subject::Openers,
        _ => Subject::Nothing,
    }
}

impl Store {
    /// Runs an operation under the writer's lock, from its beginning again if a writer on another machine
    /// came first.
    pub(crate) fn write<T>(
        &mut self,
        mut operation: impl FnMut(&mut Self, &ExclusiveLock) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempts = Attempts::begin();
        loop {
            let lock = self.begin_write()?;
            let result = operation(self, &lock);
            drop(lock);
            match result {
                Err(Error::Overtaken { place }) if !attempts.again() => {
                    return Err(Error::KeptOvertaken {
                        place,
                        times: attempts.made(),
                    });
                }
                Err(Error::Overtaken { .. }) => {}
                result => return result,
            }
        }
    }

    /// Writes an event into the journal of a store that lives elsewhere. If others came first with
    /// entries that it does not depend on, it follows theirs.
    pub(crate) fn record_elsewhere(
        &mut self,
        lock: &ExclusiveLock,
        event: Event,
    ) -> Result<(), Error> {
        for part in parts(event) {
            let mut attempts = Attempts::begin();
            loop {
                match self.record_once(lock, part.clone()) {
                    Err(error @ Error::Overtaken { .. }) => {
                        let news = self.follow(lock)?;
                        let about = subject(&part, &self.ledger);
                        let depends = about != Subject::Nothing
                            && news
                                .iter()
                                .any(|record| subject(&record.event, &self.ledger) == about);
                        if depends || !attempts.again() {
                            return Err(error);
                        }
                    }
                    recorded => {
                        recorded?;
                        break;
                    }
                }
            }
            self.remove_what_ended(&part);
        }
        Ok(())
    }

    /// Removes the document of a key that was destroyed, or an opener that was removed, just now.
    fn remove_what_ended(&self, event: &Event) {
        if let (Event::OpenerRemoved { name }, Some(remote)) = (event, &self.remote) {
            remote.remove_opener(name);
        }
        if let Event::StateChanged {
            id,
            to: KeyState::Tombstone,
            ..
        } = event
            && let (Some(remote), Some(entry)) = (&self.remote, self.ledger.by_id(id))
        {
            remote.remove_key(&key_document(&entry.ring, id));
        }
    }

    /// Takes in what others wrote, in the midst of an operation: what this one has begun is left alone.
    fn follow(&mut self, lock: &ExclusiveLock) -> Result<Vec<Record>, Error> {
        let Some(remote) = &self.remote else {
            return Ok(Vec::new());
        };
        let pulled = remote.pull(&WorkingCopy {
            folder: &self.folder,
            manifest: &self.manifest,
            identity: &self.identity,
            lock,
        })?;
        let news = pulled.news.clone();
        let mut loaded = load(&self.folder, &self.manifest, &self.identity, &self.witness)?;
        loaded.orphans.clear();
        loaded.findings.clear();
        pulled.apply_to(&mut loaded);
        self.take_in(loaded);
        match self.write_block() {
            Some(block) => Err(self.read_only(block)),
            None => Ok(news),
        }
    }
}

/// Long entries about objects as several: one document has to hold an entry.
fn parts(event: Event) -> Vec<Event> {
    let room = LONGEST_LINE - 1024;
    let fits = |event: &Event| serde_json::to_vec(event).is_ok_and(|bytes| bytes.len() <= room);
    let (objects, again): (_, fn(_, _) -> Event) = match &event {
        Event::KeyUsed { objects, .. } => (objects, |id, objects| Event::KeyUsed { id, objects }),
        Event::KeyFound { objects, .. } => (objects, |id, objects| Event::KeyFound { id, objects }),
        _ => return vec![event],
    };
    if objects.len() < 2 || fits(&event) {
        return vec![event];
    }
    let (Event::KeyUsed { id, .. } | Event::KeyFound { id, .. }) = &event else {
        return vec![event];
    };
    let (first, second) = objects.split_at(objects.len() / 2);
    let mut split = parts(again(id.clone(), first.to_vec()));
    split.extend(parts(again(id.clone(), second.to_vec())));
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectUse;
    use keyferry_key::KeyId;

    #[test]
    fn long_entries_are_split_and_lose_no_object() {
        let object = |number: usize| ObjectUse {
            bucket: "bucket".to_owned(),
            key: format!("{}{number}", "k".repeat(900)),
            version: None,
        };
        let objects: Vec<_> = (0..200).map(object).collect();
        let id = KeyId::generate().unwrap();
        let whole = Event::KeyUsed {
            id,
            objects: objects.clone(),
        };
        let split = parts(whole);
        assert!(split.len() > 5);
        let mut found = Vec::new();
        for part in split {
            assert!(serde_json::to_vec(&part).unwrap().len() < LONGEST_LINE);
            let Event::KeyUsed { objects, .. } = part else {
                panic!("{part:?}");
            };
            found.extend(objects);
        }
        assert_eq!(found, objects);
    }
}
