//! Does a refused upload go through without the tag that names its key?
//!
//! A PUT with tags takes s3:PutObjectTagging besides s3:PutObject, and S3 refuses the whole request
//! where that is missing. The object matters more than the hint on it. S3 names the action that it
//! missed within an account and along an organisation's policies; to others it says "Access Denied"
//! and no more, so then one attempt without the tag is worth making.
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>.

use super::labels::Labels;
use crate::TransferError;

impl Labels {
    /// Whether what was refused may be allowed without the key's tag. Tags that the caller asked for
    /// are not given up.
    pub(super) fn worth_without_key_tag(&self, error: &TransferError) -> bool {
        let TransferError::AccessDenied { answer, .. } = error else {
            return false;
        };
        if self.key_tag.is_none() || !self.tags.is_empty() {
            return false;
        }
        let message = answer.message.as_deref().unwrap_or_default();
        match message.split_once("not authorized to perform: ") {
            Some((_, action)) => action.starts_with("s3:PutObjectTagging"),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{ContentHeaders, ServiceAnswer};

    fn denied(message: &str) -> TransferError {
        TransferError::AccessDenied {
            target: "s3://bucket/key".to_owned(),
            answer: Box::new(ServiceAnswer {
                status: 403,
                code: Some("AccessDenied".to_owned()),
                message: Some(message.to_owned()),
                request_id: None,
            }),
        }
    }

    #[test]
    fn only_what_may_be_about_the_tag_is_tried_again() {
        let user = |action: &str| {
            denied(&format!(
                "User: arn:aws:iam::1:user/a is not authorized to perform: {action} on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the {action} action"
            ))
        };
        let labels = |tags: &[&str], key_tag: Option<&str>| Labels {
            content_type: String::new(),
            headers: ContentHeaders::default(),
            metadata: None,
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            plain_tags: BTreeMap::new(),
            key_tag: key_tag.map(str::to_owned),
            key_tag_left_out: false,
        };
        let ours = labels(&[], Some("keyferry-key=kf-x"));
        assert!(ours.worth_without_key_tag(&user("s3:PutObjectTagging")));
        assert!(ours.worth_without_key_tag(&denied("Access Denied")));
        assert!(!ours.worth_without_key_tag(&user("s3:PutObject")));
        assert!(!ours.worth_without_key_tag(&TransferError::Interrupted));
        let theirs = labels(&["a=b"], Some("keyferry-key=kf-x"));
        assert!(!theirs.worth_without_key_tag(&user("s3:PutObjectTagging")));
        assert!(!labels(&[], None).worth_without_key_tag(&denied("Access Denied")));
    }
}
