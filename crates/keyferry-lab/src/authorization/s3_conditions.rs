//! The condition keys of S3 requests.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys>

use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use time::format_description::well_known::Rfc3339;

use super::circumstances::Circumstances;
use crate::server::exchange::Exchange;

/// Headers that are condition keys by their own name, with `s3:` before it. No key header.
const HEADERS: [&str; 18] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-bypass-governance-retention",
];

/// Query parameters that are condition keys, and the keys.
const PARAMETERS: [(&str, &str); 4] = [
    ("prefix", "s3:prefix"),
    ("delimiter", "s3:delimiter"),
    ("max-keys", "s3:max-keys"),
    ("versionId", "s3:VersionId"),
];

/// What a request's headers and address say.
pub(crate) fn request_circumstances(
    exchange: &Exchange,
    operation: &str,
    headers: &HeaderMap,
    uri: &Uri,
    region: &str,
) -> Circumstances {
    let mut circumstances = Circumstances::of(exchange.transport(), headers, region);
    add(&mut circumstances, exchange, operation, headers, uri);
    circumstances
}

fn add(
    circumstances: &mut Circumstances,
    exchange: &Exchange,
    operation: &str,
    headers: &HeaderMap,
    uri: &Uri,
) {
    for name in HEADERS {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            let key = match name {
                "x-amz-object-lock-mode" => "s3:object-lock-mode".to_owned(),
                "x-amz-object-lock-legal-hold" => "s3:object-lock-legal-hold".to_owned(),
                name => format!("s3:{name}"),
            };
            circumstances.set(&key, value);
        }
    }
    if let Some(until) = headers
        .get("x-amz-object-lock-retain-until-date")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| time::OffsetDateTime::parse(text, &Rfc3339).ok())
    {
        circumstances.set_retain_until(until.into());
    }
    for (header, key) in [
        ("if-match", "s3:if-match"),
        ("if-none-match", "s3:if-none-match"),
    ] {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            circumstances.set(key, value);
        }
    }
    for (parameter, key) in PARAMETERS {
        if let Some(value) = query_parameter(uri, parameter) {
            circumstances.set(key, &value);
        }
    }
    if let Some(tagging) = headers
        .get("x-amz-tagging")
        .and_then(|value| value.to_str().ok())
    {
        let mut keys = Vec::new();
        for (key, value) in form_urlencoded::parse(tagging.as_bytes()) {
            circumstances.set(&format!("s3:RequestObjectTag/{key}"), &value);
            keys.push(key.into_owned());
        }
        circumstances.set_all("s3:RequestObjectTagKeys", keys);
    }
    if matches!(
        operation,
        "PutObject"
            | "CopyObject"
            | "CreateMultipartUpload"
            | "CompleteMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
    ) {
        // An upload makes an object by one request, or by the last of several.
        let creates = !matches!(
            operation,
            "UploadPart" | "UploadPartCopy" | "CreateMultipartUpload"
        );
        circumstances.set(
            "s3:ObjectCreationOperation",
            if creates { "true" } else { "false" },
        );
    }
    if let Some(signer) = exchange.signer() {
        circumstances.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        circumstances.set(
            "s3:authType",
            if signer.presigned {
                "REST-QUERY-STRING"
            } else {
                "REST-HEADER"
            },
        );
    }
}

/// A parameter of the address, decoded.
pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?.split('&').find_map(|pair| {
        let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
        (known == name).then(|| {
            let value = value.replace('+', " ");
            percent_decode_str(&value).decode_utf8_lossy().into_owned()
        })
    })
}
