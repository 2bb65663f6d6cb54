# The scaled services, in the words of the configuration document.

variable "groups" {
  description = "The scaled services. Each pool takes an existing Auto Scaling group (as_group), a new one (new_as_group) or tagged servers (ecs); each signal has one source."
  type = list(object({
    name = string
    mode = optional(string)

    scaling = optional(object({
      min_instances        = optional(number)
      max_instances        = optional(number)
      check_interval       = optional(number)
      cooldown_period      = optional(number)
      lead_time_seconds    = optional(number)
      metric_delay_minutes = optional(number)
      max_step_out         = optional(number)
      max_step_in          = optional(number)
    }), {})

    pools = list(object({
      name           = string
      purchase       = string
      price_per_hour = number
      min_instances  = optional(number)
      max_instances  = optional(number)

      as_group = optional(object({
        scaling_group_id = string
      }))

      new_as_group = optional(object({
        flavors           = list(string)
        image_id          = string
        vpc_id            = string
        subnet_ids        = list(string)
        security_group_id = string
        key_pair_name     = optional(string)
        user_data         = optional(string)
        root_volume_type  = optional(string, "GPSSD")
        root_volume_gib   = optional(number, 40)
        zones             = optional(list(string))
        warm_up_seconds   = optional(number, 600)
        drain_seconds     = optional(number)
        load_balancer = optional(object({
          pool_id = string
          port    = number
          weight  = optional(number, 1)
        }))
      }))

      ecs = optional(object({
        tag = object({
          key   = optional(string, "flexus_type")
          value = string
        })
        instance_template = object({
          flavors              = list(string)
          image_id             = string
          vpc_id               = string
          subnet_id            = string
          security_group_id    = optional(string)
          key_pair_name        = optional(string)
          user_data            = optional(string)
          root_volume_type     = optional(string)
          root_volume_size_gib = optional(number)
          protocol_port        = optional(number)
          spot_price           = optional(number)
          interruption_policy  = optional(string)
          tags                 = optional(map(string))
        })
        zones                 = optional(list(string))
        load_balancer_pool_id = optional(string)
        member_subnet_id      = optional(string)
        warm_up_seconds       = optional(number)
      }))
    }))

    signals = list(object({
      name      = string
      kind      = string
      scale_out = optional(number)
      scale_in  = optional(number)
      duration  = optional(number)
      weight    = optional(number)
      alarm     = optional(bool, true)

      cloud_eye = optional(object({
        namespace  = string
        metric     = string
        per        = optional(string)
        dimensions = optional(map(string))
        period     = optional(number)
        scale      = optional(number)
      }))

      prometheus = optional(object({
        url          = string
        query        = string
        bearer_token = optional(map(string))
      }))

      redis = optional(object({
        url        = string
        list       = optional(string)
        stream     = optional(string)
        sorted_set = optional(string)
        password   = optional(map(string))
      }))

      http_json = optional(object({
        url          = string
        pointer      = string
        bearer_token = optional(map(string))
      }))
    }))

    policy = optional(object({
      engine             = optional(string)
      violation_price    = optional(number)
      target_utilisation = optional(number)
      target_signal      = optional(string)
      instance_capacity  = optional(number)
      slo_ms             = optional(number)
      service_ms         = optional(number)
      bottleneck         = optional(bool)
    }), {})

    purchase = optional(object({
      on_demand_base      = optional(number)
      spot_share          = optional(number)
      spot_hedge          = optional(bool)
      spot_notice_seconds = optional(number)
      budget_per_hour     = optional(number)
    }), {})

    schedules = optional(list(object({
      name              = string
      at                = optional(string)
      cron              = optional(string)
      time_zone         = optional(string)
      duration_minutes  = number
      min_instances     = optional(number)
      expected_multiple = optional(number)
    })), [])
  }))

  validation {
    condition     = length(var.groups) > 0
    error_message = "groups must have at least one group."
  }

  validation {
    condition     = length(distinct(var.groups[*].name)) == length(var.groups)
    error_message = "groups must have different names."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for name in concat([group.name], group.pools[*].name, group.signals[*].name) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))
      ]
    ]))
    error_message = "names of groups, pools and signals must be 1 to 64 letters, digits, - and _."
  }

  validation {
    condition = alltrue([
      for group in var.groups :
      length(group.pools) > 0 && length(distinct(group.pools[*].name)) == length(group.pools) &&
      length(group.signals) > 0 && length(distinct(group.signals[*].name)) == length(group.signals)
    ])
    error_message = "a group must have at least one pool and one signal, each with a name of its own."
  }

  validation {
    condition     = alltrue([for group in var.groups : group.mode == null ? true : contains(["observe", "act"], group.mode)])
    error_message = "a group's mode must be observe or act."
  }

  validation {
    condition     = alltrue([for group in var.groups : coalesce(group.scaling.min_instances, 1) <= coalesce(group.scaling.max_instances, 20)])
    error_message = "scaling.min_instances must not be above scaling.max_instances (defaults 1 and 20)."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [for pool in group.pools : contains(["on_demand", "spot"], pool.purchase) && pool.price_per_hour >= 0]
    ]))
    error_message = "a pool's purchase must be on_demand or spot, and its price_per_hour 0 or more."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for pool in group.pools : length([for source in [pool.as_group, pool.new_as_group, pool.ecs] : true if source != null]) == 1
      ]
    ]))
    error_message = "a pool must have exactly one of as_group, new_as_group and ecs."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for signal in group.signals : length([for source in [signal.cloud_eye, signal.prometheus, signal.redis, signal.http_json] : true if source != null]) == 1
      ]
    ]))
    error_message = "a signal must have exactly one of cloud_eye, prometheus, redis and http_json."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for signal in group.signals : contains(["utilisation", "latency_ms", "queue_length", "percent", "rate_per_second"], signal.kind)
      ]
    ]))
    error_message = "a signal's kind must be utilisation, latency_ms, queue_length, percent or rate_per_second."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for signal in group.signals :
        signal.kind == "rate_per_second" && (signal.scale_out == null || signal.scale_in == null) ? true : try(signal.scale_in < signal.scale_out, false)
      ]
    ]))
    error_message = "a signal needs scale_in below scale_out; only a rate_per_second may go without."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for signal in group.signals : signal.cloud_eye == null ? true : signal.cloud_eye.per == "instance" || length(coalesce(signal.cloud_eye.dimensions, {})) > 0
      ]
    ]))
    error_message = "a cloud_eye source needs dimensions, or per = \"instance\"."
  }

  validation {
    condition = alltrue([
      for group in var.groups : contains(["predictive", "target_tracking", "weighted_score"], coalesce(group.policy.engine, "predictive"))
    ])
    error_message = "policy.engine must be predictive, target_tracking or weighted_score."
  }

  validation {
    condition = alltrue([
      for group in var.groups : group.policy.target_signal != null ? contains(group.signals[*].name, group.policy.target_signal) :
      coalesce(group.policy.engine, "predictive") == "weighted_score" ? true : contains(group.signals[*].kind, "utilisation")
    ])
    error_message = "predictive and target_tracking need a signal of kind utilisation, or policy.target_signal that names a signal of the group."
  }

  validation {
    condition = alltrue([
      for group in var.groups : group.policy.engine == "weighted_score" ? anytrue([for signal in group.signals : coalesce(signal.weight, 0) > 0]) : true
    ])
    error_message = "weighted_score needs at least one signal with a weight."
  }

  validation {
    condition     = alltrue([for group in var.groups : coalesce(group.policy.service_ms, 500) < coalesce(group.policy.slo_ms, 2000)])
    error_message = "policy.service_ms must be below policy.slo_ms (defaults 500 and 2000)."
  }

  validation {
    condition = alltrue([
      for group in var.groups : coalesce(group.purchase.on_demand_base, 0) == 0 ? true : contains(group.pools[*].purchase, "on_demand")
    ])
    error_message = "purchase.on_demand_base needs an on_demand pool."
  }

  validation {
    condition     = alltrue(flatten([for group in var.groups : [for schedule in group.schedules : (schedule.at == null) != (schedule.cron == null)]]))
    error_message = "A schedule needs either at or cron."
  }

  validation {
    condition     = alltrue(flatten([for group in var.groups : [for schedule in group.schedules : schedule.min_instances != null || schedule.expected_multiple != null]]))
    error_message = "A schedule needs min_instances, expected_multiple, or both."
  }

  validation {
    condition = length(distinct(flatten([
      for group in var.groups : [
        for pool in group.pools : pool.as_group != null ? pool.as_group.scaling_group_id : pool.ecs != null ? "${pool.ecs.tag.key}=${pool.ecs.tag.value}" : "${group.name}/${pool.name}"
      ]
    ]))) == length(flatten(var.groups[*].pools))
    error_message = "each pool needs its own scaling group or tag value."
  }

  validation {
    condition = alltrue([
      for group in var.groups : group.scaling.check_interval == null ? true :
      group.scaling.check_interval % 60 == 0 && group.scaling.check_interval >= 60 && group.scaling.check_interval <= 3600
    ])
    error_message = "scaling.check_interval must be whole minutes in seconds: 60 to 3600."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for pool in group.pools : try(pool.ecs.load_balancer_pool_id, null) == null ? true : pool.ecs.instance_template.protocol_port != null
      ]
    ]))
    error_message = "ecs.load_balancer_pool_id needs instance_template.protocol_port: the port that servers are reached at."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for pool in group.pools : pool.ecs == null ? true : length(coalesce(pool.ecs.instance_template.tags, {})) <= 8
      ]
    ]))
    error_message = "instance_template.tags may be eight."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for signal in group.signals : signal.redis == null ? true :
        length([for place in [signal.redis.list, signal.redis.stream, signal.redis.sorted_set] : true if place != null]) == 1
      ]
    ]))
    error_message = "a redis source needs exactly one of list, stream and sorted_set."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for schedule in group.schedules : schedule.time_zone != null || can(regex("(Z|[+-][0-9]{2}:[0-9]{2})$", schedule.at))
      ]
    ]))
    error_message = "A schedule needs the time_zone whose clock is meant, such as Asia/Shanghai, or at with an offset."
  }

  validation {
    condition = alltrue([
      for group in var.groups : coalesce(group.policy.violation_price, 20) > 0 && coalesce(group.purchase.budget_per_hour, 1) > 0
    ])
    error_message = "policy.violation_price and purchase.budget_per_hour must be above 0."
  }

  validation {
    condition     = alltrue([for group in var.groups : try(group.purchase.spot_share >= 0 && group.purchase.spot_share <= 1, group.purchase.spot_share == null)])
    error_message = "purchase.spot_share must be 0 to 1."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.groups : [
        for pool in group.pools : pool.new_as_group == null ? true :
        length(pool.new_as_group.flavors) >= 1 && length(pool.new_as_group.flavors) <= 10 &&
        length(pool.new_as_group.subnet_ids) >= 1 && length(pool.new_as_group.subnet_ids) <= 5
      ]
    ]))
    error_message = "new_as_group takes 1 to 10 flavors and 1 to 5 subnets."
  }
}
