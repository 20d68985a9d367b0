//! Object Lock: what keeps a version from being deleted for good (`S3-LOCK-4` to `S3-LOCK-6`),
//! and what may be changed about that.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::bucket_record::BucketRecord;
use super::error::StoreError;
use super::identifiers::Sequence;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A year of a default retention, as S3 counts those of event holds. Silent on those of
/// retention periods.
const DAYS_OF_A_YEAR: u32 = 365;

/// Who may shorten a retention period: nobody, or whoever may bypass it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RetentionMode {
    Governance,
    Compliance,
}

impl RetentionMode {
    /// The mode of S3's name for it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "GOVERNANCE" => Some(Self::Governance),
            "COMPLIANCE" => Some(Self::Compliance),
            _ => None,
        }
    }

    /// S3's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// A retention period of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub(crate) mode: RetentionMode,
    pub(crate) until: SystemTime,
}

/// How long a bucket's default retention lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RetentionPeriod {
    Days(u32),
    Years(u32),
}

/// The retention of new versions that come with none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultRetention {
    pub(crate) mode: RetentionMode,
    pub(crate) period: RetentionPeriod,
}

impl DefaultRetention {
    /// For a version of that creation time.
    pub(crate) fn from(self, created: SystemTime) -> Retention {
        let days = match self.period {
            RetentionPeriod::Days(days) => days,
            RetentionPeriod::Years(years) => years.saturating_mul(DAYS_OF_A_YEAR),
        };
        Retention {
            mode: self.mode,
            until: created + DAY.saturating_mul(days),
        }
    }
}

/// A bucket's Object Lock configuration. Once there, it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketLock {
    pub(crate) default_retention: Option<DefaultRetention>,
}

/// What a request that makes a version says about its lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestedLock {
    pub(crate) retention: Option<Retention>,
    pub(crate) legal_hold: Option<bool>,
}

impl RequestedLock {
    /// Whether it says anything.
    pub(crate) fn is_present(self) -> bool {
        self.retention.is_some() || self.legal_hold.is_some()
    }
}

/// A version's lock, and when each half last changed: where both sides of a replication change
/// it, the later change wins (`S3-REPL-8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectLock {
    pub(crate) retention: Option<Retention>,
    /// `None` when it never had one.
    pub(crate) legal_hold: Option<bool>,
    retention_changed: Sequence,
    legal_hold_changed: Sequence,
}

impl Default for ObjectLock {
    fn default() -> Self {
        let never = Sequence(0);
        Self {
            retention: None,
            legal_hold: None,
            retention_changed: never,
            legal_hold_changed: never,
        }
    }
}

impl ObjectLock {
    /// The lock of a new version: as requested, else as the bucket's default says.
    pub(super) fn new(bucket: &BucketRecord, requested: RequestedLock, created: Sequence) -> Self {
        let mut lock = Self {
            retention: requested.retention,
            legal_hold: requested.legal_hold,
            retention_changed: created,
            legal_hold_changed: created,
        };
        lock.retain_by_default(bucket, created);
        lock
    }

    /// Gives a version without retention the bucket's default one.
    pub(crate) fn retain_by_default(&mut self, bucket: &BucketRecord, created: Sequence) {
        let default = bucket.object_lock.and_then(|lock| lock.default_retention);
        if let (None, Some(default)) = (self.retention, default) {
            self.retention = Some(default.from(created.time()));
        }
    }

    /// Whether the version cannot be deleted. Only a retention in governance mode can be
    /// bypassed, and never a legal hold.
    pub(super) fn protects(&self, bypass_governance: bool, now: SystemTime) -> bool {
        let retained = self.retention.is_some_and(|retention| {
            let bypassed = bypass_governance && retention.mode == RetentionMode::Governance;
            retention.until > now && !bypassed
        });
        retained || self.legal_hold == Some(true)
    }

