//! `?encryption` of a bucket: GetBucketEncryption, PutBucketEncryption, DeleteBucketEncryption.
//!
//! Served here because `s3s` does not know `BlockedEncryptionTypes` (`S3-SSEC-20`). What a
//! request leaves out: `S3-ENC-1` to `S3-ENC-3`.

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::percent_decode_str;
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::RegionService;
use super::errors::{internal, invalid_argument, malformed_xml};
use super::limits::MAX_DOCUMENT;
use super::sse::kms_key_not_applicable;
use crate::server::exchange::Exchange;
use crate::server::host::RegionHosts;
use crate::store::{BlockedEncryptionType, BucketEncryption, DefaultEncryption};

const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The route.
pub(crate) struct EncryptionRoute {
    service: RegionService,
    hosts: RegionHosts,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "ServerSideEncryptionConfiguration")]
struct Configuration {
    #[serde(rename = "@xmlns", skip_deserializing, default = "xmlns")]
    xmlns: &'static str,
    #[serde(rename = "Rule", default)]
    rules: Vec<Rule>,
}

fn xmlns() -> &'static str {
    XMLNS
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Rule {
    #[serde(
        rename = "ApplyServerSideEncryptionByDefault",
        skip_serializing_if = "Option::is_none"
    )]
    default: Option<ByDefault>,
    #[serde(rename = "BucketKeyEnabled", skip_serializing_if = "Option::is_none")]
    bucket_key_enabled: Option<bool>,
    #[serde(
        rename = "BlockedEncryptionTypes",
        skip_serializing_if = "Option::is_none"
    )]
    blocked: Option<Blocked>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    algorithm: String,
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Blocked {
    #[serde(rename = "EncryptionType", default)]
    types: Vec<String>,
}

impl EncryptionRoute {
    /// The route of one region's endpoint.
    pub(crate) fn new(service: RegionService, hosts: RegionHosts) -> Self {
        Self { service, hosts }
    }

    /// The bucket whose encryption a request is about, if it is about one.
    pub(super) fn bucket_of(&self, request: &mut S3Request<Body>) -> Option<String> {
        self.is_match(
            &request.method,
            &request.uri,
            &request.headers,
            &mut request.extensions,
        )
        .then(|| self.bucket(&request.uri, &request.headers))
        .flatten()
    }

    /// The bucket, when the request is for a bucket and not for an object.
    fn bucket(&self, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let host = headers
            .get(http::header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let path = percent_decode_str(uri.path()).decode_utf8().ok()?;
        let path = path.strip_prefix('/')?;
        let is_address = host.parse::<std::net::SocketAddr>().is_ok()
            || host.parse::<std::net::IpAddr>().is_ok();
        match self.hosts.bucket(host).filter(|_| !is_address) {
            Some(bucket) => path.is_empty().then_some(bucket),
            None => {
                let name = path.strip_suffix('/').unwrap_or(path);
                (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
            }
        }
    }

    fn get(&self, exchange: &Exchange, bucket: &str, owner: Option<&str>) -> S3Result<Body> {
        let record = self.service.bucket(exchange, bucket, owner)?;
        let xml =
            quick_xml::se::to_string(&to_configuration(&record.encryption)).map_err(internal)?;
        Ok(Body::from(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}"
        )))
    }

    async fn put(
        &self,
        exchange: &Exchange,
        bucket: &str,
        owner: Option<&str>,
        body: Body,
    ) -> S3Result<()> {
        // The bucket is judged before the document.
        self.service.bucket(exchange, bucket, owner)?;
        let body = Limited::new(body, MAX_DOCUMENT)
            .collect()
            .await
            .map_err(|_| s3_error!(MaxMessageLengthExceeded, "Your request was too big."))?
            .to_bytes();
        let configuration: Configuration =
            quick_xml::de::from_reader(&*body).map_err(|_| malformed_xml())?;
        let [rule] = <[Rule; 1]>::try_from(configuration.rules).map_err(|_| malformed_xml())?;
        let change = Change::parse(exchange, rule)?;
        self.service
            .change_bucket(exchange, bucket, owner, move |record| {
                change.apply(&mut record.encryption);
                Ok(())
            })
            .await?;
        Ok(())
    }

    async fn delete(&self, exchange: &Exchange, bucket: &str, owner: Option<&str>) -> S3Result<()> {
        self.service
            .change_bucket(exchange, bucket, owner, |record| {
                // AWS documents the reset to SSE-S3 and says nothing of blocked types: the
                // lab keeps them, so that deleting never unblocks (`S3-ENC-3`).
                let blocked = std::mem::take(&mut record.encryption.blocked);
                record.encryption = BucketEncryption {
                    blocked,
                    ..BucketEncryption::default()
                };
                Ok(())
            })
            .await?;
        Ok(())
    }
}

/// What a rule changes; what it leaves out.
struct Change {
    default: Option<DefaultEncryption>,
    bucket_key_enabled: bool,
    blocks_sse_c: Option<bool>,
}

