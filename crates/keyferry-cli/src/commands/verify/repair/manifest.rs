//! A manifest for S3 Batch Replication: a CSV of bucket, key and version, without a header, keys as URLs
//! write them.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use keyferry_policy::{BucketName, Region};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Item;
use crate::commands::Invocation;
use crate::commands::sent::Sent;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// All that a key may hold without encoding.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
/// The folder in the bucket for the manifest and the job's report.
const FOLDER: &str = "keyferry-repair";

/// # Errors
/// When the file is there: it may be the list of an earlier run.
pub(super) fn is_free(path: &Path) -> Result<(), Failure> {
    match path.exists() {
        false => Ok(()),
        true => Err(
            Failure::new(Exit::Usage, format!("`{}` exists already", path.display()))
                .hint("give another name for the manifest, or remove it first"),
        ),
    }
}

/// Writes a manifest for each source bucket, and prints the commands that run the jobs.
pub(super) fn write(
    invocation: &Invocation,
    items: &mut Sent<Item>,
    path: &Path,
) -> Result<(), Failure> {
    let mut buckets: BTreeMap<BucketName, Region> = BTreeMap::new();
    for item in items.again()? {
        let item = item?;
        buckets.entry(item.address.bucket).or_insert(item.region);
    }
    let terminal = invocation.terminal;
    for (bucket, region) in &buckets {
        let path = match buckets.len() {
            1 => path.to_owned(),
            _ => named_after(path, bucket),
        };
        let count = write_one(items, bucket, &path)?;
        terminal.say(format!(
            "{count} versions of `{bucket}` listed in {}; nothing was changed",
            path.display()
        ));
        let commands = commands(bucket, region, &path);
        match terminal.is_text() {
            true => terminal.print(commands)?,
            false => terminal.say(commands),
        }
    }
    terminal.hint(
        "BATCH_ROLE is the ARN of a role that batchoperations.s3.amazonaws.com may assume and that may \
         s3:InitiateReplication; `keyferry policy emit` writes one",
    );
    Ok(())
}

fn write_one(items: &mut Sent<Item>, bucket: &BucketName, path: &Path) -> Result<u64, Failure> {
    is_free(path)?;
    let file = File::create_new(path).context("write the manifest to", path.display())?;
    let mut out = BufWriter::new(file);
    let mut count = 0;
    for item in items.again()? {
        let item = item?;
        if item.address.bucket == *bucket {
            let line = line(&item);
            writeln!(out, "{line}").context("write the manifest to", path.display())?;
            count += 1;
        }
    }
    out.into_inner()
        .map_err(|error| error.into_error())
        .and_then(|file| file.sync_all())
        .context("write the manifest to", path.display())?;
    Ok(count)
}

fn line(item: &Item) -> String {
    let key = utf8_percent_encode(&item.address.key, KEY);
    let version = item.version_id.as_deref().unwrap_or_default();
    format!("{},{key},{version}", item.address.bucket)
}

/// `list.csv` becomes `list-BUCKET.csv`: a job takes the objects of one bucket.
fn named_after(path: &Path, bucket: &BucketName) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut name = format!("{stem}-{bucket}");
    if let Some(extension) = path.extension() {
        name.push('.');
        name.push_str(&extension.to_string_lossy());
    }
    path.with_file_name(name)
}

/// The commands that put the manifest into the bucket and run the job.
fn commands(bucket: &BucketName, region: &Region, path: &Path) -> String {
    let partition = match region.as_str() {
        china if china.starts_with("cn-") => "aws-cn",
        government if government.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let file = path.to_string_lossy();
    let file = shlex::try_quote(&file).unwrap_or_else(|_| file.clone());
    format!(
        r#"ETAG=$(aws s3api put-object --region {region} --bucket {bucket} --key {FOLDER}/manifest.csv \
  --body {file} --server-side-encryption AES256 --query ETag --output text | tr -d '"')
aws s3control create-job --region {region} \
  --account-id "$(aws sts get-caller-identity --query Account --output text)" \
  --operation '{{"S3ReplicateObject":{{}}}}' --priority 10 --role-arn "$BATCH_ROLE" \
  --manifest '{{"Spec":{{"Format":"S3BatchOperations_CSV_20180820","Fields":["Bucket","Key","VersionId"]}},"Location":{{"ObjectArn":"{arn}/{FOLDER}/manifest.csv","ETag":"'"$ETAG"'"}}}}' \
  --report '{{"Bucket":"{arn}","Prefix":"{FOLDER}","Format":"Report_CSV_20180820","Enabled":true,"ReportScope":"FailedTasksOnly"}}' \
  --no-confirmation-required"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_batch_operations_reads() {
        let item = Item {
            address: "s3://tokyo/a b/ü,\"x\"\n%.txt".parse().unwrap(),
            region: "ap-northeast-1".parse().unwrap(),
            version_id: Some("3HL4kqtJvjVBH40Nrjfkd".to_owned()),
            size: 1,
            key_id: None,
            key_md5: None,
        };
        assert_eq!(
            line(&item),
            "tokyo,a%20b/%C3%BC%2C%22x%22%0A%25.txt,3HL4kqtJvjVBH40Nrjfkd"
        );
    }

    #[test]
    fn each_bucket_has_a_file_of_its_own() {
        let bucket = "osaka".parse().unwrap();
        let named = |path: &str| named_after(Path::new(path), &bucket);
        assert_eq!(named("a/list.csv"), Path::new("a/list-osaka.csv"));
        assert_eq!(named("list"), Path::new("list-osaka"));
    }
}
