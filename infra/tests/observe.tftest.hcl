# Wiring of the smallest use: one existing group, all defaults.

mock_provider "huaweicloud" {}

variables {
  region     = "cn-north-4"
  project_id = "0123456789abcdef0123456789abcdef"
  packages   = "tests/packages"

  groups = [{
    name = "web"
    pools = [{
      name           = "base"
      purchase       = "on_demand"
      price_per_hour = 0.66
      as_group       = { scaling_group_id = "6ae6f0ee-1d6c-4a3b-9d3d-1c9e1d9b7c11" }
    }]
    signals = [{
      name      = "cpu"
      kind      = "utilisation"
      scale_out = 70
      scale_in  = 30
      duration  = 300
      cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
    }]
  }]
}

run "a_new_group_only_observes" {
  assert {
    condition     = output.acting_groups == [] && jsondecode(huaweicloud_obs_bucket_object.config.content).groups[0].mode == "observe"
    error_message = "mode must be observe unless something else is said"
  }

  assert {
    condition = alltrue([
      for role in values(huaweicloud_identity_role.function) : alltrue([
        for action in flatten(jsondecode(role.policy).Statement[*].Action) :
        !contains(["as:groups:update", "as:instances:batchAction", "as:instanceHooks:action"], action) && !can(regex("^(ecs|elb):.*(create|delete|put|update)", action))
      ])
    ])
    error_message = "while observing, no policy may allow a change of a fleet"
  }
}

run "every_function_has_its_place" {
  assert {
    condition     = huaweicloud_fgs_function.function["evaluate"].max_instance_num == "1"
    error_message = "evaluate is the only writer of a snapshot: one instance"
  }

  assert {
    condition = alltrue([
      for name, function in huaweicloud_fgs_function.function :
      function.runtime == "Custom" && function.functiongraph_version == "v2" && function.code_type == "zip" &&
      function.agency == huaweicloud_identity_agency.function["platform"].name &&
      contains([huaweicloud_identity_agency.function["scaler"].name, huaweicloud_identity_agency.function["reader"].name], function.app_agency) &&
      function.log_group_id == huaweicloud_lts_group.functions.id && function.log_stream_id == huaweicloud_lts_stream.function[name].id
    ])
    error_message = "runtime, agencies and logs must be set on every function"
  }

  assert {
    condition     = alltrue([for name in ["tune", "console"] : huaweicloud_fgs_function.function[name].app_agency == huaweicloud_identity_agency.function["reader"].name])
    error_message = "tune and console must not have the rights that change a fleet"
  }

  assert {
    condition     = alltrue([for name, function in huaweicloud_fgs_function.function : jsondecode(function.user_data).AUTOSCALER_STORE == output.store && jsondecode(function.user_data).AUTOSCALER_REGION == "cn-north-4"])
    error_message = "every function must know the store and the region"
  }

  assert {
    condition     = alltrue([for name, function in huaweicloud_fgs_function.function : function.encrypted_user_data == null])
    error_message = "no secrets, no encrypted variables"
  }

  assert {
    condition     = alltrue([for name, settings in huaweicloud_fgs_async_invoke_configuration.function : settings.function_urn == huaweicloud_fgs_function.function[name].urn && jsondecode(one(settings.on_failure).param).topic_urn == huaweicloud_smn_topic.notices.topic_urn])
    error_message = "an invocation that was given up must be told to people"
  }
}

run "evaluate_has_an_instance_for_each_shard_of_groups" {
  variables {
    groups_per_invocation = 1
    groups = [
      for name in ["a", "b", "c"] : {
        name    = name
        pools   = [{ name = "base", purchase = "on_demand", price_per_hour = 1, ecs = { tag = { value = name }, instance_template = { flavors = ["x1.2u.4g"], image_id = "image", vpc_id = "vpc", subnet_id = "subnet" } } }]
        signals = [{ name = "cpu", kind = "utilisation", scale_out = 70, scale_in = 30, cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" } }]
      }
    ]
  }

  assert {
    condition     = huaweicloud_fgs_function.function["evaluate"].max_instance_num == "3" && jsondecode(huaweicloud_fgs_function.function["evaluate"].user_data).AUTOSCALER_SHARD_GROUPS == "1"
    error_message = "three groups, one to an invocation"
  }
}

run "triggers_lead_to_their_functions" {
  assert {
    condition     = huaweicloud_fgs_function_trigger.every_minute.function_urn == huaweicloud_fgs_function.function["evaluate"].urn && jsondecode(huaweicloud_fgs_function_trigger.every_minute.event_data).schedule == "1m"
    error_message = "evaluate must be woken each minute"
  }

  assert {
    condition     = huaweicloud_fgs_function_trigger.alarm[0].function_urn == huaweicloud_fgs_function.function["alarm"].urn && jsondecode(huaweicloud_fgs_function_trigger.alarm[0].event_data).topic_urn == huaweicloud_smn_topic.alarms.topic_urn
    error_message = "alarms must reach the function alarm"
  }

  assert {
    condition     = length(huaweicloud_fgs_function_trigger.reclaim_trace) == 0 && length(huaweicloud_cts_notification.reclaim) == 0
    error_message = "no spot pool, no spot notices"
  }

  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).notify.accept_topics == [huaweicloud_smn_topic.alarms.topic_urn, huaweicloud_smn_topic.reclaims.topic_urn]
    error_message = "only our own topics are believed"
  }
}

