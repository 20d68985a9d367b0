//! What to do about an error.

use std::io::ErrorKind;

use keyferry_policy::BucketName;

use super::{ServiceAnswer, TransferError};

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
                Some("SignatureDoesNotMatch") => {
                    "the access key is known: check that AWS_SECRET_ACCESS_KEY, or the profile's secret, belongs to it".to_owned()
                }
                Some("InvalidToken") => {
                    "the session token does not belong to the access key: unset AWS_SESSION_TOKEN, or renew all three".to_owned()
                }
                _ => "check that the access key exists and belongs to this endpoint".to_owned(),
            },
            Self::ClockSkewed { .. } => {
                "set the clock, for example with `timedatectl set-ntp true`".to_owned()
            }
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
            Self::AccessDenied { target, .. } => {
                let bucket = target.strip_prefix("s3://").unwrap_or(target);
                let bucket = bucket.split('/').next().unwrap_or(bucket);
                match bucket.parse::<BucketName>() {
                    Ok(bucket) => format!("`keyferry doctor s3://{bucket}` looks for what denies it: a policy of the caller or the bucket or, for an upload, a bucket that blocks SSE-C"),
                    // What was asked for may be an operation.
                    Err(_) => "check the policies of the caller".to_owned(),
                }
            }
            Self::ObjectLocked { .. } => {
                "it stays until its retention ends and its legal hold is taken off; `--bypass-governance` deletes what is locked in governance mode, with the permission s3:BypassGovernanceRetention".to_owned()
            }
            Self::SseCBlocked { bucket, .. } => format!(
                "allow it: `keyferry doctor s3://{bucket}` has the command; or get the bucket's encryption with `aws s3api get-bucket-encryption --bucket {bucket}`, set BlockedEncryptionTypes to {{\"EncryptionType\": [\"NONE\"]}} in its rule, and put it back with `put-bucket-encryption`"
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
            Self::SourceUnreadable { source, .. } => {
                return unreadable(source.kind()).map(str::to_owned);
            }
            Self::InputUnreadable { .. } => {
                "nothing was stored; look at what feeds the input".to_owned()
            }
            Self::TargetUnwritable { source, .. } => {
                return unwritable(source.kind()).map(str::to_owned);
            }
            Self::TargetFolderMissing { .. } => "make the folder first".to_owned(),
            Self::ObjectExists { .. } => {
                "nothing was stored; choose another name, or overwrite it with `--overwrite always`"
                    .to_owned()
            }
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
            Self::TooLarge { .. } => {
                "store it as several objects: `split` cuts files, or give less to each archive".to_owned()
            }
            Self::BadLabel { what: "tag", .. } => {
                "nothing was sent; what does not fit a tag may fit `--metadata`".to_owned()
            }
            Self::BadLabel { .. } => {
                "nothing was sent; text beyond ASCII fits a tag, or metadata in base64".to_owned()
            }
            Self::NotKept { what: "metadata", .. } => {
                "download it and upload it again: metadata beyond ASCII cannot be read as headers".to_owned()
            }
            Self::NotKept { what: "part layout", .. } => {
                "the server cuts it otherwise than it says: download it and upload it again".to_owned()
            }
            Self::NotKept { .. } => {
                "allow s3:GetObjectTagging and s3:PutObjectTagging; where Object Lock is on, also s3:GetObjectRetention, s3:PutObjectRetention, s3:GetObjectLegalHold and s3:PutObjectLegalHold".to_owned()
            }
            Self::KeepsChanging { .. } => {
                "run the same command again when nobody writes to it".to_owned()
            }
            Self::CopyGone { .. } => {
                "somebody, or a lifecycle rule, deleted it: look at its versions, then run the same command again".to_owned()
            }
            Self::RekeyRecord { .. } => {
                "wait for the other run, or see to the file; it names multipart uploads that may be left in the bucket".to_owned()
            }
            Self::Resumable { cause, .. } => {
                return cause
                    .hint()
                    .or_else(|| Some("go on with the same command and `--resume`".to_owned()));
            }
            Self::ResumeState { .. } => {
                "start over without `--resume`, or see to the file".to_owned()
            }
            Self::ResumeBusy { .. } => "wait for it, or stop it".to_owned(),
            Self::PartsNotListed { .. } => {
                "allow s3:ListMultipartUploadParts, or start over without `--resume`".to_owned()
            }
            Self::Service { operation, answer } if answer.status == 501 && operation.contains("Copy") => {
                "this server does not copy from one customer key to another: download it and upload it again; `keyferry cp` to another name takes the content through this machine".to_owned()
            }
            Self::Service { answer, .. } => return of_answer(answer).map(str::to_owned),
            Self::UnexpectedAnswer { .. } => {
                "check that the endpoint is an S3 service, and that no proxy changes its answers".to_owned()
            }
            Self::Local(error) => error.hint().to_owned(),
            Self::Task(_) => "this is a fault of keyferry's: please report it".to_owned(),
            // Whoever interrupts knows.
            Self::Interrupted => return None,
        })
    }
}

fn unreadable(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("check the path"),
        ErrorKind::PermissionDenied => Some("this user may not read it: look with `ls -l`"),
        ErrorKind::IsADirectory => Some(
            "-r uploads all that is in it; as one object: `tar c FOLDER | keyferry upload - ...`",
        ),
        _ => None,
    }
}

fn unwritable(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("choose a folder in which this user may make files")
        }
        ErrorKind::NotADirectory => Some("a part of its path is a file, not a folder"),
        ErrorKind::InvalidFilename => Some("choose a shorter name"),
        ErrorKind::FileTooLarge => {
            Some("the file system takes no file of this size: choose another folder")
        }
        ErrorKind::NotFound => Some("its folder was removed meanwhile: make it again"),
        _ => None,
    }
}

/// Answers that have no error of their own.
fn of_answer(answer: &ServiceAnswer) -> Option<&'static str> {
    match (answer.status, answer.code.as_deref()) {
        (_, Some("InvalidObjectState")) => {
            Some("the object is archived: restore it first, with `aws s3api restore-object`")
        }
        (_, Some("NoSuchUpload")) => {
            Some("somebody, or a lifecycle rule, aborted the upload: upload again")
        }
        (500.., _) => Some("the trouble is at the server: try again later"),
        (_, None) => Some(
            "S3 gives a reason and this answer has none: check that the endpoint is S3, and no proxy in between answers",
        ),
        _ => Some(
            "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html explains S3's error codes",
        ),
    }
}
