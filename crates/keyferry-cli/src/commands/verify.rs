//! `keyferry verify`, and the verification behind `keyferry upload`.

use std::path::Path;

use keyferry_key::CustomerKey;
use keyferry_transfer::Receipt;
use keyferry_verify::{
    Conclusion, ErrorKind, Level, Outcome, Report, Subject, Verification, VerifyError,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use crate::args::{self, KeySource, VerifyArgs, WaitArgs};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::{Terminal, report};
use crate::{find_key, interrupt, replica, secret_input};

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

pub(super) async fn run(invocation: &Invocation, arguments: VerifyArgs) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let receipt = arguments.receipt.as_deref().map(read_receipt).transpose()?;
    let (address, version_id) = match (&receipt, arguments.source) {
        (Some(receipt), _) => (receipt.source.clone(), receipt.version_id.clone()),
        (None, Some(source)) => (source, arguments.version_id),
        (None, None) => return Err(Failure::new(Exit::Usage, "nothing to verify was given")),
    };
    let aws = Aws::connect(&invocation.settings).await?;
    let region = match &receipt {
        Some(receipt) => receipt.region.clone(),
        None => aws.bucket_region(&address.bucket).await?,
    };
    let recorded = receipt
        .as_ref()
        .and_then(|receipt| receipt.key_id.as_ref())
        .map(|id| KeySource::Store(id.to_string()));
    let asked = arguments.key.or(recorded);
    let client = aws.client(&region)?;
    let wanted = find_key::Wanted {
        client: &client,
        region: &region,
        address: &address,
        version_id: version_id.as_deref(),
        asked: asked.as_ref(),
        is_replica: false,
    };
    let opened = find_key::open(invocation, wanted).await?;
    let subject = match &receipt {
        Some(receipt) => Subject::of_receipt(receipt, &opened.key.key),
        None => opened.subject,
    };
    let report = of_subject(
        invocation,
        &aws,
        &subject,
        &opened.key.key,
        &arguments.wait,
        cancel,
    )
    .await?;
    show(invocation.terminal, &report, receipt.as_ref(), false)
}

fn read_receipt(path: &Path) -> Result<Receipt, Failure> {
    let text = if path.as_os_str() == "-" {
        secret_input::from_stdin()?.to_vec()
    } else {
        std::fs::read(path).context("read", path.display())?
    };
    let receipt: Receipt = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("`{}` is not a receipt: {error}", path.display()),
        )
        .hint("`keyferry upload --receipt FILE` writes one")
    })?;
    if receipt.format == Receipt::FORMAT {
        Ok(receipt)
    } else {
        Err(Failure::new(
            Exit::Usage,
            format!(
                "the receipt has format {}, this keyferry knows {}",
                receipt.format,
                Receipt::FORMAT
            ),
        ))
    }
}

/// Verifies a subject as the options ask.
pub(super) async fn of_subject(
    invocation: &Invocation,
    aws: &Aws,
    subject: &Subject,
    key: &CustomerKey,
    options: &WaitArgs,
    cancel: CancellationToken,
) -> Result<Report, Failure> {
    let place = replica::Place::connect(invocation, aws, &options.replica).await?;
    let verification = Verification {
        subject,
        key: Some(key),
        wait: options.wait,
        level: level(options),
        read: keyferry_verify::ReadSides::Both,
        replica: place.given(invocation, &subject.source),
        probe: !options.no_probe,
    };
    let progress = invocation.terminal.progress("replicating");
    Ok(keyferry_verify::verify(place.regions(), verification, &progress, cancel).await?)
}

/// How hard the options ask to look.
pub(super) fn level(options: &WaitArgs) -> Level {
    match options.level {
        _ if options.deep => Level::Deep,
        args::Level::Status => Level::Status,
        args::Level::Equal => Level::Equal,
        args::Level::Deep => Level::Deep,
    }
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
        match report::hint(&found.outcome) {
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
