# The console page, on a gateway that exists already (a dedicated one is billed by the hour).

resource "huaweicloud_apig_api" "console" {
  count = var.console != null && contains(keys(local.functions), "console") ? 1 : 0

  region                  = var.region
  instance_id             = var.console.instance_id
  group_id                = var.console.group_id
  name                    = replace(var.name, "-", "_")
  type                    = "Private"
  description             = "The console of ${var.name}"
  request_protocol        = "HTTPS"
  request_method          = "ANY"
  request_path            = "/"
  matching                = "Prefix"
  security_authentication = var.console.authentication

  func_graph {
    function_urn    = huaweicloud_fgs_function.function["console"].urn
    version         = "latest"
    network_type    = "V2"
    timeout         = 10000
    invocation_type = "sync"
  }

  lifecycle {
    precondition {
      condition     = nonsensitive(var.console_token != null)
      error_message = "console needs console_token: without it the page opens, but its API answers nobody."
    }
  }
}

resource "huaweicloud_apig_api_publishment" "console" {
  count = length(huaweicloud_apig_api.console)

  region      = var.region
  instance_id = var.console.instance_id
  env_id      = var.console.environment_id
  api_id      = huaweicloud_apig_api.console[0].id
}
