//! How other programs take a customer key from its file, so that it is in nobody's arguments.
//!
//! Arguments are visible to every user of a machine, an environment to the same user only. Words in
//! capitals stand for what the reader has.

use std::path::{Path, PathBuf};

use keyferry_key::KeyMd5;

use crate::args::Client;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// What to type for one program.
#[derive(Debug)]
pub(super) struct Recipe {
    client: Client,
    /// The key's file, absolute, so that the words work from everywhere.
    file: String,
    /// The file of request headers that goes with it, for a program that needs one.
    pub(super) headers: Option<PathBuf>,
}

impl Recipe {
    pub(super) fn new(client: Client, path: &Path) -> Result<Self, Failure> {
        let absolute = std::path::absolute(path).context("find", path.display())?;
        let file = absolute
            .to_str()
            .filter(|file| !file.contains('\n') && !file.contains('\0'))
            .ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    format!("no command can be given for `{}`", path.display()),
                )
                .hint("choose a path of ordinary characters")
            })?
            .to_owned();
        if client == Client::Awscli && file.contains('$') {
            return Err(Failure::new(
                Exit::Usage,
                "the AWS CLI replaces what follows a `$` in the name of a file by a variable",
            )
            .hint("choose a path without `$`"));
        }
        let headers = (client == Client::Curl).then(|| {
            let mut name = absolute.clone().into_os_string();
            name.push(".headers");
            name.into()
        });
        Ok(Self {
            client,
            file,
            headers,
        })
    }

    /// Comments and commands, to paste into a shell; for boto3 a program.
    pub(super) fn text(&self, md5: &KeyMd5) -> String {
        match self.client {
            Client::Awscli => self.awscli(),
            Client::Rclone => self.rclone(),
            Client::Boto3 => self.boto3(),
            Client::S3sync => self.s3sync(md5),
            Client::Curl => self.curl(),
        }
    }

    fn awscli(&self) -> String {
        let file = quote(&format!("fileb://{}", self.file));
        format!(
            "\
# aws s3 cp, mv and sync; SOURCE or DESTINATION is s3://BUCKET/KEY.
aws s3 cp --sse-c AES256 --sse-c-key {file} SOURCE DESTINATION
# From one object to another, both under this key.
aws s3 cp --sse-c-copy-source AES256 --sse-c-copy-source-key {file} \\
  --sse-c AES256 --sse-c-key {file} SOURCE DESTINATION
# aws s3api encodes the key in base64 and adds the MD5, as long as no MD5 is given. With
# --sse-customer-key-md5 it would want base64, and there is no way to give that by file.
aws s3api get-object --bucket BUCKET --key KEY --sse-customer-algorithm AES256 \\
  --sse-customer-key {file} FILE
"
        )
    }

    fn rclone(&self) -> String {
        let encoded = self.in_base64();
        format!(
            "\
# rclone has no option that names a key's file. Its environment holds the key in base64; its
# configuration would hold it for good, unencrypted. REMOTE is of type s3.
RCLONE_S3_SSE_CUSTOMER_ALGORITHM=AES256 \\
RCLONE_S3_SSE_CUSTOMER_KEY_BASE64={encoded} \\
  rclone copyto SOURCE DESTINATION
"
        )
    }

    fn s3sync(&self, md5: &KeyMd5) -> String {
        let encoded = self.in_base64();
        let md5 = quote(&md5.to_string());
        format!(
            "\
# s3sync has no option that names a key's file, but takes each option from its environment.
# To S3:
TARGET_SSE_C=AES256 TARGET_SSE_C_KEY_MD5={md5} \\
TARGET_SSE_C_KEY={encoded} \\
  s3sync FOLDER s3://BUCKET/PREFIX
# From S3:
SOURCE_SSE_C=AES256 SOURCE_SSE_C_KEY_MD5={md5} \\
SOURCE_SSE_C_KEY={encoded} \\
  s3sync s3://BUCKET/PREFIX FOLDER
"
        )
    }

    fn boto3(&self) -> String {
        // JSON's strings are Python's, too.
        let file = serde_json::Value::from(self.file.as_str());
        format!(
            "\
from pathlib import Path

import boto3

# boto3 encodes the raw bytes in base64 and adds the MD5.
customer_key = {{
    \"SSECustomerAlgorithm\": \"AES256\",
    \"SSECustomerKey\": Path({file}).read_bytes(),
}}
s3 = boto3.client(\"s3\")
s3.upload_file(\"FILE\", \"BUCKET\", \"KEY\", ExtraArgs=customer_key)
s3.download_file(\"BUCKET\", \"KEY\", \"FILE\", ExtraArgs=customer_key)
content = s3.get_object(Bucket=\"BUCKET\", Key=\"KEY\", **customer_key)[\"Body\"].read()
"
        )
    }

    fn curl(&self) -> String {
        let headers = self.headers.clone().unwrap_or_default();
        let headers = quote(&format!("@{}", headers.display()));
        let credentials =
            r#"printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY""#;
        format!(
            "\
# Needs curl 8.10 or newer: older ones sign these headers in the wrong order. The headers come from
# their file and the credentials from a pipe. REGION is the bucket's. Temporary credentials need
# `-H \"x-amz-security-token: $AWS_SESSION_TOKEN\"` as well.
{credentials} |
  curl --fail --config - --aws-sigv4 aws:amz:REGION:s3 -H {headers} \\
    -o FILE https://BUCKET.s3.REGION.amazonaws.com/KEY
# Any curl, with a URL that was presigned for the same headers.
curl --fail -H {headers} -o FILE URL
"
        )
    }

    /// What a shell replaces by the key in base64. `base64` of macOS has no `-w0`.
    fn in_base64(&self) -> String {
        format!("\"$(base64 < {} | tr -d '\\n')\"", quote(&self.file))
    }
}

/// One word of a POSIX shell.
fn quote(word: &str) -> String {
    // Only a zero byte cannot be quoted, and no path has one.
    shlex::try_quote(word).map_or_else(|_| String::new(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_stay_one_word() {
        for path in [
            "/plain/key",
            "/with space/key",
            "/it's/\"quoted\"/key",
            "/-dash/*?[x]/~/!x/`id`/$(id)/key",
            "/日本/鍵",
        ] {
            for client in [Client::Rclone, Client::S3sync, Client::Curl] {
                let recipe = Recipe::new(client, Path::new(path)).unwrap();
                let text = recipe.text(&KeyMd5::from_bytes([0; 16]));
                let command: String = text
                    .lines()
                    .filter(|line| !line.starts_with('#'))
                    .collect::<Vec<_>>()
                    .join("\n");
                // Inside the substitution the words are split as outside of it.
                let words = shlex::split(&command.replace("\"$(", "").replace(")\"", ""));
                let word = match client {
                    Client::Curl => format!("@{path}.headers"),
                    _ => path.to_owned(),
                };
                assert!(words.unwrap().contains(&word), "{client:?}: {text}");
            }
        }
        assert!(Recipe::new(Client::Awscli, Path::new("/a$b")).is_err());
        assert!(Recipe::new(Client::Curl, Path::new("/a\nb")).is_err());
    }
}
