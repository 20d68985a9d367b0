//! What to do about an error.

use super::TransferError;

impl TransferError {
    /// What the user can do about it, where something can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchBucket { bucket } => format!(
                "check the name and the account; `aws s3api head-bucket --bucket {bucket}` asks for it"
            ),
            Self::NoSuchObject {
                version_id: Some(_),
                ..
            } => "list the versions with `aws s3api list-object-versions`; a delete marker has nothing to download".to_owned(),
            Self::NoSuchObject { .. } => {
                "keys are taken literally, with every space, `%`, `+` and `/`; without s3:ListBucket, S3 answers 403 instead".to_owned()
            }
            Self::RegionMismatch {
                right: Some(right), ..
            } => format!("use `--region {right}`"),
            Self::RegionMismatch { .. } => {
                "find the region with `aws s3api get-bucket-location`".to_owned()
            }
            Self::NoCredentials { .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with `--profile`, or run `aws sso login`".to_owned()
            }
            Self::ExpiredCredentials { .. } => {
                "renew the session, for example with `aws sso login`, and try again".to_owned()
            }
            Self::RefusedCredentials { answer } => match answer.code.as_deref() {
                Some("RequestTimeTooSkewed") => "set this machine's clock".to_owned(),
                _ => "check that the access key exists and belongs to this endpoint".to_owned(),
            },
            Self::UntrustedCertificate { .. } => {
                "give the authority that signed it with `--ca-bundle FILE`".to_owned()
            }
            Self::ConnectionRefused { .. } => {
                "check `--endpoint-url`, and that the server runs".to_owned()
            }
            Self::HostNotFound { .. } => {
                "check the region, `--endpoint-url` and the network".to_owned()
            }
            Self::ConnectionLost { .. } | Self::TimedOut { .. } => {
                "try again; if it persists, look at the network, a proxy or a firewall".to_owned()
            }
            Self::Throttled { .. } => "try again with a lower `--concurrency`".to_owned(),
            Self::AccessDenied { .. } => {
                "check the policies of the caller and the bucket; for an upload, also whether the bucket blocks SSE-C (`aws s3api get-bucket-encryption`)".to_owned()
            }
            Self::SseCBlocked { bucket, .. } => format!(
                "allow it: get the bucket's encryption with `aws s3api get-bucket-encryption --bucket {bucket}`, set BlockedEncryptionTypes to {{\"EncryptionType\": [\"NONE\"]}} in its rule, and put it back with `put-bucket-encryption`"
            ),
            Self::WrongKey { .. } => {
                "the object's tag `keyferry-key` names its key, if it has one".to_owned()
            }
            Self::MissingKey { .. } => "give the key that it was uploaded with".to_owned(),
            Self::NotCustomerEncrypted { .. } => {
                "it needs no customer key: download it with any other tool, and find out who stored it without one".to_owned()
            }
            Self::SseCNotConfirmed { .. } => {
                "the server ignores customer keys: delete what it stored, all versions of it, and treat the content as exposed to that server".to_owned()
            }
            Self::ChecksumMismatch { .. } | Self::DamagedOnTheWay { .. } => {
                "try again; if it happens again, suspect memory, disk or a proxy in between".to_owned()
            }
            Self::ChangedDuringDownload { .. } => {
                "download one version by its id, which nobody can overwrite".to_owned()
            }
            Self::SourceChanged { .. } => {
                "nothing was stored; upload again when nobody writes to the file".to_owned()
            }
            Self::TargetFolderMissing { .. } => "make the folder first".to_owned(),
            Self::TargetExists { .. } => "overwrite it with `--overwrite always`".to_owned(),
            Self::TargetNotAFile { .. } => {
                "name a file; `-` writes to standard output".to_owned()
            }
            Self::DiskFull { .. } => "make room, or choose another folder".to_owned(),
            Self::OutputUnwritable { .. } => {
                "what was written before is not the whole object: discard it".to_owned()
            }
            Self::TooManyParts { enough, .. } => format!("use `--part-size {enough}`"),
            Self::LeftBehind { left, .. } => format!(
                "stored parts cost money: remove them with `aws s3api abort-multipart-upload --bucket {} --key '{}' --upload-id {}`",
                left.address.bucket, left.address.key, left.upload_id
            ),
            Self::Interrupted
            | Self::SourceUnreadable { .. }
            | Self::InputUnreadable { .. }
            | Self::TargetUnwritable { .. }
            | Self::TooLarge { .. }
            | Self::BadLabel { .. }
            | Self::Service { .. }
            | Self::UnexpectedAnswer { .. }
            | Self::Task(_) => return None,
        })
    }
}
