# What must be said -----------------------------------------------------------------------------------------------

variable "region" {
  description = "Region of the cloud, such as cn-north-4. Everything is made there."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region must be a region's name, such as cn-north-4."
  }
}

variable "project_id" {
  description = "Project id of that region (My Credentials > API Credentials)."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.project_id))
    error_message = "project_id must be 32 hexadecimal digits."
  }
}

# What has a sound default ----------------------------------------------------------------------------------------

variable "name" {
  description = "Prefix of the name of everything that is made."
  type        = string
  default     = "flexus-autoscaler"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,26}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 28 small letters, digits and -, starting with a letter."
  }
}

variable "mode" {
  description = "observe: decide and record, change nothing. act: carry decisions out. A group may say otherwise."
  type        = string
  default     = "observe"

  validation {
    condition     = contains(["observe", "act"], var.mode)
    error_message = "mode must be observe or act."
  }
}

variable "packages" {
  description = "Folder with evaluate.zip, alarm.zip, reclaim.zip, tune.zip and console.zip, as scripts/package.sh leaves them; functions without a zip are left out, except evaluate. Default: target/functions of this repository."
  type        = string
  default     = null
}

variable "functions" {
  description = "Settings of a function where they differ from the defaults: evaluate, alarm, reclaim, tune, console."
  type = map(object({
    enabled       = optional(bool)
    memory_mb     = optional(number)
    timeout       = optional(number)
    max_instances = optional(number)
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.functions), ["evaluate", "alarm", "reclaim", "tune", "console"])) == 0
    error_message = "functions may have the keys evaluate, alarm, reclaim, tune and console."
  }

  validation {
    condition = alltrue([
      for function in values(var.functions) :
      function.memory_mb == null ? true : contains([128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096], function.memory_mb)
    ])
    error_message = "memory_mb must be a size that FunctionGraph offers: 128, 256, 512, 768 ... 4096."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.timeout == null ? true : function.timeout >= 3 && function.timeout <= 900])
    error_message = "timeout must be 3 to 900 seconds."
  }

  validation {
    condition     = try(var.functions["evaluate"].enabled, null) != false
    error_message = "evaluate is the main job and can't be left out."
  }

  validation {
    condition     = try(var.functions["evaluate"].timeout <= 55, true)
    error_message = "evaluate must end before the next minute's tick: at most 55 seconds."
  }
}

variable "groups_per_invocation" {
  description = "Groups that one invocation of evaluate decides for. It hands the rest to further invocations, each on an instance of its own."
  type        = number
  default     = 20

  validation {
    condition     = var.groups_per_invocation >= 1 && var.groups_per_invocation <= 200 && floor(var.groups_per_invocation) == var.groups_per_invocation
    error_message = "groups_per_invocation must be a whole number from 1 to 200."
  }
}

variable "log_level" {
  description = "What the functions log: error, warn, info, debug or trace."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["error", "warn", "info", "debug", "trace"], var.log_level)
    error_message = "log_level must be error, warn, info, debug or trace."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.log_days >= 1 && var.log_days <= 365
    error_message = "log_days must be 1 to 365."
  }
}

variable "bucket" {
  description = "The bucket that holds the state. Without a name one is made from var.name, region and project."
  type = object({
    name          = optional(string)
    prefix        = optional(string, "autoscaler")
    kms_key_id    = optional(string)
    record_days   = optional(number, 90)
    archive_days  = optional(number, 800)
    history_days  = optional(number, 800)
    force_destroy = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.bucket.name == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket.name))
    error_message = "bucket.name must be 3 to 63 small letters, digits, - and dots."
  }

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]*$", var.bucket.prefix))
    error_message = "bucket.prefix must be one plain folder name."
  }

  validation {
    condition = (
      var.bucket.record_days >= 30 &&
      min(var.bucket.archive_days, var.bucket.history_days) >= var.bucket.record_days
    )
    error_message = "bucket.record_days must be 30 or more (tuning replays the last weeks), archive_days and history_days not less."
  }
}

