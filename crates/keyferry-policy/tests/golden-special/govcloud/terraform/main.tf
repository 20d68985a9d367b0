# S3 replication:
#   amzn-s3-demo-destination (us-gov-east-1, 111122223333) to amzn-s3-demo-source (us-gov-west-1, 111122223333), DSSE-KMS
#   amzn-s3-demo-source (us-gov-west-1, 111122223333) to amzn-s3-demo-destination (us-gov-east-1, 111122223333), DSSE-KMS
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
  alias               = "us_gov_west_1"
  region              = "us-gov-west-1"
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
  alias               = "us_gov_east_1"
  region              = "us-gov-east-1"
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
  amzn_s3_demo_source      = var.create_buckets ? aws_s3_bucket.amzn_s3_demo_source[0].bucket : "amzn-s3-demo-source"
  amzn_s3_demo_destination = var.create_buckets ? aws_s3_bucket.amzn_s3_demo_destination[0].bucket : "amzn-s3-demo-destination"
}

# amzn-s3-demo-source in us-gov-west-1, account 111122223333

resource "aws_s3_bucket" "amzn_s3_demo_source" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.us_gov_west_1

  bucket = "amzn-s3-demo-source"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  bucket = local.amzn_s3_demo_source

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  bucket = local.amzn_s3_demo_source

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  bucket = local.amzn_s3_demo_source

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms:dsse"
      kms_master_key_id = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_iam_role" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  name        = "s3-replication-amzn-s3-demo-source"
  description = "S3 replicates out of amzn-s3-demo-source as this role"
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

resource "aws_iam_role_policy" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  name = "keyferry-replication"
  role = aws_iam_role.amzn_s3_demo_source.name
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
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-source"]
      },
      {
        Sid    = "ReadSourceVersions"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
      },
      {
        Sid    = "WriteReplicas"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
      },
      {
        Sid      = "DecryptSourceObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
          }
        }
      },
      {
        Sid      = "EncryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
          }
        }
      },
    ]
  })
}

resource "aws_kms_key_policy" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  key_id = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws-us-gov:iam::111122223333:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "amzn_s3_demo_source" {
  provider = aws.us_gov_west_1

  bucket = local.amzn_s3_demo_source
  role   = aws_iam_role.amzn_s3_demo_source.arn

  rule {
    id       = "to-amzn-s3-demo-destination"
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
      bucket = "arn:aws-us-gov:s3:::amzn-s3-demo-destination"

      encryption_configuration {
        replica_kms_key_id = "arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.amzn_s3_demo_source,
    aws_s3_bucket_versioning.amzn_s3_demo_source,
    aws_s3_bucket_versioning.amzn_s3_demo_destination,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_source,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_destination,
    aws_kms_key_policy.amzn_s3_demo_source,
    aws_kms_key_policy.amzn_s3_demo_destination,
  ]
}

resource "aws_iam_policy" "amzn_s3_demo_source_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_gov_west_1

  name = "s3-replication-uploader-amzn-s3-demo-source"
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
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-source"]
      },
      {
        Sid    = "UseKey"
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt",
        ]
        Resource = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "amzn_s3_demo_source_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_gov_west_1

  name = "s3-replication-verifier-amzn-s3-demo-source"
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
          "arn:aws-us-gov:s3:::amzn-s3-demo-source",
          "arn:aws-us-gov:s3:::amzn-s3-demo-destination",
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
          "arn:aws-us-gov:s3:::amzn-s3-demo-source/*",
          "arn:aws-us-gov:s3:::amzn-s3-demo-destination/*",
        ]
      },
      {
        Sid      = "DecryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
          }
        }
      },
      {
        Sid      = "DecryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
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
        Resource = ["arn:aws-us-gov:iam::111122223333:role/s3-replication-amzn-s3-demo-source"]
      },
      {
        Sid    = "ReadManagedPolicies"
        Effect = "Allow"
        Action = [
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
        ]
        Resource = ["arn:aws-us-gov:iam::111122223333:policy/*"]
      },
      {
        Sid    = "ReadKeySettings"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
        ]
        Resource = [
          "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ]
      },
    ]
  })
}

# amzn-s3-demo-destination in us-gov-east-1, account 111122223333

