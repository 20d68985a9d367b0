//! Objects that have no room for the tag that names their key.
//!
//! An object has at most 10 tags (S3-XFER-17). A sample is looked at: whoever uses up all of them does so
//! for many objects.

use futures::stream::{self, StreamExt as _};
use keyferry_policy::check::{Finding, Level, Preflight};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{Connector, KEY_TAG};

use super::preflight;

/// How many objects are looked at.
const SAMPLE: i32 = 25;
/// How many at a time.
const AT_A_TIME: usize = 8;
/// How many tags an object can have.
const MOST: usize = 10;

pub(super) async fn check(
    connector: &Connector,
    bucket: &BucketName,
    region: &Region,
    prefix: Option<&str>,
) -> Option<Finding> {
    let client = connector.client(region).ok()?;
    // Whether it may be listed at all is told elsewhere.
    let listed = client
        .list_objects_v2()
        .bucket(bucket.as_str())
        .set_prefix(prefix.map(str::to_owned))
        .max_keys(SAMPLE)
        .send()
        .await
        .ok()?;
    let keys = listed.contents().iter().filter_map(|object| object.key());
    let full: Vec<String> = stream::iter(keys)
        .map(|key| {
            let client = client.clone();
            async move {
                let tagging = client
                    .get_object_tagging()
                    .bucket(bucket.as_str())
                    .key(key)
                    .send()
                    .await
                    .ok()?;
                let tags = tagging.tag_set();
                let named = tags.iter().any(|tag| tag.key() == KEY_TAG);
                (tags.len() >= MOST && !named).then(|| format!("`{key}`"))
            }
        })
        .buffered(AT_A_TIME)
        .filter_map(|full| async { full })
        .collect()
        .await;
    let first: Vec<&str> = full.iter().take(3).map(String::as_str).collect();
    (!full.is_empty()).then(|| {
        preflight(
            Preflight::KeyTagMissing,
            Level::Warning,
            format!("bucket {bucket}"),
            format!(
                "of {} objects looked at, {} have {MOST} tags and none that names their key: {}",
                listed.contents().len(),
                full.len(),
                first.join(", ")
            ),
        )
        .because(
            "re-encrypting cannot add the tag `keyferry-key`, and without it another machine finds the key \
             only by trying",
        )
        .fix("take a tag off these objects: `aws s3api put-object-tagging` writes the others")
    })
}