impl Change {
    fn parse(exchange: &Exchange, rule: Rule) -> S3Result<Self> {
        let default = rule
            .default
            .map(|given| match (given.algorithm.as_str(), given.kms_key) {
                ("AES256", None) => Ok(DefaultEncryption::SseS3),
                ("AES256", Some(_)) => Err(kms_key_not_applicable(exchange)),
                ("aws:kms", key) => Ok(DefaultEncryption::SseKms { key }),
                ("aws:kms:dsse", key) => Ok(DefaultEncryption::DsseKms { key }),
                _ => Err(malformed_xml()),
            })
            .transpose()?;
        let blocks_sse_c = match &rule.blocked {
            None => None,
            Some(blocked) => match blocked.types.as_slice() {
                [one] if one == "NONE" => Some(false),
                [one] if one == "SSE-C" => Some(true),
                [] => return Err(malformed_xml()),
                [first, ..] => {
                    return Err(invalid_argument(
                        exchange,
                        "EncryptionType",
                        first,
                        "The encryption type specified is not valid. Valid values are SSE-C and NONE.",
                    ));
                }
            },
        };
        if default.is_none() && blocks_sse_c.is_none() && rule.bucket_key_enabled.is_none() {
            return Err(malformed_xml());
        }
        Ok(Self {
            default,
            bucket_key_enabled: rule.bucket_key_enabled.unwrap_or(false),
            blocks_sse_c,
        })
    }

    /// The default encryption is replaced as a whole: without one it is SSE-S3 again
    /// (`S3-ENC-2`). A rule without `BlockedEncryptionTypes` leaves them (`S3-ENC-1`).
    fn apply(self, encryption: &mut BucketEncryption) {
        encryption.default = self.default.unwrap_or(DefaultEncryption::SseS3);
        encryption.bucket_key_enabled = self.bucket_key_enabled;
        match self.blocks_sse_c {
            None => {}
            Some(true) => {
                encryption.blocked.insert(BlockedEncryptionType::SseC);
            }
            Some(false) => encryption.blocked.clear(),
        }
    }
}

fn to_configuration(encryption: &BucketEncryption) -> Configuration {
    let (algorithm, kms_key) = match &encryption.default {
        DefaultEncryption::SseS3 => ("AES256", None),
        DefaultEncryption::SseKms { key } => ("aws:kms", key.clone()),
        DefaultEncryption::DsseKms { key } => ("aws:kms:dsse", key.clone()),
    };
    let blocked = if encryption.blocks_sse_c() {
        "SSE-C"
    } else {
        "NONE"
    };
    Configuration {
        xmlns: XMLNS,
        rules: vec![Rule {
            default: Some(ByDefault {
                algorithm: algorithm.to_owned(),
                kms_key,
            }),
            bucket_key_enabled: Some(encryption.bucket_key_enabled),
            blocked: Some(Blocked {
                types: vec![blocked.to_owned()],
            }),
        }],
    }
}

#[async_trait::async_trait]
impl S3Route for EncryptionRoute {
    fn is_match(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        _extensions: &mut Extensions,
    ) -> bool {
        [Method::GET, Method::PUT, Method::DELETE].contains(method)
            && uri.query().is_some_and(|query| {
                query
                    .split('&')
                    .any(|pair| pair == "encryption" || pair == "encryption=")
            })
            && self.bucket(uri, headers).is_some()
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let exchange = Exchange::of(&request.extensions);
        let bucket = self
            .bucket(&request.uri, &request.headers)
            .ok_or_else(|| s3_error!(InvalidURI))?;
        let owner = request
            .headers
            .get("x-amz-expected-bucket-owner")
            .and_then(|value| value.to_str().ok());
        let (body, status) = match request.method {
            Method::GET => (self.get(&exchange, &bucket, owner)?, StatusCode::OK),
            Method::PUT => {
                self.put(&exchange, &bucket, owner, request.input).await?;
                (Body::empty(), StatusCode::OK)
            }
            _ => {
                self.delete(&exchange, &bucket, owner).await?;
                (Body::empty(), StatusCode::NO_CONTENT)
            }
        };
        let mut response = S3Response::with_status(body, status);
        if request.method == Method::GET {
            response
                .headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::Transport;

    fn change(xml: &str) -> Result<BucketEncryption, String> {
        let configuration: Configuration = quick_xml::de::from_str(xml).unwrap();
        let rule = configuration.rules.into_iter().next().unwrap_or_default();
        let mut encryption = BucketEncryption::default();
        Change::parse(&Exchange::new(Transport::Tls), rule)
            .map_err(|error| error.code().as_str().to_owned())?
            .apply(&mut encryption);
        Ok(encryption)
    }

    #[test]
    fn new_buckets_block_sse_c_and_say_so() {
        let xml =
            quick_xml::se::to_string(&to_configuration(&BucketEncryption::default())).unwrap();
        assert_eq!(
            xml,
            "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
             </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>\
             <BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>\
             </Rule></ServerSideEncryptionConfiguration>"
        );
    }

    #[test]
    fn only_none_unblocks() {
        let rule = |inner: &str| {
            format!(
                "<ServerSideEncryptionConfiguration xmlns=\"{XMLNS}\"><Rule>{inner}</Rule></ServerSideEncryptionConfiguration>"
            )
        };
        let default = "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault>";
        let kept = change(&rule(default)).unwrap();
        assert!(kept.blocks_sse_c());
        assert_eq!(kept.default, DefaultEncryption::SseKms { key: None });
        let none = "<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>";
        let allowed = change(&rule(none)).unwrap();
        assert!(!allowed.blocks_sse_c());
        assert_eq!(allowed.default, DefaultEncryption::SseS3);
        assert!(change(&rule(
            "<BlockedEncryptionTypes><EncryptionType>SSE-S3</EncryptionType></BlockedEncryptionTypes>"
        ))
        .is_err());
        assert!(change(&rule("")).is_err());
        assert!(
            change(&rule(
                "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>x</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
            ))
            .is_err()
        );
    }
}
