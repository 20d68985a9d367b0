//! What a bucket holds, page by page.
//!
//! Names come URL-encoded, since XML cannot hold every character that an object key may have
//! (S3-LIST-4).

use aws_sdk_s3::Client;
use aws_sdk_s3::types::EncodingType;
use aws_smithy_types::DateTime;
use futures::{Stream, TryStreamExt, stream};
use jiff::Timestamp;
use keyferry_transfer::ObjectAddress;
use percent_encoding::percent_decode_str;

use super::{ListedVersion, OpenUpload, Scope};
use crate::VerifyError;
use crate::answer::Trouble;

/// Where the next page begins.
enum Page {
    First,
    After(Option<String>, Option<String>),
    None,
}

/// All versions, or the current ones only.
pub(super) fn versions<'a>(
    client: &'a Client,
    scope: &'a Scope,
    noncurrent: bool,
) -> impl Stream<Item = Result<ListedVersion, VerifyError>> + Send + 'a {
    stream::try_unfold(Page::First, move |page| async move {
        let found = match page {
            Page::None => return Ok::<_, VerifyError>(None),
            page if noncurrent => page_of_versions(client, scope, page).await?,
            page => page_of_objects(client, scope, page).await?,
        };
        Ok(Some(found))
    })
    .map_ok(|versions| stream::iter(versions.into_iter().map(Ok)))
    .try_flatten()
}

async fn page_of_versions(
    client: &Client,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<ListedVersion>, Page), VerifyError> {
    let (key_marker, version_marker) = page.markers();
    let answer = client
        .list_object_versions()
        .bucket(scope.bucket.as_str())
        .prefix(&scope.prefix)
        .encoding_type(EncodingType::Url)
        .set_key_marker(key_marker)
        .set_version_id_marker(version_marker)
        .send()
        .await
        .map_err(|error| failed("ListObjectVersions", scope, Trouble::of(error)))?;
    let names = Names::of(answer.encoding_type());
    let next = if answer.is_truncated() == Some(true) {
        Page::after(
            "ListObjectVersions",
            scope,
            names.read(answer.next_key_marker()),
            answer.next_version_id_marker(),
        )?
    } else {
        Page::None
    };
    let versions = answer
        .versions()
        .iter()
        .filter_map(|version| {
            Some(ListedVersion {
                address: address(scope, &names.read(version.key())?),
                version_id: version.version_id().map(str::to_owned),
                is_latest: version.is_latest() == Some(true),
                size: size(version.size()),
                etag: version.e_tag().map(unquoted),
                storage_class: version
                    .storage_class()
                    .map(|class| class.as_str().to_owned()),
                last_modified: time(version.last_modified()),
            })
        })
        .collect();
    Ok((versions, next))
}

async fn page_of_objects(
    client: &Client,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<ListedVersion>, Page), VerifyError> {
    let (token, _) = page.markers();
    let answer = client
        .list_objects_v2()
        .bucket(scope.bucket.as_str())
        .prefix(&scope.prefix)
        .encoding_type(EncodingType::Url)
        .set_continuation_token(token)
        .send()
        .await
        .map_err(|error| failed("ListObjectsV2", scope, Trouble::of(error)))?;
    let names = Names::of(answer.encoding_type());
    let next = if answer.is_truncated() == Some(true) {
        let token = answer.next_continuation_token().map(str::to_owned);
        Page::after("ListObjectsV2", scope, token, None)?
    } else {
        Page::None
    };
    let versions = answer
        .contents()
        .iter()
        .filter_map(|object| {
            Some(ListedVersion {
                address: address(scope, &names.read(object.key())?),
                // The listing does not name it: what is asked for is the current one.
                version_id: None,
                is_latest: true,
                size: size(object.size()),
                etag: object.e_tag().map(unquoted),
                storage_class: object
                    .storage_class()
                    .map(|class| class.as_str().to_owned()),
                last_modified: time(object.last_modified()),
            })
        })
        .collect();
    Ok((versions, next))
}