    /// Whether its retention may become this one. While a period runs it can only be extended in
    /// its mode; in governance mode, whoever may bypass it may do anything.
    fn permits(&self, wanted: Option<Retention>, bypass_governance: bool, now: SystemTime) -> bool {
        match (self.retention, wanted) {
            (Some(current), _) if current.until <= now => true,
            (Some(current), _)
                if bypass_governance && current.mode == RetentionMode::Governance =>
            {
                true
            }
            (Some(current), Some(wanted)) => {
                wanted.mode == current.mode && wanted.until >= current.until
            }
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// Changes it, if what is there permits.
    pub(super) fn change(
        &mut self,
        change: LockChange,
        at: Sequence,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        match change {
            LockChange::Retention {
                retention,
                bypass_governance,
            } => {
                if !self.permits(retention, bypass_governance, now) {
                    return Err(StoreError::ObjectLocked);
                }
                self.retention = retention;
                self.retention_changed = at;
            }
            LockChange::LegalHold(hold) => {
                self.legal_hold = Some(hold);
                self.legal_hold_changed = at;
            }
        }
        Ok(())
    }

    /// When it last changed.
    pub(super) fn changed(&self) -> Sequence {
        self.retention_changed.max(self.legal_hold_changed)
    }

    /// Takes over the halves that changed later on the other side of a replication; what runs in
    /// compliance mode here is not cut short from there (`S3-LOCK-9`).
    pub(super) fn take_newer(&mut self, from: &Self, now: SystemTime) -> bool {
        let before = *self;
        if from.retention_changed > self.retention_changed
            && self.permits(from.retention, true, now)
        {
            self.retention = from.retention;
            self.retention_changed = from.retention_changed;
        }
        if from.legal_hold_changed > self.legal_hold_changed {
            self.legal_hold = from.legal_hold;
            self.legal_hold_changed = from.legal_hold_changed;
        }
        *self != before
    }
}

/// A change to a version's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockChange {
    Retention {
        /// `None` takes it away.
        retention: Option<Retention>,
        /// The requester may bypass governance mode, and asked to.
        bypass_governance: bool,
    },
    LegalHold(bool),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn retention(mode: RetentionMode, seconds: u64) -> Option<Retention> {
        Some(Retention {
            mode,
            until: at(seconds),
        })
    }

    fn locked(retention: Option<Retention>) -> ObjectLock {
        ObjectLock {
            retention,
            ..ObjectLock::default()
        }
    }

    /// S3-LOCK-4.
    #[test]
    fn what_a_running_period_permits() {
        use RetentionMode::{Compliance, Governance};
        let soon = NOW + 10;
        for (current, wanted, without, bypassing) in [
            // Extending in the same mode needs nothing.
            (
                retention(Governance, soon),
                retention(Governance, soon + 1),
                true,
                true,
            ),
            (
                retention(Compliance, soon),
                retention(Compliance, soon + 1),
                true,
                true,
            ),
            (
                retention(Compliance, soon),
                retention(Compliance, soon),
                true,
                true,
            ),
            // Shortening, taking away, another mode.
            (
                retention(Governance, soon),
                retention(Governance, soon - 1),
                false,
                true,
            ),
            (retention(Governance, soon), None, false, true),
            (
                retention(Governance, soon),
                retention(Compliance, soon + 1),
                false,
                true,
            ),
            (
                retention(Compliance, soon),
                retention(Compliance, soon - 1),
                false,
                false,
            ),
            (retention(Compliance, soon), None, false, false),
            (
                retention(Compliance, soon),
                retention(Governance, soon + 1),
                false,
                false,
            ),
            // Over, or none at all.
            (retention(Compliance, NOW), None, true, true),
            (None, retention(Compliance, soon), true, true),
        ] {
            let lock = locked(current);
            assert_eq!(lock.permits(wanted, false, at(NOW)), without, "{lock:?}");
            assert_eq!(lock.permits(wanted, true, at(NOW)), bypassing, "{lock:?}");
        }
    }

    /// S3-LOCK-5, S3-LOCK-6.
    #[test]
    fn what_protects_from_deletion() {
        use RetentionMode::{Compliance, Governance};
        for (mode, until, without, bypassing) in [
            (Governance, NOW + 1, true, false),
            (Compliance, NOW + 1, true, true),
            (Governance, NOW, false, false),
            (Compliance, NOW, false, false),
        ] {
            let mut lock = locked(retention(mode, until));
            assert_eq!(lock.protects(false, at(NOW)), without, "{lock:?}");
            assert_eq!(lock.protects(true, at(NOW)), bypassing, "{lock:?}");
            lock.legal_hold = Some(true);
            assert!(lock.protects(true, at(NOW)), "{lock:?}");
        }
        assert!(!locked(None).protects(false, at(NOW)));
    }

    /// S3-LOCK-9.
    #[test]
    fn changes_from_the_other_side() {
        use RetentionMode::{Compliance, Governance};
        let soon = NOW + 10;
        let changed = ObjectLock {
            retention: retention(Governance, soon),
            retention_changed: Sequence(2),
            ..ObjectLock::default()
        };
        for (here, taken) in [
            (None, true),
            (retention(Governance, soon + 1), true),
            (retention(Compliance, NOW), true),
            (retention(Compliance, soon), false),
        ] {
            let mut lock = locked(here);
            assert_eq!(lock.take_newer(&changed, at(NOW)), taken, "{here:?}");
            assert_eq!(lock.retention == changed.retention, taken);
            // Older changes are not taken.
            lock.retention_changed = Sequence(3);
            lock.retention = None;
            assert!(!lock.take_newer(&changed, at(NOW)));
        }
    }

    /// S3-LOCK-3.
    #[test]
    fn years_have_365_days() {
        let retention = |period| {
            let default = DefaultRetention {
                mode: RetentionMode::Governance,
                period,
            };
            default.from(at(NOW)).until
        };
        assert_eq!(retention(RetentionPeriod::Days(1)), at(NOW + 86_400));
        assert_eq!(
            retention(RetentionPeriod::Years(2)),
            at(NOW + 2 * 365 * 86_400)
        );
    }
}
