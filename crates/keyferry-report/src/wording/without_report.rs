//! Delete markers and versions that only a replica bucket has, in words.

use keyferry_verify::{DeleteMarker, Extra, MarkerFinding, ReplicationStatus, Verdict};

/// What is to be said of something.
pub(crate) struct Told {
    /// What was found.
    pub(crate) headline: String,
    /// Why that is said.
    pub(crate) because: Vec<String>,
    /// What to do.
    pub(crate) todo: Option<String>,
}

/// A delete marker.
pub(crate) fn marker(marker: &DeleteMarker) -> Told {
    let verdict = marker.verdict();
    let headline = match verdict {
        Verdict::MarkerReplicated => "the delete marker is on all sides",
        Verdict::MarkerMissing => "the delete marker was not replicated",
        Verdict::MarkerPending => "the delete marker is not replicated yet",
        Verdict::MarkerLeftOut => "no rule replicates this delete marker",
        _ => "the delete marker was not looked for",
    };
    let because = marker
        .replicas
        .iter()
        .filter_map(|replica| {
            let bucket = &replica.bucket;
            Some(match replica.finding {
                MarkerFinding::Replicated => return None,
                MarkerFinding::Missing if marker.is_latest => {
                    format!("in `{bucket}` the object can still be read")
                }
                MarkerFinding::Missing => format!("`{bucket}` does not have it"),
                MarkerFinding::Pending => format!("`{bucket}` does not have it yet"),
                MarkerFinding::LeftOut => {
                    format!("in `{bucket}` the object lives on, as the rules say")
                }
                MarkerFinding::NotSeen => format!("`{bucket}` could not be listed"),
            })
        })
        .collect();
    let todo = match verdict {
        Verdict::MarkerMissing => Some(
            "delete the object in the replica bucket, too, if it is to be gone there; then find out why \
             replication left it out",
        ),
        Verdict::MarkerPending => Some("look again later"),
        Verdict::MarkerNotSeen => Some("allow s3:ListBucketVersions on the replica bucket"),
        _ => None,
    };
    Told {
        headline: headline.to_owned(),
        because,
        todo: todo.map(str::to_owned),
    }
}

/// A version that only a replica bucket has.
pub(crate) fn extra(extra: &Extra) -> Told {
    let what = if extra.is_delete_marker {
        "delete marker"
    } else {
        "version"
    };
    let (because, todo) = match &extra.status {
        Some(ReplicationStatus::Replica) => (
            "it is a replica: its source version was deleted by its id, or expired, and such deletions \
             are not replicated",
            "delete it here, too, if it is to be gone; let a lifecycle rule expire both sides alike",
        ),
        Some(_) => (
            "somebody wrote it to the replica bucket",
            "find out who writes to the replica bucket, and deny it to all but the replication role",
        ),
        None => (
            "its source version was deleted, or somebody wrote it to the replica bucket",
            "give its key, so that its replication status can be read",
        ),
    };
    Told {
        headline: format!("only the replica bucket has this {what}"),
        because: vec![because.to_owned()],
        todo: Some(todo.to_owned()),
    }
}
