//! AWS KMS: symmetric keys that never leave it.
//!
//! `Encrypt` and `Decrypt` with the store's id as encryption context, which CloudTrail shows and
//! key policies can ask for. The file names the key by its ARN even if an alias was given, so that
//! an alias that moves on does not lock the store.

use std::error::Error;
use std::sync::OnceLock;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use keyferry_keystore::{FileKey, KeyWrap, OpenerKind, StoreId, WrapError, Wrapped};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

const SERVICE: &str = "AWS KMS";

/// What the encryption context calls the store's id.
pub const CONTEXT: &str = "keyferry-store";

/// A key of AWS KMS.
#[derive(Debug, Clone)]
pub struct Kms {
    client: Client,
    key: String,
}

impl Kms {
    /// A key by its ARN, its id, or an alias, with a client for the key's region.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self {
            client,
            key: key.into(),
        }
    }

    /// The region of a key's ARN, or of an alias's; `None` if it is neither.
    #[must_use]
    pub fn region_of(key: &str) -> Option<&str> {
        let mut fields = key.split(':');
        let fields = [fields.next(), fields.nth(1), fields.next()];
        match fields {
            [Some("arn"), Some("kms"), region] => region.filter(|region| !region.is_empty()),
            _ => None,
        }
    }
}

impl KeyWrap for Kms {
    fn kind(&self) -> OpenerKind {
        OpenerKind::Kms
    }

    fn wrap(&self, store: &StoreId, key: &FileKey) -> Result<Wrapped, WrapError> {
        let call = self
            .client
            .encrypt()
            .key_id(&self.key)
            .encryption_context(CONTEXT, store.as_str())
            .plaintext(Blob::new(key.as_slice()));
        let answer =
            wait(call.send())?.map_err(|error| failed(&error, &self.key, "kms:Encrypt"))?;
        let (Some(arn), Some(body)) = (answer.key_id, answer.ciphertext_blob) else {
            return Err(malformed("it names no key, or wrapped nothing"));
        };
        Ok(Wrapped {
            arguments: vec![arn],
            body: body.into_inner(),
        })
    }

    fn unwrap(&self, store: &StoreId, wrapped: &Wrapped) -> Result<FileKey, WrapError> {
        let Some(arn) = wrapped.arguments.first() else {
            return Err(WrapError::Unrecognised {
                service: SERVICE.to_owned(),
            });
        };
        let call = self
            .client
            .decrypt()
            .key_id(arn)
            .encryption_context(CONTEXT, store.as_str())
            .ciphertext_blob(Blob::new(wrapped.body.as_slice()));
        let answer = wait(call.send())?.map_err(|error| failed(&error, arn, "kms:Decrypt"))?;
        let plaintext = answer
            .plaintext
            .ok_or_else(|| malformed("it holds no key"))?;
        let plaintext = Zeroizing::new(plaintext.into_inner());
        let key = <[u8; 16]>::try_from(plaintext.as_slice())
            .map_err(|_| malformed("the key has another length"))?;
        Ok(Zeroizing::new(key))
    }
}

fn malformed(reason: &str) -> WrapError {
    WrapError::Malformed {
        service: SERVICE.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Waits for an answer, from whatever kind of thread. One runtime serves all calls, since the
/// connections that clients keep live on it.
fn wait<T: Send>(call: impl Future<Output = T> + Send) -> Result<T, WrapError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    });
    let unavailable = |reason: &str| WrapError::Unavailable {
        service: SERVICE.to_owned(),
        reason: reason.to_owned(),
        hint: "free some memory or processes on this machine".to_owned(),
    };
    let runtime = runtime.as_ref().map_err(|reason| unavailable(reason))?;
    // A thread of its own, as this one may be serving a runtime and must not block on another.
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(call)).join())
        .map_err(|_| unavailable("the call was aborted"))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors>
fn failed<E>(
    error: &SdkError<E, aws_sdk_kms::config::http::HttpResponse>,
    key: &str,
    permission: &str,
) -> WrapError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let service = SERVICE.to_owned();
    let unavailable = |reason: String| WrapError::Unavailable {
        service: SERVICE.to_owned(),
        reason,
        hint: "check the network, the key's region and the endpoint; nothing was changed"
            .to_owned(),
    };
    let SdkError::ServiceError(answer) = error else {
        return unavailable(causes(error));
    };
    let code = answer.err().code().unwrap_or_default();
    let said = answer.err().message().unwrap_or(code).to_owned();
    let refused = |reason: String, hint: String| WrapError::Refused {
        service: SERVICE.to_owned(),
        reason,
        hint,
    };
    match code {
        "DisabledException" => refused(
            format!("the key `{key}` is disabled"),
            "enable it (`aws kms enable-key`), or open the store by another opener".to_owned(),
        ),
        "KMSInvalidStateException" => refused(
            format!("the key `{key}` is in no state for it: {said}"),
            "if it is scheduled for deletion, cancel that (`aws kms cancel-key-deletion`) and enable it"
                .to_owned(),
        ),
        "NotFoundException" => refused(
            format!("there is no key `{key}`"),
            "check the ARN, the region and the account of the credentials".to_owned(),
        ),
        "InvalidKeyUsageException" => WrapError::UnsuitableKey {
            reason: format!("`{key}` is not a symmetric key for encryption"),
            hint: "use a key of the usage ENCRYPT_DECRYPT and the spec SYMMETRIC_DEFAULT".to_owned(),
        },
        "InvalidCiphertextException" | "IncorrectKeyException" => {
            WrapError::Unrecognised { service }
        }
        "AccessDeniedException" => refused(
            said,
            format!("the credentials need the permission `{permission}` on the key"),
        ),
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => refused(
            format!("the credentials are not accepted: {said}"),
            "renew the credentials, or give others with --profile".to_owned(),
        ),
        "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException"
        | "ThrottlingException" => unavailable(said),
        _ => refused(
            if code.is_empty() || said.contains(code) {
                said
            } else {
                format!("{code}: {said}")
            },
            "see what AWS says of this error; nothing was changed".to_owned(),
        ),
    }
}

/// An error with its causes; the SDK's own texts say little.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_tell_their_region() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234";
        assert_eq!(Kms::region_of(arn), Some("eu-west-1"));
        assert_eq!(
            Kms::region_of("arn:aws-cn:kms:cn-north-1:1:alias/a"),
            Some("cn-north-1")
        );
        for other in [
            "alias/a",
            "1234",
            "arn:aws:s3:::bucket",
            "arn:aws:kms::1:key/1",
        ] {
            assert_eq!(Kms::region_of(other), None, "{other}");
        }
    }
}