/// Open multipart uploads; none if they are not asked for.
pub(super) fn uploads<'a>(
    client: &'a Client,
    scope: &'a Scope,
    asked: bool,
) -> impl Stream<Item = Result<OpenUpload, VerifyError>> + Send + 'a {
    let first = if asked { Page::First } else { Page::None };
    stream::try_unfold(first, move |page| async move {
        match page {
            Page::None => Ok::<_, VerifyError>(None),
            page => page_of_uploads(client, scope, page).await.map(Some),
        }
    })
    .map_ok(|uploads| stream::iter(uploads.into_iter().map(Ok)))
    .try_flatten()
}

async fn page_of_uploads(
    client: &Client,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<OpenUpload>, Page), VerifyError> {
    let (key_marker, upload_marker) = page.markers();
    let answer = client
        .list_multipart_uploads()
        .bucket(scope.bucket.as_str())
        .prefix(&scope.prefix)
        .encoding_type(EncodingType::Url)
        .set_key_marker(key_marker)
        .set_upload_id_marker(upload_marker)
        .send()
        .await
        .map_err(|error| failed("ListMultipartUploads", scope, Trouble::of(error)))?;
    let names = Names::of(answer.encoding_type());
    let next = if answer.is_truncated() == Some(true) {
        Page::after(
            "ListMultipartUploads",
            scope,
            names.read(answer.next_key_marker()),
            answer.next_upload_id_marker(),
        )?
    } else {
        Page::None
    };
    let uploads = answer
        .uploads()
        .iter()
        .filter_map(|upload| {
            Some(OpenUpload {
                address: address(scope, &names.read(upload.key())?),
                upload_id: upload.upload_id()?.to_owned(),
                initiated: time(upload.initiated()),
                storage_class: upload
                    .storage_class()
                    .map(|class| class.as_str().to_owned()),
            })
        })
        .collect();
    Ok((uploads, next))
}

impl Page {
    fn markers(self) -> (Option<String>, Option<String>) {
        match self {
            Self::After(first, second) => (first, second),
            Self::First | Self::None => (None, None),
        }
    }

    /// A page that is cut and does not say where it goes on would be asked for again and again.
    fn after(
        operation: &'static str,
        scope: &Scope,
        first: Option<String>,
        second: Option<&str>,
    ) -> Result<Self, VerifyError> {
        let second = second.filter(|marker| !marker.is_empty());
        match first.filter(|marker| !marker.is_empty()) {
            Some(first) => Ok(Self::After(Some(first), second.map(str::to_owned))),
            None => Err(VerifyError::Unreachable {
                operation,
                bucket: scope.bucket.clone(),
                detail: "the list is cut, and nothing says where it goes on".to_owned(),
            }),
        }
    }
}

/// How names are written in one answer.
#[derive(Clone, Copy)]
enum Names {
    Plain,
    Url,
}

impl Names {
    fn of(encoding: Option<&EncodingType>) -> Self {
        match encoding {
            Some(EncodingType::Url) => Self::Url,
            _ => Self::Plain,
        }
    }

    fn read(self, name: Option<&str>) -> Option<String> {
        let name = name?;
        match self {
            Self::Plain => Some(name.to_owned()),
            // As in HTML forms: a plus is a space.
            Self::Url => percent_decode_str(&name.replace('+', " "))
                .decode_utf8()
                .ok()
                .map(|name| name.into_owned()),
        }
    }
}

fn address(scope: &Scope, key: &str) -> ObjectAddress {
    ObjectAddress {
        bucket: scope.bucket.clone(),
        key: key.to_owned(),
    }
}

fn failed(operation: &'static str, scope: &Scope, trouble: Trouble) -> VerifyError {
    VerifyError::of(operation, &scope.bucket, trouble)
}

fn size(listed: Option<i64>) -> u64 {
    listed
        .and_then(|size| size.try_into().ok())
        .unwrap_or_default()
}

fn time(listed: Option<&DateTime>) -> Option<Timestamp> {
    listed.and_then(|time| Timestamp::new(time.secs(), 0).ok())
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let url = |name| Names::Url.read(Some(name)).unwrap();
        assert_eq!(url("a%2Bb+c%20d/%E6%97%A5"), "a+b c d/日");
        assert_eq!(Names::Plain.read(Some("a+b%20")).unwrap(), "a+b%20");
        assert_eq!(Names::Url.read(None), None);
    }
}
