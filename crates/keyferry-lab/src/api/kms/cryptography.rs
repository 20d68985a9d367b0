//! Encrypt, Decrypt and GenerateDataKey, with encryption context (`S3-KMS-5`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::error::ApiError;
use super::{Kms, Reach};
use crate::authorization::Circumstances;
use crate::encryption::KmsKeyRecord;

/// What Encrypt takes at most.
const MAX_PLAINTEXT: usize = 4096;
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

type EncryptionContext = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
    plaintext: Option<String>,
    ciphertext_blob: Option<String>,
    #[serde(default)]
    encryption_context: EncryptionContext,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
}

impl Input {
    fn key_id(&self) -> Result<&str, ApiError> {
        self.key_id
            .as_deref()
            .ok_or_else(|| invalid("KeyId is missing."))
    }
}

impl Kms<'_> {
    pub(super) fn encrypt(&self) -> Result<Value, ApiError> {
        let input: Input = self.input()?;
        let key = self.contextual_key(input.key_id()?, &input.encryption_context)?;
        let plaintext = decoded(input.plaintext.as_deref(), "Plaintext")?;
        let plaintext = Zeroizing::new(plaintext);
        if !(1..=MAX_PLAINTEXT).contains(&plaintext.len()) {
            return Err(invalid("Plaintext has 1 to 4096 bytes."));
        }
        let blob = self.seal(&key, &input.encryption_context, &plaintext)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "KeyId": key.arn,
            "EncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn decrypt(&self) -> Result<Value, ApiError> {
        let input: Input = self.input()?;
        let blob = decoded(input.ciphertext_blob.as_deref(), "CiphertextBlob")?;
        let (arn, sealed) = split(&blob).ok_or_else(invalid_ciphertext)?;
        let key = self.contextual_key(arn, &input.encryption_context)?;
        if let Some(id) = &input.key_id
            && self.endpoint.region.kms_key_of(self.account, id)?.arn != key.arn
        {
            return Err(ApiError::bad_request(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ));
        }
        let context = canonical(&input.encryption_context);
        let plaintext = self
            .endpoint
            .region
            .open_for_client(&key, &context, sealed.to_vec())?;
        Ok(json!({
            "KeyId": key.arn,
            "Plaintext": STANDARD.encode(&plaintext),
            "EncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn generate_data_key(&self, with_plaintext: bool) -> Result<Value, ApiError> {
        let input: Input = self.input()?;
        let key = self.contextual_key(input.key_id()?, &input.encryption_context)?;
        let length = match (input.key_spec.as_deref(), input.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(length)) if (1..=1024).contains(&length) => length,
            _ => {
                return Err(invalid(
                    "Please specify either number of bytes or key spec.",
                ));
            }
        };
        let plaintext: Zeroizing<Vec<u8>> =
            Zeroizing::new(std::iter::repeat_with(rand::random).take(length).collect());
        let blob = self.seal(&key, &input.encryption_context, &plaintext)?;
        let mut answer = json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "KeyId": key.arn,
        });
        if let (true, Some(fields)) = (with_plaintext, answer.as_object_mut()) {
            fields.insert("Plaintext".to_owned(), STANDARD.encode(&plaintext).into());
        }
        Ok(answer)
    }

    fn contextual_key(
        &self,
        id: &str,
        context: &EncryptionContext,
    ) -> Result<KmsKeyRecord, ApiError> {
        self.key_with(id, Reach::AnyAccount, |circumstances| {
            set_encryption_context(circumstances, context);
        })
    }

    /// The ciphertext: the key's ARN with its length before it, then what is sealed.
    fn seal(
        &self,
        key: &KmsKeyRecord,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ApiError> {
        let sealed = self
            .endpoint
            .region
            .seal_for_client(key, &canonical(context), plaintext)?;
        let length = u8::try_from(key.arn.len()).map_err(|_| invalid("The ARN is too long."))?;
        let mut blob = vec![length];
        blob.extend_from_slice(key.arn.as_bytes());
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }
}

fn set_encryption_context(circumstances: &mut Circumstances, context: &EncryptionContext) {
    for (name, value) in context {
        circumstances.set(&format!("kms:EncryptionContext:{name}"), value);
    }
    if !context.is_empty() {
        circumstances.set_all(
            "kms:EncryptionContextKeys",
            context.keys().cloned().collect(),
        );
    }
}

fn split(blob: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = blob.split_first()?;
    let (arn, sealed) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(arn).ok()?, sealed))
}

/// The context's pairs in order, so that the same context is the same text.
fn canonical(context: &EncryptionContext) -> String {
    serde_json::to_string(context).unwrap_or_default()
}

fn decoded(text: Option<&str>, field: &str) -> Result<Vec<u8>, ApiError> {
    let text = text.ok_or_else(|| invalid(&format!("{field} is missing.")))?;
    STANDARD
        .decode(text)
        .map_err(|_| invalid(&format!("{field} is not base64.")))
}

fn invalid(message: &str) -> ApiError {
    ApiError::bad_request("ValidationException", message)
}

fn invalid_ciphertext() -> ApiError {
    ApiError::bad_request("InvalidCiphertextException", "")
}
