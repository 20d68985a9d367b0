//! Buckets for tests, through S3's own API.

use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLocationConstraint, CreateBucketConfiguration, EncryptionType,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use aws_sdk_s3::{Client, Error};

/// Makes a bucket in the client's region. S3 blocks customer keys in it.
///
/// # Errors
/// What S3 refuses.
pub async fn make(client: &Client, name: &str) -> Result<(), Error> {
    let region = client.config().region().map(|region| region.as_ref());
    let configuration = CreateBucketConfiguration::builder()
        .set_location_constraint(region.map(BucketLocationConstraint::from));
    client
        .create_bucket()
        .bucket(name)
        .create_bucket_configuration(configuration.build())
        .send()
        .await?;
    Ok(())
}

/// The same, and it takes customer keys.
///
/// # Errors
/// What S3 refuses.
pub async fn make_for_customer_keys(client: &Client, name: &str) -> Result<(), Error> {
    make(client, name).await?;
    block(client, name, EncryptionType::None).await
}

/// Blocks one type of encryption in a bucket, or none, beside SSE-S3 by default.
///
/// # Errors
/// What S3 refuses.
pub async fn block(client: &Client, bucket: &str, blocked: EncryptionType) -> Result<(), Error> {
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::Aes256)
        .build()?;
    let blocked = BlockedEncryptionTypes::builder()
        .encryption_type(blocked)
        .build();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .blocked_encryption_types(blocked)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()?;
    client
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(configuration)
        .send()
        .await?;
    Ok(())
}
