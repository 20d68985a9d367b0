# S3 replication:
#   amzn-s3-demo-tokyo (ap-northeast-1, 111122223333) to amzn-s3-demo-osaka (ap-northeast-3, 111122223333), SSE-KMS
#
# Policies of buckets and keys that exist already are replaced as a whole: look at the plan
# before you apply it. Made by `keyferry policy emit --format terraform`.

terraform {
  required_version = ">= 1.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.40.0, < 7.0.0"
    }
  }
}

variable "create_buckets" {
  description = "Whether buckets are made. If not, they are there already, and only their settings are managed."
  type        = bool
  default     = true
}

variable "create_user_policies" {
  description = "Whether managed policies are made for those who upload and download, and for those who verify."
  type        = bool
  default     = true
}

variable "profiles" {
  description = "Profile of the AWS configuration to use, by account id."
  type        = map(string)
  default     = {}
}

variable "assume_role_arns" {
  description = "Role that Terraform assumes, by account id."
  type        = map(string)
  default     = {}
}

provider "aws" {
  alias               = "ap_northeast_1"
  region              = "ap-northeast-1"
  profile             = lookup(var.profiles, "111122223333", null)
  allowed_account_ids = ["111122223333"]

  dynamic "assume_role" {
    for_each = compact([lookup(var.assume_role_arns, "111122223333", "")])

    content {
      role_arn = assume_role.value
    }
  }
}

provider "aws" {
  alias               = "ap_northeast_3"
  region              = "ap-northeast-3"
  profile             = lookup(var.profiles, "111122223333", null)
  allowed_account_ids = ["111122223333"]

  dynamic "assume_role" {
    for_each = compact([lookup(var.assume_role_arns, "111122223333", "")])

    content {
      role_arn = assume_role.value
    }
  }
}

locals {
  amzn_s3_demo_tokyo = var.create_buckets ? aws_s3_bucket.amzn_s3_demo_tokyo[0].bucket : "amzn-s3-demo-tokyo"
  amzn_s3_demo_osaka = var.create_buckets ? aws_s3_bucket.amzn_s3_demo_osaka[0].bucket : "amzn-s3-demo-osaka"
}

# amzn-s3-demo-tokyo in ap-northeast-1, account 111122223333

resource "aws_s3_bucket" "amzn_s3_demo_tokyo" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.ap_northeast_1

  bucket = "amzn-s3-demo-tokyo"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  bucket = local.amzn_s3_demo_tokyo

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  bucket = local.amzn_s3_demo_tokyo

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  bucket = local.amzn_s3_demo_tokyo

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_iam_role" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  name        = "s3-replication-amzn-s3-demo-tokyo"
  description = "S3 replicates out of amzn-s3-demo-tokyo as this role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "S3MayAssumeThisRole"
        Effect = "Allow"
        Principal = {
          Service = ["s3.amazonaws.com"]
        }
        Action = ["sts:AssumeRole"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  name = "keyferry-replication"
  role = aws_iam_role.amzn_s3_demo_tokyo.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadSourceConfiguration"
        Effect = "Allow"
        Action = [
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-tokyo"]
      },
      {
        Sid    = "ReadSourceVersions"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-tokyo/*"]
      },
      {
        Sid    = "WriteReplicas"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-osaka/*"]
      },
      {
        Sid      = "DecryptSourceObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.ap-northeast-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn-s3-demo-tokyo/*"]
          }
        }
      },
      {
        Sid      = "EncryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.ap-northeast-3.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn-s3-demo-osaka/*"]
          }
        }
      },
    ]
  })
}

resource "aws_kms_key_policy" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  key_id = "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1

  bucket = local.amzn_s3_demo_tokyo
  role   = aws_iam_role.amzn_s3_demo_tokyo.arn

  rule {
    id       = "to-amzn-s3-demo-osaka"
    priority = 1
    status   = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket = "arn:aws:s3:::amzn-s3-demo-osaka"

      encryption_configuration {
        replica_kms_key_id = "arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.amzn_s3_demo_tokyo,
    aws_s3_bucket_versioning.amzn_s3_demo_tokyo,
    aws_s3_bucket_versioning.amzn_s3_demo_osaka,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_tokyo,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_osaka,
    aws_kms_key_policy.amzn_s3_demo_tokyo,
    aws_kms_key_policy.amzn_s3_demo_osaka,
  ]
}

resource "aws_iam_policy" "amzn_s3_demo_tokyo_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.ap_northeast_1

  name = "s3-replication-uploader-amzn-s3-demo-tokyo"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "UploadObjects"
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:PutObjectTagging",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectTagging",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-tokyo/*"]
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::amzn-s3-demo-tokyo"]
      },
      {
        Sid    = "UseKey"
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt",
        ]
        Resource = ["arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.ap-northeast-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn-s3-demo-tokyo/*"]
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "amzn_s3_demo_tokyo_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.ap_northeast_1

  name = "s3-replication-verifier-amzn-s3-demo-tokyo"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadBucketSettings"
        Effect = "Allow"
        Action = [
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
          "s3:GetBucketVersioning",
          "s3:GetEncryptionConfiguration",
          "s3:GetBucketPolicy",
          "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketOwnershipControls",
          "s3:GetBucketObjectLockConfiguration",
          "s3:GetLifecycleConfiguration",
        ]
        Resource = [
          "arn:aws:s3:::amzn-s3-demo-tokyo",
          "arn:aws:s3:::amzn-s3-demo-osaka",
        ]
      },
      {
        Sid    = "ReadObjectsAndReplicas"
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectTagging",
          "s3:GetObjectVersionTagging",
        ]
        Resource = [
          "arn:aws:s3:::amzn-s3-demo-tokyo/*",
          "arn:aws:s3:::amzn-s3-demo-osaka/*",
        ]
      },
      {
        Sid      = "DecryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.ap-northeast-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn-s3-demo-tokyo/*"]
          }
        }
      },
      {
        Sid      = "DecryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.ap-northeast-3.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn-s3-demo-osaka/*"]
          }
        }
      },
      {
        Sid    = "ReadReplicationRole"
        Effect = "Allow"
        Action = [
          "iam:GetRole",
          "iam:ListRolePolicies",
          "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies",
        ]
        Resource = ["arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-tokyo"]
      },
      {
        Sid    = "ReadManagedPolicies"
        Effect = "Allow"
        Action = [
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
        ]
        Resource = ["arn:aws:iam::111122223333:policy/*"]
      },
      {
        Sid    = "ReadKeySettings"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
        ]
        Resource = [
          "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321",
        ]
      },
    ]
  })
}

# amzn-s3-demo-osaka in ap-northeast-3, account 111122223333

resource "aws_s3_bucket" "amzn_s3_demo_osaka" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.ap_northeast_3

  bucket = "amzn-s3-demo-osaka"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3

  bucket = local.amzn_s3_demo_osaka

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3

  bucket = local.amzn_s3_demo_osaka

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3

  bucket = local.amzn_s3_demo_osaka

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
    }
  }
}

resource "aws_kms_key_policy" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3

  key_id = "arn:aws:kms:ap-northeast-3:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
    ]
  })
}

output "replication_roles" {
  description = "Role that replicates, by source bucket."
  value = {
    "amzn-s3-demo-tokyo" = aws_iam_role.amzn_s3_demo_tokyo.arn
  }
}
