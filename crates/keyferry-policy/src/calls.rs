//! What S3 asks IAM and KMS for when it replicates one version.
//!
//! S3 publishes no list of these calls; this one follows from the permissions that its pages ask for,
//! and from the failure reasons of
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html#replication-failure-codes>.
//! The order is the likely one: the first call that is denied names the failure.

use crate::iam::{Caller, Context, Request};
use crate::plan::{BucketKey, PlannedFlow, Profile};
use crate::{AccountId, BucketName, Encryption, KmsKeyArn, Region, RoleArn};

/// A bucket as S3 meets it while replicating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// Its owner.
    pub account: AccountId,
}

impl Place {
    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.region.partition(), self.bucket)
    }

    fn via_service(&self) -> String {
        let suffix = self.region.partition().dns_suffix();
        format!("s3.{}.{suffix}", self.region)
    }
}

impl From<&crate::Site> for Place {
    fn from(site: &crate::Site) -> Self {
        Self {
            bucket: site.bucket.clone(),
            region: site.region.clone(),
            account: site.account.clone(),
        }
    }
}

/// How KMS is involved with one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsUse {
    /// The key that encrypts the object.
    pub source_key: KmsKeyArn,
    /// Whether the object uses a Bucket Key.
    pub source_bucket_key: bool,
    /// The key that will encrypt the replica.
    pub replica_key: KmsKeyArn,
    /// Whether the replica will use a Bucket Key.
    pub replica_bucket_key: bool,
}

/// What is replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// An object version.
    Object,
    /// A delete marker.
    DeleteMarker,
    /// A change of tags or other metadata of a version that is there already.
    Metadata,
}

/// One version on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// The role that S3 acts as.
    pub role: RoleArn,
    /// Where the version is.
    pub source: Place,
    /// Where it goes.
    pub destination: Place,
    /// Its key.
    pub key: String,
    /// What it is.
    pub payload: Payload,
    /// KMS, where the object is under SSE-KMS or DSSE-KMS.
    pub kms: Option<KmsUse>,
    /// Whether it has tags.
    pub tagged: bool,
    /// Whether the rule hands the replica to the destination's owner.
    pub owner_override: bool,
    /// Whether the source bucket has Object Lock.
    pub object_lock: bool,
    /// Whether the object has annotations to carry along.
    pub annotations: bool,
}

/// Whose policies decide about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// The role's trust policy.
    Trust,
    /// The role's policies and the source bucket's.
    SourceBucket,
    /// The role's policies and the destination bucket's.
    DestinationBucket,
    /// The role's policies and those of the key that encrypts the object.
    SourceKey,
    /// The role's policies and those of the key that will encrypt the replica.
    ReplicaKey,
}

/// One thing that S3 asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The row of the matrix that grants it.
    pub row: &'static str,
    /// Whose policies decide.
    pub gate: Gate,
    /// Who asks for what.
    pub request: Request,
    /// How S3 names the failure when it is denied; `None` where AWS names none.
    pub failure_code: Option<&'static str>,
}

impl Replication {
    /// A replication as the plan foresees it, of a key that the flow covers; one for each Bucket Key
    /// state that its objects can be in. `DeleteMarker` gives none where the flow carries none.
    #[must_use]
    pub fn of_flow(flow: &PlannedFlow<'_>, payload: Payload) -> Vec<Self> {
        if payload == Payload::DeleteMarker && !flow.delete_markers() {
            return Vec::new();
        }
        let states = |encryption: &Encryption| match encryption.bucket_key() {
            BucketKey::Off => vec![false],
            BucketKey::On => vec![true],
            BucketKey::Mixed => vec![false, true],
        };
        let base = Self {
            role: flow.role_arn(),
            source: Place::from(flow.source),
            destination: Place::from(flow.destination),
            key: format!("{}example", flow.settings.prefix),
            payload,
            kms: None,
            tagged: true,
            owner_override: flow.owner_override(),
            object_lock: flow.source.object_lock,
            annotations: flow.source.annotations,
        };
        let keys = flow
            .source
            .encryption
            .kms_key()
            .zip(flow.destination.encryption.kms_key());
        let Some((source_key, replica_key)) = keys else {
            return vec![base];
        };
        let layers = matches!(flow.source.encryption, Encryption::DsseKms { .. });
        let replica_states = if layers {
            vec![false]
        } else {
            states(&flow.destination.encryption)
        };
        let mut all = Vec::new();
        for source_bucket_key in states(&flow.source.encryption) {
            for &replica_bucket_key in &replica_states {
                all.push(Self {
                    kms: Some(KmsUse {
                        source_key: source_key.clone(),
                        source_bucket_key,
                        replica_key: replica_key.clone(),
                        replica_bucket_key,
                    }),
                    ..base.clone()
                });
            }
        }
        all
    }

