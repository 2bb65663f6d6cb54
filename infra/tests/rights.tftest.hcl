# Rights follow from what is in use, group by group.

mock_provider "huaweicloud" {}

variables {
  region     = "cn-north-4"
  project_id = "0123456789abcdef0123456789abcdef"
  packages   = "tests/packages"
  mode       = "act"

  groups = [{
    name = "web"
    pools = [{
      name           = "base"
      purchase       = "on_demand"
      price_per_hour = 0.66
      as_group       = { scaling_group_id = "6ae6f0ee-1d6c-4a3b-9d3d-1c9e1d9b7c11" }
    }]
    signals = [{
      name       = "load"
      kind       = "utilisation"
      scale_out  = 70
      scale_in   = 30
      prometheus = { url = "http://prometheus:9090", query = "avg(load_percent)", bearer_token = { csms = "prometheus" } }
    }]
  }]
}

run "an_auto_scaling_group_that_acts_can_be_drained" {
  assert {
    condition = sort([
      for action in flatten(jsondecode(huaweicloud_identity_role.function["scaler-regional"].policy).Statement[*].Action) : action if startswith(action, "elb:")
    ]) == tolist(["elb:members:list", "elb:members:put"])
    error_message = "draining reads members and sets weights; the Auto Scaling group itself adds and removes members"
  }
}

run "a_new_auto_scaling_group_that_acts_can_be_drained" {
  variables {
    groups = [{
      name    = "web"
      scaling = { min_instances = 1, max_instances = 4 }
      pools = [{
        name           = "base"
        purchase       = "on_demand"
        price_per_hour = 0.66
        new_as_group = {
          flavors           = ["x1.4u.8g"]
          image_id          = "image"
          vpc_id            = "vpc"
          subnet_ids        = ["subnet"]
          security_group_id = "group"
          load_balancer     = { pool_id = "pool", port = 8080 }
        }
      }]
      signals = [{
        name      = "cpu"
        kind      = "utilisation"
        scale_out = 70
        scale_in  = 30
        cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
      }]
    }]
  }

  assert {
    condition = sort([
      for action in flatten(jsondecode(huaweicloud_identity_role.function["scaler-regional"].policy).Statement[*].Action) : action if startswith(action, "elb:")
    ]) == tolist(["elb:members:list", "elb:members:put"])
    error_message = "draining reads members and sets weights; the Auto Scaling group itself adds and removes members"
  }
}

run "a_group_that_observes_is_not_drained_though_another_acts" {
  variables {
    groups = [
      {
        name = "web"
        mode = "observe"
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
          cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
        }]
      },
      {
        name    = "jobs"
        mode    = "act"
        scaling = { min_instances = 1, max_instances = 4 }
        pools = [{
          name           = "tagged"
          purchase       = "on_demand"
          price_per_hour = 0.66
          ecs = {
            tag = { value = "jobs" }
            instance_template = {
              flavors   = ["c7.xlarge.2"]
              image_id  = "image"
              vpc_id    = "vpc"
              subnet_id = "subnet"
            }
          }
        }]
        signals = [{
          name      = "cpu"
          kind      = "utilisation"
          scale_out = 70
          scale_in  = 30
          cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
        }]
      },
    ]
  }

  assert {
    condition     = output.acting_groups == ["jobs"]
    error_message = "one group must act, or the rest shows nothing"
  }

  assert {
    condition = alltrue([
      for role in values(huaweicloud_identity_role.function) : alltrue([
        for action in flatten(jsondecode(role.policy).Statement[*].Action) : !startswith(action, "elb:")
      ])
    ])
    error_message = "nothing that acts is behind a load balancer"
  }
}

run "tune_and_console_see_no_fleet_and_no_secret_of_a_signal" {
  assert {
    condition     = contains(flatten(jsondecode(huaweicloud_identity_role.function["scaler-regional"].policy).Statement[*].Action), "csms:secretVersion:get")
    error_message = "evaluate reads the secrets of signals"
  }

  assert {
    condition     = sort(flatten(jsondecode(huaweicloud_identity_role.function["reader-regional"].policy).Statement[*].Action)) == tolist(["functiongraph:function:invokeAsync", "smn:topic:publish"])
    error_message = "tune and console start evaluations and tell people; besides the store they need no more"
  }
}

run "the_key_of_deepseek_is_for_tune_alone" {
  variables {
    deepseek = { mode = "propose", secret_name = "deepseek" }
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
        cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
      }]
    }]
  }

  assert {
    condition     = length(setsubtract(["csms:secretVersion:get", "kms:dek:decrypt"], flatten(jsondecode(huaweicloud_identity_role.function["reader-regional"].policy).Statement[*].Action))) == 0
    error_message = "tune reads the key"
  }

  assert {
    condition     = !contains(flatten(jsondecode(huaweicloud_identity_role.function["scaler-regional"].policy).Statement[*].Action), "csms:secretVersion:get")
    error_message = "no function that scales asks DeepSeek"
  }
}