variable "agencies" {
  description = "Names of existing agencies for FunctionGraph, where identities are managed elsewhere. Without them three are made."
  type = object({
    platform = string
    scaler   = string
    reader   = string
  })
  default = null
}

variable "network" {
  description = "VPC access of the functions that read signals, for a Redis or Prometheus inside it. Public addresses then need a NAT gateway in that VPC."
  type = object({
    vpc_id    = string
    subnet_id = string
    functions = optional(set(string), ["evaluate", "alarm"])
  })
  default = null
}

variable "endpoints" {
  description = "Addresses of the cloud's APIs where they are not the region's public ones: as, ecs, ces, smn, elb, functiongraph, csms, iam, cts."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.endpoints), ["as", "ecs", "ces", "smn", "elb", "functiongraph", "csms", "iam", "cts"])) == 0
    error_message = "endpoints may have the keys as, ecs, ces, smn, elb, functiongraph, csms, iam and cts."
  }
}

variable "store_endpoint" {
  description = "Address of the object store where it is not the region's public one. It names no bucket."
  type        = string
  default     = null
}

variable "deepseek" {
  description = "The adviser. Its key is in a CSMS secret (secret_name), or is given as var.deepseek_api_key."
  type = object({
    mode          = optional(string, "off")
    api_url       = optional(string)
    model         = optional(string)
    secret_name   = optional(string)
    language      = optional(string)
    daily_tokens  = optional(number)
    daily_cost    = optional(number)
    send_thinking = optional(bool)
    prices = optional(object({
      prompt_per_million        = optional(number)
      cached_prompt_per_million = optional(number)
      completion_per_million    = optional(number)
    }), {})
  })
  default = {}

  validation {
    condition     = contains(["off", "propose", "apply"], var.deepseek.mode)
    error_message = "deepseek.mode must be off, propose or apply."
  }

  validation {
    condition     = var.deepseek.language == null ? true : contains(["en", "zh"], var.deepseek.language)
    error_message = "deepseek.language must be en or zh."
  }

  validation {
    condition     = alltrue([for value in concat([var.deepseek.daily_cost], values(var.deepseek.prices)) : value == null ? true : value >= 0])
    error_message = "deepseek.daily_cost and deepseek.prices must be 0 or more."
  }
}

variable "tuning" {
  description = "How groups tune themselves. mode: off, propose (a person approves what has passed the gate) or apply; by default what deepseek.mode says, and propose where that is off."
  type = object({
    mode               = optional(string)
    days               = optional(number)
    shadow_evaluations = optional(number)
    bake_hours         = optional(number)
  })
  default = {}

  validation {
    condition     = var.tuning.mode == null ? true : contains(["off", "propose", "apply"], var.tuning.mode)
    error_message = "tuning.mode must be off, propose or apply."
  }

  validation {
    condition = (
      contains(range(2, 61), coalesce(var.tuning.days, 14)) &&
      coalesce(var.tuning.shadow_evaluations, 60) >= 1 && coalesce(var.tuning.shadow_evaluations, 60) <= 10000 &&
      coalesce(var.tuning.bake_hours, 24) >= 0 && coalesce(var.tuning.bake_hours, 24) <= 720
    )
    error_message = "tuning.days must be 2 to 60, shadow_evaluations 1 to 10000, bake_hours 0 to 720."
  }
}

variable "deepseek_api_key" {
  description = "DeepSeek key, put into the encrypted variables of tune. It then stands in the Terraform state; a CSMS secret doesn't."
  type        = string
  default     = null
  sensitive   = true
}

variable "secret_variables" {
  description = "Further secrets by variable name, put into the encrypted variables of evaluate, alarm and tune: what a signal's {\"env\": name} reads."
  type        = map(string)
  default     = {}
  sensitive   = true

  validation {
    condition     = alltrue([for name in keys(var.secret_variables) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !startswith(name, "AUTOSCALER_") && !startswith(name, "RUNTIME_")])
    error_message = "secret_variables must have names like REDIS_PASSWORD, none of them AUTOSCALER_ or RUNTIME_ ones."
  }
}

