# Three topics, so that one kind of message can't pass for another.
# The topics' own policies: only the service that sends may publish besides the account itself.

resource "huaweicloud_smn_topic" "alarms" {
  region                = var.region
  name                  = "${var.name}-alarms"
  display_name          = "Cloud Eye alarms for ${var.name}"
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_smn_topic" "reclaims" {
  region                   = var.region
  name                     = "${var.name}-reclaims"
  display_name             = "Spot reclaims for ${var.name}"
  services_publish_allowed = "cts"
  enterprise_project_id    = var.enterprise_project_id
  tags                     = var.tags
}

resource "huaweicloud_smn_topic" "notices" {
  region                = var.region
  name                  = "${var.name}-notices"
  display_name          = "What a person should know of ${var.name}"
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_smn_subscription" "email" {
  for_each = var.notify_emails

  region    = var.region
  topic_urn = huaweicloud_smn_topic.notices.topic_urn
  protocol  = "email"
  endpoint  = each.value
  remark    = var.name
}
