//! An object that is not there: perhaps what was meant is what lies below its name.

use aws_sdk_s3::Client;
use keyferry_transfer::ObjectAddress;

use crate::aws::Aws;

/// Most keys that are counted: one page of a listing.
const MOST: usize = 1000;

/// An object that a listing shows to be missing.
pub(super) struct Missing {
    key: String,
    below: usize,
}

/// Whether an object that could not be verified is missing. None where it is there, or where that cannot
/// be seen.
pub(super) async fn look(aws: &Aws, address: &ObjectAddress) -> Option<Missing> {
    let region = aws.bucket_region(&address.bucket).await.ok()?;
    let client = aws.client(&region).ok()?;
    // Of all keys that begin with its key, an object's own comes first.
    let first = keys(&client, address, address.key.clone(), 1).await?;
    if first.first() == Some(&address.key) {
        return None;
    }
    let below = keys(&client, address, format!("{}/", address.key), MOST).await?;
    Some(Missing {
        key: address.key.clone(),
        below: below.len(),
    })
}

async fn keys(
    client: &Client,
    address: &ObjectAddress,
    prefix: String,
    most: usize,
) -> Option<Vec<String>> {
    let listed = client
        .list_objects_v2()
        .bucket(address.bucket.as_str())
        .prefix(prefix)
        .max_keys(i32::try_from(most).ok()?)
        .send()
        .await
        .ok()?;
    let keys = listed.contents.unwrap_or_default();
    Some(keys.into_iter().filter_map(|object| object.key).collect())
}

impl Missing {
    /// What may have been meant.
    pub(super) fn hint(&self) -> Option<String> {
        let count = match self.below {
            0 => return None,
            1 => "1 object lies".to_owned(),
            MOST.. => format!("{MOST} objects or more lie"),
            many => format!("{many} objects lie"),
        };
        Some(format!(
            "{count} below `{}/`: end the address in `/`, or give -r",
            self.key
        ))
    }
}
