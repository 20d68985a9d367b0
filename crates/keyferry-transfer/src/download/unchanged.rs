//! Is the file that is there the object already?

use std::fs::File;
use std::path::PathBuf;

use aws_sdk_s3::types::ChecksumMode;

use super::Verification;
use super::object::{Fetching, RemoteObject};
use super::verification::{Expected, InOrder};
use crate::TransferError;
use crate::confirmation::confirms;

/// The object and how it was verified, if the file has its size and its checksum. Whatever speaks
/// against it is left to the download to find: it replaces the file, or says why it cannot.
pub(super) async fn look(
    fetching: &Fetching<'_>,
    path: PathBuf,
) -> Result<Option<(RemoteObject, Verification)>, TransferError> {
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        metadata.is_file().then_some((file, metadata.len()))
    });
    let Some((file, size)) = opened.await? else {
        return Ok(None);
    };
    let head = fetching
        .client
        .head_object()
        .bucket(fetching.source.bucket.as_str())
        .key(&fetching.source.key)
        .set_version_id(fetching.asked_version.map(str::to_owned))
        .checksum_mode(ChecksumMode::Enabled)
        .sse_customer_algorithm(fetching.key.algorithm())
        .sse_customer_key(fetching.key.expose_key())
        .sse_customer_key_md5(fetching.key.md5().to_string())
        .send()
        .await;
    let Ok(head) = head else {
        return Ok(None);
    };
    let (algorithm, md5) = (head.sse_customer_algorithm(), head.sse_customer_key_md5());
    let object = match RemoteObject::of_head(&head) {
        Some(object) if object.size == size && confirms(algorithm, md5, &fetching.key).is_ok() => {
            object
        }
        _ => return Ok(None),
    };
    let expected = Expected::of(fetching, &object).await?;
    let in_order = InOrder::new(expected, size);
    let read = tokio::task::spawn_blocking(move || in_order.read(&file, size)).await?;
    let Ok(read) = read else {
        return Ok(None);
    };
    Ok(match read.finish(fetching.source) {
        Ok(Verification::Unverified(_)) | Err(_) => None,
        Ok(verification) => Some((object, verification)),
    })
}
