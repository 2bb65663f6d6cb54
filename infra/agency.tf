# Who may do what. Three agencies of FunctionGraph: its own (platform), that of the functions that scale (scaler), and
# that of tune and console (reader), which neither sees nor changes a fleet. The actions come from permissions.json;
# those of a feature that is not in use are left out. In observe mode nobody may change a fleet.

locals {
  permissions = jsondecode(file("${path.module}/permissions.json")).permissions

  in_use = {
    act           = anytrue([for group in var.groups : coalesce(group.mode, var.mode) == "act"])
    as_group      = anytrue(flatten([for group in var.groups : [for pool in group.pools : pool.ecs == null]]))
    ecs           = anytrue(flatten([for group in var.groups : [for pool in group.pools : pool.ecs != null]]))
    load_balancer = anytrue(flatten([for group in var.groups : [for pool in group.pools : try(pool.ecs.load_balancer_pool_id, null) != null]]))
    # Draining takes servers out of a balancer. An Auto Scaling group names its own only when asked, after the plan; while
    # it observes, nothing is drained.
    balanced = anytrue(flatten([
      for group in var.groups : [
        for pool in group.pools : pool.ecs == null ? coalesce(group.mode, var.mode) == "act" : pool.ecs.load_balancer_pool_id != null
      ]
    ]))
    spot    = local.has_spot
    own_key = var.bucket.kms_key_id != null
    # What evaluate and alarm read. DeepSeek's key is none of theirs: tune asks it.
    secret = try(contains(keys(var.otlp.bearer_token), "csms"), false) || anytrue(flatten([
      for group in var.groups : [
        for signal in group.signals : contains(keys(merge(
          try(signal.prometheus.bearer_token, null), try(signal.redis.password, null), try(signal.http_json.bearer_token, null), {}
        )), "csms")
      ]
    ]))
    deepseek_secret = var.deepseek.secret_name != null
    metrics         = var.publish_metrics
    vpc             = var.network != null
  }

  roles = {
    platform = "What FunctionGraph itself does around the functions of ${var.name}"
    scaler   = "What evaluate, alarm and reclaim of ${var.name} do"
    reader   = "What tune and console of ${var.name} do; they can't see or change a fleet"
  }

  # What each scope limits a statement to. Formats as in the services' own guides.
  scopes = {
    bucket   = ["obs:*:*:bucket:${local.bucket_name}"]
    objects  = ["obs:*:*:object:${local.bucket_name}/${var.bucket.prefix}/*"]
    key      = ["KMS:*:*:KeyId:${coalesce(var.bucket.kms_key_id, "none")}"]
    evaluate = ["FunctionGraph:*:*:function:default/${var.name}-evaluate"]
  }

  # Role -> kind of policy -> scope -> actions. "all" has no resource: these services take none, or we have not seen it.
  statements = {
    for role in keys(local.roles) : role => {
      for kind in ["AX", "XA"] : kind => {
        for scope in ["all", "bucket", "objects", "key", "evaluate"] : scope => sort(distinct(flatten([
          for permission in local.permissions : [
            for action in permission.actions : action if startswith(action, "obs:") == (kind == "AX")
          ]
          if contains(permission.roles, role) && try(permission.scope, "all") == scope && alltrue([for feature in permission.when : local.in_use[feature]])
        ])))
      }
    }
  }

  policies = {
    for policy in flatten([
      for role, kinds in local.statements : [
        for kind, scopes in kinds : {
          role = role
          kind = kind
          statement = [
            for scope, actions in scopes : merge(
              { Effect = "Allow", Action = actions },
              { for key in ["Resource"] : key => local.scopes[scope] if scope != "all" },
            ) if length(actions) > 0
          ]
        }
      ]
    ]) : "${policy.role}-${policy.kind == "AX" ? "global" : "regional"}" => policy if length(policy.statement) > 0
  }

  agencies = {
    for role in keys(local.roles) : role => var.agencies != null ? var.agencies[role] : huaweicloud_identity_agency.function[role].name
  }
}

# One policy can't mix global (AX) and regional (XA) actions; OBS is global.
resource "huaweicloud_identity_role" "function" {
  for_each = { for key, policy in local.policies : key => policy if var.agencies == null }

  name        = "${var.name}-${var.region}-${each.key}"
  description = local.roles[each.value.role]
  type        = each.value.kind
  policy = jsonencode({
    Version   = "1.1"
    Statement = each.value.statement
  })
}

resource "huaweicloud_identity_agency" "function" {
  for_each = { for role, description in local.roles : role => description if var.agencies == null }

  name                  = "${var.name}-${var.region}-${each.key}"
  description           = each.value
  delegated_domain_name = "op_svc_cff"
  duration              = "FOREVER"

  project_role {
    project = var.region
    roles   = [huaweicloud_identity_role.function["${each.key}-regional"].name]
  }

  domain_roles = contains(keys(local.policies), "${each.key}-global") ? [huaweicloud_identity_role.function["${each.key}-global"].name] : []
}
