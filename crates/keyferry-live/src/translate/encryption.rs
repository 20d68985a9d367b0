//! Encryption configurations.

use aws_sdk_s3::types as s3;
use keyferry_policy::documents::{
    BlockedEncryptionTypes, BlockedType, DefaultEncryption, EncryptionConfiguration, EncryptionRule,
};

use super::incomplete;
use crate::service_error::ServiceError;

/// For the SDK.
pub(crate) fn encryption_to_sdk(
    document: &EncryptionConfiguration,
) -> Result<s3::ServerSideEncryptionConfiguration, ServiceError> {
    let rules = document.rules.iter().map(rule_to_sdk);
    s3::ServerSideEncryptionConfiguration::builder()
        .set_rules(Some(rules.collect::<Result<_, _>>()?))
        .build()
        .map_err(incomplete)
}

fn rule_to_sdk(rule: &EncryptionRule) -> Result<s3::ServerSideEncryptionRule, ServiceError> {
    let default = &rule.apply_server_side_encryption_by_default;
    let default = s3::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(default.algorithm.as_str().into())
        .set_kms_master_key_id(default.kms_key.clone())
        .build()
        .map_err(incomplete)?;
    let blocked = rule.blocked_encryption_types.as_ref().map(|blocked| {
        let kinds = blocked.encryption_type.iter();
        s3::BlockedEncryptionTypes::builder()
            .set_encryption_type(Some(kinds.map(|kind| kind.as_str().into()).collect()))
            .build()
    });
    Ok(s3::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(rule.bucket_key_enabled)
        .set_blocked_encryption_types(blocked)
        .build())
}

/// From the SDK.
pub(crate) fn encryption_from_sdk(
    configuration: &s3::ServerSideEncryptionConfiguration,
) -> EncryptionConfiguration {
    EncryptionConfiguration {
        rules: configuration.rules().iter().map(rule_from_sdk).collect(),
    }
}

fn rule_from_sdk(rule: &s3::ServerSideEncryptionRule) -> EncryptionRule {
    let default = rule.apply_server_side_encryption_by_default();
    let blocked = rule.blocked_encryption_types().map(|blocked| {
        let known = |kind: &s3::EncryptionType| match kind.as_str() {
            "SSE-C" => Some(BlockedType::SseC),
            "NONE" => Some(BlockedType::None),
            // What AWS may add blocks nothing that a plan is about.
            _ => None,
        };
        BlockedEncryptionTypes {
            encryption_type: blocked.encryption_type().iter().filter_map(known).collect(),
        }
    });
    EncryptionRule {
        apply_server_side_encryption_by_default: DefaultEncryption {
            // Without a default, S3 encrypts under its own keys.
            algorithm: default
                .map_or("AES256", |default| default.sse_algorithm().as_str())
                .to_owned(),
            kms_key: default
                .and_then(|default| default.kms_master_key_id())
                .map(str::to_owned),
        },
        bucket_key_enabled: rule.bucket_key_enabled().unwrap_or_default(),
        blocked_encryption_types: blocked,
    }
}
