//! Multipart uploads that nobody has finished. Their parts are stored and paid for, and seen by nobody.

use aws_sdk_s3::types::MultipartUpload;
use jiff::{SignedDuration, Timestamp};
use keyferry_policy::check::{Finding, Level, Preflight};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::Connector;

use super::preflight;
use crate::answer::Trouble;
use crate::situation::Shell;

/// Uploads that are older than this are hardly still under way.
const OLD: SignedDuration = SignedDuration::from_hours(24);
/// How many pages of 1,000 are looked at.
const PAGES: usize = 20;
/// For how many uploads commands are given.
const COMMANDS: usize = 20;

/// Unfinished uploads of a bucket.
#[derive(Default)]
struct Unfinished {
    all: usize,
    more: bool,
    old: Vec<MultipartUpload>,
    oldest: Option<Timestamp>,
}

pub(super) async fn check(
    connector: &Connector,
    bucket: &BucketName,
    region: &Region,
    now: Timestamp,
    shell: &Shell,
) -> Option<Finding> {
    let subject = format!("bucket {bucket}");
    let found = match list(connector, bucket, region, now).await {
        Ok(found) => found,
        Err(why) => {
            return Some(
                preflight(
                    Preflight::UnfinishedUploads,
                    Level::Note,
                    subject,
                    format!("not known: unfinished multipart uploads; {why}"),
                )
                .because("what they hold is stored and paid for")
                .fix("allow s3:ListBucketMultipartUploads on the bucket"),
            );
        }
    };
    let oldest = found.oldest?;
    let more = if found.more { "more than " } else { "" };
    let began = oldest.strftime("%Y-%m-%d %H:%M");
    if found.old.is_empty() {
        let message = format!(
            "multipart uploads under way: {more}{}, since {began}",
            found.all
        );
        return Some(
            preflight(Preflight::UnfinishedUploads, Level::Note, subject, message).because(
                "until they are completed or aborted, their parts are stored and paid for",
            ),
        );
    }
    let message = format!(
        "{more}{} unfinished multipart uploads are older than a day, the oldest of {began}",
        found.old.len()
    );
    let mut finding = preflight(Preflight::UnfinishedUploads, Level::Warning, subject, message)
        .because("their parts are stored and paid for, and no listing of objects shows them")
        .fix(if found.old.len() > COMMANDS {
            "abort them, here the first; a lifecycle rule with AbortIncompleteMultipartUpload does it by itself"
        } else {
            "abort them, unless an interrupted upload of keyferry is still to be resumed"
        });
    for upload in found.old.iter().take(COMMANDS) {
        finding = finding.command(shell.s3api(
            "abort-multipart-upload",
            bucket,
            region,
            &[
                ("--key", upload.key().unwrap_or_default()),
                ("--upload-id", upload.upload_id().unwrap_or_default()),
            ],
        ));
    }
    Some(finding)
}

async fn list(
    connector: &Connector,
    bucket: &BucketName,
    region: &Region,
    now: Timestamp,
) -> Result<Unfinished, String> {
    let client = connector
        .client(region)
        .map_err(|error| error.to_string())?;
    let mut found = Unfinished::default();
    let (mut key, mut id) = (None, None);
    for _ in 0..PAGES {
        let page = client
            .list_multipart_uploads()
            .bucket(bucket.as_str())
            .set_key_marker(key)
            .set_upload_id_marker(id)
            .send()
            .await
            .map_err(|error| format!("s3:ListMultipartUploads: {}", Trouble::of(error)))?;
        for upload in page.uploads() {
            found.all += 1;
            let began = upload
                .initiated()
                .and_then(|began| Timestamp::from_second(began.secs()).ok());
            let Some(began) = began else { continue };
            found.oldest = Some(found.oldest.map_or(began, |known| known.min(began)));
            if now.duration_since(began) >= OLD {
                found.old.push(upload.clone());
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(found);
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
    found.more = true;
    Ok(found)
}
