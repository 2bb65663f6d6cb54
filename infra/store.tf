# The bucket that holds configuration, state, records and history: private, versioned, encrypted.

locals {
  bucket_name = coalesce(var.bucket.name, "${var.name}-${var.region}-${substr(var.project_id, 0, 8)}")
  group_paths = { for group in var.groups : group.name => "${var.bucket.prefix}/groups/${group.name}" }
}

resource "huaweicloud_obs_bucket" "state" {
  region        = var.region
  bucket        = local.bucket_name
  acl           = "private"
  storage_class = "STANDARD"
  versioning    = true
  encryption    = true
  sse_algorithm = var.bucket.kms_key_id == null ? "AES256" : "kms"
  kms_key_id    = var.bucket.kms_key_id
  force_destroy = var.bucket.force_destroy

  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags

  # Prefixes may not contain each other, so there are four rules for each group and none for the whole bucket.
  # A snapshot is rewritten each minute: its old versions go after a day.
  lifecycle_rule {
    name    = "doctor"
    enabled = true
    prefix  = "${var.bucket.prefix}/doctor/"

    expiration {
      days = 1
    }
    noncurrent_version_expiration {
      days = 1
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.group_paths

    content {
      name    = "${lifecycle_rule.key}-records"
      enabled = true
      prefix  = "${lifecycle_rule.value}/records/"

      expiration {
        days = var.bucket.record_days
      }
      noncurrent_version_expiration {
        days = 1
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.group_paths

    content {
      name    = "${lifecycle_rule.key}-archive"
      enabled = true
      prefix  = "${lifecycle_rule.value}/archive/"

      expiration {
        days = var.bucket.archive_days
      }
      noncurrent_version_expiration {
        days = 7
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.group_paths

    content {
      name    = "${lifecycle_rule.key}-history"
      enabled = true
      prefix  = "${lifecycle_rule.value}/history/"

      expiration {
        days = var.bucket.history_days
      }
      noncurrent_version_expiration {
        days = 7
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.group_paths

    content {
      name    = "${lifecycle_rule.key}-snapshot"
      enabled = true
      prefix  = "${lifecycle_rule.value}/snapshot.json"

      noncurrent_version_expiration {
        days = 1
      }
    }
  }
}

resource "huaweicloud_obs_bucket_bpa" "state" {
  region                  = var.region
  bucket                  = huaweicloud_obs_bucket.state.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
