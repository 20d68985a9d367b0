//! Listings: ListObjects, its second version, and ListObjectVersions.

use std::collections::HashMap;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{ENTITY_TAG, MODIFIED_ISO};
use crate::catalog::{Catalog, Object};

/// As S3 encodes keys when asked to.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// The document for a listing with these parameters.
pub(crate) fn listing(
    catalog: &Catalog,
    bucket: &str,
    parameters: &HashMap<String, String>,
) -> String {
    let text = |name: &str| parameters.get(name).map_or("", String::as_str);
    let versions = parameters.contains_key("versions");
    let second = text("list-type") == "2";
    let after = ["continuation-token", "start-after", "marker", "key-marker"]
        .into_iter()
        .map(text)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    let most = text("max-keys").parse().unwrap_or(1000).min(1000);
    let mut objects = catalog.list(text("prefix"), after, most + 1);
    let is_truncated = objects.len() > most;
    objects.truncate(most);

    let root = match (versions, second) {
        (true, _) => "ListVersionsResult",
        _ => "ListBucketResult",
    };
    let encoded = |key: &str| match text("encoding-type") {
        "url" => utf8_percent_encode(key, ENCODED).to_string(),
        _ => key.replace('&', "&amp;").replace('<', "&lt;"),
    };
    let mut document = format!(
        "<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{bucket}</Name>\
         <Prefix>{}</Prefix><MaxKeys>{most}</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>",
        encoded(text("prefix"))
    );
    if text("encoding-type") == "url" {
        document.push_str("<EncodingType>url</EncodingType>");
    }
    if second {
        add(&mut document, "KeyCount", &objects.len().to_string());
    }
    if let (true, Some(last)) = (is_truncated, objects.last()) {
        let (name, is_versions) = match (versions, second) {
            (true, _) => ("NextKeyMarker", true),
            (false, true) => ("NextContinuationToken", false),
            (false, false) => ("NextMarker", false),
        };
        add(&mut document, name, &encoded(&last.key));
        if is_versions {
            add(&mut document, "NextVersionIdMarker", "null");
        }
    }
    for Object { key, size } in &objects {
        let (element, version) = match versions {
            true => (
                "Version",
                "<VersionId>null</VersionId><IsLatest>true</IsLatest>",
            ),
            false => ("Contents", ""),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            document,
            "<{element}><Key>{}</Key>{version}<LastModified>{MODIFIED_ISO}</LastModified>\
             <ETag>{ENTITY_TAG}</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></{element}>",
            encoded(key)
        );
    }
    let _ = write!(document, "</{root}>");
    document
}

fn add(document: &mut String, name: &str, value: &str) {
    let _ = write!(document, "<{name}>{value}</{name}>");
}
