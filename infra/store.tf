# The bucket that holds configuration, state, records and history: private, versioned, encrypted.

locals {
  bucket_name = coalesce(var.bucket.name, "${var.name}-${var.region}-${substr(var.project_id, 0, 8)}")

  # Prefixes may not contain each other, so there are four rules for each group and none for the whole bucket. A snapshot
  # is rewritten each minute: its old versions go after a day. OBS takes 20 KB of rules, which is enough for twenty groups:
  # with more of them old versions go, and the rest is kept. (Records go into the archive by themselves.)
  has_rules_by_group = length(var.groups) <= 15
  kept = merge({
    for everything in local.has_rules_by_group ? [] : ["groups"] :
    everything => { days = null, old_version_days = 1, path = "", prefix = "${var.bucket.prefix}/groups/" }
    }, [
    for group in local.has_rules_by_group ? var.groups : [] : {
      for kind, rule in {
        records  = { path = "records/", days = var.bucket.record_days, old_version_days = 1 }
        archive  = { path = "archive/", days = var.bucket.archive_days, old_version_days = 7 }
        history  = { path = "history/", days = var.bucket.history_days, old_version_days = 7 }
        snapshot = { path = "snapshot.json", days = null, old_version_days = 1 }
      } : "${group.name}-${kind}" => merge(rule, { prefix = "${var.bucket.prefix}/groups/${group.name}/${rule.path}" })
    }
  ]...)
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
    for_each = local.kept

    content {
      name    = lifecycle_rule.key
      enabled = true
      prefix  = lifecycle_rule.value.prefix

      dynamic "expiration" {
        for_each = lifecycle_rule.value.days[*]

        content {
          days = expiration.value
        }
      }
      noncurrent_version_expiration {
        days = lifecycle_rule.value.old_version_days
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
