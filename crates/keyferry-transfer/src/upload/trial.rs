//! Whether a server encrypts parts, where its answer to the beginning of a multipart upload does not
//! tell.
//!
//! S3 confirms the key when an upload begins. SeaweedFS confirms it for each part only, and that would
//! be known when the first part is there. So one byte goes ahead as part 1, which the real part 1 then
//! replaces: a server that ignores keys gets no content.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use keyferry_key::CustomerKeyHeaders;

use crate::confirmation::confirms;
use crate::error::{Asked, classify};
use crate::{ObjectAddress, TransferError};

/// Makes sure that parts of this upload are encrypted under the key. `silence` is what the beginning
/// lacked, and what is said when the part lacks it, too.
pub(crate) async fn trial(
    client: &Client,
    address: &ObjectAddress,
    upload_id: &str,
    key: &CustomerKeyHeaders,
    silence: &str,
) -> Result<(), TransferError> {
    let answer = client
        .upload_part()
        .bucket(address.bucket.as_str())
        .key(&address.key)
        .upload_id(upload_id)
        .part_number(1)
        .sse_customer_algorithm(key.algorithm())
        .sse_customer_key(key.expose_key())
        .sse_customer_key_md5(key.md5().to_string())
        .body(ByteStream::from_static(b"\0"))
        .send()
        .await
        .map_err(|error| classify(error, &Asked::of_object("UploadPart", client, address)))?;
    confirms(
        answer.sse_customer_algorithm(),
        answer.sse_customer_key_md5(),
        key,
    )
    .map_err(|_| TransferError::UnexpectedAnswer {
        operation: "CreateMultipartUpload",
        what: silence.to_owned(),
    })
}