run "an_instance_metric_is_watched_as_the_groups_average" {
  assert {
    condition     = keys(huaweicloud_ces_alarmrule.signal) == ["web-cpu-base"]
    error_message = "one rule for the one signal and pool"
  }

  assert {
    condition = (
      one(huaweicloud_ces_alarmrule.signal["web-cpu-base"].metric).namespace == "SYS.AS" &&
      one(huaweicloud_ces_alarmrule.signal["web-cpu-base"].condition).metric_name == "cpu_usage" &&
      one(huaweicloud_ces_alarmrule.signal["web-cpu-base"].condition).value == 70 &&
      one(one(huaweicloud_ces_alarmrule.signal["web-cpu-base"].resources).dimensions).value == "6ae6f0ee-1d6c-4a3b-9d3d-1c9e1d9b7c11"
    )
    error_message = "the rule must watch the group's own average at the signal's threshold"
  }
}

run "the_bucket_is_private_versioned_and_encrypted" {
  assert {
    condition     = huaweicloud_obs_bucket.state.acl == "private" && huaweicloud_obs_bucket.state.versioning && huaweicloud_obs_bucket.state.encryption
    error_message = "the bucket must be private, versioned and encrypted"
  }

  assert {
    condition     = huaweicloud_obs_bucket_bpa.state.restrict_public_buckets
    error_message = "public access must be blocked"
  }
}

run "many_groups_share_a_rule_of_the_bucket" {
  variables {
    groups = [
      for number in range(20) : merge(var.groups[0], {
        name  = "group-${number}"
        pools = [merge(var.groups[0].pools[0], { as_group = { scaling_group_id = "scaling-group-${number}" } })]
      })
    ]
  }

  assert {
    condition     = join(",", huaweicloud_obs_bucket.state.lifecycle_rule[*].name) == "doctor,groups"
    error_message = "OBS takes 20 KB of rules"
  }
}

run "a_function_without_a_package_is_left_out" {
  variables {
    packages = "tests/packages/evaluate_alone"
  }

  assert {
    condition     = keys(huaweicloud_fgs_function.function) == ["evaluate"] && join(" ", output.functions_left_out) == "alarm console reclaim tune"
    error_message = "only evaluate has a package"
  }

  assert {
    condition     = length(huaweicloud_ces_alarmrule.signal) == 0 && length(huaweicloud_fgs_function_trigger.alarm) == 0 && length(huaweicloud_fgs_function_trigger.tune) == 0
    error_message = "nothing may lead to a function that is not there"
  }
}

run "a_function_that_is_asked_for_needs_its_package" {
  command = plan

  variables {
    packages  = "tests/packages/evaluate_alone"
    functions = { tune = { enabled = true } }
  }

  expect_failures = [huaweicloud_fgs_function.function]
}

run "a_package_that_is_missing_is_named" {
  command = plan

  variables {
    packages = "tests/nowhere"
  }

  expect_failures = [huaweicloud_fgs_function.function]
}

run "nonsense_is_refused" {
  command = plan

  variables {
    mode       = "maybe"
    project_id = "mine"
    log_days   = 0
    functions  = { evaluate = { enabled = false } }
  }

  expect_failures = [var.mode, var.project_id, var.log_days, var.functions]
}

run "a_group_that_makes_no_sense_is_refused" {
  command = plan

  variables {
    groups = [{
      name    = "web"
      scaling = { min_instances = 5, max_instances = 2 }
      pools = [{
        name           = "base"
        purchase       = "on_demand"
        price_per_hour = 0.66
      }]
      signals = [{
        name      = "cpu"
        kind      = "utilisation"
        scale_out = 30
        scale_in  = 70
        cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage" }
      }]
    }]
  }

  expect_failures = [var.groups]
}

run "nothing_is_published_unless_it_is_asked_for" {
  assert {
    condition     = length(setintersection(keys(jsondecode(huaweicloud_obs_bucket_object.config.content)), ["publish_metrics", "otlp"])) == 0
    error_message = "publishing costs calls: off unless it is set"
  }

  assert {
    condition = alltrue([
      for role in values(huaweicloud_identity_role.function) : !contains(flatten(jsondecode(role.policy).Statement[*].Action), "ces:metricData:create")
    ])
    error_message = "nobody may write metrics that nobody asked for"
  }
}

run "published_metrics_have_their_right_and_their_charts" {
  variables {
    publish_metrics = true
  }

  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).publish_metrics
    error_message = "the functions must be told"
  }

  assert {
    condition = anytrue([
      for role in values(huaweicloud_identity_role.function) : contains(flatten(jsondecode(role.policy).Statement[*].Action), "ces:metricData:create")
    ])
    error_message = "evaluate must be allowed to write metrics"
  }

  assert {
    condition = contains([
      for widget in huaweicloud_ces_dashboard_widget.chart : "${one(widget.metrics).namespace} ${one(widget.metrics).metric_name}"
    ], "AUTOSCALER.GROUP forecast_p99")
    error_message = "the dashboard must show what is published"
  }
}
