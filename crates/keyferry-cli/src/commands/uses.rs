//! Records which key many objects need, while they are still being transferred.
//!
//! Each entry of the journal is synced to disk, and a store may live elsewhere, so uses are written
//! down in batches, by a thread of its own that transfers do not wait for. What was stored is recorded
//! however the run ends.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyferry_key::KeyId;
use keyferry_keystore::{Error, ObjectUse};

use crate::failure::{Context, Failure, chain};
use crate::terminal::Terminal;

/// One entry of the journal holds so many.
const BATCH: usize = 500;
/// What comes within this time is written together.
const GATHERING: Duration = Duration::from_secs(2);

/// Where uses go.
pub(super) struct Recorder {
    uses: Option<mpsc::Sender<(KeyId, ObjectUse)>>,
    thread: Option<JoinHandle<Recorded>>,
}

/// What became of them.
#[derive(Default)]
pub(super) struct Recorded {
    /// How many could not be recorded.
    pub(super) lost: u64,
    /// Why, for the last of them.
    pub(super) error: Option<String>,
}

impl Recorder {
    /// Begins. `record` writes down what needs a key.
    pub(super) fn start(
        record: impl FnMut(&KeyId, &[ObjectUse]) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Failure> {
        let (uses, from) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("uses".to_owned())
            .spawn(move || write_down(&from, record))
            .context("start", "a thread")?;
        Ok(Self {
            uses: Some(uses),
            thread: Some(thread),
        })
    }

    /// Takes in that an object needs a key.
    pub(super) fn uses(&self, id: &KeyId, object: ObjectUse) {
        if let Some(uses) = &self.uses {
            // The thread ends after this only.
            let _ = uses.send((id.clone(), object));
        }
    }

    /// Waits until all is written down.
    pub(super) async fn finish(mut self) -> Recorded {
        self.uses = None;
        let Some(thread) = self.thread.take() else {
            return Recorded::default();
        };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined.ok().and_then(Result::ok).unwrap_or_default()
    }
}

impl Recorded {
    /// Says what objects of `bucket` are recorded nowhere but in their tags.
    pub(super) fn warn(&self, terminal: Terminal, address: &str) {
        let Some(error) = &self.error else {
            return;
        };
        terminal.warn(format!(
            "the key store cannot record the keys of {} objects, only their tags name them: {error}",
            self.lost
        ));
        terminal.hint(format!(
            "`keyferry key usage '{address}'` finds and records them later"
        ));
    }
}

fn write_down(
    uses: &mpsc::Receiver<(KeyId, ObjectUse)>,
    mut record: impl FnMut(&KeyId, &[ObjectUse]) -> Result<(), Error>,
) -> Recorded {
    let mut recorded = Recorded::default();
    let mut write = |id: &KeyId, batch: Vec<ObjectUse>| {
        if let Err(error) = record(id, &batch) {
            recorded.lost += batch.len() as u64;
            recorded.error = Some(chain(&error));
        }
    };
    let mut batches: HashMap<KeyId, Vec<ObjectUse>> = HashMap::new();
    let mut written = Instant::now();
    loop {
        let next = uses.recv_timeout(GATHERING.saturating_sub(written.elapsed()));
        let ends = matches!(next, Err(RecvTimeoutError::Disconnected));
        if let Ok((id, object)) = next {
            let batch = batches.entry(id.clone()).or_default();
            batch.push(object);
            if batch.len() >= BATCH {
                write(&id, std::mem::take(batch));
            }
        }
        if ends || written.elapsed() >= GATHERING {
            for (id, batch) in batches.drain().filter(|(_, batch)| !batch.is_empty()) {
                write(&id, batch);
            }
            written = Instant::now();
        }
        if ends {
            return recorded;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_keystore::{Store, Succession, Unlock};
    use std::sync::{Arc, Mutex};

    fn id(number: u8) -> KeyId {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let mut store = Store::init(&place, &Unlock::Unprotected).unwrap();
        let ring = format!("ring-{number}").parse().unwrap();
        store.create(&ring, Succession::Supersede).unwrap().id
    }

    #[tokio::test]
    async fn uses_are_written_in_batches() {
        let batches: Arc<Mutex<Vec<(KeyId, usize)>>> = Arc::default();
        let seen = Arc::clone(&batches);
        let recorder = Recorder::start(move |id, objects| {
            seen.lock().unwrap().push((id.clone(), objects.len()));
            Ok(())
        })
        .unwrap();
        let (one, two) = (id(1), id(2));
        for number in 0..1200 {
            recorder.uses(
                &one,
                ObjectUse::new("bucket", format!("{number}"), None::<String>),
            );
        }
        for number in 0..2 {
            recorder.uses(
                &two,
                ObjectUse::new("bucket", format!("{number}"), None::<String>),
            );
        }
        let recorded = recorder.finish().await;
        assert_eq!((recorded.lost, recorded.error), (0, None));
        let batches = batches.lock().unwrap();
        let of = |key: &KeyId| -> Vec<usize> {
            let own = batches.iter().filter(|(id, _)| id == key);
            own.map(|(_, count)| *count).collect()
        };
        assert_eq!((of(&one), of(&two)), (vec![500, 500, 200], vec![2]));
    }

    #[tokio::test]
    async fn what_cannot_be_recorded_is_counted() {
        let key = id(1);
        let unknown = key.clone();
        let recorder = Recorder::start(move |_, _| {
            Err(Error::UnknownKey {
                id: unknown.clone(),
            })
        })
        .unwrap();
        for number in 0..700 {
            recorder.uses(
                &key,
                ObjectUse::new("bucket", format!("{number}"), None::<String>),
            );
        }
        let recorded = recorder.finish().await;
        assert_eq!(recorded.lost, 700);
        assert!(recorded.error.is_some());
    }
}
