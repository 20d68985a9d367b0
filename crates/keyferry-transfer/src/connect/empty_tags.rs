//! Answers about tags that have no content where an object has none.
//!
//! Ceph's gateway answers so for objects that were uploaded in parts. The SDK takes it for a broken
//! answer, as S3's own is a document with an empty set.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

const NO_TAGS: &str = "<Tagging><TagSet></TagSet></Tagging>";

/// Puts the document there that S3 would have sent.
#[derive(Debug)]
pub(super) struct EmptyTags;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for EmptyTags {
    fn name(&self) -> &'static str {
        "EmptyTags"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_about_tags = config
            .load::<Metadata>()
            .is_some_and(|operation| operation.name() == "GetObjectTagging");
        let response = context.response_mut();
        let is_empty = response.headers().get("content-length") == Some("0");
        if is_about_tags && is_empty && response.status().as_u16() == 200 {
            *response.body_mut() = SdkBody::from(NO_TAGS);
        }
        Ok(())
    }
}
