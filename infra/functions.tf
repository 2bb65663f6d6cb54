# The functions: one zip each with a `bootstrap` in it, as scripts/package.sh makes them. A function without a zip is left
# out unless it is asked for; evaluate is always there.

locals {
  packages = coalesce(var.packages, "${path.module}/../target/functions")

  # evaluate is the only writer of a group's snapshot: one instance a shard of groups, and none that outlives its minute.
  # Times: evaluate ends before the next tick, reclaim well within the five minutes of a notice.
  function_defaults = {
    evaluate = { role = "scaler", memory_mb = 256, timeout = 50, max_instances = ceil(length(var.groups) / var.groups_per_invocation), retries = 0, age = 60 }
    alarm    = { role = "scaler", memory_mb = 256, timeout = 30, max_instances = 10, retries = 2, age = 300 }
    reclaim  = { role = "scaler", memory_mb = 256, timeout = 60, max_instances = 10, retries = 3, age = 300 }
    tune     = { role = "reader", memory_mb = 1024, timeout = 900, max_instances = 1, retries = 1, age = 3600 }
    console  = { role = "reader", memory_mb = 256, timeout = 30, max_instances = 10, retries = 0, age = 60 }
  }

  functions = {
    for name, default in local.function_defaults : name => {
      role          = default.role
      memory_mb     = coalesce(try(var.functions[name].memory_mb, null), default.memory_mb)
      timeout       = coalesce(try(var.functions[name].timeout, null), default.timeout)
      max_instances = coalesce(try(var.functions[name].max_instances, null), default.max_instances)
      retries       = default.retries
      age           = default.age
      package       = "${local.packages}/${name}.zip"
    } if coalesce(try(var.functions[name].enabled, null), name == "evaluate" || fileexists("${local.packages}/${name}.zip"))
  }

  function_variables = {
    for key, value in {
      AUTOSCALER_STORE          = "obs://${local.bucket_name}/${var.bucket.prefix}"
      AUTOSCALER_STORE_ENDPOINT = var.store_endpoint
      AUTOSCALER_REGION         = var.region
      AUTOSCALER_SHARD_GROUPS   = tostring(var.groups_per_invocation)
      AUTOSCALER_LOG            = var.log_level
    } : key => value if value != null
  }

  # Each function gets only the secrets that it uses.
  function_secrets = {
    evaluate = var.secret_variables
    alarm    = var.secret_variables
    reclaim  = {}
    tune     = merge(var.secret_variables, { for name, key in { DEEPSEEK_API_KEY = var.deepseek_api_key } : name => key if key != null })
    console  = { for name, token in { AUTOSCALER_CONSOLE_TOKEN = var.console_token } : name => token if token != null }
  }
}

resource "huaweicloud_fgs_function" "function" {
  for_each = local.functions

  region                = var.region
  name                  = "${var.name}-${each.key}"
  description           = "flexus-autoscaler: ${each.key}"
  app                   = "default"
  runtime               = "Custom"
  handler               = "bootstrap"
  functiongraph_version = "v2"
  memory_size           = each.value.memory_mb
  timeout               = each.value.timeout
  max_instance_num      = tostring(each.value.max_instances)

  code_type     = "zip"
  code_filename = "${each.key}.zip"
  func_code     = fileexists(each.value.package) ? filebase64(each.value.package) : null

  agency     = local.agencies["platform"]
  app_agency = local.agencies[each.value.role]

  user_data           = jsonencode(local.function_variables)
  encrypted_user_data = nonsensitive(length(local.function_secrets[each.key]) > 0) ? jsonencode(local.function_secrets[each.key]) : null

  vpc_id     = try(contains(var.network.functions, each.key), false) ? var.network.vpc_id : null
  network_id = try(contains(var.network.functions, each.key), false) ? var.network.subnet_id : null

  enable_lts_log  = true
  log_group_id    = huaweicloud_lts_group.functions.id
  log_group_name  = huaweicloud_lts_group.functions.group_name
  log_stream_id   = huaweicloud_lts_stream.function[each.key].id
  log_stream_name = huaweicloud_lts_stream.function[each.key].stream_name

  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags

  lifecycle {
    precondition {
      condition     = fileexists(each.value.package)
      error_message = "${each.value.package} is missing: run scripts/package.sh, or set packages to the folder that holds it."
    }
  }
}

# The platform drops what fails; a person is told. It does not repeat a failed invocation without this.
resource "huaweicloud_fgs_async_invoke_configuration" "function" {
  for_each = local.functions

  region                         = var.region
  function_urn                   = huaweicloud_fgs_function.function[each.key].urn
  max_async_event_age_in_seconds = each.value.age
  max_async_retry_attempts       = each.value.retries

  on_failure {
    destination = "SMN"
    param       = jsonencode({ topic_urn = huaweicloud_smn_topic.notices.topic_urn })
  }
}

resource "huaweicloud_lts_group" "functions" {
  region                = var.region
  group_name            = var.name
  ttl_in_days           = var.log_days
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_lts_stream" "function" {
  for_each = local.functions

  region                = var.region
  group_id              = huaweicloud_lts_group.functions.id
  stream_name           = each.key
  ttl_in_days           = -1
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}
