//! How long to wait before trying again.

use std::time::Duration;

/// Full jitter under an exponential bound: a random time below 0.2 s, 0.4 s, ... at most 10 s, so
/// that many requests that failed together do not come back together.
pub(crate) fn delay(failures: u32) -> Duration {
    const FIRST: u64 = 200;
    const MOST: u64 = 10_000;
    let bound = FIRST
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(MOST);
    Duration::from_millis(rand::random_range(0..=bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_bounded() {
        for failures in 0..100_u32 {
            let bound = Duration::from_millis(200 << failures.saturating_sub(1).min(6));
            assert!(delay(failures) <= bound.min(Duration::from_secs(10)));
        }
    }
}
