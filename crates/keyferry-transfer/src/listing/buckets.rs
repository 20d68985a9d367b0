//! The buckets of an account.

use aws_sdk_s3::Client;
use futures::stream::{self, Stream, TryStreamExt};
use jiff::Timestamp;
use serde::Serialize;

use super::entry::time;
use crate::TransferError;
use crate::error::classify_of_account;

const OPERATION: &str = "ListBuckets";
/// Pages come only to those who ask for a size; without one, accounts with very many buckets are
/// refused.
const PAGE: i32 = 1000;

/// A bucket, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedBucket {
    /// Its name. Old buckets may have names that are none by today's rules.
    pub name: String,
    /// Its region, where the server tells.
    pub region: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// The buckets of the account that the credentials belong to, by name.
///
/// # Errors
/// Each item is an error where they cannot be listed, which takes s3:ListAllMyBuckets; the stream ends
/// with it.
pub fn buckets(
    client: &Client,
) -> impl Stream<Item = Result<ListedBucket, TransferError>> + Send + use<> {
    let client = client.clone();
    stream::try_unfold(Some(None::<String>), move |token| {
        let client = client.clone();
        async move {
            let Some(token) = token else {
                return Ok(None);
            };
            let answer = client
                .list_buckets()
                .max_buckets(PAGE)
                .set_continuation_token(token.clone())
                .send()
                .await
                .map_err(|error| classify_of_account(OPERATION, error))?;
            let next = answer
                .continuation_token()
                .filter(|next| !next.is_empty())
                .map(str::to_owned);
            if next.is_some() && next == token {
                return Err(TransferError::UnexpectedAnswer {
                    operation: OPERATION,
                    what: "the list is cut, and goes on where it was".to_owned(),
                });
            }
            let found: Vec<_> = answer
                .buckets()
                .iter()
                .map(|bucket| {
                    Ok(ListedBucket {
                        name: bucket.name().unwrap_or_default().to_owned(),
                        region: bucket.bucket_region().map(str::to_owned),
                        created: time(bucket.creation_date()),
                    })
                })
                .collect();
            Ok(Some((stream::iter(found), next.map(Some))))
        }
    })
    .try_flatten()
}
