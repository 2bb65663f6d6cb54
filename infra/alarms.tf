# Alarm rules for what can't wait for the next minute. A metric of each instance has no fixed resource to watch: for an
# Auto Scaling group its average (SYS.AS) is watched instead, for tagged servers the timer alone.

locals {
  # The group's own twin of an instance metric.
  group_metrics = {
    "SYS.ECS/cpu_util"        = "cpu_util"
    "SYS.ECS/mem_util"        = "mem_util"
    "AGT.ECS/cpu_usage"       = "cpu_usage"
    "AGT.ECS/mem_usedPercent" = "mem_usedPercent"
    "AGT.ECS/gpu_usage_gpu"   = "gpu_usage_gpu"
    "AGT.ECS/gpu_usage_mem"   = "gpu_usage_mem"
  }

  watched_signals = flatten([
    for group in var.groups : [
      for signal in group.signals : {
        group     = group
        signal    = signal
        metric    = "${signal.cloud_eye.namespace}/${signal.cloud_eye.metric}"
        threshold = signal.scale_out / coalesce(signal.cloud_eye.scale, 1)
        seconds   = coalesce(signal.duration, 60)
        period    = coalesce(signal.cloud_eye.period, contains(["SYS.ECS", "SYS.AS"], signal.cloud_eye.namespace) ? 300 : 60)
      }
      # A threshold of 0 would be dropped from the request.
      if signal.alarm && signal.cloud_eye != null && coalesce(signal.scale_out, 0) > 0
    ]
  ])

  rules_of_resources = {
    for item in local.watched_signals : "${item.group.name}-${item.signal.name}" => {
      namespace  = item.signal.cloud_eye.namespace
      metric     = item.signal.cloud_eye.metric
      dimensions = item.signal.cloud_eye.dimensions
      threshold  = item.threshold
      period     = item.period
      seconds    = item.seconds
    } if item.signal.cloud_eye.per != "instance"
  }

  rules_of_groups = {
    for rule in flatten([
      for item in local.watched_signals : [
        for pool in item.group.pools : {
          name = "${item.group.name}-${item.signal.name}-${pool.name}"
          rule = {
            namespace  = "SYS.AS"
            metric     = local.group_metrics[item.metric]
            dimensions = { AutoScalingGroup = local.fleets["${item.group.name}/${pool.name}"].as_group.scaling_group_id }
            threshold  = item.threshold
            period     = 300
            seconds    = item.seconds
          }
        } if pool.ecs == null
      ] if item.signal.cloud_eye.per == "instance" && contains(keys(local.group_metrics), item.metric)
    ]) : rule.name => rule.rule
  }

  alarm_rules = {
    for name, rule in merge(local.rules_of_resources, local.rules_of_groups) : name => rule
    if var.alarms.enabled && contains(keys(local.functions), "alarm")
  }
}

resource "huaweicloud_ces_alarmrule" "signal" {
  for_each = local.alarm_rules

  region                = var.region
  alarm_name            = substr("${var.name}-${each.key}", 0, 128)
  alarm_description     = "Wakes the autoscaler when this signal asks for more instances"
  alarm_type            = "MULTI_INSTANCE"
  alarm_enabled         = true
  alarm_action_enabled  = true
  enterprise_project_id = var.enterprise_project_id

  metric {
    namespace = each.value.namespace
  }

  resources {
    dynamic "dimensions" {
      for_each = each.value.dimensions

      content {
        name  = dimensions.key
        value = dimensions.value
      }
    }
  }

  # Period 1 is raw data. At most five values in a row can be asked for: a longer duration rings early, and the
  # function looks at the whole duration before it raises anything.
  condition {
    metric_name         = each.value.metric
    period              = each.value.period == 60 ? 1 : each.value.period
    filter              = "average"
    comparison_operator = ">"
    value               = each.value.threshold
    count               = min(5, max(1, ceil(each.value.seconds / each.value.period)))
    suppress_duration   = var.alarms.suppress_seconds
    alarm_level         = 2
  }

  alarm_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.alarms.topic_urn]
  }
}

# Who watches the watcher: a person is told when evaluations fail or are dropped.
resource "huaweicloud_ces_alarmrule" "evaluate" {
  for_each = { failcount = "fails", rejectcount = "is dropped because the one before still runs" }

  region                = var.region
  alarm_name            = "${var.name}-evaluate-${each.key}"
  alarm_description     = "evaluate ${each.value}"
  alarm_type            = "MULTI_INSTANCE"
  alarm_enabled         = true
  alarm_action_enabled  = true
  enterprise_project_id = var.enterprise_project_id

  metric {
    namespace = "SYS.FunctionGraph"
  }

  resources {
    dimensions {
      name  = "package-functionname"
      value = "default-${huaweicloud_fgs_function.function["evaluate"].name}"
    }
  }

  condition {
    metric_name         = each.key
    period              = 300
    filter              = "sum"
    comparison_operator = ">="
    value               = 3
    count               = 1
    suppress_duration   = 3600
    alarm_level         = 1
  }

  alarm_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.notices.topic_urn]
  }

  ok_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.notices.topic_urn]
  }
}
