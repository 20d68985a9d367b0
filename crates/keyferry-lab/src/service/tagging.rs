//! Tags of objects and buckets (`S3-TAG-1` to `S3-TAG-3`), and the object tagging operations.
//!
//! Object tags need no customer key (`S3-SSEC-13`).

use http::StatusCode;
use percent_encoding::percent_decode_str;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result};

use super::RegionService;
use super::errors::{OrS3 as _, custom, invalid_argument};
use super::limits::{MAX_OBJECT_TAGS, MAX_TAG_KEY, MAX_TAG_VALUE};
use super::versions::{check_version_id, version_header};
use crate::server::exchange::Exchange;
use crate::store::{StoreError, Tag};

/// `x-amz-tagging`: a URL query string.
pub(super) fn parse_header(exchange: &Exchange, header: Option<&str>) -> S3Result<Vec<Tag>> {
    let Some(header) = header.filter(|header| !header.is_empty()) else {
        return Ok(Vec::new());
    };
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| invalid_header(exchange, header))
    };
    let mut tags = Vec::new();
    for pair in header.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let tag = Tag {
            key: decode(key)?,
            value: decode(value)?,
        };
        if tags.iter().any(|known: &Tag| known.key == tag.key) {
            return Err(invalid_header(exchange, header));
        }
        tags.push(tag);
    }
    check(&tags, MAX_OBJECT_TAGS, "Object")?;
    Ok(tags)
}

fn invalid_header(exchange: &Exchange, value: &str) -> S3Error {
    invalid_argument(
        exchange,
        "x-amz-tagging",
        value,
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    )
}

/// A `TagSet` of a request.
pub(super) fn from_tag_set(
    tag_set: Vec<s3s::dto::Tag>,
    limit: usize,
    what: &str,
) -> S3Result<Vec<Tag>> {
    let tags: Vec<Tag> = tag_set
        .into_iter()
        .map(|tag| Tag {
            key: tag.key.unwrap_or_default(),
            value: tag.value.unwrap_or_default(),
        })
        .collect();
    check(&tags, limit, what)?;
    Ok(tags)
}

/// A `TagSet` of a response.
pub(super) fn to_tag_set(tags: Vec<Tag>) -> Vec<s3s::dto::Tag> {
    tags.into_iter()
        .map(|tag| s3s::dto::Tag {
            key: Some(tag.key),
            value: Some(tag.value),
        })
        .collect()
}

fn check(tags: &[Tag], limit: usize, what: &str) -> S3Result<()> {
    if tags.len() > limit {
        return Err(custom(
            "BadRequest",
            StatusCode::BAD_REQUEST,
            format!("{what} tags cannot be greater than {limit}"),
        ));
    }
    let invalid =
        |what: &'static str| Err(S3Error::with_message(s3s::S3ErrorCode::InvalidTag, what));
    for (index, tag) in tags.iter().enumerate() {
        let key_length = tag.key.chars().count();
        if key_length == 0 || key_length > MAX_TAG_KEY || !tag.key.chars().all(is_tag_character) {
            return invalid("The TagKey you have provided is invalid");
        }
        if tag.value.chars().count() > MAX_TAG_VALUE || !tag.value.chars().all(is_tag_character) {
            return invalid("The TagValue you have provided is invalid");
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester");
        }
        if tags
            .iter()
            .take(index)
            .any(|earlier| earlier.key == tag.key)
        {
            return invalid("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(())
}

/// Letters, digits and spaces of any script, and `+ - = . _ : / @`.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "+-=._:/@".contains(character)
}

impl RegionService {
    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        check_version_id(exchange, input.version_id.as_deref())?;
        let version = self
            .region
            .version(&input.bucket, &input.key, input.version_id.as_deref())
            .or_s3(exchange)?;
        let tags = match version.object() {
            Some(object) => object.tags.clone(),
            None if input.version_id.is_some() => {
                return Err(StoreError::DeleteMarker {
                    key: version.key,
                    version_id: version.version_id,
                })
                .or_s3(exchange);
            }
            None => return Err(StoreError::NoSuchKey(version.key)).or_s3(exchange),
        };
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: to_tag_set(tags),
            version_id: version_header(&bucket, &version),
        }))
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let input = request.input;
        let tags = from_tag_set(input.tagging.tag_set, MAX_OBJECT_TAGS, "Object")?;
        let version_id = self
            .set_tags(
                exchange,
                (&input.bucket, &input.key),
                input.version_id.as_deref(),
                input.expected_bucket_owner.as_deref(),
                tags,
            )
            .await?;
        Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
    }

    pub(super) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let input = request.input;
        let version_id = self
            .set_tags(
                exchange,
                (&input.bucket, &input.key),
                input.version_id.as_deref(),
                input.expected_bucket_owner.as_deref(),
                Vec::new(),
            )
            .await?;
        Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
    }

    async fn set_tags(
        &self,
        exchange: &Exchange,
        (bucket, key): (&str, &str),
        version_id: Option<&str>,
        expected_owner: Option<&str>,
        tags: Vec<Tag>,
    ) -> S3Result<Option<String>> {
        let record = self.bucket(exchange, bucket, expected_owner)?;
        check_version_id(exchange, version_id)?;
        let version = match self.region.set_tags(bucket, key, version_id, tags).await {
            // A current delete marker is no object at all.
            Err(StoreError::DeleteMarker { key, .. }) if version_id.is_none() => {
                return Err(StoreError::NoSuchKey(key)).or_s3(exchange);
            }
            done => done.or_s3(exchange)?,
        };
        Ok(version_header(&record, &version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::Transport;

    fn parse(header: &str) -> Result<Vec<(String, String)>, String> {
        parse_header(&Exchange::new(Transport::Tls), Some(header))
            .map(|tags| tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
            .map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn the_header_is_a_query_string() {
        assert_eq!(
            parse("a=b&c+d=%E9%8D%B5&e").unwrap(),
            [("a", "b"), ("c d", "鍵"), ("e", "")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
        assert_eq!(parse("a=1&a=2").unwrap_err(), "InvalidArgument");
        assert_eq!(parse("=1").unwrap_err(), "InvalidTag");
        assert_eq!(parse("aws:x=1").unwrap_err(), "InvalidTag");
        assert_eq!(parse("a=%3C").unwrap_err(), "InvalidTag");
        let eleven: Vec<String> = (0..11).map(|i| format!("k{i}=v")).collect();
        assert_eq!(parse(&eleven.join("&")).unwrap_err(), "BadRequest");
        assert_eq!(
            parse(&format!("{}=v", "k".repeat(129))).unwrap_err(),
            "InvalidTag"
        );
    }
}
