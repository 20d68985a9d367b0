//! Waiting for the SDK, which does not block, where everything else does.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime of its own: callers may be in another one, which must not be waited in.
#[derive(Debug)]
pub(super) struct Blocking(Option<Runtime>);

impl Blocking {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("secrets-manager")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs it to its end.
    pub(super) fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        let Some(runtime) = &self.0 else {
            unreachable!("the runtime is there until this is dropped");
        };
        // On a thread of its own, where no other runtime is.
        std::thread::scope(
            |scope| match scope.spawn(|| runtime.block_on(future)).join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            },
        )
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        // Waiting for it would panic in another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
