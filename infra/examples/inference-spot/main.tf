# AI inference: a Flexus X base that is always there, and spot servers for the rest. Load comes from the load balancer,
# the queue from a Redis inside the VPC, tokens a second from Prometheus. The search proposes other engines, a person
# approves; DeepSeek is asked once an engine with numbers to tune is in force.

variable "region" {
  description = "Region of the cloud."
  type        = string
  default     = "cn-north-4"
}

variable "project_id" {
  description = "Project id of that region."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the service."
  type        = string
}

variable "member_subnet_id" {
  description = "IPv4 subnet id (neutron_subnet_id) of the servers' subnet, for members of the load balancer. Leave it out only where the balancer takes members by address alone (ip_target_enable)."
  type        = string
  default     = null
}

variable "subnet_id" {
  description = "Subnet of the service: its network id."
  type        = string
}

variable "security_group_id" {
  description = "Security group of the servers."
  type        = string
}

variable "image_id" {
  description = "Image that starts the inference server and the Cloud Eye agent."
  type        = string
}

variable "load_balancer_id" {
  description = "Load balancer in front of the service."
  type        = string
}

variable "load_balancer_pool_id" {
  description = "Its backend server group."
  type        = string
}

variable "key_pair_name" {
  description = "SSH key pair."
  type        = string
  default     = null
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

variable "redis_password" {
  description = "Password of the Redis."
  type        = string
  sensitive   = true
}

variable "console_token" {
  description = "Bearer token for the console."
  type        = string
  sensitive   = true
}

variable "notify_emails" {
  description = "Who is told."
  type        = set(string)
  default     = []
}

module "autoscaler" {
  source = "../.."

  region        = var.region
  project_id    = var.project_id
  packages      = var.packages
  mode          = var.mode
  notify_emails = var.notify_emails
  console_token = var.console_token

  # evaluate and alarm reach the cloud's APIs from inside the VPC: it needs a NAT gateway with an EIP. tune stays outside,
  # so that DeepSeek needs none.
  network = { vpc_id = var.vpc_id, subnet_id = var.subnet_id }

  secret_variables = { REDIS_PASSWORD = var.redis_password }

  deepseek = {
    mode        = "propose"
    secret_name = "deepseek-api-key"
    language    = "zh"
  }

  groups = [{
    name    = "inference"
    scaling = { min_instances = 2, max_instances = 40, lead_time_seconds = 240 }

    pools = [
      {
        name           = "base"
        purchase       = "on_demand"
        price_per_hour = 0.66
        new_as_group = {
          flavors           = ["x1.4u.8g"]
          image_id          = var.image_id
          vpc_id            = var.vpc_id
          subnet_ids        = [var.subnet_id]
          security_group_id = var.security_group_id
          key_pair_name     = var.key_pair_name
          drain_seconds     = 300
          load_balancer     = { pool_id = var.load_balancer_pool_id, port = 8080 }
        }
      },
      {
        name           = "spot"
        purchase       = "spot"
        price_per_hour = 0.22
        ecs = {
          tag                   = { value = "inference_spot" }
          load_balancer_pool_id = var.load_balancer_pool_id
          member_subnet_id      = var.member_subnet_id
          instance_template = {
            flavors           = ["c7.xlarge.2", "c6.xlarge.2"]
            image_id          = var.image_id
            vpc_id            = var.vpc_id
            subnet_id         = var.subnet_id
            security_group_id = var.security_group_id
            key_pair_name     = var.key_pair_name
            protocol_port     = 8080
          }
        }
      },
    ]

    purchase = { on_demand_base = 2, spot_share = 0.8 }

    signals = [
      {
        name      = "cpu"
        kind      = "utilisation"
        scale_out = 75
        scale_in  = 35
        duration  = 180
        weight    = 0.3
        cloud_eye = { namespace = "AGT.ECS", metric = "cpu_usage", per = "instance" }
      },
      {
        name      = "requests"
        kind      = "rate_per_second"
        cloud_eye = { namespace = "SYS.ELB", metric = "mb_l7_qps", dimensions = { lbaas_instance_id = var.load_balancer_id } }
      },
      {
        name      = "response_time"
        kind      = "latency_ms"
        scale_out = 2000
        scale_in  = 500
        duration  = 120
        weight    = 0.4
        cloud_eye = { namespace = "SYS.ELB", metric = "m17_l7_upstream_rt", dimensions = { lbaas_instance_id = var.load_balancer_id } }
      },
      {
        name      = "queue"
        kind      = "queue_length"
        scale_out = 100
        scale_in  = 20
        duration  = 60
        weight    = 0.3
        redis     = { url = "redis://192.168.0.20:6379/0", list = "request_queue", password = { env = "REDIS_PASSWORD" } }
      },
    ]

    policy = { violation_price = 20, slo_ms = 2000, service_ms = 400 }
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

output "scaling_group_ids" {
  description = "The Auto Scaling groups that were made."
  value       = module.autoscaler.scaling_group_ids
}
