//! Bucket configurations that the lab does not have: reading them says that there are none,
//! as S3 does for a new bucket (`S3-BUCKET-9`). Putting one is 501 NotImplemented.

use s3s::dto::{
    GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput,
    GetBucketCorsInput, GetBucketCorsOutput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketWebsiteInput,
    GetBucketWebsiteOutput, Payer,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::RegionService;
use crate::server::exchange::Exchange;

macro_rules! not_found {
    ($($operation:ident($Input:ident) -> $Output:ident: $code:ident, $message:literal;)*) => {
        impl RegionService {
            $(pub(super) async fn $operation(
                &self,
                request: S3Request<$Input>,
                exchange: &Exchange,
            ) -> S3Result<S3Response<$Output>> {
                let input = request.input;
                let bucket = self.bucket(
                    exchange,
                    &input.bucket,
                    input.expected_bucket_owner.as_deref(),
                )?;
                exchange.error_field("BucketName", bucket.name);
                Err(S3Error::with_message(S3ErrorCode::$code, $message))
            })*
        }
    };
}

not_found! {
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput:
        NoSuchCORSConfiguration, "The CORS configuration does not exist";
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput:
        NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist";
    get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput:
        NoSuchWebsiteConfiguration, "The specified bucket does not have a website configuration";
}

macro_rules! empty {
    ($($operation:ident($Input:ident) -> $Output:ident;)*) => {
        impl RegionService {
            $(pub(super) async fn $operation(
                &self,
                request: S3Request<$Input>,
                exchange: &Exchange,
            ) -> S3Result<S3Response<$Output>> {
                let input = request.input;
                self.bucket(
                    exchange,
                    &input.bucket,
                    input.expected_bucket_owner.as_deref(),
                )?;
                Ok(S3Response::new($Output::default()))
            })*
        }
    };
}

empty! {
    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput)
        -> GetBucketAccelerateConfigurationOutput;
    get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput;
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput;
}

impl RegionService {
    pub(super) async fn get_bucket_request_payment(
        &self,
        request: S3Request<GetBucketRequestPaymentInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketRequestPaymentOutput>> {
        let input = request.input;
        self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        Ok(S3Response::new(GetBucketRequestPaymentOutput {
            payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
        }))
    }
}
