//! Documents as objects of a bucket: backups in another region.
//!
//! Every write says what it expects to find (`If-None-Match`, `If-Match`) and carries a SHA-256 that S3
//! checks, so that no document is lost to another writer or to the network. What is read, the backup
//! checks by the SHA-256 in its own description.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_keystore::{Document, Documents, DocumentsError, Expected, Revision};
use keyferry_policy::BucketName;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::aws::Aws;
use crate::failure::Failure;

/// Objects below a prefix.
pub(crate) struct BucketDocuments {
    client: Client,
    bucket: BucketName,
    /// Empty, or ends in `/`.
    prefix: String,
    runtime: Handle,
}

impl BucketDocuments {
    /// Connects to the bucket, wherever it is.
    pub(crate) async fn connect(
        aws: &Aws,
        bucket: BucketName,
        prefix: String,
    ) -> Result<Self, Failure> {
        let region = aws.bucket_region(&bucket).await?;
        Ok(Self {
            client: aws.client(&region)?,
            bucket,
            prefix,
            runtime: Handle::current(),
        })
    }

    /// Waits for a request; the rest of the runtime goes on meanwhile.
    fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| self.runtime.block_on(request))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn failed<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        action: &'static str,
        name: &str,
        error: &SdkError<E>,
    ) -> DocumentsError {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let reason = match (status, error.code()) {
            (Some(status), Some(code)) => format!(
                "{status} {code}: {}",
                error.message().unwrap_or("S3 gives no reason")
            ),
            (Some(status), None) => format!("S3 answered {status}"),
            (None, _) => {
                let mut cause: &dyn std::error::Error = error;
                while let Some(next) = cause.source() {
                    cause = next;
                }
                cause.to_string()
            }
        };
        let hint = match status {
            Some(403) => Some(format!(
                "the credentials need s3:ListBucket on `{}` and s3:GetObject, s3:PutObject and s3:DeleteObject on `{}/{}*`",
                self.bucket, self.bucket, self.prefix
            )),
            Some(404) => Some("check the bucket's name".to_owned()),
            _ => None,
        };
        DocumentsError::Failed {
            action,
            place: self.place(),
            name: name.to_owned(),
            reason,
            hint,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        let mut names = Vec::new();
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(self.key(prefix))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("list", prefix, &error))?;
            let keys = page.contents().iter().filter_map(|object| object.key());
            names.extend(
                keys.filter_map(|key| key.strip_prefix(&self.prefix))
                    .filter(|name| !name.is_empty() && !name.ends_with('/'))
                    .map(str::to_owned),
            );
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl Documents for BucketDocuments {
    fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError> {
        self.wait(self.list(prefix))
    }

    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError> {
        self.wait(async {
            let request = self
                .client
                .get_object()
                .bucket(self.bucket.as_str())
                .key(self.key(name));
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
                Err(error) => return Err(self.failed("read", name, &error)),
            };
            let revision = Revision(answer.e_tag.unwrap_or_default());
            let body = answer.body.collect().await;
            let bytes = body.map_err(|error| DocumentsError::Failed {
                action: "read",
                place: self.place(),
                name: name.to_owned(),
                reason: error.to_string(),
                hint: None,
            })?;
            Ok(Some(Document {
                bytes: Zeroizing::new(bytes.to_vec()),
                revision,
            }))
        })
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError> {
        self.wait(async {
            let request = self
                .client
                .put_object()
                .bucket(self.bucket.as_str())
                .key(self.key(name))
                .checksum_sha256(BASE64_STANDARD.encode(Sha256::digest(bytes)))
                .body(ByteStream::from(bytes.to_vec()));
            let request = match expected {
                Expected::Absent => request.if_none_match("*"),
                Expected::At(Revision(etag)) => request.if_match(etag),
            };
            match request.send().await {
                Ok(answer) => Ok(Revision(answer.e_tag.unwrap_or_default())),
                // Written by somebody else, or being written; a repeated request finds its own work.
                Err(error)
                    if matches!(
                        error.code(),
                        Some("PreconditionFailed" | "ConditionalRequestConflict")
                    ) =>
                {
                    Err(DocumentsError::Conflict {
                        place: self.place(),
                        name: name.to_owned(),
                    })
                }
                Err(error) => Err(self.failed("write", name, &error)),
            }
        })
    }

    fn remove(&self, name: &str) -> Result<(), DocumentsError> {
        let request = self
            .client
            .delete_object()
            .bucket(self.bucket.as_str())
            .key(self.key(name));
        match self.wait(request.send()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("remove", name, &error)),
        }
    }
}
