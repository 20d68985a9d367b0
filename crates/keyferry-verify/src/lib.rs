//! Proof that an object arrived, intact and under its customer key, in the other region.
//!
//! This crate only reads S3. It does not trust one sign: a replication status, an entity tag, an
//! echoed algorithm or a stored checksum can each be wrong or missing on some server. So it asks
//! both sides, compares what they say, reads the content where asked to, and makes sure that both
//! sides refuse whoever comes without the key.
//!
//! * [`Subject`]: what is to be verified; from a receipt, or from the source by [`receipt_of`].
//! * [`verify`]: waits for replication, looks at both sides and says what was found, as a [`Report`].
//! * [`verify_many`]: the same for what a bucket holds, or for lists of receipts, as a stream.
//! * [`Outcome`]: what it came to. [`Verified`] cannot be made anywhere else.
//! * [`Regions`]: where clients for the regions come from; [`Sides`] where the replicas are elsewhere.
//! * [`Observer`]: what is going on meanwhile.
//! * [`key_of`], [`scan`]: which key a version needs, or every version below a prefix.
//!
//! The ladder of proof is [`Level`]: what S3 says, stored checksums, samples, every byte.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html>

mod access;
mod answer;
mod bucket;
mod causes;
mod conclusion;
mod content;
mod destination;
mod difference;
mod doctor;
mod error;
mod event;
mod events;
mod many;
mod object_view;
mod outcome;
mod probe;
mod regions;
mod replica;
mod report;
mod response_headers;
mod rules;
mod situation;
mod source;
mod subject;
mod tagging;
mod underway;
mod usage;
mod verification;
mod verify;
mod watch;

pub use answer::{Refusal, chain};
pub use causes::{Cause, Certainty, FailureReason};
pub use content::{ContentProof, SampleProof};
pub use destination::{destination_buckets, destinations};
pub use difference::{Claim, Difference, Digest};
pub use doctor::{Checkup, Covered, Examination, Look, examine, no_connection};
pub use error::{ErrorKind, VerifyError};
pub use event::{Event, Observer, Silent};
pub use events::{EventsError, FailureEvent, FailureEvents, FailureQueue};
pub use many::{
    Checked, CheckedResult, DeleteMarker, Extra, Item, Keys, Latencies, Listed, Many, ManyOptions,
    MarkerFinding, MarkerReplica, ProbeCounts, ProbeScope, Progress, Recorded, Run, State, Summary,
    Verdict, Versions, What, verify_many,
};
pub use object_view::{ChecksumKind, ObjectLock, ObjectView, ReplicationStatus, StoredChecksum};
pub use outcome::{Conclusion, NotCovered, Outcome, Verified};
pub use probe::{Presented, Probe, ProbeAnswer, ProbeRequest};
pub use regions::{ClientFailure, Regions, Sides};
pub use report::{Finding, ReplicaSide, Report, Side, SourceSide, Timings, Unseen};
pub use rules::{RuleMatch, RuleMiss, WhyMissed};
pub use situation::Shell;
pub use subject::{Subject, receipt_of, subject_without_key};
pub use usage::{
    CandidateKeys, Determined, FoundBy, KeyVerdict, ListedVersion, ParseScopeError, ScanOptions,
    Scanned, Scope, TagHint, Unopened, key_of, scan,
};
pub use verification::{Level, ReadSides, ReplicaTarget, Verification};
pub use verify::verify;
