//! S3's requests before their operations see them (`S3-ACCESS-1` to `S3-ACCESS-6`).

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri};
use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::CopySource;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::authorizer::Authorizer;
use super::circumstances::Circumstances;
use super::refusal::Refusal;
use super::s3_actions::{
    self, Need, On, When, is_never_denied_to_root, knows_existing_tags, tells_absence,
};
use super::s3_conditions::{query_parameter, request_circumstances};
use crate::server::exchange::Exchange;
use crate::server::requester::Requester;
use crate::store::{BucketRecord, Store, StoreError};

/// What a request is about, as its address says.
#[derive(Clone, Copy)]
pub(crate) struct AccessTarget<'a> {
    pub(crate) operation: &'a str,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
}

/// Judges the requests of one region's endpoint.
#[derive(Clone)]
pub(crate) struct Access {
    store: Arc<Store>,
    region: String,
    authorizer: Authorizer,
    /// Another service verified the signature before.
    is_verified: bool,
}

/// The object or bucket that a permission is about.
struct Subject<'a> {
    bucket: &'a BucketRecord,
    key: Option<&'a str>,
    version: Option<&'a str>,
}

impl Subject<'_> {
    fn arn(&self) -> String {
        match self.key {
            None => format!("arn:aws:s3:::{}", self.bucket.name),
            Some(key) => format!("arn:aws:s3:::{}/{key}", self.bucket.name),
        }
    }
}

/// The source that a copy's header names.
struct Source {
    bucket: BucketRecord,
    key: String,
    version: Option<String>,
}

impl Access {
    /// For requests whose signatures are verified by the service that asks.
    pub(crate) fn new(store: Arc<Store>, region: &str) -> Self {
        Self {
            authorizer: Authorizer::new(Arc::clone(&store)),
            store,
            region: region.to_owned(),
            is_verified: false,
        }
    }

    /// For requests that come from such a service.
    pub(crate) fn verified(&self) -> Self {
        Self {
            is_verified: true,
            ..self.clone()
        }
    }

    /// Refuses a request whose verified signature is not the one it was let in by.
    pub(crate) fn check_signer(&self, exchange: &Exchange, verified: Option<&str>) -> S3Result<()> {
        let claimed = exchange
            .signer()
            .map(|signer| signer.access_key_id.as_str());
        if self.is_verified || claimed == verified {
            Ok(())
        } else {
            Err(s3_error!(AccessDenied, "Access Denied"))
        }
    }

