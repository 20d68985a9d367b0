//! The plan that stands for a column: two buckets in two regions, all else as S3 has it by default.

use super::{Column, Question};
use crate::{Encryption, Flow, NameError, Ownership, ReplicationPlan, Site};

/// `None` only if the names below were no names; a test makes all of them.
pub(super) fn plan(column: &Column, question: Question) -> Option<ReplicationPlan> {
    let here = "111122223333";
    let there = if question.cross_account {
        "444455556666"
    } else {
        here
    };
    let source = site(column, "source", "ap-northeast-1", here).ok()?;
    let destination = site(column, "destination", "ap-northeast-3", there).ok()?;
    let flow = Flow::new(source.bucket.clone(), destination.bucket.clone());
    let back = question.both_ways.then(|| flow.reversed());
    let flows = std::iter::once(flow).chain(back).collect();
    ReplicationPlan::new(vec![source, destination], flows, question.profile).ok()
}

fn site(column: &Column, bucket: &str, region: &str, account: &str) -> Result<Site, NameError> {
    let key = || {
        format!("arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000").parse()
    };
    let encryption = match column.kind {
        crate::EncryptionKind::SseS3 => Encryption::SseS3,
        crate::EncryptionKind::SseKms => Encryption::SseKms {
            key: key()?,
            bucket_key: column.bucket_key,
        },
        crate::EncryptionKind::DsseKms => Encryption::DsseKms { key: key()? },
        crate::EncryptionKind::SseC => Encryption::SseC,
    };
    Ok(Site {
        // Where ownership is not enforced, replicas in another account need a new owner: what a
        // comparison must not leave out.
        ownership: Ownership::ObjectWriter,
        ..Site::new(
            bucket.parse()?,
            region.parse()?,
            account.parse()?,
            encryption,
        )
    })
}
