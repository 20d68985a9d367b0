//! `keyferry ls`

mod details;
mod lines;
mod summary;
mod writer;

use futures::StreamExt;
use futures::TryStreamExt;
use keyferry_transfer::{Entry, Listing, buckets};
use keyferry_verify::{ParseScopeError, Scope};

use super::Invocation;
use crate::args::LsArgs;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::printable;
use details::{Details, Keys};
use writer::Writer;

/// An entry of a listing, and what was asked about it.
struct Shown {
    entry: Entry,
    details: Option<Details>,
}

pub(super) async fn run(invocation: &Invocation, arguments: LsArgs) -> Result<Exit, Failure> {
    match arguments.address.as_deref() {
        None | Some("s3://") => list_buckets(invocation).await,
        Some(address) => {
            let scope = address.parse().map_err(|error: ParseScopeError| {
                Failure::from_error(Exit::Usage, &error)
                    .hint("without an address, buckets are listed")
            })?;
            list_bucket(invocation, &arguments, &scope).await
        }
    }
}

async fn list_buckets(invocation: &Invocation) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let aws = Aws::connect(&invocation.settings).await?;
    let client = aws.client(&aws.first_region()?)?;
    if !terminal.is_text() {
        let all: Vec<_> = buckets(&client).try_collect().await?;
        terminal.json_list(&all)?;
        return Ok(Exit::Done);
    }
    let mut all = std::pin::pin!(buckets(&client));
    while let Some(bucket) = all.try_next().await? {
        terminal.print(format!(
            "{:19} {}",
            lines::time(bucket.created),
            printable(&bucket.name)
        ))?;
    }
    Ok(Exit::Done)
}

async fn list_bucket(
    invocation: &Invocation,
    arguments: &LsArgs,
    scope: &Scope,
) -> Result<Exit, Failure> {
    let keys = match arguments.long {
        true => Keys::open(invocation, &scope.bucket),
        false => Keys::none(),
    };
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&scope.bucket).await?;
    let client = aws.client(&region)?;
    let mut listing = Listing::new(&client, &scope.bucket, scope.listed());
    if !arguments.recursive {
        listing = listing.by_level();
    }
    let entries = match arguments.versions {
        true => listing.entries().left_stream(),
        false => listing.current().right_stream(),
    };
    let (client, keys) = (&client, &keys);
    let shown = entries
        .map_ok(|entry| async move {
            let details = match &entry {
                Entry::Version(version) if arguments.long => {
                    Some(details::of(client, scope, version, keys).await)
                }
                _ => None,
            };
            Ok(Shown { entry, details })
        })
        .try_buffered(arguments.concurrency.get());
    let mut shown = std::pin::pin!(shown);
    let mut writer = Writer::begin(invocation.terminal, arguments, scope)?;
    while let Some(shown) = shown.try_next().await? {
        writer.entry(shown)?;
    }
    keys.warn(invocation.terminal);
    let found = writer.end()?;
    if !found && !scope.prefix.is_empty() {
        return Err(Failure::new(
            Exit::Failure,
            format!("there is nothing below `{}`", printable(&scope.to_string())),
        )
        .hint("keys are taken literally, with every space, `%`, `+` and `/`; --versions shows what was deleted"));
    }
    Ok(Exit::Done)
}
