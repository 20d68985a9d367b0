//! The sum of all entries, in bounded memory.

use std::collections::BTreeMap;

use keyferry_verify::{Level, Verdict};

use crate::entry::Entry;
use crate::latencies::Latencies;
use crate::verdict::{is_fine, rank};
use crate::wording::{Repair, level_name};

/// How many groups, replica buckets and the like are told apart.
const DISTINCT: usize = 100;

/// How many objects a group names.
const EXAMPLES: usize = 5;

/// What all entries came to.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) objects: u64,
    verdicts: BTreeMap<Verdict, u64>,
    levels: BTreeMap<String, u64>,
    pub(crate) not_seen: BTreeMap<String, u64>,
    groups: BTreeMap<(Verdict, String), Group>,
    /// Objects whose group was one too many.
    pub(crate) ungrouped: u64,
    pub(crate) sources: BTreeMap<String, u64>,
    /// By bucket: its region, where it is known, and how many objects were looked for there.
    pub(crate) replicas: BTreeMap<String, (Option<String>, u64)>,
    pub(crate) latencies: Latencies,
    pub(crate) keys_echoed: u64,
}

/// Objects of which the same is wrong.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) verdict: Verdict,
    pub(crate) why: String,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) examples: Vec<String>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            objects: 0,
            verdicts: BTreeMap::new(),
            levels: BTreeMap::new(),
            not_seen: BTreeMap::new(),
            groups: BTreeMap::new(),
            ungrouped: 0,
            sources: BTreeMap::new(),
            replicas: BTreeMap::new(),
            latencies: Latencies::new(),
            keys_echoed: 0,
        }
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        let size = entry.size.unwrap_or_default();
        self.objects += 1;
        *self.verdicts.entry(entry.verdict).or_default() += 1;
        if let Some(level) = &entry.level {
            count(&mut self.levels, level.clone());
        }
        for not_seen in &entry.not_seen {
            let known = self.not_seen.contains_key(not_seen);
            let line = match known || self.not_seen.len() < DISTINCT {
                true => not_seen.clone(),
                false => "other things, which the objects themselves tell of".to_owned(),
            };
            *self.not_seen.entry(line).or_default() += 1;
        }
        count(&mut self.sources, entry.bucket.clone());
        for (bucket, region) in &entry.replicas {
            if self.replicas.len() < DISTINCT || self.replicas.contains_key(bucket) {
                let (known, objects) = self.replicas.entry(bucket.clone()).or_default();
                *objects += 1;
                if known.is_none() {
                    known.clone_from(region);
                }
            }
        }
        if let Some(latency) = entry.latency {
            self.latencies.add(latency);
        }
        self.keys_echoed += u64::from(entry.key_echoed);
        if !is_fine(entry.verdict) {
            self.group(entry, size);
        }
    }

    fn group(&mut self, entry: &Entry, size: u64) {
        let why = entry.group.as_ref().unwrap_or(&entry.headline).clone();
        let place = (entry.verdict, why);
        if self.groups.len() >= DISTINCT && !self.groups.contains_key(&place) {
            self.ungrouped += 1;
            return;
        }
        let group = self
            .groups
            .entry(place)
            .or_insert_with_key(|(_, why)| Group {
                verdict: entry.verdict,
                why: why.clone(),
                repairs: entry.repairs.clone(),
                count: 0,
                bytes: 0,
                examples: Vec::new(),
            });
        group.count += 1;
        group.bytes = group.bytes.saturating_add(size);
        if group.examples.len() < EXAMPLES {
            group.examples.push(entry.address());
        }
    }

    /// Objects of which the verdict is one of these.
    pub(crate) fn count(&self, which: impl Fn(Verdict) -> bool) -> u64 {
        self.verdicts
            .iter()
            .filter(|(verdict, _)| which(**verdict))
            .map(|(_, count)| count)
            .sum()
    }

    /// Objects that are or should be in a replica bucket.
    pub(crate) fn needing_replica(&self) -> u64 {
        self.count(|verdict| verdict.conclusion().is_some())
    }

    /// Objects that are proven at a level, or at a higher one.
    pub(crate) fn proven_at(&self, level: Level) -> u64 {
        LEVELS
            .iter()
            .filter(|higher| **higher >= level)
            .filter_map(|higher| self.levels.get(level_name(*higher)))
            .sum()
    }

    /// What is wrong: the worst first, of the same badness what most objects have.
    pub(crate) fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|group| (rank(group.verdict), std::cmp::Reverse(group.count)));
        groups
    }
}

/// The rungs of the ladder, the lowest first.
pub(crate) const LEVELS: [Level; 4] = [Level::Status, Level::Equal, Level::Sample, Level::Deep];

/// Counts one more; what is one too many is left out, so that nothing grows without bounds.
fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, what: K) {
    if counts.len() < DISTINCT || counts.contains_key(&what) {
        *counts.entry(what).or_default() += 1;
    }
}
