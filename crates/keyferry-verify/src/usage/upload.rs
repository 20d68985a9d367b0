//! The key of an open multipart upload.
//!
//! There is no object yet that HEAD could open, and an upload's tags cannot be read. But ListParts
//! refuses any key other than the upload's own and, where the upload named a checksum algorithm, no
//! key at all (S3-SSEC-12). A server that takes whatever it is shown would prove nothing: so, where
//! no key was needed, one that was made for the purpose is shown first, and must be refused.

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, CustomerKeyHeaders};
use keyferry_transfer::OpenUpload;

use super::{CandidateKeys, FoundBy, KeyVerdict, Unopened};
use crate::access::redacted;
use crate::answer::Trouble;

/// Whether an upload is under a customer key, before any of ours is tried.
enum Under {
    SomeKey,
    /// The answers do not tell; one of our keys may still be accepted.
    PerhapsNone,
}

pub(super) async fn determine<K: CandidateKeys + ?Sized>(
    client: &Client,
    upload: &OpenUpload,
    keys: &K,
) -> KeyVerdict {
    let under = match under(client, upload).await {
        Ok(under) => under,
        Err(verdict) => return verdict,
    };
    let recorded = keys.recorded(&upload.address, None);
    let others = keys.candidates(&upload.address, None, None);
    let others = others.iter().filter(|id| recorded.as_ref() != Some(id));
    let (mut tried, mut unopened) = (0, Vec::new());
    for id in recorded.iter().chain(others) {
        let key = match keys.open(id) {
            Ok(key) => key.headers(),
            Err(reason) => {
                let id = id.clone();
                unopened.push(Unopened { id, reason });
                continue;
            }
        };
        match list_parts(client, upload, Some(&key)).await {
            Ok(()) => {
                let by = if recorded.as_ref() == Some(id) {
                    FoundBy::Record
                } else {
                    FoundBy::Trial
                };
                let id = id.clone();
                return KeyVerdict::Known { id, by };
            }
            Err(Trouble::Refused(refusal)) if refusal.is_denial() => tried += 1,
            Err(trouble) => return settled(&trouble),
        }
    }
    match under {
        Under::SomeKey => KeyVerdict::Foreign { tried, unopened },
        Under::PerhapsNone => KeyVerdict::NotCustomerKey { encryption: None },
    }
}

async fn under(client: &Client, upload: &OpenUpload) -> Result<Under, KeyVerdict> {
    match list_parts(client, upload, None).await {
        Ok(()) => {}
        Err(Trouble::Refused(refusal)) if refusal.status == 400 => return Ok(Under::SomeKey),
        Err(trouble) => return Err(settled(&trouble)),
    }
    let unreadable = |reason: String| KeyVerdict::Unreadable { reason };
    let throw_away = CustomerKey::generate().map_err(|error| unreadable(error.to_string()))?;
    match list_parts(client, upload, Some(&throw_away.headers())).await {
        Ok(()) => Err(unreadable(
            "the server takes any key for an open upload".to_owned(),
        )),
        Err(Trouble::Refused(refusal)) if refusal.is_denial() => {
            let message = refusal.message.unwrap_or_default();
            Ok(if message.contains("did not match") {
                Under::SomeKey
            } else {
                Under::PerhapsNone
            })
        }
        Err(trouble) => Err(settled(&trouble)),
    }
}

fn settled(trouble: &Trouble) -> KeyVerdict {
    match trouble {
        Trouble::Refused(refusal) if refusal.is_absence() => KeyVerdict::Gone,
        trouble => KeyVerdict::Unreadable {
            reason: trouble.to_string(),
        },
    }
}

async fn list_parts(
    client: &Client,
    upload: &OpenUpload,
    key: Option<&CustomerKeyHeaders>,
) -> Result<(), Trouble> {
    client
        .list_parts()
        .bucket(upload.address.bucket.as_str())
        .key(&upload.address.key)
        .upload_id(&upload.upload_id)
        .max_parts(1)
        .set_sse_customer_algorithm(key.map(|key| key.algorithm().to_owned()))
        .set_sse_customer_key(key.map(|key| key.expose_key().to_owned()))
        .set_sse_customer_key_md5(key.map(|key| key.md5().to_string()))
        .send()
        .await
        .map(drop)
        .map_err(|error| redacted(Trouble::of(error), key))
}
