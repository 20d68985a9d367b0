//! How long replication took, of any number of objects in little memory.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer latencies count as this one: 400 days, in milliseconds.
const LONGEST: u64 = 400 * 24 * 60 * 60 * 1000;

/// Bounds of bars in seconds, such that people like to read them.
const BOUNDS: [f64; 47] = [
    0.0,
    0.01,
    0.02,
    0.05,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    0.7,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    7.0,
    10.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
    90.0,
    120.0,
    180.0,
    240.0,
    300.0,
    450.0,
    600.0,
    900.0,
    1200.0,
    1800.0,
    2700.0,
    3600.0,
    5400.0,
    7200.0,
    10800.0,
    18000.0,
    28800.0,
    43200.0,
    86400.0,
    172_800.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    51_840_000.0,
];

/// Latencies, counted to two significant digits.
#[derive(Debug)]
pub(crate) struct Latencies {
    counts: Option<Histogram<u64>>,
}

/// How many latencies lie between two bounds, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) count: u64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            counts: Histogram::new_with_bounds(1, LONGEST, 2).ok(),
        }
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(LONGEST);
        if let Some(counts) = &mut self.counts {
            counts.saturating_record(milliseconds.clamp(1, LONGEST));
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.as_ref().map_or(0, Histogram::len)
    }

    /// The latency, in seconds, that this share of objects did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let counts = self.counts.as_ref().filter(|counts| !counts.is_empty())?;
        // The bucket's upper bound may lie above what was ever seen.
        let value = counts.value_at_quantile(share).min(counts.max());
        Some(in_seconds(value))
    }

    /// The longest, in seconds.
    pub(crate) fn longest(&self) -> Option<f64> {
        self.quantile(1.0)
    }

    /// Bars from the shortest latency to the longest, none left out between them.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let Some(counts) = &self.counts else {
            return Vec::new();
        };
        let mut bars: Vec<Bar> = BOUNDS
            .windows(2)
            .filter_map(|bounds| match bounds {
                [from, to] => Some(Bar {
                    from: *from,
                    to: *to,
                    count: 0,
                }),
                _ => None,
            })
            .collect();
        for step in counts.iter_recorded() {
            let seconds = in_seconds(step.value_iterated_to());
            if let Some(bar) = bars
                .iter_mut()
                .find(|bar| bar.from <= seconds && seconds < bar.to)
            {
                bar.count += step.count_since_last_iteration();
            }
        }
        let first = bars.iter().position(|bar| bar.count > 0);
        let last = bars.iter().rposition(|bar| bar.count > 0);
        match (first, last) {
            (Some(first), Some(last)) => bars.drain(first..=last).collect(),
            _ => Vec::new(),
        }
    }
}

fn in_seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_one_bar() {
        let mut latencies = Latencies::new();
        for milliseconds in [0, 1, 99, 100, 1_000, 1_499, 14_000, 900_000, 86_400_000] {
            latencies.add(Duration::from_millis(milliseconds));
        }
        latencies.add(Duration::from_secs(u64::MAX));
        let bars = latencies.bars();
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 10);
        assert!(bars.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert!(bars[0].count > 0 && bars[bars.len() - 1].count > 0);
        assert_eq!(latencies.count(), 10);
    }

    #[test]
    fn quantiles_are_right_to_two_digits() {
        let mut latencies = Latencies::new();
        for milliseconds in 1..=10_000 {
            latencies.add(Duration::from_millis(milliseconds));
        }
        let near = |share: f64, expected: f64| {
            let quantile = latencies.quantile(share).expect("some");
            assert!((quantile - expected).abs() / expected < 0.01, "{quantile}");
        };
        near(0.5, 5.0);
        near(0.99, 9.9);
        near(1.0, 10.0);
        assert_eq!(Latencies::new().quantile(0.5), None);
        assert!(Latencies::new().bars().is_empty());
    }
}
