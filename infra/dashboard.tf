# A Cloud Eye dashboard: the functions on top, below them each group's instances and signals, and its decisions where they
# are published. The page that explains decisions is the console.

locals {
  function_charts = [
    { title = "Invocations", metric = "count" },
    { title = "Failed invocations", metric = "failcount" },
    { title = "Dropped invocations", metric = "rejectcount" },
    { title = "Longest invocation", metric = "maxDuration" },
  ]

  # What evaluate writes with publish_metrics. A chart takes one metric.
  decision_charts = [
    { title = "target", metric = "target" },
    { title = "load, in instances", metric = "load" },
    { title = "load expected, 99 %", metric = "forecast_p99" },
    { title = "forecast coverage of the 80 % band", metric = "forecast_coverage" },
    { title = "service level missed", metric = "violation" },
    { title = "cost per hour", metric = "cost_per_hour" },
    { title = "problems", metric = "problems" },
  ]

  charts = concat(
    [
      for chart in local.function_charts : {
        title     = chart.title
        namespace = "SYS.FunctionGraph"
        metric    = chart.metric
        dimension = "package-functionname"
        values    = [for name in keys(local.functions) : "default-${var.name}-${name}"]
      }
    ],
    flatten([
      for group in var.groups : [
        for chart in local.decision_charts : {
          title     = "${group.name}: ${chart.title}"
          namespace = "AUTOSCALER.GROUP"
          metric    = chart.metric
          dimension = "group"
          values    = [group.name]
        }
      ] if var.publish_metrics
    ]),
    flatten([
      for group in var.groups : [
        for pool in group.pools : {
          title     = "${group.name}: instances in ${pool.name}"
          namespace = "SYS.AS"
          metric    = "instance_num"
          dimension = "AutoScalingGroup"
          values    = [local.fleets["${group.name}/${pool.name}"].as_group.scaling_group_id]
        } if pool.ecs == null
      ]
    ]),
    # A widget takes one dimension.
    flatten([
      for group in var.groups : [
        for signal in group.signals : {
          title     = "${group.name}: ${signal.name}"
          namespace = signal.cloud_eye.namespace
          metric    = signal.cloud_eye.metric
          dimension = keys(signal.cloud_eye.dimensions)[0]
          values    = values(signal.cloud_eye.dimensions)
        } if try(length(signal.cloud_eye.dimensions), 0) == 1
      ]
    ]),
  )
}

resource "huaweicloud_ces_dashboard" "main" {
  count = var.dashboard ? 1 : 0

  region                = var.region
  name                  = var.name
  row_widget_num        = 0
  enterprise_project_id = var.enterprise_project_id
}

resource "huaweicloud_ces_dashboard_widget" "chart" {
  count = var.dashboard ? length(local.charts) : 0

  region              = var.region
  dashboard_id        = huaweicloud_ces_dashboard.main[0].id
  title               = local.charts[count.index].title
  view                = "line"
  metric_display_mode = "single"

  metrics {
    namespace   = local.charts[count.index].namespace
    metric_name = local.charts[count.index].metric

    dimensions {
      name        = local.charts[count.index].dimension
      filter_type = "specific_instances"
      values      = local.charts[count.index].values
    }
  }

  location {
    left   = count.index % 3 * 4
    top    = floor(count.index / 3) * 3
    width  = 4
    height = 3
  }
}
