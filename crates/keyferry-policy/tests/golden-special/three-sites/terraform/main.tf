# S3 replication:
#   1.amzn-s3-demo (eu-west-1, 111122223333) to 1-amzn-s3-demo (us-east-1, 444455556666), SSE-KMS
#   1.amzn-s3-demo (eu-west-1, 111122223333) to amzn.s3.demo.archive (eu-west-1, 444455556666), SSE-KMS
#   1.amzn-s3-demo (eu-west-1, 111122223333) to amzn.s3.demo.archive (eu-west-1, 444455556666), SSE-KMS
#   1-amzn-s3-demo (us-east-1, 444455556666) to 1.amzn-s3-demo (eu-west-1, 111122223333), SSE-KMS
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
  alias               = "eu_west_1_111122223333"
  region              = "eu-west-1"
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
  alias               = "us_east_1_444455556666"
  region              = "us-east-1"
  profile             = lookup(var.profiles, "444455556666", null)
  allowed_account_ids = ["444455556666"]

  dynamic "assume_role" {
    for_each = compact([lookup(var.assume_role_arns, "444455556666", "")])

    content {
      role_arn = assume_role.value
    }
  }
}

provider "aws" {
  alias               = "eu_west_1_444455556666"
  region              = "eu-west-1"
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
  bucket_1_amzn_s3_demo   = var.create_buckets ? aws_s3_bucket.bucket_1_amzn_s3_demo[0].bucket : "1.amzn-s3-demo"
  bucket_1_amzn_s3_demox2 = var.create_buckets ? aws_s3_bucket.bucket_1_amzn_s3_demox2[0].bucket : "1-amzn-s3-demo"
  amzn_s3_demo_archive    = var.create_buckets ? aws_s3_bucket.amzn_s3_demo_archive[0].bucket : "amzn.s3.demo.archive"
}

# 1.amzn-s3-demo in eu-west-1, account 111122223333

resource "aws_s3_bucket" "bucket_1_amzn_s3_demo" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.eu_west_1_111122223333

  bucket = "1.amzn-s3-demo"
}

