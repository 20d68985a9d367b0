#!/usr/bin/env bash
#
# Sets up S3 replication:
#   amzn-s3-demo-tokyo (ap-northeast-1, 111122223333) to amzn-s3-demo-osaka (ap-northeast-3, 111122223333), SSE-S3
#   amzn-s3-demo-osaka (ap-northeast-3, 111122223333) to amzn-s3-demo-tokyo (ap-northeast-1, 111122223333), SSE-S3
#
# It can be run again: what is there stays, or is put right. Buckets, roles and policies
# are made; KMS keys have to be there. Variables:
#
#   SOURCE_PROFILE        profile of the AWS CLI for account 111122223333
#   REPLACE=1             replace policies and replication rules that are not from here
#   USER_POLICIES=0       make no managed policies for uploads and for verification
#
# Made by `keyferry policy emit --format cli`.

set -euo pipefail
export AWS_PAGER=""

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() {
  printf '%s\n' "$*" >&2
}

# in_account ACCOUNT WORD...: calls the AWS CLI.
in_account() {
  local account=$1
  shift
  case $account in
    111122223333) aws ${SOURCE_PROFILE:+--profile "$SOURCE_PROFILE"} "$@" ;;
    *)
      say "no account of this plan: $account"
      exit 1
      ;;
  esac
}

# Stops when the credentials belong to another account.
expect_account() {
  local account
  account=$(in_account "$1" sts get-caller-identity --query Account --output text)
  if [[ $account =~ ^[0-9]{12}$ && $account != "$1" ]]; then
    say "these are credentials of account $account, where those of $1 are needed"
    exit 1
  fi
}

# make_bucket ACCOUNT REGION BUCKET [OPTION...]: makes a bucket unless it is there.
make_bucket() {
  local account=$1 region=$2 bucket=$3
  shift 3
  if in_account "$account" s3api head-bucket --region "$region" --bucket "$bucket" \
    --expected-bucket-owner "$account" >/dev/null 2>&1; then
    say "bucket $bucket is there"
    return
  fi
  say "making bucket $bucket"
  in_account "$account" s3api create-bucket --region "$region" --bucket "$bucket" "$@" >/dev/null
  in_account "$account" s3api wait bucket-exists --region "$region" --bucket "$bucket"
}

# make_role ACCOUNT ROLE TRUST PERMISSIONS: makes a role, or gives it these policies.
make_role() {
  if in_account "$1" iam get-role --role-name "$2" >/dev/null 2>&1; then
    say "role $2 is there"
    in_account "$1" iam update-assume-role-policy --role-name "$2" --policy-document "file://$3"
  else
    say "making role $2"
    in_account "$1" iam create-role --role-name "$2" --assume-role-policy-document "file://$3" \
      >/dev/null
    in_account "$1" iam wait role-exists --role-name "$2"
  fi
  in_account "$1" iam put-role-policy --role-name "$2" --policy-name keyferry-replication \
    --policy-document "file://$4"
}

# Whether the last read failed because there is nothing to read. Any other failure ends the script.
expect_absent() {
  if ! grep -Eq 'NoSuch|NotFound|404' "$folder/error"; then
    cat "$folder/error" >&2
    exit 1
  fi
}

# put_replication ACCOUNT REGION BUCKET CONFIGURATION: stops when there are other rules, which S3 would
# drop.
put_replication() {
  local rules rule
  if rules=$(in_account "$1" s3api get-bucket-replication --region "$2" --bucket "$3" \
    --query 'ReplicationConfiguration.Rules[].ID' --output text 2>"$folder/error"); then
    while IFS= read -r rule; do
      if [[ ${REPLACE:-0} != 1 ]] && ! grep -Fq "\"ID\": \"$rule\"" "$4"; then
        say "bucket $3 has the replication rule '$rule', which is not from here; it would be lost."
        say "Add it to the document in this script, or run it with REPLACE=1."
        exit 1
      fi
    done < <(tr '\t' '\n' <<<"$rules")
  else
    expect_absent
  fi
  in_account "$1" s3api put-bucket-replication --region "$2" --bucket "$3" \
    --replication-configuration "file://$4"
}

# make_policy ACCOUNT NAME ARN DOCUMENT: makes a managed policy, or a new version of it.
make_policy() {
  local version current spare
  if ! version=$(in_account "$1" iam get-policy --policy-arn "$3" \
    --query Policy.DefaultVersionId --output text 2>/dev/null); then
    say "making policy $2"
    in_account "$1" iam create-policy --policy-name "$2" --policy-document "file://$4" >/dev/null
    return
  fi
  current=$(in_account "$1" iam get-policy-version --policy-arn "$3" --version-id "$version" \
    --query PolicyVersion.Document --output json | tr -d '[:space:]')
  if [[ $current == "$(tr -d '[:space:]' <"$4")" ]]; then
    say "policy $2 is there"
    return
  fi
  # IAM keeps five versions.
  spare=$(in_account "$1" iam list-policy-versions --policy-arn "$3" \
    --query 'Versions[?!IsDefaultVersion] | [3].VersionId' --output text)
  if [[ $spare == v* ]]; then
    in_account "$1" iam delete-policy-version --policy-arn "$3" --version-id "$spare"
  fi
  say "a new version of policy $2"
  in_account "$1" iam create-policy-version --policy-arn "$3" --policy-document "file://$4" \
    --set-as-default >/dev/null
}

