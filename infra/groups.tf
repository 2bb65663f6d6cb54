# Auto Scaling groups for the pools that ask for a new one. Existing groups stay as they are.

locals {
  new_groups = {
    for item in flatten([
      for group in var.groups : [
        for pool in group.pools : {
          key      = "${group.name}/${pool.name}"
          name     = "${var.name}-${group.name}-${pool.name}"
          spot     = pool.purchase == "spot"
          most     = coalesce(pool.max_instances, group.scaling.max_instances, 20)
          template = pool.new_as_group
          # What a configuration is made of: with another one it is another configuration.
          bought = {
            spot = pool.purchase == "spot"
            template = {
              for name in ["flavors", "image_id", "security_group_id", "key_pair_name", "user_data", "root_volume_type", "root_volume_gib"] :
              name => pool.new_as_group[name]
            }
          }
        } if pool.new_as_group != null
      ]
    ]) : item.key => item
  }
}

# A configuration is replaced and not changed, and one that is in use can't be deleted: a new name first.
resource "huaweicloud_as_configuration" "pool" {
  for_each = local.new_groups

  region                     = var.region
  scaling_configuration_name = "${substr(each.value.name, 0, 50)}-${substr(sha1(jsonencode(each.value.bought)), 0, 8)}"

  instance_config {
    flavor                 = join(",", each.value.template.flavors)
    flavor_priority_policy = "PICK_FIRST"
    image                  = each.value.template.image_id
    key_name               = each.value.template.key_pair_name
    charging_mode          = each.value.spot ? "spot" : "postPaid"
    security_group_ids     = [each.value.template.security_group_id]
    user_data              = each.value.template.user_data == null ? null : base64encode(each.value.template.user_data)

    disk {
      disk_type   = "SYS"
      volume_type = each.value.template.root_volume_type
      size        = each.value.template.root_volume_gib
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "huaweicloud_as_group" "pool" {
  for_each = local.new_groups

  region                   = var.region
  scaling_group_name       = substr(each.value.name, 0, 64)
  scaling_configuration_id = huaweicloud_as_configuration.pool[each.key].id
  vpc_id                   = each.value.template.vpc_id
  min_instance_number      = 0
  # Instances that are being taken away count until they are gone: there is room for those in their place. The program's
  # own limits bind.
  max_instance_number                = each.value.spot ? 2 * each.value.most : each.value.most
  availability_zones                 = each.value.template.zones
  multi_az_scaling_policy            = "EQUILIBRIUM_DISTRIBUTE"
  health_periodic_audit_method       = each.value.template.load_balancer == null ? "NOVA_AUDIT" : "ELB_AUDIT"
  health_periodic_audit_time         = 1
  health_periodic_audit_grace_period = each.value.template.warm_up_seconds
  instance_terminate_policy          = "OLD_CONFIG_OLD_INSTANCE"
  delete_instances                   = "yes"
  force_delete                       = true
  delete_publicip                    = true
  delete_volume                      = true
  enterprise_project_id              = var.enterprise_project_id
  tags                               = merge(var.tags, { flexus_type = "auto_scaling" })

  dynamic "networks" {
    for_each = each.value.template.subnet_ids

    content {
      id = networks.value
    }
  }

  dynamic "lbaas_listeners" {
    for_each = each.value.template.load_balancer[*]

    content {
      pool_id       = lbaas_listeners.value.pool_id
      protocol_port = lbaas_listeners.value.port
      weight        = lbaas_listeners.value.weight
    }
  }

  # The scaler sets the number. Any other change of this resource still sends the number from the state: put the group
  # on hold, or refresh right before such an apply.
  lifecycle {
    ignore_changes = [desire_instance_number]
  }
}

# Before an instance leaves, reclaim is told, and it may drain.
resource "huaweicloud_as_lifecycle_hook" "drain" {
  for_each = { for key, group in local.new_groups : key => group if group.template.drain_seconds != null }

  region                 = var.region
  scaling_group_id       = huaweicloud_as_group.pool[each.key].id
  name                   = "drain"
  type                   = "REMOVE"
  default_result         = "CONTINUE"
  timeout                = each.value.template.drain_seconds
  notification_topic_urn = huaweicloud_smn_topic.reclaims.topic_urn
  notification_message   = var.name
}
