output "bucket" {
  description = "The bucket that holds the state."
  value       = huaweicloud_obs_bucket.state.bucket
}

output "store" {
  description = "Where the state is: AUTOSCALER_STORE for the command line."
  value       = local.function_variables.AUTOSCALER_STORE
}

output "config_key" {
  description = "The configuration document in the bucket."
  value       = huaweicloud_obs_bucket_object.config.key
}

output "function_urns" {
  description = "The functions by name."
  value       = { for name, function in huaweicloud_fgs_function.function : name => function.urn }
}

output "functions_left_out" {
  description = "Functions that were not deployed: switched off, or without a package."
  value       = sort(setsubtract(keys(local.function_defaults), keys(local.functions)))
}

output "topic_urns" {
  description = "The topics: alarms and reclaims wake functions, notices are for people."
  value = {
    alarms   = huaweicloud_smn_topic.alarms.topic_urn
    reclaims = huaweicloud_smn_topic.reclaims.topic_urn
    notices  = huaweicloud_smn_topic.notices.topic_urn
  }
}

output "scaling_group_ids" {
  description = "The Auto Scaling groups that were made, by group/pool."
  value       = { for key, group in huaweicloud_as_group.pool : key => group.id }
}

output "agencies" {
  description = "The agencies by role."
  value       = local.agencies
}

output "acting_groups" {
  description = "Groups whose decisions are carried out. Empty while all only observe."
  value       = [for group in local.config.groups : group.name if group.mode == "act"]
}

output "log_group_id" {
  description = "Where the functions log: one stream for each."
  value       = huaweicloud_lts_group.functions.id
}
