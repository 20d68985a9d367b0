//! The calls of one replication, in order.

use super::{Call, Gate, KmsUse, Payload, Place, Replication};
use crate::AccountId;
use crate::iam::{Caller, Context, Request};
use crate::plan::Profile;

impl Replication {
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
