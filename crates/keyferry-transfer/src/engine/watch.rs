//! Bodies that stall, or trickle.
//!
//! The SDK gives up only bodies that stop altogether, after 20 seconds without a byte; one byte per
//! second satisfies it. So its protection is switched off for the requests that move content, and this
//! one looks instead: at least so many bytes in so much time of waiting. Time that the disk, the
//! reader or the pace take does not count.

use std::time::Duration;

use tokio::time::Instant;

/// Watches over the bytes of one body that is being received.
#[derive(Debug)]
pub(crate) struct Watch {
    slowest: u64,
    patience: Duration,
    waited: Duration,
    moved: u64,
}

/// A body was too slow for too long.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("less than {slowest} bytes per second moved in {} seconds", patience.as_secs_f64())]
pub(crate) struct Stalled {
    slowest: u64,
    patience: Duration,
}

impl Watch {
    pub(crate) fn new(slowest: u64, patience: Duration) -> Self {
        Self {
            slowest,
            patience,
            waited: Duration::ZERO,
            moved: 0,
        }
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    /// When too few came for too long.
    pub(crate) async fn over<T>(&mut self, more: impl Future<Output = T>) -> Result<T, Stalled> {
        tokio::pin!(more);
        loop {
            let began = Instant::now();
            let left = self.patience.saturating_sub(self.waited);
            let arrived = tokio::select! {
                biased;
                arrived = &mut more => Some(arrived),
                () = tokio::time::sleep(left) => None,
            };
            self.waited += began.elapsed();
            if let Some(arrived) = arrived {
                return Ok(arrived);
            }
            self.look()?;
        }
    }

    /// Says that so many bytes came.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved += bytes as u64;
    }

    /// Ends a stretch of time, and begins another.
    fn look(&mut self) -> Result<(), Stalled> {
        let moved = std::mem::take(&mut self.moved);
        self.waited = Duration::ZERO;
        if moved >= self.least() {
            return Ok(());
        }
        Err(self.stalled())
    }

    fn least(&self) -> u64 {
        let patience = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        (self.slowest.saturating_mul(patience) / 1000).max(1)
    }

    fn stalled(&self) -> Stalled {
        Stalled {
            slowest: self.slowest,
            patience: self.patience,
        }
    }

    /// Watches over a body that is being sent: ends when too few bytes left for too long, or when the
    /// last one left and no answer came in `answer`.
    pub(crate) async fn over_sending(
        &self,
        length: u64,
        answer: Duration,
        sent: impl Fn() -> u64,
    ) -> Unsent {
        const LOOKS: u32 = 8;
        let mut earlier = [0; LOOKS as usize];
        let mut looks = 0_usize;
        loop {
            tokio::time::sleep(self.patience / LOOKS).await;
            let now = sent();
            if now >= length {
                break;
            }
            let Some(then) = earlier.get_mut(looks % LOOKS as usize) else {
                break;
            };
            // A new attempt counts from the beginning.
            if looks >= LOOKS as usize && now.saturating_sub(*then) < self.least() {
                return Unsent::Stalled(self.stalled());
            }
            *then = now;
            looks += 1;
        }
        tokio::time::sleep(answer).await;
        Unsent::NoAnswer(answer)
    }
}

/// Why a request with a body is given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsent {
    #[error(transparent)]
    Stalled(Stalled),
    #[error("there was no answer for {} seconds", .0.as_secs_f64())]
    NoAnswer(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bodies_that_trickle_are_given_up_and_slow_ones_are_not() {
        for (bytes, is_enough) in [(0, false), (19_999, false), (20_000, true)] {
            let mut watch = Watch::new(1000, 20 * SECOND);
            watch.moved(bytes);
            assert_eq!(watch.look().is_ok(), is_enough, "{bytes}");
            // Each stretch of time counts alone.
            watch.moved(bytes);
            assert_eq!(watch.look().is_ok(), is_enough, "{bytes}");
        }
        assert_eq!(Watch::new(0, SECOND).least(), 1);
    }

    /// The disk or the reader may take as long as they want between the chunks.
    #[tokio::test]
    async fn only_waiting_counts() {
        let mut watch = Watch::new(1, SECOND);
        std::thread::sleep(SECOND / 20);
        watch.over(std::future::ready(())).await.unwrap();
        assert!(watch.waited < SECOND / 20);
        let mut watch = Watch::new(1, SECOND / 100);
        assert!(watch.over(std::future::pending::<()>()).await.is_err());
    }

    #[tokio::test]
    async fn requests_are_given_up_when_their_body_stalls_or_no_answer_comes() {
        let watch = Watch::new(1000, SECOND / 50);
        let unsent = watch.over_sending(1 << 30, SECOND, || 5000).await;
        assert!(matches!(unsent, Unsent::Stalled(_)));
        let unsent = watch.over_sending(5000, SECOND / 100, || 5000).await;
        assert!(matches!(unsent, Unsent::NoAnswer(_)));
        // Whatever time passes between two looks, this moves enough until it has moved all.
        let sent = Cell::new(0);
        let unsent = watch.over_sending(1 << 20, SECOND / 100, || {
            sent.set(sent.get() + (1 << 14));
            sent.get()
        });
        assert!(matches!(unsent.await, Unsent::NoAnswer(_)));
    }
}
