//! Runs to write reports of: what tests look at, and what is shown to a browser.
//!
//! Only verification can call something verified, so entries that are get their words here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyferry_key::KeyMd5;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    Cause, Certainty, Checked, CheckedResult, DeleteMarker, Difference, Extra, FailureReason,
    Finding, Level, MarkerFinding, MarkerReplica, NotCovered, ObjectView, Outcome, ReplicaSide,
    ReplicationStatus, Report, Side, SourceSide, Subject, Summary, Timings, Unseen, Verdict,
    VerifyError,
};

use crate::entry::Entry;
use crate::run::{BrokenOff, Ending};
use crate::{Reports, Run, Told};

/// A run under way.
pub(crate) struct Sample {
    reports: Reports,
    summary: Summary,
    folder: PathBuf,
}

fn bucket<T: std::str::FromStr>(name: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    name.parse().expect("a name")
}

fn time(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

impl Sample {
    pub(crate) fn begin(folder: &Path, name: &str, level: Level) -> Self {
        let run = Run {
            asked: vec!["s3://amzn-s3-demo-tokyo/backups/".to_owned()],
            level,
            started: time("2026-11-26T01:47:12Z"),
            wait: Duration::from_secs(900),
            version: "0.1.0".to_owned(),
        };
        let paths: Vec<_> = ["html", "xml", "ndjson", "json", "txt"]
            .map(|extension| folder.join(format!("{name}.{extension}")))
            .into();
        Self {
            reports: Reports::create(&paths, run).expect("reports"),
            summary: Summary::default(),
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn end(self, complete: bool) -> PathBuf {
        let broken_off = BrokenOff {
            message: "the run was interrupted".to_owned(),
            hint: Some("the same command goes on from where it was".to_owned()),
        };
        let ending = Ending {
            finished: time("2026-11-26T01:58:40Z"),
            broken_off: (!complete).then_some(&broken_off),
            summary: &self.summary,
        };
        self.reports.end(&ending).expect("written");
        self.folder
    }

    pub(crate) fn summary(&mut self) -> &mut Summary {
        &mut self.summary
    }

    pub(crate) fn object(&mut self, key: &str, size: u64, outcome: Outcome) {
        let checked = object(key, size, outcome, None);
        self.found(&checked);
    }

    pub(crate) fn found(&mut self, checked: &Checked) {
        self.summary.take_in(checked);
        self.reports.add(checked).expect("taken in");
    }

    pub(crate) fn verified(&mut self, key: &str, size: u64, level: Level, latency: Option<u64>) {
        let outcome = Outcome::Unproven {
            reached: Some(level),
            missing: Vec::new(),
        };
        let checked = object(key, size, outcome, latency);
        let mut entry = Entry::from(&checked);
        entry.verdict = Verdict::Verified;
        entry.headline = format!("verified ({})", crate::level_name(level));
        entry.repairs.clear();
        self.summary.take_in(&checked);
        if let Some(unproven) = self.summary.verdicts.get_mut(&Verdict::Unproven) {
            *unproven -= 1;
        }
        self.summary.verdicts.retain(|_, count| *count > 0);
        *self.summary.verdicts.entry(Verdict::Verified).or_default() += 1;
        let told = Told::with(&checked, entry).expect("told");
        self.reports.add_told(&told).expect("taken in");
    }
}

fn address(key: &str) -> ObjectAddress {
    ObjectAddress::new(bucket("amzn-s3-demo-tokyo"), key).expect("a key")
}

fn md5() -> KeyMd5 {
    keyferry_key::CustomerKey::from_bytes([7; 32]).md5()
}

fn view(size: u64, status: Option<ReplicationStatus>) -> ObjectView {
    ObjectView {
        size,
        status,
        key_md5: Some(md5().to_string()),
        ..ObjectView::default()
    }
}

/// An object and what was found of it.
pub(crate) fn object(key: &str, size: u64, outcome: Outcome, latency: Option<u64>) -> Checked {
    let status = match &outcome {
        Outcome::Pending { status, .. } => status.clone(),
        Outcome::Failed { .. } => Some(ReplicationStatus::Failed),
        Outcome::NotCovered { .. } => None,
        _ => Some(ReplicationStatus::Completed),
    };
    let seen = matches!(
        outcome,
        Outcome::Unproven { .. } | Outcome::Differs(_) | Outcome::NotRefused { .. }
    );
    let version_id = Some(format!("v{:08x}", key.len() * 7919 + size as usize));
    let subject = Subject {
        source: address(key),
        region: bucket("ap-northeast-1"),
        version_id: version_id.clone(),
        size,
        etag: None,
        parts: None,
        checksum: None,
        sha256: None,
        key_id: None,
        key_md5: Some(md5()),
        uploaded: None,
        from_receipt: false,
        receipt: None,
    };
    let replica = ReplicaSide {
        bucket: bucket("amzn-s3-demo-osaka"),
        region: Some(bucket("ap-northeast-3")),
        endpoint: None,
        rule: None,
        finding: if seen {
            Finding::Equal {
                level: outcome.level(),
            }
        } else {
            Finding::Absent
        },
        view: seen.then(|| view(size, Some(ReplicationStatus::Replica))),
        tags: None,
        probes: Vec::new(),
        content: None,
        samples: None,
        etag_equal: None,
        key_echoed: false,
        unseen: if seen {
            vec![Unseen::Content]
        } else {
            Vec::new()
        },
    };
    let replicas = match &outcome {
        Outcome::NotCovered { .. } => Vec::new(),
        _ => vec![replica],
    };
    let report = Report {
        subject,
        asked: Level::Equal,
        source: SourceSide {
            bucket: bucket("amzn-s3-demo-tokyo"),
            region: bucket("ap-northeast-1"),
            view: view(size, status),
            tags: None,
            probes: Vec::new(),
            differences: Vec::new(),
            replication_role: None,
            key_echoed: false,
        },
        replicas,
        timings: Timings {
            status_latency: latency.map(Duration::from_millis),
            ..Timings::default()
        },
        unseen: Vec::new(),
        reasons: match &outcome {
            Outcome::Pending { .. } => vec![FailureReason {
                cause: Cause::Delayed,
                certainty: Certainty::Possible,
            }],
            _ => Vec::new(),
        },
        outcome,
    };
    Checked {
        address: address(key),
        version_id,
        result: CheckedResult::Object(Box::new(report)),
    }
}

/// Anything that is no object to be compared.
pub(crate) fn other(key: &str, result: CheckedResult) -> Checked {
    Checked {
        address: address(key),
        version_id: Some("v0ff1ce".to_owned()),
        result,
    }
}

/// Names that would break a page, a document or a terminal that does not take care.
pub(crate) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>.bin",
    "</script><script src=http://127.0.0.1:9/x.js></script>",
    "a & b ' ]]> --> .txt",
    "line\nbreak\ttab\u{1b}[2J\u{0}\u{fffe}",
    "invoice\u{202e}fdp.exe",
    "日本語/ファイル \u{1f512}.bin",
    "{{constructor.constructor('alert(1)')()}}",
];

/// Lets SSE-C in; the default encryption stays.
const LETTING_IN: &str = "aws s3api put-bucket-encryption --bucket amzn-s3-demo-osaka \
    --server-side-encryption-configuration '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":\
    {\"SSEAlgorithm\":\"aws:kms\"},\"BlockedEncryptionTypes\":{\"EncryptionType\":[\"NONE\"]}}]}' \
    --region ap-northeast-3";

/// A run with everything in it that can be found.
pub(crate) fn mixed(folder: &Path, name: &str) -> PathBuf {
    let mut sample = Sample::begin(folder, name, Level::Equal);
    let osaka = || bucket("amzn-s3-demo-osaka");
    for number in 0..31 {
        let outcome = Outcome::Failed {
            reasons: vec![
                FailureReason {
                    cause: Cause::DestinationBlocksCustomerKeys {
                        bucket: osaka(),
                        commands: vec![LETTING_IN.to_owned()],
                    },
                    certainty: Certainty::Certain,
                },
                FailureReason {
                    cause: Cause::RolePermissions {
                        role: "arn:aws:iam::111122223333:role/replication".to_owned(),
                    },
                    certainty: Certainty::Possible,
                },
            ],
        };
        sample.object(
            &format!("backups/2026-11-{:02}/database.dump.zst", number % 28 + 1),
            (number + 1) * 73_400_320,
            outcome,
        );
    }
    sample.object(
        "backups/2026-11-03/images.tar",
        10_737_418_240,
        Outcome::Differs(vec![
            Difference::Content {
                first_offset: 8_388_608,
                part: Some(2),
                bytes: 10_729_029_632,
            },
            Difference::Tag {
                key: "retention".to_owned(),
                source: Some("7y".to_owned()),
                replica: None,
            },
        ]),
    );
    sample.object(
        "backups/2026-11-04/ledger.parquet",
        48_211,
        Outcome::Differs(vec![Difference::UserMetadata {
            name: "origin".to_owned(),
            source: Some("billing".to_owned()),
            replica: Some("unknown".to_owned()),
        }]),
    );
    sample.object(
        "backups/2026-11-05/audit.log",
        991_232,
        Outcome::ReplicaMissing { bucket: osaka() },
    );
    sample.object(
        "backups/open.csv",
        4_096,
        Outcome::NotRefused {
            buckets: vec![osaka()],
        },
    );
    for number in 0..6 {
        sample.object(
            &format!("backups/2025/archive-{number}.tar"),
            5_368_709_120,
            Outcome::NotCovered {
                why: NotCovered::OlderThanRule,
            },
        );
    }
    for number in 0..4 {
        sample.object(
            &format!("backups/2026-11-26/part-{number}.bin"),
            67_108_864,
            Outcome::Pending {
                waited: Duration::from_secs(900),
                status: Some(ReplicationStatus::Pending),
            },
        );
    }
    sample.object(
        "backups/2026-11-07/no-checksum.bin",
        1_048_576,
        Outcome::Unproven {
            reached: Some(Level::Status),
            missing: vec![Unseen::Checksum],
        },
    );
    let marker = |finding| {
        CheckedResult::DeleteMarker(DeleteMarker {
            is_latest: true,
            replicas: vec![MarkerReplica {
                bucket: osaka(),
                finding,
            }],
        })
    };
    sample.found(&other(
        "backups/withdrawn.pdf",
        marker(MarkerFinding::Missing),
    ));
    sample.found(&other(
        "backups/tmp/scratch.bin",
        marker(MarkerFinding::LeftOut),
    ));
    sample.found(&other("backups/tmp/gone.bin", CheckedResult::Gone));
    sample.found(&other(
        "backups/stray.bin",
        CheckedResult::Extra(Extra {
            is_delete_marker: false,
            is_latest: true,
            size: 77,
            status: None,
        }),
    ));
    sample.found(&other(
        "backups/2026-11-08/secret.bin",
        CheckedResult::Error(VerifyError::Unreachable {
            operation: "HeadObject",
            bucket: bucket("amzn-s3-demo-tokyo"),
            detail: "connection reset by peer".to_owned(),
        }),
    ));
    for (number, name) in HOSTILE.iter().enumerate() {
        let reason = Difference::UserMetadata {
            name: (*name).to_owned(),
            source: Some((*name).to_owned()),
            replica: None,
        };
        let outcome = if number % 2 == 0 {
            Outcome::Differs(vec![reason])
        } else {
            Outcome::Differs(vec![Difference::Unreadable {
                side: Side::Replica,
                offset: 5,
                part: None,
                detail: (*name).to_owned(),
            }])
        };
        sample.object(&format!("backups/names/{name}"), 12, outcome);
    }
    many_verified(&mut sample, 1_140, Level::Equal);
    sample
        .summary()
        .not_listed
        .insert(osaka(), "403 AccessDenied".to_owned());
    sample.summary().probes.objects = 3;
    sample.summary().probes.refused = 23;
    sample.summary().probes.answered = 1;
    sample.end(true)
}

fn many_verified(sample: &mut Sample, count: u64, level: Level) {
    for number in 0..count {
        // A lump at some seconds and a long tail, as replication has.
        let spread = (number * 7_919) % 1_000;
        let latency = match spread {
            0..700 => 3_000 + spread * 17,
            700..930 => 15_000 + (spread - 700) * 220,
            930..990 => 70_000 + (spread - 930) * 9_000,
            _ => 700_000 + (spread - 990) * 60_000,
        };
        sample.verified(
            &format!(
                "backups/2026-11-{:02}/wal/{:016X}.zst",
                number % 26 + 1,
                number * 65_537
            ),
            4_194_304 + number * 1_031,
            level,
            (number % 3 != 0).then_some(latency),
        );
    }
}

/// A run in which all is well.
pub(crate) fn verified(folder: &Path, name: &str) -> PathBuf {
    let mut sample = Sample::begin(folder, name, Level::Deep);
    many_verified(&mut sample, 240, Level::Deep);
    sample.summary().probes.objects = 3;
    sample.summary().probes.refused = 24;
    sample.summary().bytes_read = sample.summary().bytes * 2;
    sample.end(true)
}

/// A run that was broken off.
pub(crate) fn broken_off(folder: &Path, name: &str) -> PathBuf {
    let mut sample = Sample::begin(folder, name, Level::Equal);
    many_verified(&mut sample, 12, Level::Equal);
    sample.end(false)
}

/// One object that is still on its way.
pub(crate) fn pending(folder: &Path, name: &str) -> PathBuf {
    let mut sample = Sample::begin(folder, name, Level::Equal);
    let outcome = Outcome::Pending {
        waited: Duration::from_secs(900),
        status: Some(ReplicationStatus::Pending),
    };
    sample.object("backups/2026-11-26/database.dump.zst", 73_400_320, outcome);
    sample.end(true)
}

/// Nothing was found at all.
pub(crate) fn empty(folder: &Path, name: &str) -> PathBuf {
    Sample::begin(folder, name, Level::Equal).end(true)
}
