# The configuration document that the functions read, exactly as `flexus-autoscaler config schema` describes it.
# What is not said is left out, so that the functions' own defaults hold: a null is not the same.

locals {
  fleets = {
    for item in flatten([
      for group in var.groups : [
        for pool in group.pools : {
          key = "${group.name}/${pool.name}"
          as_group = pool.ecs != null ? [] : [{
            scaling_group_id = pool.as_group != null ? pool.as_group.scaling_group_id : huaweicloud_as_group.pool["${group.name}/${pool.name}"].id
          }]
          ecs = [
            for ecs in pool.ecs[*] : merge(
              { tag = ecs.tag, instance_template = { for key, value in ecs.instance_template : key => value if value != null } },
              {
                for key, value in {
                  zones                 = ecs.zones
                  load_balancer_pool_id = ecs.load_balancer_pool_id
                  member_subnet_id      = ecs.member_subnet_id
                  warm_up_seconds       = ecs.warm_up_seconds
                } : key => value if value != null
              },
            )
          ]
        }
      ]
    ]) : item.key => merge({ for one in item.as_group : "as_group" => one }, { for one in item.ecs : "ecs" => one })
  }

  sources = {
    for item in flatten([
      for group in var.groups : [
        for signal in group.signals : {
          key        = "${group.name}/${signal.name}"
          cloud_eye  = [for source in signal.cloud_eye[*] : { for key, value in source : key => value if value != null }]
          prometheus = [for source in signal.prometheus[*] : { for key, value in source : key => value if value != null }]
          redis      = [for source in signal.redis[*] : { for key, value in source : key => value if value != null }]
          http_json  = [for source in signal.http_json[*] : { for key, value in source : key => value if value != null }]
        }
      ]
      ]) : item.key => merge(
      { for one in item.cloud_eye : "cloud_eye" => one },
      { for one in item.prometheus : "prometheus" => one },
      { for one in item.redis : "redis" => one },
      { for one in item.http_json : "http_json" => one },
    )
  }

  deepseek_api_key = (
    var.deepseek.secret_name != null ? tomap({ csms = var.deepseek.secret_name }) :
    nonsensitive(var.deepseek_api_key != null) ? tomap({ env = "DEEPSEEK_API_KEY" }) : null
  )

  config = merge(
    { for key, value in { publish_metrics = var.publish_metrics } : key => value if value },
    { for otlp in var.otlp[*] : "otlp" => { for key, value in otlp : key => value if value != null } },
    {
      region     = var.region
      project_id = var.project_id
      endpoints  = var.endpoints
      deepseek = {
        for key, value in {
          mode          = var.deepseek.mode
          api_url       = var.deepseek.api_url
          model         = var.deepseek.model
          api_key       = local.deepseek_api_key
          language      = var.deepseek.language
          daily_tokens  = var.deepseek.daily_tokens
          daily_cost    = var.deepseek.daily_cost
          prices        = { for name, price in var.deepseek.prices : name => price if price != null }
          send_thinking = var.deepseek.send_thinking
        } : key => value if value != null
      }
      tuning = { for key, value in var.tuning : key => value if value != null }
      notify = {
        topic_urn = huaweicloud_smn_topic.notices.topic_urn
        accept_topics = concat(
          [huaweicloud_smn_topic.alarms.topic_urn, huaweicloud_smn_topic.reclaims.topic_urn], sort(tolist(var.accept_topics))
        )
      }
    },
    {
      groups = [
        for group in var.groups : {
          name    = group.name
          mode    = coalesce(group.mode, var.mode)
          scaling = { for key, value in group.scaling : key => value if value != null }
          pools = [
            for pool in group.pools : {
              for key, value in {
                name           = pool.name
                purchase       = pool.purchase
                price_per_hour = pool.price_per_hour
                min_instances  = pool.min_instances
                max_instances  = pool.max_instances
                fleet          = local.fleets["${group.name}/${pool.name}"]
              } : key => value if value != null
            }
          ]
          signals = [
            for signal in group.signals : {
              for key, value in {
                name      = signal.name
                kind      = signal.kind
                source    = local.sources["${group.name}/${signal.name}"]
                scale_out = signal.scale_out
                scale_in  = signal.scale_in
                duration  = signal.duration
                weight    = signal.weight
              } : key => value if value != null
            }
          ]
          policy   = { for key, value in group.policy : key => value if value != null }
          purchase = { for key, value in group.purchase : key => value if value != null }
          schedules = [
            for schedule in group.schedules : { for key, value in schedule : key => value if value != null }
          ]
        }
      ]
    },
  )

  has_spot = anytrue(flatten([for group in var.groups : [for pool in group.pools : pool.purchase == "spot"]]))
}

resource "huaweicloud_obs_bucket_object" "config" {
  region       = var.region
  bucket       = huaweicloud_obs_bucket.state.bucket
  key          = "${var.bucket.prefix}/config.json"
  content      = jsonencode(local.config)
  content_type = "application/json"
  tags         = var.tags

  lifecycle {
    precondition {
      condition     = var.deepseek.mode == "off" || local.deepseek_api_key != null
      error_message = "deepseek.mode ${var.deepseek.mode} needs a key: set deepseek.secret_name to a CSMS secret, or deepseek_api_key."
    }
  }
}
