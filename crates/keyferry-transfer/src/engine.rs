//! What all transfers of one run share: memory, requests in flight, hedging, patience.
//!
//! One object in parts and many small ones compete for the same network and the same server, so one
//! budget and one limit hold for all of them, however many run side by side.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

mod backoff;
mod hedge;
mod memory;
mod pace;
mod retries;
mod watch;

pub(crate) use backoff::delay;
pub(crate) use hedge::Hedging;
pub(crate) use memory::{Buffer, Memory, Reservation};
pub(crate) use pace::{Pace, Permit};
pub(crate) use retries::{Retries, once};
pub(crate) use watch::Watch;

/// How much an [`Engine`] may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Bytes of content that all transfers hold in memory together: parts that are being sent or read
    /// ahead, and ranges that wait for their turn to be written to a stream. Connections, TLS and
    /// the program itself come on top, about 30 MiB, and the batch that each range is being written
    /// in, 1 MiB. Default 256 MiB.
    ///
    /// Parts of a file that are larger than a quarter of it are read twice instead of being kept. A
    /// stream cannot be read twice: a part of it that is larger than all of this is kept nevertheless,
    /// alone.
    pub memory: u64,
    /// How many small requests are in flight at most; a large one counts as several, one per MiB,
    /// so that eight of 8 MiB are. Fewer are while the server asks to slow down. Default 64.
    pub most_requests: NonZeroUsize,
    /// Whether a part or range that takes much longer than the others is sent or asked for a second
    /// time, and the first answer counts. Beyond the first 16 MiB, that is at most a twentieth of
    /// the traffic. On by default.
    pub hedge: bool,
    /// A body that moves fewer bytes per second than this, in either direction and for as long as
    /// [`EngineSettings::patience`], is given up and begun again. Default 1 KiB.
    pub slowest: u64,
    /// How long a body may be too slow. Default 20 seconds.
    pub patience: Duration,
}

impl EngineSettings {
    /// Bytes of content in memory where nothing else is asked for: 256 MiB.
    pub const DEFAULT_MEMORY: u64 = 256 << 20;
    /// Requests in flight where nothing else is asked for.
    pub const DEFAULT_REQUESTS: NonZeroUsize = NonZeroUsize::new(64).unwrap();
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory: Self::DEFAULT_MEMORY,
            most_requests: Self::DEFAULT_REQUESTS,
            hedge: true,
            slowest: 1 << 10,
            patience: Duration::from_secs(20),
        }
    }
}

/// What the transfers of one run share. Clones are handles on the same engine.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: EngineSettings,
    memory: Memory,
    pace: Pace,
    hedging: Hedging,
}

impl Engine {
    /// An engine for the transfers of one run.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        Self(Arc::new(Shared {
            memory: Memory::new(settings.memory),
            pace: Pace::new(settings.most_requests),
            hedging: Hedging::new(settings.hedge),
            settings,
        }))
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    pub(crate) fn hedging(&self) -> &Hedging {
        &self.0.hedging
    }

    /// What a request that moves so many bytes counts, of [`EngineSettings::most_requests`]: small
    /// ones count one, large ones so much that a transfer gets no more of them than it may have in
    /// flight.
    pub(crate) fn cost(&self, bytes: u64, concurrency: usize) -> u32 {
        const MIB: u64 = 1 << 20;
        let share = self.0.settings.most_requests.get() / concurrency.max(1);
        let by_size = usize::try_from(bytes.div_ceil(MIB)).unwrap_or(usize::MAX);
        u32::try_from(by_size.min(share).max(1)).unwrap_or(u32::MAX)
    }

    /// Watches over the bytes of one request.
    pub(crate) fn watch(&self) -> Watch {
        Watch::new(self.0.settings.slowest, self.0.settings.patience)
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(EngineSettings::default())
    }
}
