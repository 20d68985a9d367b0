//! What all of a run came to. Grows with nothing: it counts.

use std::collections::BTreeMap;
use std::time::Duration;

use keyferry_policy::BucketName;
use serde::{Deserialize, Serialize};

use super::checked::{Checked, CheckedResult, Verdict};
use crate::{Conclusion, Level, ProbeAnswer, Report};

/// What all of a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many things came to what.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Object versions that were looked at.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were read and compared.
    pub bytes_read: u64,
    /// How they are encrypted, and how many: `SSE-C` for customer keys, otherwise what the server says,
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; `none` where it says nothing.
    pub encryption: BTreeMap<String, u64>,
    /// From upload to replication, where the change was witnessed.
    pub latencies: Latencies,
    /// Requests that had to be refused.
    pub probes: ProbeCounts,
    /// What could not be seen, by its name as in a report, and of how many objects.
    pub unseen: BTreeMap<String, u64>,
    /// Buckets that could not be listed, and why: extra versions and delete markers were not looked for
    /// there.
    pub not_listed: BTreeMap<BucketName, String>,
    /// The least level that was reached, of all that needed a replica; none where something is not
    /// proven at all.
    pub level: Option<Level>,
    /// Whether a server echoed the customer key in a response. Such a key must be treated as leaked.
    pub key_echoed: bool,
    /// Receipts that were given twice or more, word by word; each was looked at once.
    pub repeated_receipts: u64,
    /// Receipts that contradict another one of the same version.
    pub contradicting_receipts: u64,
}

/// Requests without the key, or with another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCounts {
    /// Objects that were asked for so.
    pub objects: u64,
    /// Refused, as they must be.
    pub refused: u64,
    /// Answered: there the data is not protected by its key.
    pub answered: u64,
    /// Anything else, which shows nothing.
    pub unclear: u64,
}

/// A histogram of latencies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// How many fall into each class; class `i` goes up to [`Latencies::BOUNDS`]`[i]`, the last one has no
    /// upper bound.
    pub counts: [u64; Latencies::CLASSES],
    /// The longest, in milliseconds.
    pub longest_ms: u64,
    /// All together, in milliseconds.
    pub sum_ms: u64,
}

impl Latencies {
    /// Upper bounds of the classes, in seconds.
    pub const BOUNDS: [u64; 13] = [1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 900, 3600];
    /// How many classes there are.
    pub const CLASSES: usize = Self::BOUNDS.len() + 1;

    /// Takes one in.
    pub fn add(&mut self, latency: Duration) {
        let class = Self::BOUNDS
            .iter()
            .position(|bound| latency <= Duration::from_secs(*bound))
            .unwrap_or(Self::BOUNDS.len());
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
        }
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.longest_ms = self.longest_ms.max(ms);
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Summary {
    /// Takes in what became of one thing.
    pub fn take_in(&mut self, checked: &Checked) {
        let verdict = checked.verdict();
        let first = self.counted() == 0;
        *self.verdicts.entry(verdict).or_default() += 1;
        let reached = match &checked.result {
            CheckedResult::Object(report) => {
                self.take_in_report(report);
                report.level_reached()
            }
            _ => None,
        };
        // Delete markers have no content, so nothing of them is short of a level.
        let counts = verdict.conclusion().is_some() && verdict != Verdict::MarkerReplicated;
        if counts {
            self.level = match first {
                true => reached,
                false => self.level.min(reached),
            };
        }
    }

    fn take_in_report(&mut self, report: &Report) {
        self.objects += 1;
        self.bytes += report.source.view.size;
        let encryption = match report.subject.key_md5 {
            Some(_) => "SSE-C",
            None => report.source.view.encryption(),
        };
        count(&mut self.encryption, encryption);
        let read = report
            .replicas
            .iter()
            .filter_map(|side| side.content.as_ref());
        self.bytes_read += read.map(|content| content.bytes).sum::<u64>();
        let sampled = report
            .replicas
            .iter()
            .filter_map(|side| side.samples.as_ref());
        self.bytes_read += sampled.map(|samples| samples.bytes).sum::<u64>();
        if let Some(latency) = report.timings.status_latency {
            self.latencies.add(latency);
        }
        let mut probed = false;
        for probe in report.probes() {
            probed = true;
            match &probe.answer {
                ProbeAnswer::Refused(_) => self.probes.refused += 1,
                ProbeAnswer::Answered => self.probes.answered += 1,
                ProbeAnswer::Unclear(_) => self.probes.unclear += 1,
            }
        }
        self.probes.objects += u64::from(probed);
        let sides = report.replicas.iter().flat_map(|side| &side.unseen);
        for unseen in report.unseen.iter().chain(sides) {
            count(&mut self.unseen, unseen.name());
        }
        self.key_echoed |= report.key_echoed();
    }

    /// How many things that needed a replica bear on [`level`](Self::level).
    fn counted(&self) -> u64 {
        self.verdicts
            .iter()
            .filter(|(verdict, _)| {
                verdict.conclusion().is_some() && **verdict != Verdict::MarkerReplicated
            })
            .map(|(_, count)| count)
            .sum()
    }

    /// How many things came to this.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// How many things mean this.
    #[must_use]
    pub fn concluded(&self, conclusion: Conclusion) -> u64 {
        self.verdicts
            .iter()
            .filter(|(verdict, _)| verdict.conclusion() == Some(conclusion))
            .map(|(_, count)| count)
            .sum()
    }

    /// How many things mean what, by name; `aside` is what needs no replica. They add up to
    /// [`total`](Self::total).
    #[must_use]
    pub fn conclusions(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (verdict, count) in &self.verdicts {
            let name = match verdict.conclusion() {
                Some(Conclusion::Verified) => "verified",
                Some(Conclusion::Pending) => "pending",
                Some(Conclusion::Refuted) => "refuted",
                Some(Conclusion::Undetermined) => "undetermined",
                None => "aside",
            };
            *counts.entry(name).or_default() += count;
        }
        counts
    }

    /// How many things were looked at, of any kind.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// What all of it means: the worst decides. Nothing looked at proves nothing.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        [
            Conclusion::Refuted,
            Conclusion::Undetermined,
            Conclusion::Pending,
            Conclusion::Verified,
        ]
        .into_iter()
        .find(|conclusion| self.concluded(*conclusion) > 0)
        .unwrap_or(Conclusion::Undetermined)
    }
}

/// One more of a name, which is copied only the first time.
fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