resource "aws_s3_bucket_ownership_controls" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  bucket = local.bucket_1_amzn_s3_demo

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  bucket = local.bucket_1_amzn_s3_demo

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  bucket = local.bucket_1_amzn_s3_demo

  rule {
    bucket_key_enabled       = true
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_iam_role" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  name        = "s3-replication-1.amzn-s3-demo"
  description = "S3 replicates out of 1.amzn-s3-demo as this role"
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

resource "aws_iam_role_policy" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  name = "keyferry-replication"
  role = aws_iam_role.bucket_1_amzn_s3_demo.name
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
        Resource = ["arn:aws:s3:::1.amzn-s3-demo"]
      },
      {
        Sid    = "ReadSourceVersions"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/*"]
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
        Resource = ["arn:aws:s3:::1-amzn-s3-demo/*"]
      },
      {
        Sid      = "DecryptSourceObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
      {
        Sid      = "EncryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
          }
        }
      },
      {
        Sid    = "ReadSourceVersions2"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/archive/*"]
      },
      {
        Sid    = "WriteReplicas2"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::amzn.s3.demo.archive/archive/*"]
      },
      {
        Sid      = "EncryptReplicas2"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/archive/*",
            ]
          }
        }
      },
      {
        Sid    = "UseReplicaBucketKey"
        Effect = "Allow"
        Action = [
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ]
        Resource = ["arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn.s3.demo.archive"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
      {
        Sid    = "ReadSourceVersions3"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/invoices/*"]
      },
      {
        Sid    = "WriteReplicas3"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::amzn.s3.demo.archive/invoices/*"]
      },
      {
        Sid      = "EncryptReplicas3"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/invoices/*",
            ]
          }
        }
      },
    ]
  })
}

resource "aws_kms_key_policy" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
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
      {
        Sid    = "ReplicationRoleEncryptsReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::444455556666:role/s3-replication-1-amzn-s3-demo"]
        }
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demox2]
}

resource "aws_s3_bucket_policy" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  bucket = local.bucket_1_amzn_s3_demo
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReplicationRoleWritesReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::444455556666:role/s3-replication-1-amzn-s3-demo"]
        }
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/*"]
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demox2]
}

resource "aws_s3_bucket_replication_configuration" "bucket_1_amzn_s3_demo" {
  provider = aws.eu_west_1_111122223333

  bucket = local.bucket_1_amzn_s3_demo
  role   = aws_iam_role.bucket_1_amzn_s3_demo.arn

  rule {
    id       = "to-1-amzn-s3-demo"
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

      replica_modifications {
        status = "Enabled"
      }
    }

    destination {
      bucket  = "arn:aws:s3:::1-amzn-s3-demo"
      account = "444455556666"

      access_control_translation {
        owner = "Destination"
      }

      encryption_configuration {
        replica_kms_key_id = "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  rule {
    id       = "to-amzn.s3.demo.archive-2"
    priority = 2
    status   = "Enabled"

    filter {
      prefix = "archive/"
    }

    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket        = "arn:aws:s3:::amzn.s3.demo.archive"
      storage_class = "DEEP_ARCHIVE"

      encryption_configuration {
        replica_kms_key_id = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  rule {
    id       = "to-amzn.s3.demo.archive-3"
    priority = 3
    status   = "Enabled"

    filter {
      prefix = "invoices/"
    }

    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket = "arn:aws:s3:::amzn.s3.demo.archive"

      encryption_configuration {
        replica_kms_key_id = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.bucket_1_amzn_s3_demo,
    aws_s3_bucket_versioning.bucket_1_amzn_s3_demo,
    aws_s3_bucket_versioning.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_versioning.amzn_s3_demo_archive,
    aws_s3_bucket_server_side_encryption_configuration.bucket_1_amzn_s3_demo,
    aws_s3_bucket_server_side_encryption_configuration.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_archive,
    aws_kms_key_policy.bucket_1_amzn_s3_demo,
    aws_kms_key_policy.bucket_1_amzn_s3_demox2,
    aws_kms_key_policy.amzn_s3_demo_archive,
    aws_s3_bucket_policy.bucket_1_amzn_s3_demo,
    aws_s3_bucket_policy.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_policy.amzn_s3_demo_archive,
  ]
}

resource "aws_iam_policy" "bucket_1_amzn_s3_demo_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.eu_west_1_111122223333

  name = "s3-replication-uploader-1.amzn-s3-demo"
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
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/*"]
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo"]
      },
      {
        Sid    = "UseKey"
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt",
        ]
        Resource = ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
      {
        Sid    = "UploadObjects2"
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
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/archive/*"]
      },
      {
        Sid    = "UploadObjects3"
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
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/invoices/*"]
      },
    ]
  })
}

resource "aws_iam_policy" "bucket_1_amzn_s3_demo_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.eu_west_1_111122223333

  name = "s3-replication-verifier-1.amzn-s3-demo"
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
          "arn:aws:s3:::1.amzn-s3-demo",
          "arn:aws:s3:::1-amzn-s3-demo",
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
          "arn:aws:s3:::1.amzn-s3-demo/*",
          "arn:aws:s3:::1-amzn-s3-demo/*",
        ]
      },
      {
        Sid      = "DecryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
      {
        Sid      = "DecryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
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
        Resource = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
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
          "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ]
      },
      {
        Sid    = "ReadBucketSettings2"
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
          "arn:aws:s3:::1.amzn-s3-demo",
          "arn:aws:s3:::amzn.s3.demo.archive",
        ]
      },
      {
        Sid    = "ReadObjectsAndReplicas2"
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectTagging",
          "s3:GetObjectVersionTagging",
        ]
        Resource = [
          "arn:aws:s3:::1.amzn-s3-demo/archive/*",
          "arn:aws:s3:::amzn.s3.demo.archive/archive/*",
        ]
      },
      {
        Sid      = "DecryptReplicas2"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/archive/*",
            ]
          }
        }
      },
      {
        Sid    = "ReadKeySettings2"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
        ]
        Resource = [
          "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ]
      },
      {
        Sid    = "ReadObjectsAndReplicas3"
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectTagging",
          "s3:GetObjectVersionTagging",
        ]
        Resource = [
          "arn:aws:s3:::1.amzn-s3-demo/invoices/*",
          "arn:aws:s3:::amzn.s3.demo.archive/invoices/*",
        ]
      },
      {
        Sid      = "DecryptReplicas3"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/invoices/*",
            ]
          }
        }
      },
    ]
  })
}

# 1-amzn-s3-demo in us-east-1, account 444455556666

resource "aws_s3_bucket" "bucket_1_amzn_s3_demox2" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.us_east_1_444455556666

  bucket = "1-amzn-s3-demo"
}

resource "aws_s3_bucket_ownership_controls" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  bucket = local.bucket_1_amzn_s3_demox2

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_versioning" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  bucket = local.bucket_1_amzn_s3_demox2

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  bucket = local.bucket_1_amzn_s3_demox2

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_iam_role" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  name        = "s3-replication-1-amzn-s3-demo"
  description = "S3 replicates out of 1-amzn-s3-demo as this role"
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

resource "aws_iam_role_policy" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  name = "keyferry-replication"
  role = aws_iam_role.bucket_1_amzn_s3_demox2.name
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
        Resource = ["arn:aws:s3:::1-amzn-s3-demo"]
      },
      {
        Sid    = "ReadSourceVersions"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws:s3:::1-amzn-s3-demo/*"]
      },
      {
        Sid    = "WriteReplicas"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::1.amzn-s3-demo/*"]
      },
      {
        Sid      = "DecryptSourceObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
          }
        }
      },
      {
        Sid    = "EncryptReplicas"
        Effect = "Allow"
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ]
        Resource = ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
    ]
  })
}

resource "aws_kms_key_policy" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  key_id = "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::444455556666:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
      {
        Sid    = "ReplicationRoleEncryptsReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action   = ["kms:Encrypt"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
          }
        }
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demo]
}

resource "aws_s3_bucket_policy" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  bucket = local.bucket_1_amzn_s3_demox2
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReplicationRoleWritesReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
          "s3:ObjectOwnerOverrideToBucketOwner",
        ]
        Resource = ["arn:aws:s3:::1-amzn-s3-demo/*"]
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demo]
}

resource "aws_s3_bucket_replication_configuration" "bucket_1_amzn_s3_demox2" {
  provider = aws.us_east_1_444455556666

  bucket = local.bucket_1_amzn_s3_demox2
  role   = aws_iam_role.bucket_1_amzn_s3_demox2.arn

  rule {
    id       = "to-1.amzn-s3-demo"
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

      replica_modifications {
        status = "Enabled"
      }
    }

    destination {
      bucket = "arn:aws:s3:::1.amzn-s3-demo"

      encryption_configuration {
        replica_kms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_versioning.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_versioning.bucket_1_amzn_s3_demo,
    aws_s3_bucket_server_side_encryption_configuration.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_server_side_encryption_configuration.bucket_1_amzn_s3_demo,
    aws_kms_key_policy.bucket_1_amzn_s3_demox2,
    aws_kms_key_policy.bucket_1_amzn_s3_demo,
    aws_s3_bucket_policy.bucket_1_amzn_s3_demox2,
    aws_s3_bucket_policy.bucket_1_amzn_s3_demo,
  ]
}

resource "aws_iam_policy" "bucket_1_amzn_s3_demox2_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_east_1_444455556666

  name = "s3-replication-uploader-1-amzn-s3-demo"
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
        Resource = ["arn:aws:s3:::1-amzn-s3-demo/*"]
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws:s3:::1-amzn-s3-demo"]
      },
      {
        Sid    = "UseKey"
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt",
        ]
        Resource = ["arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "bucket_1_amzn_s3_demox2_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_east_1_444455556666

  name = "s3-replication-verifier-1-amzn-s3-demo"
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
          "arn:aws:s3:::1-amzn-s3-demo",
          "arn:aws:s3:::1.amzn-s3-demo",
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
          "arn:aws:s3:::1-amzn-s3-demo/*",
          "arn:aws:s3:::1.amzn-s3-demo/*",
        ]
      },
      {
        Sid      = "DecryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1-amzn-s3-demo/*"]
          }
        }
      },
      {
        Sid      = "DecryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::1.amzn-s3-demo"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
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
        Resource = ["arn:aws:iam::444455556666:role/s3-replication-1-amzn-s3-demo"]
      },
      {
        Sid    = "ReadManagedPolicies"
        Effect = "Allow"
        Action = [
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
        ]
        Resource = ["arn:aws:iam::444455556666:policy/*"]
      },
      {
        Sid    = "ReadKeySettings"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
        ]
        Resource = [
          "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ]
      },
    ]
  })
}

# amzn.s3.demo.archive in eu-west-1, account 444455556666

resource "aws_s3_bucket" "amzn_s3_demo_archive" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.eu_west_1_444455556666

  bucket = "amzn.s3.demo.archive"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_archive" {
  provider = aws.eu_west_1_444455556666

  bucket = local.amzn_s3_demo_archive

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_archive" {
  provider = aws.eu_west_1_444455556666

  bucket = local.amzn_s3_demo_archive

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_archive" {
  provider = aws.eu_west_1_444455556666

  bucket = local.amzn_s3_demo_archive

  rule {
    bucket_key_enabled       = true
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_kms_key_policy" "amzn_s3_demo_archive" {
  provider = aws.eu_west_1_444455556666

  key_id = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::444455556666:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
      {
        Sid    = "ReplicationRoleEncryptsReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action   = ["kms:Encrypt"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/archive/*",
            ]
          }
        }
      },
      {
        Sid    = "ReplicationRoleUsesBucketKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action = [
          "kms:Decrypt",
          "kms:GenerateDataKey",
        ]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::amzn.s3.demo.archive"]
            "kms:ViaService"                   = ["s3.eu-west-1.amazonaws.com"]
          }
        }
      },
      {
        Sid    = "ReplicationRoleEncryptsReplicas2"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action   = ["kms:Encrypt"]
        Resource = ["*"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:aws:s3:::amzn.s3.demo.archive",
              "arn:aws:s3:::amzn.s3.demo.archive/invoices/*",
            ]
          }
        }
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demo]
}

resource "aws_s3_bucket_policy" "amzn_s3_demo_archive" {
  provider = aws.eu_west_1_444455556666

  bucket = local.amzn_s3_demo_archive
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReplicationRoleWritesReplicas"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws:iam::111122223333:role/s3-replication-1.amzn-s3-demo"]
        }
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws:s3:::amzn.s3.demo.archive/*"]
      },
    ]
  })

  depends_on = [aws_iam_role.bucket_1_amzn_s3_demo]
}

output "replication_roles" {
  description = "Role that replicates, by source bucket."
  value = {
    "1.amzn-s3-demo" = aws_iam_role.bucket_1_amzn_s3_demo.arn
    "1-amzn-s3-demo" = aws_iam_role.bucket_1_amzn_s3_demox2.arn
  }
}
