//! `keyferry key usage`: which objects need which key, as recorded or as S3 shows it.

mod recorded;
mod tally;
mod writer;

use std::collections::BTreeMap;

use futures::TryStreamExt;
use keyferry_key::KeyId;
use keyferry_keystore::{Error, ObjectUse};
use keyferry_verify::{FoundBy, KeyVerdict, ScanOptions, Scanned, Scope, scan};

use crate::args::UsageArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::keys;
use crate::store_keys::{Choice, Only, StoreKeys};
use tally::Tally;
use writer::Writer;

/// How many keys are tried on each version that nothing leads to a key of.
const MOST_TRIALS: usize = 16;
/// How many finds are kept before they are recorded.
const RECORDED_AT_ONCE: usize = 500;

pub(super) async fn run(invocation: &Invocation, arguments: UsageArgs) -> Result<Exit, Failure> {
    let (of, address) = match (arguments.of, arguments.address) {
        (Some(address), None) if address.starts_with("s3://") => (None, Some(address)),
        given => given,
    };
    let scope: Option<Scope> = address
        .map(|text| text.parse())
        .transpose()
        .map_err(|error| {
            Failure::from_error(Exit::Usage, &error)
                .hint("without an address, what was recorded is shown")
        })?;
    let store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let only = of
        .map(|name| keys::named(store.list(), &name))
        .transpose()?
        .map(Only::from);
    let Some(scope) = scope else {
        return recorded::run(invocation, &store, only.as_ref(), arguments.objects);
    };
    let choice = Choice {
        // All keys are tried: what is under another one is counted as that.
        only: None,
        expected: keys::expected_ring(&invocation.settings, &store, &scope.bucket),
        most: MOST_TRIALS,
    };
    let options = ScanOptions {
        noncurrent: !arguments.current_only,
        uploads: !arguments.current_only,
        concurrency: arguments
            .concurrency
            .unwrap_or(ScanOptions::DEFAULT_CONCURRENCY),
    };
    let mut tally = Tally::new(store.list(), only);
    let keys = StoreKeys::new(store, choice);
    let aws = Aws::connect(&invocation.settings).await?;
    let region = aws.bucket_region(&scope.bucket).await?;
    let client = aws.client(&region)?;

    let mut writer = Writer::begin(invocation.terminal, &scope, arguments.objects)?;
    let mut found = Found::default();
    let progress = invocation.terminal.progress("looking through");
    let mut versions = std::pin::pin!(scan(&client, &scope, options, &keys));
    while let Some(scanned) = versions.try_next().await? {
        if tally.count(&scanned) {
            writer.item(&scanned)?;
        }
        progress.status(&format!("{} versions", tally.seen()));
        found.take(invocation, &keys, &scanned);
    }
    progress.finish();
    found.flush(invocation, &keys);
    for finding in keys.store().catalogue_findings() {
        invocation.terminal.warn(finding);
    }
    writer.end(&tally, !arguments.current_only)?;
    Ok(tally.conclude(invocation.terminal))
}

/// What a scan has shown, to be recorded.
#[derive(Default)]
struct Found {
    waiting: BTreeMap<KeyId, Vec<ObjectUse>>,
    count: usize,
    failed: bool,
}

impl Found {
    fn take(&mut self, invocation: &Invocation, keys: &StoreKeys, scanned: &Scanned) {
        let Scanned::Version {
            version,
            key: KeyVerdict::Known { id, by },
            ..
        } = scanned
        else {
            return;
        };
        if *by == FoundBy::Record || self.failed {
            return;
        }
        let object = ObjectUse::new(
            version.address.bucket.as_str(),
            &*version.address.key,
            version.version_id.as_deref(),
        );
        self.waiting.entry(id.clone()).or_default().push(object);
        self.count += 1;
        if self.count >= RECORDED_AT_ONCE {
            self.flush(invocation, keys);
        }
    }

    fn flush(&mut self, invocation: &Invocation, keys: &StoreKeys) {
        self.count = 0;
        for (id, mut objects) in std::mem::take(&mut self.waiting) {
            // The newest of an object's versions is listed first; recorded last, it counts as the
            // latest.
            objects.reverse();
            if let Err(error) = keys.record_found(&id, &objects)
                && !std::mem::replace(&mut self.failed, true)
            {
                warn_unrecorded(invocation, &error);
            }
        }
    }
}

fn warn_unrecorded(invocation: &Invocation, error: &Error) {
    invocation.terminal.warn(format!(
        "the key store cannot record what was found: {}",
        chain(error)
    ));
}
