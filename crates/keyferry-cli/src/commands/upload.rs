//! `keyferry upload`

use std::path::Path;

use keyferry_transfer::{ObjectAddress, PartSize, Upload, UploadSource, upload};
use keyferry_verify::Subject;

use super::{Session, verify};
use crate::args::{KeySource, UploadArgs};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::keys::{self, ChosenKey};
use crate::{interrupt, terminal::human_bytes};

pub(super) async fn run(session: &Session, arguments: UploadArgs) -> Result<Exit, Failure> {
    let terminal = session.terminal;
    let destination = destination(&arguments.source, &arguments.destination)?;
    let key = upload_key(session, arguments.key.as_ref(), &destination)?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&session.settings).await?;
    let region = aws.bucket_region(&destination.bucket).await?;
    let client = aws.client(&region)?;

    let source = if arguments.source.as_os_str() == "-" {
        UploadSource::Reader(Box::new(tokio::io::stdin()))
    } else {
        UploadSource::File(arguments.source.clone())
    };
    let mut request = Upload::new(source, destination.clone(), region, key.key.clone());
    request.key_id = key.id.clone();
    request.content_type = arguments.content_type.clone();
    request.metadata = arguments.metadata.iter().cloned().collect();
    request.tags = arguments.tag.iter().cloned().collect();
    request.part_size = arguments
        .part_size
        .map(|size| PartSize::new(size.as_u64()))
        .transpose()
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    if let Some(concurrency) = arguments.concurrency {
        request.concurrency = concurrency;
    }

    let progress = terminal.progress("uploading");
    let receipt = upload(&client, request, &progress, cancel.clone()).await?;
    progress.finish();
    if let Some(path) = &arguments.receipt {
        let text = serde_json::to_string_pretty(&receipt)
            .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
        std::fs::write(path, text + "\n").context("write the receipt to", path.display())?;
    }
    if terminal.is_text() {
        terminal.print(format!(
            "uploaded {} to {destination}{}",
            human_bytes(receipt.size),
            receipt
                .version_id
                .as_ref()
                .map(|id| format!(" version {id}"))
                .unwrap_or_default()
        ))?;
    }
    if arguments.no_wait {
        if !terminal.is_text() {
            terminal.json(&serde_json::json!({"receipt": receipt}))?;
        }
        return Ok(Exit::Done);
    }
    let subject = Subject::from(&receipt);
    let report =
        verify::of_subject(session, &aws, &subject, &key.key, &arguments.wait, cancel).await?;
    verify::show(terminal, &report, Some(&receipt))
}

/// The object to write. As with `aws s3 cp`, a bucket or a key that ends in `/` is a folder.
fn destination(source: &Path, text: &str) -> Result<ObjectAddress, Failure> {
    let usage =
        |error: keyferry_transfer::ParseAddressError| Failure::from_error(Exit::Usage, &error);
    let names_folder = text
        .strip_prefix("s3://")
        .is_some_and(|rest| rest.ends_with('/') || !rest.contains('/'));
    if !names_folder || source.as_os_str() == "-" {
        return text.parse().map_err(usage);
    }
    let name = source
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!("`{}` has no name to put behind `{text}`", source.display()),
            )
            .hint("give the object's whole key")
        })?;
    let slash = if text.ends_with('/') { "" } else { "/" };
    format!("{text}{slash}{name}").parse().map_err(usage)
}

fn upload_key(
    session: &Session,
    asked: Option<&KeySource>,
    destination: &ObjectAddress,
) -> Result<ChosenKey, Failure> {
    let configured = session.settings.default_key(&destination.bucket);
    let source = asked.or(configured.as_ref()).ok_or_else(|| {
        Failure::new(Exit::Usage, "no key to encrypt under was given").hint(
            "give --key RING (`keyferry key new RING` makes one), or set `key` in the configuration",
        )
    })?;
    keys::choose(&session.settings, &session.terminal, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_get_the_files_name() {
        let address = |source: &str, text: &str| {
            destination(Path::new(source), text).map(|address| address.to_string())
        };
        for (text, expected) in [
            ("s3://bucket", "s3://bucket/a b.txt"),
            ("s3://bucket/", "s3://bucket/a b.txt"),
            ("s3://bucket/x/", "s3://bucket/x/a b.txt"),
            ("s3://bucket/x", "s3://bucket/x"),
        ] {
            assert_eq!(address("dir/a b.txt", text).unwrap(), expected);
        }
        assert_eq!(address("-", "s3://bucket/x/").unwrap(), "s3://bucket/x/");
        assert!(address("-", "s3://bucket").is_err());
        assert!(address("dir/..", "s3://bucket").is_err());
    }
}
