# What wakes the functions. A trigger's `status` is not sent when it is made, so none is set: all start active.
# The service adds to `event_data` what it likes and it is compared as text: all but timers ignore its changes.

locals {
  spot_trigger      = coalesce(var.spot_notices.trigger, local.has_spot) && contains(keys(local.functions), "reclaim")
  spot_notification = coalesce(var.spot_notices.notification, local.has_spot) && contains(keys(local.functions), "reclaim")
}

resource "huaweicloud_fgs_function_trigger" "every_minute" {
  region       = var.region
  function_urn = huaweicloud_fgs_function.function["evaluate"].urn
  type         = "TIMER"
  event_data = jsonencode({
    name           = "every-minute"
    schedule_type  = "Rate"
    schedule       = "1m"
    user_event     = ""
    sync_execution = false
  })

  # The first tick finds a configuration.
  depends_on = [huaweicloud_obs_bucket_object.config, huaweicloud_identity_agency.function]
}

resource "huaweicloud_fgs_function_trigger" "tune" {
  count = contains(keys(local.functions), "tune") ? 1 : 0

  region       = var.region
  function_urn = huaweicloud_fgs_function.function["tune"].urn
  type         = "TIMER"
  event_data = jsonencode({
    name           = "tune"
    schedule_type  = "Cron"
    schedule       = var.tune_schedule
    user_event     = ""
    sync_execution = false
  })

  depends_on = [huaweicloud_obs_bucket_object.config, huaweicloud_identity_agency.function]
}

resource "huaweicloud_fgs_function_trigger" "alarm" {
  count = contains(keys(local.functions), "alarm") ? 1 : 0

  region       = var.region
  function_urn = huaweicloud_fgs_function.function["alarm"].urn
  type         = "SMN"
  event_data   = jsonencode({ topic_urn = huaweicloud_smn_topic.alarms.topic_urn })

  lifecycle {
    ignore_changes = [event_data]
  }
}

# A spot reclaim comes about five minutes ahead as the CTS trace `interruptServer`; Cloud Eye has no such event.
resource "huaweicloud_fgs_function_trigger" "reclaim_trace" {
  count = local.spot_trigger ? 1 : 0

  region       = var.region
  function_urn = huaweicloud_fgs_function.function["reclaim"].urn
  type         = "CTS"
  event_data = jsonencode({
    name       = "spot-reclaim"
    operations = ["ECS:server:interruptServer"]
  })

  lifecycle {
    ignore_changes = [event_data]
  }
}

resource "huaweicloud_cts_notification" "reclaim" {
  count = local.spot_notification ? 1 : 0

  region         = var.region
  name           = "${replace(var.name, "-", "_")}_reclaim"
  operation_type = "customized"
  smn_topic      = huaweicloud_smn_topic.reclaims.topic_urn

  operations {
    service     = "ECS"
    resource    = "server"
    trace_names = ["interruptServer"]
  }
}

# Also for lifecycle hooks of Auto Scaling groups, which speak through the same topic.
resource "huaweicloud_fgs_function_trigger" "reclaim_topic" {
  count = contains(keys(local.functions), "reclaim") ? 1 : 0

  region       = var.region
  function_urn = huaweicloud_fgs_function.function["reclaim"].urn
  type         = "SMN"
  event_data   = jsonencode({ topic_urn = huaweicloud_smn_topic.reclaims.topic_urn })

  lifecycle {
    ignore_changes = [event_data]
  }
}
