//! Machines that share a store in a place.

use keyferry_keystore::{
    Documents, Error, KeyState, Passphrase, RingName, Store, Succession, Unlock, WorkFactor,
};
use tempfile::TempDir;

pub(crate) fn ring(name: &str) -> RingName {
    name.parse().unwrap()
}

fn unlock() -> Unlock {
    Unlock::Passphrase(Passphrase::new("correct horse".to_owned()).unwrap())
}

/// A machine: a folder for a working copy.
pub(crate) struct Machine(TempDir);

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self(folder.unwrap())
    }

    pub(crate) fn try_init(&self, place: impl Documents + 'static) -> Result<Store, Error> {
        let quick = WorkFactor::new(2).unwrap();
        let dir = self.0.path().join("store");
        Store::init_remote(Box::new(place), &dir, &unlock(), quick)
    }

    pub(crate) fn try_open(&self, place: impl Documents + 'static) -> Result<Store, Error> {
        let dir = self.0.path().join("store");
        Store::open_remote(Box::new(place), &dir, &unlock())
    }
}

/// Several machines make and rotate keys at once: none is lost, and no version is used twice.
pub(crate) fn at_once<D: Documents + 'static>(
    machines: usize,
    rounds: usize,
    place: impl Fn() -> D + Sync,
) {
    let first = Machine::new();
    first.try_init(place()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..machines {
            let place = &place;
            scope.spawn(move || {
                let machine = Machine::new();
                let mut store = machine.try_open(place()).unwrap();
                let own = ring(&format!("own-{number}"));
                for _ in 0..rounds {
                    store
                        .create(&ring("shared"), Succession::Supersede)
                        .unwrap();
                    store.create(&own, Succession::Supersede).unwrap();
                }
            });
        }
    });
    for machine in [first, Machine::new()] {
        let store = machine.try_open(place()).unwrap();
        assert_eq!(store.write_block(), None);
        assert_eq!(store.findings(), []);
        assert_eq!(store.list().len(), 2 * machines * rounds);
        let mut versions: Vec<usize> = store
            .list()
            .iter()
            .filter(|entry| entry.ring == ring("shared"))
            .map(|entry| entry.version as usize)
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=machines * rounds).collect::<Vec<_>>());
        let active = store
            .list()
            .iter()
            .filter(|entry| entry.state == KeyState::Active);
        assert_eq!(active.count(), machines + 1);
        for entry in store.list() {
            assert_eq!(store.key(&entry.id).unwrap().md5(), entry.md5);
        }
    }
}
