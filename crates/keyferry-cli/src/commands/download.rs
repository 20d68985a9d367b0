//! `keyferry download`

mod many;
mod object_keys;
mod taking;

use std::path::{Path, PathBuf};

use keyferry_transfer::{
    Download, DownloadTarget, ObjectAddress, ParseAddressError, Verification, download,
};

use super::Invocation;
use crate::args::DownloadArgs;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{find_key, interrupt, replica, resume, terminal::human_bytes};

pub(super) async fn run(invocation: &Invocation, arguments: DownloadArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    if arguments.destination.to_string_lossy().starts_with("s3://") {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is not a local file", arguments.destination.display()),
        )
        .hint("`keyferry upload` writes to S3"));
    }
    if arguments.many.recursive {
        return many::run(invocation, &arguments).await;
    }
    arguments.many.only_one()?;
    if arguments.resume && arguments.destination.as_os_str() == "-" {
        return Err(Failure::new(
            Exit::Usage,
            "what went to standard output is not there to go on with",
        )
        .hint("--resume needs a file"));
    }
    let address: ObjectAddress = arguments.source.parse().map_err(|error| {
        let names_many = matches!(error, ParseAddressError::NoKey(_));
        let failure = Failure::from_error(Exit::Usage, &error);
        match names_many {
            true => failure.hint("-r downloads all objects of a bucket"),
            false => failure,
        }
    })?;
    let cancel = interrupt::token(terminal)?;
    let aws = Aws::connect(&invocation.settings).await?;
    let side = replica::side(invocation, &aws, &address, &arguments).await?;
    let client = side.aws.client(&side.region)?;
    let (region, source) = (side.region, side.address);
    let wanted = find_key::Wanted {
        client: &client,
        region: &region,
        address: &source,
        version_id: arguments.version_id.as_deref(),
        asked: arguments.key.as_ref(),
        is_replica: side.is_replica,
    };
    let opened = find_key::open(invocation, wanted).await?;

    let to_stdout = arguments.destination.as_os_str() == "-";
    let path = (!to_stdout).then(|| target_file(&arguments.destination, &source));
    if arguments.many.choice.dry_run {
        let to = path.as_deref().unwrap_or(Path::new("-")).display();
        return terminal
            .print(format!("would download {source} to {to}"))
            .map(|()| Exit::Done);
    }
    let target = match &path {
        Some(path) => DownloadTarget::File(path.clone()),
        None => DownloadTarget::Writer(Box::new(tokio::io::stdout())),
    };
    let mut request = Download::new(source.clone(), opened.key.key, target);
    // The version that the key was proven on, so that nothing can come between.
    request.version_id = arguments.version_id.or(opened.subject.version_id);
    request.engine = super::many::engine(&arguments.many.choice, None);
    request.overwrite = resume::overwrite(arguments.overwrite, arguments.resume);
    request.resume = Some(resume::asked(arguments.resume));
    if let Some(concurrency) = arguments.concurrency {
        request.concurrency = concurrency;
    }

    let progress = terminal.progress("downloading");
    let downloaded = download(&client, request, &progress, cancel)
        .await
        .map_err(resume::failure)?;
    progress.finish();
    let Some(path) = path else {
        return Ok(Exit::Done);
    };
    if downloaded.unchanged && terminal.is_text() {
        terminal.print(format!("{} is the same already", path.display()))?;
    } else if terminal.is_text() {
        terminal.print(format!(
            "downloaded {} from {source} ({region}) to {}; {}",
            human_bytes(downloaded.size),
            path.display(),
            integrity(&downloaded.verification)
        ))?;
    } else {
        terminal.json(&serde_json::json!({
            "source": source,
            "region": region,
            "file": path,
            "key_id": opened.key.id,
            "version_id": downloaded.version_id,
            "size": downloaded.size,
            "etag": downloaded.etag,
            "key_md5": downloaded.key_md5,
            "last_modified": downloaded.last_modified,
            "content_type": downloaded.content_type,
            "metadata": downloaded.metadata,
            "verified": !matches!(downloaded.verification, Verification::Unverified(_)),
            "verification": integrity(&downloaded.verification),
            "unchanged": downloaded.unchanged,
        }))?;
    }
    Ok(Exit::Done)
}

/// How far the content was verified, for people.
fn integrity(verification: &Verification) -> String {
    match verification {
        Verification::FullObject(checksum) => {
            format!("{} {} verified", checksum.algorithm, checksum.value)
        }
        Verification::Parts { checksum, parts } => {
            format!("{} of all {parts} parts verified", checksum.algorithm)
        }
        Verification::Unverified(why) => format!("not verified: {why}"),
    }
}

/// A folder gets the object's last name.
fn target_file(destination: &Path, source: &ObjectAddress) -> PathBuf {
    let is_folder =
        destination.is_dir() || destination.as_os_str().to_string_lossy().ends_with('/');
    let name = source.key.rsplit('/').find(|name| !name.is_empty());
    match name {
        Some(name) if is_folder && ![".", ".."].contains(&name) => destination.join(name),
        _ => destination.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_get_the_objects_name() {
        let dir = tempfile::tempdir().unwrap();
        let target = |key: &str| {
            let source = ObjectAddress::new("bucket".parse().unwrap(), key).unwrap();
            target_file(dir.path(), &source)
        };
        assert_eq!(target("a/b.txt"), dir.path().join("b.txt"));
        assert_eq!(target("a/b/"), dir.path().join("b"));
        assert_eq!(target("a/.."), dir.path());
        assert_eq!(target("/"), dir.path());
    }
}
