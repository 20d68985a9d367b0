//! What all transfers of one run share: memory, requests in flight, hedging, patience.
//!
//! One object in parts and many small ones compete for the same network and the same server, so one
//! budget and one limit hold for all of them, however many run side by side.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// How much an [`Engine`] may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Bytes of content that all transfers hold in memory together: parts that are being sent or read
    /// ahead, and ranges that wait for their turn to be written to a stream. Connections, TLS and
    /// the program itself come on top, about 30 MiB. Default 256 MiB.
    pub memory: u64,
    /// How many requests are in flight at most; fewer while the server asks to slow down. Default
    /// 64.
    pub most_requests: NonZeroUsize,
    /// Whether a part or range that takes much longer than the others is sent or asked for a second
    /// time, and the first answer counts. Costs at most a twentieth more traffic. On by default.
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
}

impl Engine {
    /// An engine for the transfers of one run.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        Self(Arc::new(Shared { settings }))
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(EngineSettings::default())
    }
}
