//! Whether a bucket policy lets in the uploads that the plan is made for.
//!
//! A guard that an earlier plan asked for, say, and that fits no upload any more.

use crate::check::finding::{Finding, Level, Place};
use crate::check::installed::Installed;
use crate::check::rule::Rule;
use crate::iam::{
    Attached, Caller, Decision, Denial, Policies, PolicyDocument, Request, ResourceKind,
    ResourcePolicy, Statement, StatementId, evaluate,
};
use crate::{Encryption, Site};

const CUSTOMER_ALGORITHM: &str = "s3:x-amz-server-side-encryption-customer-algorithm";
const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
const KMS_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

pub(super) fn check(site: &Site, installed: &Installed) -> Option<Finding> {
    let given = match &installed.bucket(&site.bucket)?.policy {
        crate::check::installed::Known::Present(given) => given,
        _ => return None,
    };
    let everything = Statement::allow("", &["*"], vec!["*".to_owned()]);
    let administrator = PolicyDocument::new(vec![everything]);
    let name = format!("the bucket policy of `{}`", site.bucket);
    let policies = Policies {
        identity: vec![Attached {
            name: "the caller's policy",
            document: &administrator,
        }],
        resource: Some(ResourcePolicy {
            kind: ResourceKind::Bucket,
            name: &name,
            document: &given.value,
        }),
        ..Policies::default()
    };
    let mut by: Option<StatementId> = None;
    for request in uploads(site) {
        match evaluate(&request, &policies) {
            Decision::Denied(Denial::Explicit { by: statement }) => by = Some(statement),
            _ => return None,
        }
    }
    let by = by?;
    let about_encryption = |statement: &Statement| {
        let mut keys = statement.condition.values().flat_map(|keys| keys.keys());
        keys.all(|key| key.to_ascii_lowercase().starts_with(ALGORITHM))
    };
    // Other conditions may be met by some caller: where from, by whom, over which endpoint.
    given
        .value
        .statements
        .get(by.index)
        .filter(|statement| about_encryption(statement))?;
    let message = format!(
        "uploads under {} are denied, whoever uploads",
        site.encryption.kind().title()
    );
    let place = Place::statement(&by, &given.origin);
    Some(
        Finding::new(
            Rule::UploadDenied,
            Level::Warning,
            format!("bucket {}", site.bucket),
            message,
        )
        .because("what cannot be uploaded cannot replicate")
        .fix(format!("remove {by}, or say in the plan what it is for"))
        .at(Some(place)),
    )
}

/// The ways in which an object under the site's encryption can be uploaded.
fn uploads(site: &Site) -> Vec<Request> {
    let caller = Caller::User {
        arn: format!(
            "arn:{}:iam::{}:user/uploader",
            site.partition(),
            site.account
        ),
    };
    let object = format!("{}/example", site.bucket_arn());
    let plain = Request::new(caller, "s3:PutObject", &object)
        .owned_by(site.account.clone())
        .with("aws:SecureTransport", "true");
    let under = |algorithm: &str| plain.clone().with(ALGORITHM, algorithm);
    let with_key = |algorithm: &str, key: &str| under(algorithm).with(KMS_KEY, key);
    match &site.encryption {
        Encryption::SseC => vec![plain.clone().with(CUSTOMER_ALGORITHM, "AES256")],
        Encryption::SseS3 => vec![plain.clone(), under("AES256")],
        Encryption::SseKms { key, .. } => vec![
            plain.clone(),
            under("aws:kms"),
            with_key("aws:kms", key.as_str()),
        ],
        Encryption::DsseKms { key } => vec![
            plain.clone(),
            under("aws:kms:dsse"),
            with_key("aws:kms:dsse", key.as_str()),
        ],
    }
}