    /// Whether the request may be served.
    pub(crate) fn judge(
        &self,
        exchange: &Exchange,
        target: AccessTarget<'_>,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> S3Result<()> {
        let denied = || s3_error!(AccessDenied, "Access Denied");
        let requester = exchange.requester();
        let Some(needs) = s3_actions::needs(target.operation) else {
            // The service answers that it does not have it.
            return match requester {
                Requester::Anonymous => Err(denied()),
                _ => Ok(()),
            };
        };
        let bucket = match target.bucket {
            None => None,
            Some(name) => self.store.locate(name).map_err(internal)?,
        };
        let bucket = match bucket {
            // The service redirects before anything is judged (`S3-BUCKET-4`).
            Some(bucket) if bucket.region != self.region && target.operation != "CreateBucket" => {
                return Ok(());
            }
            Some(bucket) => Some(bucket),
            None if *requester == Requester::Anonymous => return Err(denied()),
            // That a bucket is not there is told to everybody who signs.
            None if target.bucket.is_some() && target.operation != "CreateBucket" => return Ok(()),
            None => None,
        };
        let circumstances =
            request_circumstances(exchange, target.operation, headers, uri, &self.region);
        let version = query_parameter(uri, "versionId");
        let judge = |need: &Need| {
            self.judge_need(
                exchange,
                need,
                target,
                bucket.as_ref(),
                version.as_deref(),
                headers,
                &circumstances,
            )
        };
        for need in needs {
            let applies = match need.when {
                When::Always => true,
                When::Header(name) => headers.contains_key(name),
                When::HeaderTrue(name) => headers
                    .get(name)
                    .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true")),
            };
            if applies {
                judge(need).map_err(|error| {
                    with_bucket_region(error, target.operation, bucket.as_ref())
                })?;
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one question, in full")]
    fn judge_need(
        &self,
        exchange: &Exchange,
        need: &Need,
        target: AccessTarget<'_>,
        bucket: Option<&BucketRecord>,
        version: Option<&str>,
        headers: &HeaderMap,
        circumstances: &Circumstances,
    ) -> S3Result<()> {
        let requester = exchange.requester();
        match (need.on, bucket) {
            (On::Service, _) => self.judge_account(requester, need.action, "*", circumstances),
            (On::NewBucket, _) | (On::Bucket | On::Object, None) => {
                let arn = format!("arn:aws:s3:::{}", target.bucket.unwrap_or_default());
                self.judge_account(requester, need.action, &arn, circumstances)
            }
            (On::Bucket, Some(bucket)) => {
                let own =
                    matches!(requester, Requester::Root { account } if *account == bucket.owner);
                if own && is_never_denied_to_root(target.operation) {
                    return Ok(());
                }
                let subject = Subject {
                    bucket,
                    key: None,
                    version: None,
                };
                self.judge_subject(requester, need, &subject, circumstances)?;
                if is_never_denied_to_root(target.operation)
                    && requester.account() != Some(bucket.owner.as_str())
                {
                    // Allowed, but a bucket policy is its account's (`S3-ACCESS-6`).
                    return Err(s3_error!(
                        MethodNotAllowed,
                        "The specified method is not allowed against this resource."
                    ));
                }
                Ok(())
            }
            (On::Object, Some(bucket)) => {
                let subject = Subject {
                    bucket,
                    key: target.key,
                    version,
                };
                if tells_absence(target.operation) && need.action == "s3:GetObject" {
                    self.hide_absence(exchange, bucket, circumstances)?;
                }
                self.judge_subject(requester, need, &subject, circumstances)
            }
            (On::Source, _) => {
                let Some(source) = self.source(headers)? else {
                    return Ok(());
                };
                let subject = Subject {
                    bucket: &source.bucket,
                    key: Some(&source.key),
                    version: source.version.as_deref(),
                };
                self.hide_absence(exchange, &source.bucket, circumstances)?;
                self.judge_subject(requester, need, &subject, circumstances)?;
                if target.operation == "CopyObject" {
                    self.judge_copied_tags(
                        requester,
                        &subject,
                        target,
                        bucket,
                        headers,
                        circumstances,
                    )?;
                }
                Ok(())
            }
        }
    }

    /// Tags that go with a copy are read and written.
    fn judge_copied_tags(
        &self,
        requester: &Requester,
        source: &Subject<'_>,
        target: AccessTarget<'_>,
        bucket: Option<&BucketRecord>,
        headers: &HeaderMap,
        circumstances: &Circumstances,
    ) -> S3Result<()> {
        let replaces = headers
            .get("x-amz-tagging-directive")
            .is_some_and(|directive| directive == "REPLACE");
        if replaces || self.tags(source)?.is_empty() {
            return Ok(());
        }
        let read = Need::version("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
        self.judge_subject(requester, &read, source, circumstances)?;
        let Some(bucket) = bucket else {
            return Ok(());
        };
        let written = Subject {
            bucket,
            key: target.key,
            version: None,
        };
        let write = Need::version("s3:PutObjectTagging", "s3:PutObjectTagging");
        self.judge_subject(requester, &write, &written, circumstances)
    }

    fn judge_account(
        &self,
        requester: &Requester,
        action: &str,
        resource: &str,
        circumstances: &Circumstances,
    ) -> S3Result<()> {
        self.authorizer
            .may_administer(requester, action, resource, circumstances.clone())
            .map_err(internal)?
            .map_err(|refusal| access_denied(&refusal))
    }

    fn judge_subject(
        &self,
        requester: &Requester,
        need: &Need,
        subject: &Subject<'_>,
        circumstances: &Circumstances,
    ) -> S3Result<()> {
        let action = if subject.version.is_some() {
            need.version_action
        } else {
            need.action
        };
        let mut circumstances = circumstances.clone();
        circumstances.set("s3:ResourceAccount", &subject.bucket.owner);
        if knows_existing_tags(action) {
            for tag in self.tags(subject)? {
                circumstances.set(&format!("s3:ExistingObjectTag/{}", tag.key), &tag.value);
            }
        }
        self.authorizer
            .may_use_bucket(
                requester,
                action,
                &subject.arn(),
                subject.bucket,
                circumstances,
            )
            .map_err(internal)?
            .map_err(|refusal| access_denied(&refusal))
    }

    /// Who may not list a bucket does not learn that an object is not there (`S3-ACCESS-4`).
    fn hide_absence(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        circumstances: &Circumstances,
    ) -> S3Result<()> {
        let arn = format!("arn:aws:s3:::{}", bucket.name);
        let may_list = self
            .authorizer
            .may_use_bucket(
                exchange.requester(),
                "s3:ListBucket",
                &arn,
                bucket,
                circumstances.clone(),
            )
            .map_err(internal)?;
        if may_list.is_err() {
            exchange.hide_absence();
        }
        Ok(())
    }

    fn source(&self, headers: &HeaderMap) -> S3Result<Option<Source>> {
        let Some(header) = headers
            .get("x-amz-copy-source")
            .and_then(|value| value.to_str().ok())
        else {
            return Ok(None);
        };
        // What is no source, or not there, the operation refuses.
        let Ok(CopySource::Bucket {
            bucket,
            key,
            version_id,
        }) = CopySource::parse(header)
        else {
            return Ok(None);
        };
        let found = self.store.locate(&bucket).map_err(internal)?;
        Ok(found.map(|bucket| Source {
            bucket,
            key: key.to_string(),
            version: version_id.map(|id| id.to_string()),
        }))
    }

    fn tags(&self, subject: &Subject<'_>) -> S3Result<Vec<crate::store::Tag>> {
        let (Some(key), Some(region)) = (subject.key, self.store.region(&subject.bucket.region))
        else {
            return Ok(Vec::new());
        };
        match region.version(&subject.bucket.name, key, subject.version) {
            Ok(version) => Ok(version
                .object()
                .map(|object| object.tags.clone())
                .unwrap_or_default()),
            Err(StoreError::NoSuchKey(_) | StoreError::NoSuchVersion { .. }) => Ok(Vec::new()),
            Err(error) => Err(internal(error)),
        }
    }
}

/// 403 in S3's form.
pub(crate) fn access_denied(refusal: &Refusal) -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, refusal.s3_message())
}

/// HeadBucket says the region whatever the permissions (`S3-XFER-16`).
fn with_bucket_region(
    mut error: S3Error,
    operation: &str,
    bucket: Option<&BucketRecord>,
) -> S3Error {
    if let ("HeadBucket", Some(bucket)) = (operation, bucket)
        && let Ok(region) = HeaderValue::from_str(&bucket.region)
    {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-bucket-region", region);
        error.set_headers(headers);
    }
    error
}

fn internal(error: StoreError) -> S3Error {
    tracing::error!(%error, "the store failed");
    let mut answer = s3_error!(
        InternalError,
        "We encountered an internal error. Please try again."
    );
    answer.set_source(Box::new(error));
    answer
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let exchange = Exchange::of(context.extensions_mut());
        let verified = context
            .credentials()
            .map(|credentials| credentials.access_key.as_str());
        self.check_signer(&exchange, verified)?;
        let path = context.s3_path();
        let target = AccessTarget {
            operation: context.s3_op().name(),
            bucket: path.get_bucket_name(),
            key: path.get_object_key(),
        };
        self.judge(&exchange, target, context.headers(), context.uri())
    }
}
