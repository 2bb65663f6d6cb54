# Taking over a group that this Terraform configuration made for other means: it keeps the group, we set the number.

variable "region" {
  description = "Region of the cloud."
  type        = string
  default     = "cn-north-4"
}

variable "project_id" {
  description = "Project id of that region."
  type        = string
}

variable "scaling_configuration_id" {
  description = "Configuration of the group's instances."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the group."
  type        = string
}

variable "subnet_id" {
  description = "Subnet of the group: its network id."
  type        = string
}

variable "mode" {
  description = "observe first; act when its decisions have been read."
  type        = string
  default     = "observe"
}

variable "packages" {
  description = "Folder with the functions' zips; default: where scripts/package.sh leaves them."
  type        = string
  default     = null
}

resource "huaweicloud_as_group" "web" {
  region                   = var.region
  scaling_group_name       = "web"
  scaling_configuration_id = var.scaling_configuration_id
  vpc_id                   = var.vpc_id
  min_instance_number      = 1
  max_instance_number      = 10
  delete_instances         = "yes"

  networks {
    id = var.subnet_id
  }

  # The one change that a takeover needs. Alarm and schedule policies of the group (huaweicloud_as_policy) must go, or
  # two minds set one number.
  lifecycle {
    ignore_changes = [desire_instance_number]
  }
}

module "autoscaler" {
  source = "../.."

  region     = var.region
  project_id = var.project_id
  packages   = var.packages
  mode       = var.mode

  groups = [{
    name    = "web"
    scaling = { min_instances = 1, max_instances = 10 }

    pools = [{
      name           = "base"
      purchase       = "on_demand"
      price_per_hour = 0.66
      as_group       = { scaling_group_id = huaweicloud_as_group.web.id }
    }]

    signals = [
      {
        name      = "cpu"
        kind      = "utilisation"
        scale_out = 70
        scale_in  = 30
        duration  = 300
        weight    = 0.6
        cloud_eye = { namespace = "SYS.AS", metric = "cpu_util", dimensions = { AutoScalingGroup = huaweicloud_as_group.web.id } }
      },
    ]

    policy = { engine = "target_tracking", target_utilisation = 55 }
  }]
}

output "store" {
  description = "Where the decisions are."
  value       = module.autoscaler.store
}
