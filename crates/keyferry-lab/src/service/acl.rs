//! GetObjectAcl and GetBucketAcl (`S3-ACL-1`): the owner has everything, nobody else anything.

use s3s::dto::{
    GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput, GetObjectAclOutput, Grant, Grantee,
    Permission, Type,
};
use s3s::{S3Request, S3Response, S3Result};

use super::RegionService;
use super::ownership::{effective_owner, owner_element};
use crate::authorization::canonical_id;
use crate::server::exchange::Exchange;

impl RegionService {
    fn owner_grant(account: &str) -> Grant {
        Grant {
            grantee: Some(Grantee {
                display_name: None,
                email_address: None,
                id: Some(canonical_id(account)),
                type_: Type::from_static(Type::CANONICAL_USER),
                uri: None,
            }),
            permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
        }
    }

    pub(super) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetObjectAclOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        let (version, _) =
            self.object_version(exchange, &bucket, &input.key, input.version_id.as_deref())?;
        let owner = effective_owner(&bucket, &version.owner);
        Ok(S3Response::new(GetObjectAclOutput {
            owner: Some(owner_element(owner)),
            grants: Some(vec![Self::owner_grant(owner)]),
            request_charged: None,
        }))
    }

    pub(super) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
        exchange: &Exchange,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        let input = request.input;
        let bucket = self.bucket(
            exchange,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )?;
        Ok(S3Response::new(GetBucketAclOutput {
            owner: Some(owner_element(&bucket.owner)),
            grants: Some(vec![Self::owner_grant(&bucket.owner)]),
        }))
    }
}
