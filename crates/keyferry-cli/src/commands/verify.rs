//! `keyferry verify`, and the verification behind `keyferry upload`.

mod kept;
mod many;
mod output;
mod receipts;
mod repair;
mod state;

use std::path::PathBuf;

use keyferry_key::CustomerKey;
use keyferry_transfer::{Authenticity, ObjectAddress, Receipt, Scope};
use keyferry_verify::{
    Checked, CheckedResult, Conclusion, ErrorKind, Level, Listed, NotCovered, Outcome,
    ParseScopeError, ProbeScope, ReadSides, Report, Subject, Summary, Verification, VerifyError,
    Versions, subject_without_key,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use crate::args::{KeySource, VerifyArgs, WaitArgs};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{Terminal, report};
use crate::{find_key, interrupt, keys, replica};
use kept::Kept;
use receipts::Receipts;

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let exit = match error.kind() {
            ErrorKind::WrongKey => Exit::Key,
            ErrorKind::Interrupted => Exit::Interrupted,
            ErrorKind::Failure => Exit::Failure,
        };
        Self::from_error(exit, &error).maybe_hint(error.hint())
    }
}

/// What is to be verified.
enum Asked {
    /// An object by itself.
    Object {
        address: ObjectAddress,
        version_id: Option<String>,
        receipt: Option<Box<Receipt>>,
    },
    /// What is in a bucket.
    Listed(keyferry_verify::Scope, Scope),
    /// Several receipts.
    Receipts(Receipts),
}

pub(super) async fn run(invocation: &Invocation, arguments: VerifyArgs) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let asked = asked(&arguments)?;
    let mut kept = Kept::begin(&arguments)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let verified = verify(invocation, &aws, &arguments, (asked, &mut kept), &cancel).await;
    if verified.is_err()
        // A report of an earlier run must not be taken for one of this run.
        && let Err(failure) = kept.end(invocation.terminal, &Summary::default(), false)
    {
        invocation.terminal.error(&failure);
    }
    let exit = verified?;
    match kept.repair() {
        Some(repair) => {
            repair
                .run(invocation, &aws, &arguments, exit, &cancel)
                .await
        }
        None => Ok(exit),
    }
}

async fn verify(
    invocation: &Invocation,
    aws: &Aws,
    arguments: &VerifyArgs,
    (asked, kept): (Asked, &mut Kept),
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let many = |kept| many::Run {
        invocation,
        aws,
        arguments,
        cancel: cancel.clone(),
        kept,
    };
    match asked {
        Asked::Object {
            address,
            version_id,
            receipt,
        } => {
            if arguments.state.is_some() {
                return Err(Failure::new(
                    Exit::Usage,
                    "--state is for many objects: there is nothing to go on with in one",
                )
                .hint("leave out --state"));
            }
            let found = object(
                invocation,
                aws,
                (&address, version_id.as_deref(), receipt.as_deref()),
                arguments,
                cancel.clone(),
            )
            .await;
            let found = match (found, receipt.as_deref()) {
                (Ok(found), _) => found,
                // What cannot be found may never have been.
                (Err(failure), Some(receipt)) if failure.exit() != Exit::Interrupted => {
                    changed(invocation, receipt, arguments).ok_or(failure)?
                }
                (Err(failure), _) => return Err(failure),
            };
            let exit = show(invocation.terminal, &found, receipt.as_deref(), false)?;
            let checked = Checked {
                address,
                version_id: found.subject.version_id.clone(),
                result: CheckedResult::Object(Box::new(found)),
            };
            let mut summary = Summary::default();
            summary.take_in(&checked);
            kept.add(&checked)?;
            kept.end(invocation.terminal, &summary, true)?;
            Ok(exit)
        }
        Asked::Listed(shown, scope) => {
            let listed = Listed {
                region: aws.bucket_region(&shown.bucket).await?,
                bucket: shown.bucket.clone(),
                scope,
                versions: match arguments.all_versions {
                    true => Versions::All,
                    false => Versions::Current,
                },
            };
            warn_of_both_sides(invocation.terminal, arguments, false);
            many(kept).listed(&shown, listed).await
        }
        Asked::Receipts(receipts) => many(kept).receipts(receipts).await,
    }
}

fn asked(arguments: &VerifyArgs) -> Result<Asked, Failure> {
    let Some(source) = &arguments.source else {
        let mut receipts = Receipts::open(&arguments.receipt)?;
        return Ok(match receipts.only_one()? {
            Some(receipt) => Asked::Object {
                address: receipt.source.clone(),
                version_id: receipt.version_id.clone(),
                receipt: Some(Box::new(receipt)),
            },
            None => Asked::Receipts(receipts),
        });
    };
    let scope: keyferry_verify::Scope = source.parse().map_err(|error: ParseScopeError| {
        Failure::from_error(Exit::Usage, &error)
            .hint("give s3://BUCKET/KEY, s3://BUCKET/PREFIX/ or s3://BUCKET")
    })?;
    let is_prefix = arguments.recursive || scope.prefix.is_empty() || scope.prefix.ends_with('/');
    arguments.wait.replica.is_not(&scope.bucket)?;
    if is_prefix && arguments.version_id.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "--version-id is the version of one object, and this is a prefix",
        )
        .hint("give the object's key, or leave out --version-id"));
    }
    if is_prefix {
        let listed = scope.listed();
        return Ok(Asked::Listed(scope, listed));
    }
    if arguments.all_versions || arguments.both_ways {
        let listed = Scope::Object(scope.prefix.clone());
        return Ok(Asked::Listed(scope, listed));
    }
    Ok(Asked::Object {
        address: source
            .parse()
            .map_err(|error| Failure::from_error(Exit::Usage, &error))?,
        version_id: arguments.version_id.clone(),
        receipt: None,
    })
}