variable "console" {
  description = "A dedicated APIG instance and API group that the console page is published on, and whom the gateway lets through. IAM and APP want every request authenticated, which neither a browser nor Prometheus does: they can open the console only with NONE, or through a proxy that authenticates for them (in another header than Authorization, which holds the console's token). With NONE that token, compared in constant time and paced, is the only guard. Without console the function answers test events only."
  type = object({
    instance_id    = string
    group_id       = string
    environment_id = optional(string, "DEFAULT_ENVIRONMENT_RELEASE_ID")
    authentication = optional(string, "IAM")
  })
  default = null

  validation {
    condition     = var.console == null ? true : contains(["IAM", "APP", "NONE"], var.console.authentication)
    error_message = "console.authentication must be IAM, APP or NONE."
  }
}

variable "console_token" {
  description = "Bearer token that every call of the console's API needs, reading as much as changing (only the page itself and its OpenAPI document are open), put into its encrypted variables. At least 24 characters."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.console_token == null ? true : length(var.console_token) >= 24
    error_message = "console_token must have at least 24 characters."
  }
}

variable "notify_emails" {
  description = "Mail addresses that are told what a person should know. Each must confirm a mail first."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.notify_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "notify_emails must be mail addresses."
  }
}

variable "alarms" {
  description = "Cloud Eye alarms that wake the functions between two minutes."
  type = object({
    enabled          = optional(bool, true)
    suppress_seconds = optional(number, 300)
  })
  default = {}

  validation {
    condition     = contains([300, 600, 900, 1800, 3600], var.alarms.suppress_seconds)
    error_message = "alarms.suppress_seconds must be 300, 600, 900, 1800 or 3600."
  }
}

variable "accept_topics" {
  description = "SMN topics of yours that alarms or lifecycle hooks are published to. The functions believe those of this module and these, and no others. Subscribe alarm or reclaim to them."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for topic in var.accept_topics : startswith(topic, "urn:smn:")])
    error_message = "accept_topics must be URNs of SMN topics: urn:smn:region:project:name."
  }
}

variable "spot_notices" {
  description = "How a spot reclaim reaches us: by a CTS trigger, by a CTS key-event notification through SMN, or both. Cloud Trace must be on in the region. Default: both where a pool is spot."
  type = object({
    trigger      = optional(bool)
    notification = optional(bool)
  })
  default = {}
}

variable "tune_schedule" {
  description = "When tune runs: cron with seconds first, optionally after CRON_TZ=zone. Candidates are looked for once a day however often it runs; hourly, versions are taken on sooner."
  type        = string
  default     = "0 30 * * * ?"
}

variable "otlp" {
  description = "A collector that speaks OpenTelemetry's protocol over HTTP (OTLP/HTTP, JSON): base address, usually with port 4318, and where its bearer token is: {\"env\": name} or {\"csms\": name}. Each decision is sent there as metrics. It must be reachable from the functions: see network."
  type = object({
    url          = string
    bearer_token = optional(map(string))
  })
  default = null

  validation {
    condition     = var.otlp == null ? true : can(regex("^https?://[^/]+", var.otlp.url))
    error_message = "otlp.url must be an http or https address."
  }
}

variable "publish_metrics" {
  description = "Whether each decision is written to Cloud Eye as custom metrics (namespace AUTOSCALER.GROUP): target, forecast, cost and more, for the dashboard and for alarms. One call an evaluation more."
  type        = bool
  default     = false
}

variable "dashboard" {
  description = "Whether a Cloud Eye dashboard is made."
  type        = bool
  default     = true
}

variable "enterprise_project_id" {
  description = "Enterprise project of what is made."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of what is made."
  type        = map(string)
  default     = {}
}
