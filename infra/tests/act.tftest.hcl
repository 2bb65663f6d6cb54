# Wiring of all features at once: a new Auto Scaling group, a spot pool, secrets, VPC, gateway, own key.

mock_provider "huaweicloud" {}

variables {
  region           = "cn-north-4"
  project_id       = "0123456789abcdef0123456789abcdef"
  packages         = "tests/packages"
  mode             = "act"
  bucket           = { name = "states-of-mine", prefix = "prod", kms_key_id = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a08" }
  network          = { vpc_id = "vpc", subnet_id = "subnet" }
  secret_variables = { REDIS_PASSWORD = "not-a-password" }
  deepseek         = { mode = "propose", secret_name = "deepseek", language = "zh", daily_cost = 1.5, prices = { completion_per_million = 2 } }
  otlp             = { url = "http://collector:4318", bearer_token = { env = "OTLP_TOKEN" } }
  tuning           = { mode = "apply", bake_hours = 48 }
  console          = { instance_id = "gateway", group_id = "apis" }
  console_token    = "not-a-token-not-a-token-not-a-token"
  notify_emails    = ["operator@example.com"]

  groups = [{
    name    = "inference"
    scaling = { min_instances = 2, max_instances = 40 }
    pools = [
      {
        name           = "base"
        purchase       = "on_demand"
        price_per_hour = 0.66
        max_instances  = 10
        new_as_group = {
          flavors           = ["x1.4u.8g", "c7.xlarge.2"]
          image_id          = "image"
          vpc_id            = "vpc"
          subnet_ids        = ["subnet"]
          security_group_id = "group"
          user_data         = "#!/bin/sh\n"
          drain_seconds     = 300
          load_balancer     = { pool_id = "pool", port = 8080 }
        }
      },
      {
        name           = "spot"
        purchase       = "spot"
        price_per_hour = 0.22
        ecs = {
          tag                   = { value = "inference_spot" }
          zones                 = ["cn-north-4a", "cn-north-4b"]
          load_balancer_pool_id = "pool"
          member_subnet_id      = "members"
          warm_up_seconds       = 90
          instance_template = {
            flavors             = ["c7.xlarge.2"]
            image_id            = "image"
            vpc_id              = "vpc"
            subnet_id           = "subnet"
            protocol_port       = 8080
            spot_price          = 0.3
            interruption_policy = "immediate"
          }
        }
      },
    ]
    signals = [
      {
        name      = "gpu"
        kind      = "utilisation"
        scale_out = 80
        scale_in  = 40
        cloud_eye = { namespace = "AGT.ECS", metric = "gpu_usage_gpu", per = "instance", period = 60, scale = 1 }
      },
      {
        name      = "queue"
        kind      = "queue_length"
        scale_out = 100
        scale_in  = 20
        weight    = 0.5
        redis     = { url = "redis://192.168.0.20:6379/0", list = "queue", password = { env = "REDIS_PASSWORD" } }
      },
      {
        name      = "response_time"
        kind      = "latency_ms"
        scale_out = 2000
        scale_in  = 500
        duration  = 180
        cloud_eye = { namespace = "SYS.ELB", metric = "m17_l7_upstream_rt", dimensions = { lbaas_instance_id = "balancer" } }
      },
      {
        name       = "tokens"
        kind       = "rate_per_second"
        prometheus = { url = "http://prometheus:9090", query = "sum(rate(tokens_total[1m]))", bearer_token = { csms = "prometheus" } }
      },
      {
        name      = "backlog"
        kind      = "percent"
        scale_out = 5
        scale_in  = 1
        http_json = { url = "http://backlog:8080/stats", pointer = "/backlog/percent" }
      },
    ]
    policy   = { violation_price = 50, slo_ms = 1500 }
    purchase = { on_demand_base = 2, spot_share = 0.8, spot_hedge = true }
    schedules = [
      { name = "sale", at = "2026-12-18T20:00:00+08:00", duration_minutes = 120, expected_multiple = 3 },
      { name = "office", cron = "0 8 * * 1-5", time_zone = "Asia/Shanghai", duration_minutes = 600, min_instances = 4 },
    ]
  }]
}

run "acting_allows_what_acting_needs" {
  assert {
    condition     = output.acting_groups == ["inference"]
    error_message = "the group must act"
  }

  assert {
    condition     = contains(flatten(jsondecode(huaweicloud_identity_role.function["scaler-regional"].policy).Statement[*].Action), "as:groups:update")
    error_message = "the scaler must be allowed to scale"
  }

  assert {
    condition     = !contains(flatten(jsondecode(huaweicloud_identity_role.function["reader-regional"].policy).Statement[*].Action), "as:groups:update")
    error_message = "tune and console must not be allowed to scale"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(huaweicloud_identity_role.function["scaler-global"].policy).Statement :
      alltrue([for resource in statement.Resource : strcontains(resource, ":states-of-mine")])
    ])
    error_message = "OBS actions must be limited to our bucket"
  }
}