/// Verifies an object by itself.
async fn object(
    invocation: &Invocation,
    aws: &Aws,
    (address, version_id, receipt): (&ObjectAddress, Option<&str>, Option<&Receipt>),
    arguments: &VerifyArgs,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let region = match receipt {
        Some(receipt) => receipt.region.clone(),
        None => aws.bucket_region(&address.bucket).await?,
    };
    let recorded = receipt
        .and_then(|receipt| receipt.key_id.as_ref())
        .map(|id| KeySource::Store(id.to_string()));
    let asked = arguments.key.clone().or(recorded);
    let client = aws.client(&region)?;
    let wanted = find_key::Wanted {
        client: &client,
        region: &region,
        address,
        version_id,
        asked: asked.as_ref(),
        is_replica: false,
    };
    let opened = match receipt {
        Some(_) => Some(find_key::open(invocation, wanted).await?),
        None => find_key::open_any(invocation, wanted).await?,
    };
    let (subject, key) = match (opened, receipt) {
        (Some(opened), Some(receipt)) => (
            Subject::of_receipt(receipt, &opened.key.key),
            Some(opened.key.key),
        ),
        (Some(opened), None) => (opened.subject, Some(opened.key.key)),
        (None, _) => {
            let found = subject_without_key(&client, address, version_id, &region).await?;
            let address = address.clone();
            (found.ok_or(VerifyError::NotCustomerKey { address })?, None)
        }
    };
    let (options, read) = (&arguments.wait, arguments.read.into());
    warn_of_both_sides(invocation.terminal, arguments, subject.sha256.is_some());
    of_subject(
        invocation,
        aws,
        &subject,
        (key.as_ref(), read),
        options,
        cancel,
    )
    .await
}

/// Says that the source is read, too, where it was not asked for: only a receipt's SHA-256 can stand for it.
fn warn_of_both_sides(terminal: Terminal, arguments: &VerifyArgs, has_sha256: bool) {
    let alone = ReadSides::from(arguments.read) == ReadSides::Replica;
    if alone && !has_sha256 && arguments.wait.level() == Level::Deep {
        terminal.warn(
            "--read replica takes a receipt with a SHA-256 (--receipt): without one, both sides are read",
        );
    }
}

/// The report on a receipt that the key named in it shows to be changed.
fn changed(invocation: &Invocation, receipt: &Receipt, arguments: &VerifyArgs) -> Option<Report> {
    let id = receipt.key_id.as_ref()?;
    let store = keys::open_store(&invocation.settings, &invocation.terminal).ok()?;
    let authenticity = receipt.authenticity(&store.key(id).ok()?);
    (authenticity == Authenticity::Changed)
        .then(|| Report::of_changed_receipt(receipt, arguments.wait.level()))
}

/// Verifies a subject as the options ask.
pub(super) async fn of_subject(
    invocation: &Invocation,
    aws: &Aws,
    subject: &Subject,
    (key, read): (Option<&CustomerKey>, ReadSides),
    options: &WaitArgs,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    options.replica.is_not(&subject.source.bucket)?;
    let place = replica::Place::connect(invocation, aws, &options.replica)
        .await?
        .hearing(options.events.as_ref());
    let verification = Verification {
        subject,
        key,
        wait: options.wait,
        level: options.level(),
        read,
        replica: place.given(invocation, &subject.source),
        probe: options.probe() != ProbeScope::None,
    };
    let progress = invocation.terminal.progress("replicating");
    Ok(keyferry_verify::verify(place.regions(), verification, &progress, cancel).await?)
}

/// Prints a report and says how the run ends.
pub(super) fn show(
    terminal: Terminal,
    found: &Report,
    receipt: Option<&Receipt>,
    uploaded: bool,
) -> Result<Exit, Failure> {
    let verified = found.conclusion() == Conclusion::Verified;
    if terminal.is_text() {
        terminal.print(report::text(found))?;
        match original(found).or_else(|| report::hint(&found.outcome)) {
            Some(hint) if uploaded && matches!(found.outcome, Outcome::NotCovered { .. }) => {
                terminal.hint(format!("{hint}; or upload with --no-wait"));
            }
            Some(hint) => terminal.hint(hint),
            None => {}
        }
    } else {
        terminal.json(&json!({"verified": verified, "receipt": receipt, "report": found}))?;
    }
    Ok(match found.conclusion() {
        Conclusion::Verified => Exit::Done,
        Conclusion::Pending | Conclusion::Undetermined => Exit::NotConfirmed,
        Conclusion::Refuted => Exit::Differs,
    })
}

/// Where the original of a replica is, if the rules of this bucket lead back to it.
fn original(found: &Report) -> Option<String> {
    let is_replica = matches!(
        found.outcome,
        Outcome::NotCovered {
            why: NotCovered::IsReplica
        }
    );
    let original = found.replicas.iter().find(|side| side.view.is_some())?;
    is_replica.then(|| {
        let key = &found.subject.source.key;
        format!(
            "its original is in `{}`: verify s3://{}/{key}, or both ways with --both-ways",
            original.bucket, original.bucket
        )
    })
}

/// What the receipts' files are called, for messages.
fn named(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    names.join(", ")
}
