# One Auto Scaling group that exists already, watched by its CPU. It decides and records, and changes nothing.

variable "region" {
  description = "Region of the cloud."
  type        = string
  default     = "cn-north-4"
}

variable "project_id" {
  description = "Project id of that region."
  type        = string
}

variable "scaling_group_id" {
  description = "The Auto Scaling group to watch."
  type        = string
}

variable "packages" {
  description = "Folder with the functions' zips; default: where scripts/package.sh leaves them."
  type        = string
  default     = null
}

module "autoscaler" {
  source = "../.."

  region     = var.region
  project_id = var.project_id
  packages   = var.packages

  groups = [{
    name    = "web"
    scaling = { min_instances = 1, max_instances = 10 }

    pools = [{
      name           = "base"
      purchase       = "on_demand"
      price_per_hour = 0.66
      as_group       = { scaling_group_id = var.scaling_group_id }
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

output "store" {
  description = "Where the decisions are."
  value       = module.autoscaler.store
}

output "function_urns" {
  description = "The functions."
  value       = module.autoscaler.function_urns
}
