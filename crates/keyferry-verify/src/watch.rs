//! How long to wait for replication, and when to look again.
//!
//! S3 decides when an object is written whether replication will take it, and shows `PENDING` from
//! then on. So an object that a rule covers and that still has no status after a while was written
//! before the rule worked. Transient trouble stays `PENDING` for as long as it lasts; `COMPLETED` and
//! `FAILED` do not change by themselves (S3-VERIFY-1).
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html>

use std::time::Duration;

use crate::ReplicationStatus;

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
const GROWTH: f64 = 1.6;
/// How long a covered object may be without a status while we watch.
const STATUS_GRACE: Duration = Duration::from_secs(10);
/// An object of this age without a status will not get one.
const SETTLED_AGE: Duration = Duration::from_secs(600);

/// What the source's status comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    Completed,
    Failed,
    /// The deadline passed first.
    Pending,
    /// The object came by replication.
    Replica,
    /// No status, though a rule covers the object.
    OlderThanRule,
    /// No status, and no rule known to cover the object: the replica itself must show.
    Silent,
}

/// What to do after a look at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Stop(Settled),
    LookAfter(Duration),
}

/// Decides after each look whether to look again.
#[derive(Debug)]
pub(crate) struct Watch {
    wait: Duration,
    delay: Duration,
    /// Whether a rule is known to cover the object.
    covered: bool,
    /// Age of the object at the first look, where known.
    age: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(wait: Duration, covered: bool, age: Option<Duration>) -> Self {
        Self {
            wait,
            delay: FIRST_DELAY,
            covered,
            age,
        }
    }

    /// Takes a look's result. `jitter`, from 0 to 1, spreads the looks of many watchers.
    pub(crate) fn next(
        &mut self,
        status: Option<&ReplicationStatus>,
        elapsed: Duration,
        jitter: f64,
    ) -> Next {
        let settled = match status {
            Some(ReplicationStatus::Completed) => Some(Settled::Completed),
            Some(ReplicationStatus::Failed) => Some(Settled::Failed),
            Some(ReplicationStatus::Replica) => Some(Settled::Replica),
            Some(ReplicationStatus::Pending | ReplicationStatus::Other(_)) => None,
            None if !self.covered => Some(Settled::Silent),
            None if elapsed >= STATUS_GRACE || self.is_old() => Some(Settled::OlderThanRule),
            None => None,
        };
        match settled {
            Some(settled) => Next::Stop(settled),
            None => self
                .delay(elapsed, jitter)
                .map_or(Next::Stop(Settled::Pending), Next::LookAfter),
        }
    }

    /// Time until the next look; none once the deadline has passed. The last look is at the deadline.
    pub(crate) fn delay(&mut self, elapsed: Duration, jitter: f64) -> Option<Duration> {
        let left = self
            .wait
            .checked_sub(elapsed)
            .filter(|left| !left.is_zero())?;
        let delay = self.delay.mul_f64(0.75 + 0.5 * jitter.clamp(0.0, 1.0));
        self.delay = self.delay.mul_f64(GROWTH).min(LONGEST_DELAY);
        Some(delay.min(LONGEST_DELAY).min(left))
    }

    /// Lets the time run out.
    pub(crate) fn give_up(&mut self) {
        self.wait = Duration::ZERO;
    }

    fn is_old(&self) -> bool {
        self.age.is_some_and(|age| age >= SETTLED_AGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YOUNG: Option<Duration> = Some(Duration::from_secs(1));

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_settled_status_stops_at_once() {
        for (status, settled) in [
            (ReplicationStatus::Completed, Settled::Completed),
            (ReplicationStatus::Failed, Settled::Failed),
            (ReplicationStatus::Replica, Settled::Replica),
        ] {
            let mut watch = Watch::new(seconds(60), true, YOUNG);
            assert_eq!(
                watch.next(Some(&status), Duration::ZERO, 0.5),
                Next::Stop(settled)
            );
        }
    }

    #[test]
    fn without_a_wait_there_is_one_look() {
        let mut watch = Watch::new(Duration::ZERO, true, YOUNG);
        assert_eq!(
            watch.next(Some(&ReplicationStatus::Pending), Duration::ZERO, 0.5),
            Next::Stop(Settled::Pending)
        );
    }

    #[test]
    fn delays_grow_to_the_cap_and_end_at_the_deadline() {
        for jitter in [0.0, 0.5, 1.0] {
            let mut watch = Watch::new(seconds(120), true, YOUNG);
            let mut elapsed = Duration::ZERO;
            let mut looks = 0;
            let first = FIRST_DELAY.mul_f64(0.75)..=FIRST_DELAY.mul_f64(1.25);
            loop {
                match watch.next(Some(&ReplicationStatus::Pending), elapsed, jitter) {
                    Next::LookAfter(delay) => {
                        assert!(delay <= LONGEST_DELAY);
                        assert!(looks > 0 || first.contains(&delay));
                        elapsed += delay;
                        looks += 1;
                    }
                    Next::Stop(settled) => {
                        assert_eq!(settled, Settled::Pending);
                        break;
                    }
                }
            }
            assert_eq!(elapsed, seconds(120));
            assert!((15..=30).contains(&looks), "{looks}");
        }
    }

    #[test]
    fn an_object_that_gets_no_status_is_older_than_its_rule() {
        let old = Some(SETTLED_AGE);
        let mut watch = Watch::new(seconds(60), true, old);
        assert_eq!(
            watch.next(None, Duration::ZERO, 0.5),
            Next::Stop(Settled::OlderThanRule)
        );
        let mut watch = Watch::new(seconds(60), true, YOUNG);
        assert!(matches!(
            watch.next(None, seconds(9), 0.5),
            Next::LookAfter(_)
        ));
        assert_eq!(
            watch.next(None, seconds(10), 0.5),
            Next::Stop(Settled::OlderThanRule)
        );
        // Too young to tell in the time given.
        let mut watch = Watch::new(seconds(3), true, YOUNG);
        assert_eq!(
            watch.next(None, seconds(3), 0.5),
            Next::Stop(Settled::Pending)
        );
    }

    #[test]
    fn where_no_rule_is_known_the_replica_must_show() {
        let mut watch = Watch::new(seconds(60), false, YOUNG);
        assert_eq!(
            watch.next(None, Duration::ZERO, 0.5),
            Next::Stop(Settled::Silent)
        );
    }
}
