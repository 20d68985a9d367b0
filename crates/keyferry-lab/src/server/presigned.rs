//! What S3 checks about a presigned URL's parameters before its signature (`S3-AUTH-9`).

use s3s::{S3Error, S3ErrorCode, S3Result};

use super::credential_scope::QueryParameters;

/// Seven days, in seconds.
const LONGEST: i64 = 604_800;
/// A request with this parameter is presigned.
const SIGNATURE: &str = "X-Amz-Signature";
const REQUIRED: [&str; 5] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
];

/// Checks the parameters of a presigned URL; any other query passes.
pub(super) fn check(query: &QueryParameters) -> S3Result<()> {
    if query.get(SIGNATURE).is_none() {
        return Ok(());
    }
    if REQUIRED.iter().any(|name| query.get(name).is_none()) {
        return Err(refused(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ));
    }
    let expires = query.get("X-Amz-Expires").unwrap_or_default();
    match expires.parse::<i64>() {
        Err(_) => Err(refused("X-Amz-Expires should be a number")),
        Ok(seconds) if seconds < 0 => Err(refused("X-Amz-Expires must be non-negative")),
        Ok(seconds) if seconds > LONGEST => Err(refused(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        )),
        Ok(_) => Ok(()),
    }
}

fn refused(message: &'static str) -> S3Error {
    S3Error::with_message(S3ErrorCode::AuthorizationQueryParametersError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(query: &str) -> Option<String> {
        check(&QueryParameters::new(query)).err().map(|error| {
            assert_eq!(
                error.code(),
                &S3ErrorCode::AuthorizationQueryParametersError
            );
            error.message().unwrap_or_default().to_owned()
        })
    }

    #[test]
    fn expiry_is_a_number_of_up_to_seven_days() {
        let url = "X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-SignedHeaders=h&X-Amz-Signature=s";
        for (expires, what) in [
            ("1", None),
            ("604800", None),
            ("604801", Some("less than a week")),
            ("-1", Some("non-negative")),
            ("soon", Some("should be a number")),
            ("", Some("should be a number")),
        ] {
            let message = message(&format!("{url}&X-Amz-Expires={expires}"));
            match what {
                None => assert_eq!(message, None, "{expires}"),
                Some(what) => assert!(message.unwrap().contains(what), "{expires}"),
            }
        }
        assert!(message(url).unwrap().contains("requires"));
        assert_eq!(message("X-Amz-Expires=soon"), None);
    }
}