resource "aws_s3_bucket" "amzn_s3_demo_destination" {
  count    = var.create_buckets ? 1 : 0
  provider = aws.us_gov_east_1

  bucket = "amzn-s3-demo-destination"
}

resource "aws_s3_bucket_ownership_controls" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  bucket = local.amzn_s3_demo_destination

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  bucket = local.amzn_s3_demo_destination

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  bucket = local.amzn_s3_demo_destination

  rule {
    bucket_key_enabled       = false
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms:dsse"
      kms_master_key_id = "arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
  }
}

resource "aws_iam_role" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  name        = "s3-replication-amzn-s3-demo-destination"
  description = "S3 replicates out of amzn-s3-demo-destination as this role"
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

resource "aws_iam_role_policy" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  name = "keyferry-replication"
  role = aws_iam_role.amzn_s3_demo_destination.name
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
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination"]
      },
      {
        Sid    = "ReadSourceVersions"
        Effect = "Allow"
        Action = [
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
      },
      {
        Sid    = "WriteReplicas"
        Effect = "Allow"
        Action = [
          "s3:ReplicateObject",
          "s3:ReplicateDelete",
          "s3:ReplicateTags",
        ]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
      },
      {
        Sid      = "DecryptSourceObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
          }
        }
      },
      {
        Sid      = "EncryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Encrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
          }
        }
      },
    ]
  })
}

resource "aws_kms_key_policy" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  key_id = "arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = ["arn:aws-us-gov:iam::111122223333:root"]
        }
        Action   = ["kms:*"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "amzn_s3_demo_destination" {
  provider = aws.us_gov_east_1

  bucket = local.amzn_s3_demo_destination
  role   = aws_iam_role.amzn_s3_demo_destination.arn

  rule {
    id       = "to-amzn-s3-demo-source"
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
      bucket = "arn:aws-us-gov:s3:::amzn-s3-demo-source"

      encryption_configuration {
        replica_kms_key_id = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy.amzn_s3_demo_destination,
    aws_s3_bucket_versioning.amzn_s3_demo_destination,
    aws_s3_bucket_versioning.amzn_s3_demo_source,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_destination,
    aws_s3_bucket_server_side_encryption_configuration.amzn_s3_demo_source,
    aws_kms_key_policy.amzn_s3_demo_destination,
    aws_kms_key_policy.amzn_s3_demo_source,
  ]
}

resource "aws_iam_policy" "amzn_s3_demo_destination_uploader" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_gov_east_1

  name = "s3-replication-uploader-amzn-s3-demo-destination"
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
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination"]
      },
      {
        Sid    = "UseKey"
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt",
        ]
        Resource = ["arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "amzn_s3_demo_destination_verifier" {
  count    = var.create_user_policies ? 1 : 0
  provider = aws.us_gov_east_1

  name = "s3-replication-verifier-amzn-s3-demo-destination"
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
          "arn:aws-us-gov:s3:::amzn-s3-demo-destination",
          "arn:aws-us-gov:s3:::amzn-s3-demo-source",
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
          "arn:aws-us-gov:s3:::amzn-s3-demo-destination/*",
          "arn:aws-us-gov:s3:::amzn-s3-demo-source/*",
        ]
      },
      {
        Sid      = "DecryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-east-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-destination/*"]
          }
        }
      },
      {
        Sid      = "DecryptReplicas"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-gov-west-1.amazonaws.com"]
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws-us-gov:s3:::amzn-s3-demo-source/*"]
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
        Resource = ["arn:aws-us-gov:iam::111122223333:role/s3-replication-amzn-s3-demo-destination"]
      },
      {
        Sid    = "ReadManagedPolicies"
        Effect = "Allow"
        Action = [
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
        ]
        Resource = ["arn:aws-us-gov:iam::111122223333:policy/*"]
      },
      {
        Sid    = "ReadKeySettings"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
        ]
        Resource = [
          "arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ]
      },
    ]
  })
}

output "replication_roles" {
  description = "Role that replicates, by source bucket."
  value = {
    "amzn-s3-demo-source"      = aws_iam_role.amzn_s3_demo_source.arn
    "amzn-s3-demo-destination" = aws_iam_role.amzn_s3_demo_destination.arn
  }
}
