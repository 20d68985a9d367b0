//! What is stored beside the content: media type, metadata, tags.
//!
//! S3's rules (S3-XFER-17):
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html> (2 KB of
//! user metadata, in US-ASCII over REST) and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html> (10 tags, names of 128
//! and values of 256 characters).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::{ContentHeaders, Upload, UploadSource};
use crate::key_tag::MAX_TAGS;
use crate::{KEY_TAG, TransferError};

const MAX_METADATA: usize = 2048;
/// All that a query value may hold without encoding.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Puts labels on a request. Those that make an object have the same setters, and no trait for them.
macro_rules! labelled {
    ($request:expr, $labels:expr, $with_key_tag:expr) => {
        $request
            .content_type(&$labels.content_type)
            .set_cache_control($labels.headers.cache_control.clone())
            .set_content_disposition($labels.headers.content_disposition.clone())
            .set_content_encoding($labels.headers.content_encoding.clone())
            .set_content_language($labels.headers.content_language.clone())
            .set_expires($labels.headers.expires())
            .set_storage_class($labels.headers.storage_class())
            .set_website_redirect_location($labels.headers.website_redirect.clone())
            .set_metadata($labels.metadata.clone())
            .set_tagging($labels.tagging($with_key_tag))
    };
}
pub(super) use labelled;

/// The labels of an upload, checked.
pub(super) struct Labels {
    pub(super) content_type: String,
    pub(super) headers: ContentHeaders,
    pub(super) metadata: Option<HashMap<String, String>>,
    /// The tags that were asked for, each as in the header `x-amz-tagging`.
    pub(super) tags: Vec<String>,
    /// The same tags, not encoded.
    pub(super) plain_tags: BTreeMap<String, String>,
    /// The tag that names the key.
    pub(super) key_tag: Option<String>,
    /// Whether the tag set was full without it.
    pub(super) key_tag_left_out: bool,
}

impl Labels {
    pub(super) fn new(upload: &Upload) -> Result<Self, TransferError> {
        let metadata = metadata(&upload.metadata)?;
        let tags = tags(&upload.tags)?;
        if let Some(name) = upload.tags.keys().nth(MAX_TAGS) {
            return Err(bad("tag", name, "an object has at most 10 tags"));
        }
        let key_tag = upload.key_id.as_ref().map(|id| format!("{KEY_TAG}={id}"));
        let room = tags.len() < MAX_TAGS;
        Ok(Self {
            content_type: content_type(upload),
            headers: upload.headers.clone(),
            metadata: (!metadata.is_empty()).then_some(metadata),
            key_tag_left_out: key_tag.is_some() && !room,
            key_tag: key_tag.filter(|_| room),
            tags,
            plain_tags: upload.tags.clone(),
        })
    }

    /// Tells labels apart; in hex.
    pub(super) fn digest(&self) -> String {
        let metadata: BTreeMap<_, _> = self.metadata.iter().flatten().collect();
        let tags = (&self.tags, &self.key_tag);
        let parts = (&self.content_type, &self.headers, metadata, tags);
        Sha256::digest(format!("{parts:?}"))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Names and values of the tags, with the key's tag or without it.
    pub(super) fn pairs(&self, with_key_tag: bool) -> impl Iterator<Item = (&str, &str)> {
        let key_tag = self.key_tag.as_ref().filter(|_| with_key_tag);
        self.plain_tags
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(key_tag.and_then(|tag| tag.split_once('=')))
    }

    /// The header `x-amz-tagging`, a URL query, with the key's tag or without it.
    pub(super) fn tagging(&self, with_key_tag: bool) -> Option<String> {
        let key_tag = self.key_tag.as_ref().filter(|_| with_key_tag);
        let tags: Vec<&str> = self
            .tags
            .iter()
            .chain(key_tag)
            .map(String::as_str)
            .collect();
        (!tags.is_empty()).then(|| tags.join("&"))
    }
}

fn content_type(upload: &Upload) -> String {
    let by_file = match &upload.source {
        UploadSource::File(path) => mime_guess::from_path(path).first_raw(),
        UploadSource::Reader(_) => None,
    };
    let by_key = || mime_guess::from_path(Path::new(&upload.destination.key)).first_raw();
    upload.content_type.clone().unwrap_or_else(|| {
        by_file
            .or_else(by_key)
            .unwrap_or("application/octet-stream")
            .to_owned()
    })
}

fn metadata(given: &BTreeMap<String, String>) -> Result<HashMap<String, String>, TransferError> {
    let mut metadata = HashMap::new();
    let mut size = 0;
    for (name, value) in given {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(bad(
                "metadata",
                name,
                "its name must be fit for an HTTP header",
            ));
        }
        let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if !value.bytes().all(printable) || value.trim() != value {
            return Err(bad(
                "metadata",
                name,
                "its value must be printable ASCII without space around it",
            ));
        }
        size += name.len() + value.len();
        if metadata
            .insert(name.to_ascii_lowercase(), value.clone())
            .is_some()
        {
            return Err(bad("metadata", name, "it is given twice"));
        }
    }
    match given.keys().next_back() {
        Some(name) if size > MAX_METADATA => Err(bad(
            "metadata",
            name,
            "names and values may have 2,048 bytes together",
        )),
        _ => Ok(metadata),
    }
}

fn tags(given: &BTreeMap<String, String>) -> Result<Vec<String>, TransferError> {
    let encode = |text| utf8_percent_encode(text, ENCODED);
    given
        .iter()
        .map(|(name, value)| {
            if name == KEY_TAG {
                return Err(bad("tag", name, "it is set by the key's id"));
            }
            if name.starts_with("aws:") {
                return Err(bad("tag", name, "names that begin with `aws:` are AWS's"));
            }
            if !(1..=128).contains(&name.chars().count()) || value.chars().count() > 256 {
                return Err(bad(
                    "tag",
                    name,
                    "a name has 1 to 128 characters, a value at most 256",
                ));
            }
            let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
            if !name.chars().chain(value.chars()).all(allowed) {
                return Err(bad(
                    "tag",
                    name,
                    "letters, digits, spaces and `+ - = . _ : / @` are allowed",
                ));
            }
            Ok(format!("{}={}", encode(name), encode(value)))
        })
        .collect()
}

fn bad(what: &'static str, name: &str, rule: &'static str) -> TransferError {
    TransferError::BadLabel {
        what,
        name: name.to_owned(),
        rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry_key::{CustomerKey, KeyId};

    fn upload(file: &str, key: &str) -> Upload {
        Upload::new(
            UploadSource::File(file.into()),
            format!("s3://bucket/{key}").parse().unwrap(),
            "eu-west-1".parse().unwrap(),
            CustomerKey::from_bytes([7; 32]),
        )
    }

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn types_come_from_names() {
        let guessed = |file, key| Labels::new(&upload(file, key)).unwrap().content_type;
        assert_eq!(guessed("a.csv", "x.json"), "text/csv");
        assert_eq!(guessed("a", "x.json"), "application/json");
        assert_eq!(guessed("a", "x"), "application/octet-stream");
    }

    #[test]
    fn the_key_id_becomes_a_tag() {
        let id = KeyId::generate().unwrap();
        let mut upload = upload("a", "b");
        upload.key_id = Some(id.clone());
        upload.tags = one("Größe & more", "1+1=2 /@").into_iter().collect();
        assert!(Labels::new(&upload).is_err());
        upload.tags = one("Größe", "1+1=2 /@");
        assert_eq!(
            Labels::new(&upload).unwrap().tagging(true).unwrap(),
            format!("Gr%C3%B6%C3%9Fe=1%2B1%3D2%20%2F%40&keyferry-key={id}")
        );
        upload.tags = one(KEY_TAG, "x");
        assert!(Labels::new(&upload).is_err());
        let in_tags = |upload: &Upload| {
            let labels = Labels::new(upload).unwrap();
            let tagging = labels.tagging(true).unwrap();
            assert_ne!(tagging.contains(KEY_TAG), labels.key_tag_left_out);
            tagging.split('&').count()
        };
        upload.tags = (0..9).map(|n| (format!("t{n}"), String::new())).collect();
        assert_eq!(in_tags(&upload), 10);
        // The tags that were asked for go first.
        upload.tags.insert("t9".to_owned(), String::new());
        assert_eq!(in_tags(&upload), 10);
        assert!(Labels::new(&upload).unwrap().key_tag_left_out);
        upload.tags.insert("u".to_owned(), String::new());
        assert!(Labels::new(&upload).is_err());
    }

    #[test]
    fn metadata_that_s3_would_change_or_refuse_is_refused() {
        for (name, value, good) in [
            ("Owner", "a b", true),
            ("owner", "é", false),
            ("owner", " a", false),
            ("owner", "a\r\nx-evil: 1", false),
            ("own er", "a", false),
            ("", "a", false),
            ("owner", &"x".repeat(2043), true),
            ("owner", &"x".repeat(2044), false),
        ] {
            let mut upload = upload("a", "b");
            upload.metadata = one(name, value);
            assert_eq!(Labels::new(&upload).is_ok(), good, "{name}: {value}");
        }
        let mut upload = upload("a", "b");
        upload.metadata = one("a", "1");
        upload.metadata.insert("A".to_owned(), "2".to_owned());
        assert!(Labels::new(&upload).is_err());
    }
}
