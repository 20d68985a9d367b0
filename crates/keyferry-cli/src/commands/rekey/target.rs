//! What to re-encrypt, and where unfinished work on it is remembered.

use std::fmt::Write;
use std::path::Path;

use aws_sdk_s3::Client;
use keyferry_policy::{BucketName, NameError, Region};
use keyferry_transfer::{ObjectAddress, Scope, UnfinishedUploads};
use sha2::{Digest, Sha256};

use crate::args::RekeyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;

/// A bucket, and which of its objects.
pub(super) struct Target {
    pub(super) bucket: BucketName,
    pub(super) scope: Scope,
}

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let usage = |error: String| {
            Failure::new(Exit::Usage, error)
                .hint("give s3://BUCKET, s3://BUCKET/FOLDER/ or s3://BUCKET/KEY")
        };
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| usage(format!("`{text}` is not an S3 address")))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(usage(format!("`{text}` names no bucket")));
        }
        let bucket: BucketName = bucket
            .parse()
            .map_err(|error: NameError| usage(error.to_string()))?;
        if key.is_empty() || key.ends_with('/') {
            let scope = Scope::Prefix(key.to_owned());
            return Ok(Self { bucket, scope });
        }
        let address = ObjectAddress::new(bucket, key).map_err(|error| usage(error.to_string()))?;
        Ok(Self {
            bucket: address.bucket,
            scope: Scope::Object(address.key),
        })
    }

    /// Takes a key that no object has for a folder.
    pub(super) async fn settle(&mut self, client: &Client) -> Result<(), Failure> {
        let Scope::Object(key) = &self.scope else {
            return Ok(());
        };
        let folder = format!("{key}/");
        let is_there = async |scope: &Scope| scope.is_in_use(client, &self.bucket).await;
        if is_there(&self.scope).await? {
            return Ok(());
        }
        let folder = Scope::Prefix(folder);
        if !is_there(&folder).await? {
            return Err(Failure::new(
                Exit::Failure,
                format!(
                    "there is no object `s3://{}/{key}`, and none below it",
                    self.bucket
                ),
            )
            .hint("keys are taken literally, with every space, `%`, `+` and `/`"));
        }
        self.scope = folder;
        Ok(())
    }
}

/// The record of multipart uploads that re-encrypting this bucket has begun.
pub(super) fn open_record(
    settings: &Settings,
    bucket: &BucketName,
    region: &Region,
) -> Result<UnfinishedUploads, Failure> {
    let (folder, name) = record_place(settings, bucket, region)?;
    Ok(UnfinishedUploads::open(
        &folder.join("rekey"),
        &name,
        bucket.as_str(),
    )?)
}

/// The folder of this user's unfinished work, and the name that a bucket's record has in it. The endpoint
/// is part of the name: other services may have a bucket of the same name.
pub(in crate::commands) fn record_place<'a>(
    settings: &'a Settings,
    bucket: &BucketName,
    region: &Region,
) -> Result<(&'a Path, String), Failure> {
    let folder = settings.state.as_ref().ok_or_else(|| {
        Failure::new(
            Exit::Failure,
            "there is no place to remember unfinished work",
        )
        .hint("set HOME or XDG_STATE_HOME")
    })?;
    let endpoint = settings
        .endpoints
        .as_ref()
        .and_then(|endpoints| endpoints.of(region))
        .map_or_else(String::new, ToString::to_string);
    let digest = Sha256::digest(format!("{region} {endpoint}"));
    let mut name = format!("{bucket}-");
    for byte in digest.iter().take(6) {
        let _ = write!(name, "{byte:02x}");
    }
    Ok((folder, name))
}

/// The command that goes on where this one stops.
pub(super) fn command(arguments: &RekeyArgs) -> String {
    let mut command = format!(
        "keyferry rekey {} --to {}",
        quoted(&arguments.target),
        quoted(&arguments.to)
    );
    for from in &arguments.from {
        let _ = write!(command, " --from {}", quoted(from));
    }
    for (is_set, option) in [
        (arguments.include_unencrypted, " --include-unencrypted"),
        (arguments.include_replicas, " --include-replicas"),
        (arguments.all_versions, " --all-versions"),
        (arguments.dry_run, " --dry-run"),
        (arguments.no_wait, " --no-wait"),
    ] {
        if is_set {
            command.push_str(option);
        }
    }
    command
}

/// As a shell takes it literally.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_folders_and_objects() {
        let scope = |text: &str| Target::parse(text).map(|target| target.scope);
        for (text, expected) in [
            ("s3://bucket", Scope::Prefix(String::new())),
            ("s3://bucket/", Scope::Prefix(String::new())),
            ("s3://bucket/a b/", Scope::Prefix("a b/".to_owned())),
            ("s3://bucket//", Scope::Prefix("/".to_owned())),
            ("s3://bucket/a", Scope::Object("a".to_owned())),
        ] {
            assert_eq!(scope(text).unwrap(), expected, "{text}");
        }
        for text in ["bucket/a", "s3://", "s3:///a", "s3://B/a"] {
            assert!(scope(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shells_read_back_what_was_meant() {
        assert_eq!(quoted("s3://b/a-b_c.d"), "s3://b/a-b_c.d");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
        assert_eq!(quoted(""), "''");
    }
}