run "the_new_group_is_in_the_configuration" {
  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).groups[0].pools[0].fleet.as_group.scaling_group_id == huaweicloud_as_group.pool["inference/base"].id
    error_message = "the pool must name the group that was made for it"
  }

  assert {
    condition     = huaweicloud_as_group.pool["inference/base"].scaling_configuration_id == huaweicloud_as_configuration.pool["inference/base"].id && huaweicloud_as_group.pool["inference/base"].max_instance_number == 10
    error_message = "the group must use its configuration and limit"
  }

  assert {
    condition     = huaweicloud_as_lifecycle_hook.drain["inference/base"].notification_topic_urn == huaweicloud_smn_topic.reclaims.topic_urn
    error_message = "an instance that leaves must be told to reclaim"
  }

  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).groups[0].pools[1].fleet.ecs.tag.value == "inference_spot"
    error_message = "the spot pool must be tagged servers"
  }

  assert {
    condition = alltrue([
      for fleet in [jsondecode(huaweicloud_obs_bucket_object.config.content).groups[0].pools[1].fleet.ecs] :
      fleet.member_subnet_id == "members" && fleet.warm_up_seconds == 90 && fleet.instance_template.interruption_policy == "immediate"
    ])
    error_message = "what is said of tagged servers must be passed on"
  }
}

run "tuning_and_its_budget_are_in_the_configuration" {
  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).tuning == { mode = "apply", bake_hours = 48 }
    error_message = "what is said of tuning must be passed on, and nothing else"
  }

  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).deepseek.daily_cost == 1.5 && jsondecode(huaweicloud_obs_bucket_object.config.content).deepseek.prices == { completion_per_million = 2 }
    error_message = "the adviser's budget must be passed on"
  }
}

run "the_collector_is_in_the_configuration" {
  assert {
    condition     = jsondecode(huaweicloud_obs_bucket_object.config.content).otlp == { url = "http://collector:4318", bearer_token = { env = "OTLP_TOKEN" } }
    error_message = "the collector must be passed on"
  }
}

run "spot_notices_come_both_ways" {
  assert {
    condition     = jsondecode(huaweicloud_fgs_function_trigger.reclaim_trace[0].event_data).operations == ["ECS:server:interruptServer"]
    error_message = "the trace that announces a reclaim"
  }

  assert {
    condition     = huaweicloud_cts_notification.reclaim[0].smn_topic == huaweicloud_smn_topic.reclaims.topic_urn && jsondecode(huaweicloud_fgs_function_trigger.reclaim_topic[0].event_data).topic_urn == huaweicloud_smn_topic.reclaims.topic_urn
    error_message = "key events must reach reclaim through its topic"
  }
}

run "secrets_go_where_they_are_used_and_nowhere_else" {
  assert {
    condition     = jsondecode(huaweicloud_fgs_function.function["evaluate"].encrypted_user_data).REDIS_PASSWORD == "not-a-password"
    error_message = "evaluate reads the queue"
  }

  assert {
    condition     = huaweicloud_fgs_function.function["reclaim"].encrypted_user_data == null
    error_message = "reclaim needs no secret"
  }

  assert {
    condition     = keys(jsondecode(huaweicloud_fgs_function.function["console"].encrypted_user_data)) == ["AUTOSCALER_CONSOLE_TOKEN"]
    error_message = "the console needs its token only"
  }

  assert {
    condition     = !strcontains(huaweicloud_obs_bucket_object.config.content, "not-a-")
    error_message = "the configuration must hold no secret"
  }

  assert {
    condition     = alltrue([for function in huaweicloud_fgs_function.function : !strcontains(function.user_data, "not-a-")])
    error_message = "plain variables must hold no secret"
  }
}

run "only_the_readers_of_signals_are_in_the_vpc" {
  assert {
    condition     = [for name, function in huaweicloud_fgs_function.function : name if function.vpc_id == "vpc"] == ["alarm", "evaluate"]
    error_message = "tune needs the public network"
  }
}

run "the_console_is_published_with_authentication" {
  assert {
    condition     = huaweicloud_apig_api.console[0].security_authentication == "IAM" && one(huaweicloud_apig_api.console[0].func_graph).function_urn == huaweicloud_fgs_function.function["console"].urn
    error_message = "the gateway must authenticate and call the console"
  }

  assert {
    condition     = huaweicloud_apig_api_publishment.console[0].api_id == huaweicloud_apig_api.console[0].id
    error_message = "the API must be published"
  }
}

run "a_browser_can_open_the_console_where_that_is_asked_for" {
  command = plan

  variables {
    console = { instance_id = "gateway", group_id = "apis", authentication = "NONE" }
  }

  assert {
    condition     = huaweicloud_apig_api.console[0].security_authentication == "NONE"
    error_message = "a browser can't authenticate to the gateway"
  }
}

run "a_console_without_a_token_is_refused" {
  command = plan

  variables {
    console_token = null
  }

  expect_failures = [huaweicloud_apig_api.console]
}

run "an_adviser_without_a_key_is_refused" {
  command = plan

  variables {
    deepseek = { mode = "apply" }
  }

  expect_failures = [huaweicloud_obs_bucket_object.config]
}

run "existing_agencies_are_taken_as_they_are" {
  variables {
    agencies = { platform = "one", scaler = "two", reader = "three" }
  }

  assert {
    condition     = length(huaweicloud_identity_agency.function) == 0 && length(huaweicloud_identity_role.function) == 0 && huaweicloud_fgs_function.function["evaluate"].app_agency == "two"
    error_message = "nothing of identity is made"
  }
}
