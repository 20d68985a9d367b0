//! Verifying Signature Version 4 by signing again (`S3-API-1`).
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::header::HOST;
use http::request::Parts;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;

use super::error::ApiError;
use crate::server::credential_scope::SignatureClaims;

const DATE: &str = "x-amz-date";
/// How far a client's clock may be off.
const TOLERANCE: Duration = Duration::from_secs(15 * 60);
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// Whether `claims` is the signature of the request by `secret`.
pub(super) fn verify(
    parts: &Parts,
    body: &[u8],
    claims: &SignatureClaims,
    secret: &str,
    now: SystemTime,
) -> Result<(), ApiError> {
    let incomplete = |what: &str| ApiError::bad_request("IncompleteSignature", what.to_owned());
    if claims.is_presigned() {
        return Err(incomplete(
            "The lab takes signatures of this service in the Authorization header only.",
        ));
    }
    for required in [HOST.as_str(), DATE] {
        if !claims.signed_headers.iter().any(|name| name == required) {
            return Err(incomplete(&format!(
                "'{required}' must be a signed header in the Authorization header."
            )));
        }
    }
    let date = parts
        .headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(parse_date)
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
    let off = now
        .duration_since(date)
        .or_else(|_| date.duration_since(now))
        .unwrap_or(Duration::MAX);
    if off > TOLERANCE {
        return Err(ApiError::forbidden(
            "SignatureDoesNotMatch",
            "Signature expired: the request's date is more than 15 minutes from the current time.",
        ));
    }
    let expected = signature(parts, body, claims, secret, date)
        .ok_or_else(|| incomplete("The signed headers cannot be read."))?;
    verify_slices_are_equal(expected.as_bytes(), claims.signature.as_bytes())
        .map_err(|_| ApiError::forbidden("SignatureDoesNotMatch", MISMATCH))
}

fn signature(
    parts: &Parts,
    body: &[u8],
    claims: &SignatureClaims,
    secret: &str,
    date: SystemTime,
) -> Option<String> {
    let identity = Credentials::new(&claims.access_key_id, secret, None, None, "lab").into();
    let mut settings = SigningSettings::default();
    // Whatever the client signed counts, user agents too.
    settings.excluded_headers = None;
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&claims.region)
        .name(&claims.service)
        .time(date)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let mut headers = Vec::new();
    for name in &claims.signed_headers {
        for value in parts.headers.get_all(name) {
            headers.push((name.as_str(), value.to_str().ok()?));
        }
    }
    let request = SignableRequest::new(
        parts.method.as_str(),
        parts.uri.to_string(),
        headers.into_iter(),
        SignableBody::Bytes(body),
    )
    .ok()?;
    let (_, signature) = sign(request, &params).ok()?.into_parts();
    Some(signature)
}

fn parse_date(text: &str) -> Option<SystemTime> {
    const FORMAT: &str = "[year][month][day]T[hour][minute][second]Z";
    let format: Vec<BorrowedFormatItem<'_>> =
        time::format_description::parse_borrowed::<2>(FORMAT).ok()?;
    let date = PrimitiveDateTime::parse(text, &format).ok()?;
    Some(date.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    /// The first example of the page above, `iam:ListUsers`, whose signature AWS gives.
    #[test]
    fn the_documented_example() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        let (parts, ()) = Request::get("/?Action=ListUsers&Version=2010-05-08")
            .header("host", "iam.amazonaws.com")
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .header("x-amz-date", "20150830T123600Z")
            .header("x-not-signed", "anything")
            .header("authorization", authorization)
            .body(())
            .unwrap()
            .into_parts();
        let claims = SignatureClaims::parse(&parts.headers, &parts.uri)
            .unwrap()
            .unwrap();
        let now = parse_date("20150830T123700Z").unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        verify(&parts, b"", &claims, secret, now).unwrap();
        let code = |result: Result<(), ApiError>| result.unwrap_err().code;
        let mismatch = "SignatureDoesNotMatch";
        assert_eq!(code(verify(&parts, b"x", &claims, secret, now)), mismatch);
        assert_eq!(code(verify(&parts, b"", &claims, "x", now)), mismatch);
        let later = now + Duration::from_secs(16 * 60);
        assert_eq!(code(verify(&parts, b"", &claims, secret, later)), mismatch);
    }
}
