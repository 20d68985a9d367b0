//! Transfers that broke off and are continued.

#![expect(clippy::panic, reason = "tests fail by panicking, and say why")]

use std::path::PathBuf;
use std::sync::Mutex;

use keyferry_transfer::{
    Download, Downloaded, Event, Observer, Receipt, Resume, ResumePlace, StartedOver,
    TransferError, Upload, UploadSource, download, upload,
};
use tokio_util::sync::CancellationToken;

use crate::setup::{PART, Setup, names};

mod downloads;
mod unsound_servers;
mod uploads;

/// When to stop, and how.
type Stop = (fn(&Event) -> bool, CancellationToken);

/// What an observer saw of a transfer, which it may stop.
#[derive(Default)]
struct Watch {
    stop: Option<Stop>,
    events: Mutex<Vec<Event>>,
}

impl Watch {
    /// Cancels at the first event of a kind.
    fn stopping(when: fn(&Event) -> bool) -> (Self, CancellationToken) {
        let token = CancellationToken::new();
        let watch = Self {
            stop: Some((when, token.clone())),
            ..Self::default()
        };
        (watch, token)
    }

    fn sum(&self, bytes: fn(&Event) -> u64) -> u64 {
        self.events.lock().unwrap().iter().map(bytes).sum()
    }

    /// Bytes that went over.
    fn sent(&self) -> u64 {
        self.sum(|event| match event {
            Event::Advanced { bytes } => *bytes,
            _ => 0,
        })
    }

    /// Bytes that did not have to.
    fn skipped(&self) -> u64 {
        self.sum(|event| match event {
            Event::AlreadyThere { bytes } => *bytes,
            _ => 0,
        })
    }

    fn started_over(&self) -> Option<StartedOver> {
        let events = self.events.lock().unwrap();
        events.iter().find_map(|event| match event {
            Event::StartedOver { why } => Some(*why),
            _ => None,
        })
    }
}

impl Observer for Watch {
    fn on(&self, event: Event) {
        self.events.lock().unwrap().push(event);
        if let Some((when, token)) = &self.stop
            && when(&event)
        {
            token.cancel();
        }
    }
}

fn at_part(event: &Event) -> bool {
    matches!(event, Event::PartDone { .. })
}

impl Setup {
    fn states(&self) -> PathBuf {
        self.folder.path().join("states")
    }

    fn remembered(&self) -> usize {
        match self.states().exists() {
            true => names(&self.states()).len(),
            false => 0,
        }
    }

    fn resumable(&self, path: PathBuf, resume: Resume) -> Upload {
        let mut upload = self.new_upload(UploadSource::File(path), "s3://tokyo/key");
        upload.resume = Some(ResumePlace::new(self.states(), String::new(), resume));
        upload
    }

    async fn send_watched(
        &self,
        upload: Upload,
        watch: &Watch,
        cancel: CancellationToken,
    ) -> Result<Receipt, TransferError> {
        let sent = self::upload(&self.client, upload, watch, cancel).await;
        sent.map(|uploaded| uploaded.receipt)
    }

    /// Uploads until the first part is stored, one part at a time; how much is kept.
    async fn broken_off(&self, upload: Upload) -> u64 {
        let (watch, cancel) = Watch::stopping(at_part);
        let upload = Upload {
            concurrency: 1.try_into().unwrap(),
            ..upload
        };
        match self.send_watched(upload, &watch, cancel).await {
            Err(TransferError::Resumable { cause, kept, .. }) => {
                assert!(matches!(*cause, TransferError::Interrupted), "{cause:?}");
                assert!(kept >= PART, "{kept}");
                kept
            }
            other => panic!("{other:?}"),
        }
    }

    async fn fetch_watched(
        &self,
        download: Download,
        watch: &Watch,
        cancel: CancellationToken,
    ) -> Result<Downloaded, TransferError> {
        self::download(&self.client, download, watch, cancel).await
    }
}
