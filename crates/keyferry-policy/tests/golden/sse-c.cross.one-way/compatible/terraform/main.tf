# S3 replication:
#   amzn-s3-demo-tokyo (ap-northeast-1, 111122223333) to amzn-s3-demo-osaka (ap-northeast-3, 444455556666), SSE-C
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
  alias               = "ap_northeast_1_111122223333"
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
  alias               = "ap_northeast_3_444455556666"
  region              = "ap-northeast-3"
  profile             = lookup(var.profiles, "444455556666", null)
  allowed_account_ids = ["444455556666"]

  dynamic "assume_role" {
    for_each = compact([lookup(var.assume_role_arns, "444455556666", "")])

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
  provider = aws.ap_northeast_1_111122223333

  bucket = "amzn-s3-demo-tokyo"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1_111122223333

  bucket = local.amzn_s3_demo_tokyo

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1_111122223333

  bucket = local.amzn_s3_demo_tokyo

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1_111122223333

  bucket = local.amzn_s3_demo_tokyo

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["NONE"]

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_iam_role" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1_111122223333

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
  provider = aws.ap_northeast_1_111122223333

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
          "s3:ObjectOwnerOverrideToBucketOwner",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-osaka/*"]
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "amzn_s3_demo_tokyo" {
  provider = aws.ap_northeast_1_111122223333

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

    destination {
      bucket  = "arn:aws:s3:::amzn-s3-demo-osaka"
      account = "444455556666"

      access_control_translation {
        owner = "Destination"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.amzn_s3_demo_tokyo,
    aws_s3_bucket_versioning.amzn_s3_demo_tokyo,
    aws_s3_bucket_versioning.amzn_s3_demo_osaka,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_tokyo,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_osaka,
    aws_s3_bucket_policy.amzn_s3_demo_osaka,
  ]
}

resource "aws_iam_policy" "amzn_s3_demo_tokyo_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.ap_northeast_1_111122223333

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
    ]
  })
}

resource "aws_iam_policy" "amzn_s3_demo_tokyo_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.ap_northeast_1_111122223333

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
    ]
  })
}

# amzn-s3-demo-osaka in ap-northeast-3, account 444455556666

resource "aws_s3_bucket" "amzn_s3_demo_osaka" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.ap_northeast_3_444455556666

  bucket = "amzn-s3-demo-osaka"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3_444455556666

  bucket = local.amzn_s3_demo_osaka

  rule {
    object_ownership = "ObjectWriter"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3_444455556666

  bucket = local.amzn_s3_demo_osaka

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3_444455556666

  bucket = local.amzn_s3_demo_osaka

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["NONE"]

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "amzn_s3_demo_osaka" {
  provider = aws.ap_northeast_3_444455556666

  bucket = local.amzn_s3_demo_osaka
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReplicationRoleWritesReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-amzn-s3-demo-tokyo"]
        }
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
          "s3:ObjectOwnerOverrideToBucketOwner",
        ]
        Resource = ["arn:aws:s3:::amzn-s3-demo-osaka/*"]
      },
    ]
  })

  depends_on = [aws_iam_role.amzn_s3_demo_tokyo]
}

output "replication_roles" {
  description = "Role that replicates, by source bucket."
  value = {
    "amzn-s3-demo-tokyo" = aws_iam_role.amzn_s3_demo_tokyo.arn
  }
}