# The documents, in the shapes that the AWS CLI takes.

cat >"$folder/versioning-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Status": "Enabled"
}
EOF

cat >"$folder/encryption-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Rules": [
    {
      "ApplyServerSideEncryptionByDefault": {
        "SSEAlgorithm": "AES256"
      },
      "BucketKeyEnabled": false,
      "BlockedEncryptionTypes": {
        "EncryptionType": [
          "SSE-C"
        ]
      }
    }
  ]
}
EOF

cat >"$folder/versioning-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Status": "Enabled"
}
EOF

cat >"$folder/encryption-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Rules": [
    {
      "ApplyServerSideEncryptionByDefault": {
        "SSEAlgorithm": "AES256"
      },
      "BucketKeyEnabled": false,
      "BlockedEncryptionTypes": {
        "EncryptionType": [
          "SSE-C"
        ]
      }
    }
  ]
}
EOF

cat >"$folder/trust-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "S3MayAssumeThisRole",
      "Effect": "Allow",
      "Principal": {
        "Service": [
          "s3.amazonaws.com"
        ]
      },
      "Action": [
        "sts:AssumeRole"
      ]
    }
  ]
}
EOF

cat >"$folder/role-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadSourceConfiguration",
      "Effect": "Allow",
      "Action": [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo"
      ]
    },
    {
      "Sid": "ReadSourceVersions",
      "Effect": "Allow",
      "Action": [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo/*"
      ]
    },
    {
      "Sid": "WriteReplicas",
      "Effect": "Allow",
      "Action": [
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka/*"
      ]
    }
  ]
}
EOF

cat >"$folder/trust-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "S3MayAssumeThisRole",
      "Effect": "Allow",
      "Principal": {
        "Service": [
          "s3.amazonaws.com"
        ]
      },
      "Action": [
        "sts:AssumeRole"
      ]
    }
  ]
}
EOF

cat >"$folder/role-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadSourceConfiguration",
      "Effect": "Allow",
      "Action": [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka"
      ]
    },
    {
      "Sid": "ReadSourceVersions",
      "Effect": "Allow",
      "Action": [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka/*"
      ]
    },
    {
      "Sid": "WriteReplicas",
      "Effect": "Allow",
      "Action": [
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo/*"
      ]
    }
  ]
}
EOF

cat >"$folder/replication-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Role": "arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-tokyo",
  "Rules": [
    {
      "ID": "to-amzn-s3-demo-osaka",
      "Priority": 1,
      "Status": "Enabled",
      "Filter": {
        "Prefix": ""
      },
      "DeleteMarkerReplication": {
        "Status": "Enabled"
      },
      "SourceSelectionCriteria": {
        "ReplicaModifications": {
          "Status": "Enabled"
        }
      },
      "Destination": {
        "Bucket": "arn:aws:s3:::amzn-s3-demo-osaka"
      }
    }
  ]
}
EOF

cat >"$folder/replication-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Role": "arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-osaka",
  "Rules": [
    {
      "ID": "to-amzn-s3-demo-tokyo",
      "Priority": 1,
      "Status": "Enabled",
      "Filter": {
        "Prefix": ""
      },
      "DeleteMarkerReplication": {
        "Status": "Enabled"
      },
      "SourceSelectionCriteria": {
        "ReplicaModifications": {
          "Status": "Enabled"
        }
      },
      "Destination": {
        "Bucket": "arn:aws:s3:::amzn-s3-demo-tokyo"
      }
    }
  ]
}
EOF

cat >"$folder/uploader-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "UploadObjects",
      "Effect": "Allow",
      "Action": [
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo/*"
      ]
    },
    {
      "Sid": "FindBucket",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo"
      ]
    }
  ]
}
EOF

cat >"$folder/verifier-amzn-s3-demo-tokyo.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadBucketSettings",
      "Effect": "Allow",
      "Action": [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetLifecycleConfiguration"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo",
        "arn:aws:s3:::amzn-s3-demo-osaka"
      ]
    },
    {
      "Sid": "ReadObjectsAndReplicas",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-tokyo/*",
        "arn:aws:s3:::amzn-s3-demo-osaka/*"
      ]
    },
    {
      "Sid": "ReadReplicationRole",
      "Effect": "Allow",
      "Action": [
        "iam:GetRole",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies"
      ],
      "Resource": [
        "arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-tokyo"
      ]
    },
    {
      "Sid": "ReadManagedPolicies",
      "Effect": "Allow",
      "Action": [
        "iam:GetPolicy",
        "iam:GetPolicyVersion"
      ],
      "Resource": [
        "arn:aws:iam::111122223333:policy/*"
      ]
    }
  ]
}
EOF

cat >"$folder/uploader-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "UploadObjects",
      "Effect": "Allow",
      "Action": [
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka/*"
      ]
    },
    {
      "Sid": "FindBucket",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka"
      ]
    }
  ]
}
EOF

cat >"$folder/verifier-amzn-s3-demo-osaka.json" <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadBucketSettings",
      "Effect": "Allow",
      "Action": [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetLifecycleConfiguration"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka",
        "arn:aws:s3:::amzn-s3-demo-tokyo"
      ]
    },
    {
      "Sid": "ReadObjectsAndReplicas",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging"
      ],
      "Resource": [
        "arn:aws:s3:::amzn-s3-demo-osaka/*",
        "arn:aws:s3:::amzn-s3-demo-tokyo/*"
      ]
    },
    {
      "Sid": "ReadReplicationRole",
      "Effect": "Allow",
      "Action": [
        "iam:GetRole",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies"
      ],
      "Resource": [
        "arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-osaka"
      ]
    },
    {
      "Sid": "ReadManagedPolicies",
      "Effect": "Allow",
      "Action": [
        "iam:GetPolicy",
        "iam:GetPolicyVersion"
      ],
      "Resource": [
        "arn:aws:iam::111122223333:policy/*"
      ]
    }
  ]
}
EOF

# Whose credentials these are.
expect_account 111122223333

# Buckets. Ownership, versioning and encryption are set whether they are new or not.

make_bucket 111122223333 ap-northeast-1 amzn-s3-demo-tokyo \
  --create-bucket-configuration LocationConstraint=ap-northeast-1
in_account 111122223333 s3api put-bucket-ownership-controls --region ap-northeast-1 --bucket amzn-s3-demo-tokyo \
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
in_account 111122223333 s3api put-bucket-versioning --region ap-northeast-1 --bucket amzn-s3-demo-tokyo \
  --versioning-configuration "file://$folder/versioning-amzn-s3-demo-tokyo.json"
in_account 111122223333 s3api put-bucket-encryption --region ap-northeast-1 --bucket amzn-s3-demo-tokyo \
  --server-side-encryption-configuration "file://$folder/encryption-amzn-s3-demo-tokyo.json"

make_bucket 111122223333 ap-northeast-3 amzn-s3-demo-osaka \
  --create-bucket-configuration LocationConstraint=ap-northeast-3
in_account 111122223333 s3api put-bucket-ownership-controls --region ap-northeast-3 --bucket amzn-s3-demo-osaka \
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
in_account 111122223333 s3api put-bucket-versioning --region ap-northeast-3 --bucket amzn-s3-demo-osaka \
  --versioning-configuration "file://$folder/versioning-amzn-s3-demo-osaka.json"
in_account 111122223333 s3api put-bucket-encryption --region ap-northeast-3 --bucket amzn-s3-demo-osaka \
  --server-side-encryption-configuration "file://$folder/encryption-amzn-s3-demo-osaka.json"

# Roles that S3 acts as.
make_role 111122223333 s3-replication-amzn-s3-demo-tokyo \
  "$folder/trust-amzn-s3-demo-tokyo.json" "$folder/role-amzn-s3-demo-tokyo.json"
make_role 111122223333 s3-replication-amzn-s3-demo-osaka \
  "$folder/trust-amzn-s3-demo-osaka.json" "$folder/role-amzn-s3-demo-osaka.json"

# Replication, last of all: S3 acts on it at once.
put_replication 111122223333 ap-northeast-1 amzn-s3-demo-tokyo \
  "$folder/replication-amzn-s3-demo-tokyo.json"
put_replication 111122223333 ap-northeast-3 amzn-s3-demo-osaka \
  "$folder/replication-amzn-s3-demo-osaka.json"

# Managed policies to attach to those who upload and download, and to those who verify.
if [[ ${USER_POLICIES:-1} != 0 ]]; then
  make_policy 111122223333 s3-replication-uploader-amzn-s3-demo-tokyo \
    arn:aws:iam::111122223333:policy/s3-replication-uploader-amzn-s3-demo-tokyo \
    "$folder/uploader-amzn-s3-demo-tokyo.json"
  make_policy 111122223333 s3-replication-verifier-amzn-s3-demo-tokyo \
    arn:aws:iam::111122223333:policy/s3-replication-verifier-amzn-s3-demo-tokyo \
    "$folder/verifier-amzn-s3-demo-tokyo.json"
  make_policy 111122223333 s3-replication-uploader-amzn-s3-demo-osaka \
    arn:aws:iam::111122223333:policy/s3-replication-uploader-amzn-s3-demo-osaka \
    "$folder/uploader-amzn-s3-demo-osaka.json"
  make_policy 111122223333 s3-replication-verifier-amzn-s3-demo-osaka \
    arn:aws:iam::111122223333:policy/s3-replication-verifier-amzn-s3-demo-osaka \
    "$folder/verifier-amzn-s3-demo-osaka.json"
fi

# Done.
say "replication is set up"