    /// What S3 asks for, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let mut calls = vec![
            self.assume_role(),
            self.source("src-bucket", "s3:GetReplicationConfiguration", false, None),
            self.source("src-bucket", "s3:ListBucket", false, None),
        ];
        match self.payload {
            Payload::DeleteMarker => calls.push(self.destination(
                "dst-write",
                "s3:ReplicateDelete",
                "DstDelObjNotPermitted",
            )),
            Payload::Object => {
                self.read_version(&mut calls);
                self.write_replica(&mut calls);
            }
            Payload::Metadata => {
                self.read_version(&mut calls);
                self.write_metadata(&mut calls);
            }
        }
        calls
    }

    /// What only some of AWS's pages say is asked for: see [`Profile::Compatible`].
    #[must_use]
    pub fn disputed_calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        if let Some(kms) = &self.kms
            && self.payload == Payload::Object
            && !kms.replica_bucket_key
        {
            calls.push(self.replica_key(kms, "kms-dst-gdk", "kms:GenerateDataKey"));
        }
        calls
    }

    /// The calls that a profile provides for.
    #[must_use]
    pub fn calls_for(&self, profile: Profile) -> Vec<Call> {
        let mut calls = self.calls();
        if profile == Profile::Compatible {
            calls.extend(self.disputed_calls());
        }
        calls
    }

    fn read_version(&self, calls: &mut Vec<Call>) {
        let object = |row, action, code| self.source(row, action, true, Some(code));
        calls.push(object(
            "src-object",
            "s3:GetObjectVersionForReplication",
            "SrcGetObjectNotPermitted",
        ));
        if let Some(kms) = &self.kms
            && self.payload == Payload::Object
        {
            calls.push(self.source_key(kms));
        }
        calls.push(object(
            "src-object",
            "s3:GetObjectVersionAcl",
            "SrcGetAclNotPermitted",
        ));
        if self.tagged {
            calls.push(object(
                "src-tags",
                "s3:GetObjectVersionTagging",
                "SrcGetTaggingNotPermitted",
            ));
        }
        if self.object_lock {
            calls.push(object(
                "src-lock",
                "s3:GetObjectRetention",
                "SrcGetRetentionNotPermitted",
            ));
            calls.push(object(
                "src-lock",
                "s3:GetObjectLegalHold",
                "SrcGetLegalHoldNotPermitted",
            ));
        }
        if self.annotations {
            calls.push(self.source(
                "src-annot",
                "s3:GetObjectVersionAnnotationForReplication",
                true,
                None,
            ));
        }
    }

    fn write_replica(&self, calls: &mut Vec<Call>) {
        calls.push(self.destination(
            "dst-write",
            "s3:ReplicateObject",
            "DstPutObjectNotPermitted",
        ));
        if let Some(kms) = &self.kms {
            calls.push(self.replica_key(kms, "kms-dst", "kms:Encrypt"));
            if kms.replica_bucket_key {
                calls.push(self.replica_key(kms, "kms-dst-gdk", "kms:GenerateDataKey"));
                calls.push(self.replica_key(kms, "kms-dst-bk-decrypt", "kms:Decrypt"));
            }
        }
        self.write_metadata(calls);
    }

    fn write_metadata(&self, calls: &mut Vec<Call>) {
        if self.tagged {
            calls.push(self.destination(
                "dst-tags",
                "s3:ReplicateTags",
                "DstPutTaggingNotPermitted",
            ));
        }
        if self.owner_override {
            calls.push(self.destination(
                "dst-owner",
                "s3:ObjectOwnerOverrideToBucketOwner",
                "DstPutObjectNotPermitted",
            ));
        }
    }

    fn assume_role(&self) -> Call {
        Call {
            row: "trust",
            gate: Gate::Trust,
            request: Request {
                caller: Caller::Service("s3.amazonaws.com".to_owned()),
                action: "sts:AssumeRole".to_owned(),
                resource: self.role.to_string(),
                resource_account: Some(self.role.account().clone()),
                context: Context::new(),
            },
            failure_code: Some("AssumeRoleNotPermitted"),
        }
    }

    fn source(
        &self,
        row: &'static str,
        action: &str,
        object: bool,
        failure_code: Option<&'static str>,
    ) -> Call {
        self.bucket_call(
            row,
            Gate::SourceBucket,
            &self.source,
            action,
            object,
            failure_code,
        )
    }

    fn destination(&self, row: &'static str, action: &str, code: &'static str) -> Call {
        let place = &self.destination;
        self.bucket_call(
            row,
            Gate::DestinationBucket,
            place,
            action,
            true,
            Some(code),
        )
    }

    fn bucket_call(
        &self,
        row: &'static str,
        gate: Gate,
        place: &Place,
        action: &str,
        object: bool,
        failure_code: Option<&'static str>,
    ) -> Call {
        let resource = if object {
            format!("{}/{}", place.bucket_arn(), self.key)
        } else {
            place.bucket_arn()
        };
        Call {
            row,
            gate,
            request: self.as_role(action, resource, &place.account),
            failure_code,
        }
    }

    fn source_key(&self, kms: &KmsUse) -> Call {
        let context = self.encryption_context(&self.source, kms.source_bucket_key);
        let mut request = self.as_role(
            "kms:Decrypt",
            kms.source_key.to_string(),
            kms.source_key.account(),
        );
        request.context = context;
        Call {
            row: "kms-src",
            gate: Gate::SourceKey,
            request,
            failure_code: Some("SrcGetObjectNotPermitted"),
        }
    }

    fn replica_key(&self, kms: &KmsUse, row: &'static str, action: &str) -> Call {
        let key = &kms.replica_key;
        let mut request = self.as_role(action, key.to_string(), key.account());
        request.context = self.encryption_context(&self.destination, kms.replica_bucket_key);
        Call {
            row,
            gate: Gate::ReplicaKey,
            request,
            failure_code: Some("DstPutObjectNotPermitted"),
        }
    }

    /// What S3 tells KMS: through which endpoint it asks, and for which bucket or object.
    fn encryption_context(&self, place: &Place, bucket_key: bool) -> Context {
        let arn = if bucket_key {
            place.bucket_arn()
        } else {
            format!("{}/{}", place.bucket_arn(), self.key)
        };
        let mut context = Context::new();
        context.insert("kms:ViaService", vec![place.via_service()]);
        context.insert("kms:EncryptionContext:aws:s3:arn", vec![arn]);
        context.insert("kms:EncryptionContextKeys", vec!["aws:s3:arn".to_owned()]);
        context
    }

    fn as_role(&self, action: &str, resource: String, owner: &AccountId) -> Request {
        Request {
            caller: Caller::Role {
                arn: self.role.to_string(),
                session: None,
            },
            action: action.to_owned(),
            resource,
            resource_account: Some(owner.clone()),
            context: Context::new(),
        }
    }
}

#[cfg(test)]
mod tests;
