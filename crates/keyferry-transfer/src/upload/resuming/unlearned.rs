//! Uploads whose id was lost: the process was killed between asking for it and writing it down.

use std::time::Duration;

use aws_sdk_s3::types::MultipartUpload;
use jiff::Timestamp;

use super::drop_upload;
use crate::upload::Sending;
use crate::upload::multipart::listed;
use crate::upload::unfinished::{Intent, Unfinished};

/// How far the clocks of this machine and the server may be apart, with the time of a request.
const ABOUT: Duration = Duration::from_secs(20 * 60);

/// Aborts uploads of this object that were begun at about that time, have no parts and take our key.
/// Where uploads may not be listed, they stay, as those of any other tool do.
pub(super) async fn clean_up(sending: &Sending<'_>, unfinished: &Unfinished, intent: &Intent) {
    // Under another key it cannot be told whose they are.
    if intent.key_md5 != *unfinished.key_md5() {
        return;
    }
    let answer = sending
        .client
        .list_multipart_uploads()
        .bucket(sending.destination.bucket.as_str())
        .prefix(&sending.destination.key)
        .send()
        .await;
    let Ok(answer) = answer else {
        return;
    };
    for upload in answer.uploads() {
        let Some(id) = upload.upload_id() else {
            continue;
        };
        let is_ours = upload.key() == Some(&sending.destination.key) && is_about(upload, intent);
        if is_ours
            && let Ok(Some(parts)) = listed(sending, id).await
            && parts.is_empty()
        {
            drop_upload(sending, id).await;
        }
    }
}

fn is_about(upload: &MultipartUpload, intent: &Intent) -> bool {
    let initiated = upload
        .initiated()
        .and_then(|time| Timestamp::new(time.secs(), 0).ok());
    initiated.is_some_and(|initiated| {
        let apart = initiated.duration_since(intent.begun).unsigned_abs();
        apart <= ABOUT
    })
}
