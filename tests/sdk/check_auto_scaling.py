"""Auto Scaling through huaweicloudsdkas."""

from common import PLACE, client, play, refused
from huaweicloudsdkas.v1 import (
    AsClient,
    AttachCallbackInstanceLifeCycleHookRequest,
    BatchProtectInstancesOption,
    BatchProtectScalingInstancesRequest,
    BatchRemoveInstancesOption,
    BatchRemoveScalingInstancesRequest,
    CallbackLifeCycleHookOption,
    CreateLifeCycleHookOption,
    CreateLifyCycleHookRequest,
    CreateScalingPolicyOption,
    CreateScalingPolicyRequest,
    ExecuteScalingPolicyOption,
    ExecuteScalingPolicyRequest,
    ListHookInstancesRequest,
    ListScalingActivityV2LogsRequest,
    ListScalingGroupsRequest,
    ListScalingInstancesRequest,
    PauseScalingGroupOption,
    PauseScalingGroupRequest,
    ResumeScalingGroupOption,
    ResumeScalingGroupRequest,
    ScalingPolicyActionV1,
    ScheduledPolicy,
    ShowScalingGroupRequest,
    UpdateScalingGroupOption,
    UpdateScalingGroupRequest,
)

GROUP = PLACE["scaling_group_id"]
scaling = client(AsClient)


def show():
    return scaling.show_scaling_group(ShowScalingGroupRequest(scaling_group_id=GROUP)).scaling_group


def set_desired(number):
    option = UpdateScalingGroupOption(desire_instance_number=number)
    return UpdateScalingGroupRequest(scaling_group_id=GROUP, body=option)


def instances():
    request = ListScalingInstancesRequest(scaling_group_id=GROUP, start_number=0, limit=100)
    return scaling.list_scaling_instances(request).scaling_group_instances


groups = scaling.list_scaling_groups(ListScalingGroupsRequest(limit=10))
assert groups.total_number == 1 and groups.scaling_groups[0].scaling_group_id == GROUP
before = show()
assert before.desire_instance_number == before.current_instance_number == 3 and before.is_scaling is False

assert scaling.update_scaling_group(set_desired(5)).scaling_group_id == GROUP
assert show().is_scaling is True
joining = [instance for instance in instances() if instance.life_cycle_state == "PENDING"]
assert len(joining) == 2 and all(instance.instance_id is None for instance in joining)
play(2)
assert {instance.life_cycle_state for instance in instances()} == {"INSERVICE"}
assert show().current_instance_number == 5

refused("AS.2028", scaling.update_scaling_group, set_desired(5))
refused("AS.2005", scaling.update_scaling_group, set_desired(1000))
refused("AS.2007", scaling.show_scaling_group, ShowScalingGroupRequest(scaling_group_id="nothing"))

ids = [instance.instance_id for instance in instances()]
protect = BatchProtectInstancesOption(instances_id=ids[:4], action="PROTECT")
scaling.batch_protect_scaling_instances(BatchProtectScalingInstancesRequest(scaling_group_id=GROUP, body=protect))
refused("AS.2010", scaling.update_scaling_group, set_desired(3))
remove = BatchRemoveInstancesOption(instances_id=ids[4:], instance_delete="yes", action="REMOVE")
scaling.batch_remove_scaling_instances(BatchRemoveScalingInstancesRequest(scaling_group_id=GROUP, body=remove))
assert show().desire_instance_number == 4

pause = PauseScalingGroupOption(action="pause")
scaling.pause_scaling_group(PauseScalingGroupRequest(scaling_group_id=GROUP, body=pause))
assert show().scaling_group_status == "PAUSED"
resume = ResumeScalingGroupOption(action="resume")
scaling.resume_scaling_group(ResumeScalingGroupRequest(scaling_group_id=GROUP, body=resume))

hook = CreateLifeCycleHookOption(
    lifecycle_hook_name="warm",
    lifecycle_hook_type="INSTANCE_LAUNCHING",
    default_result="CONTINUE",
    notification_topic_urn="urn:smn:cn-north-4:demo:hooks",
)
scaling.create_lify_cycle_hook(CreateLifyCycleHookRequest(scaling_group_id=GROUP, body=hook))
scaling.update_scaling_group(set_desired(5))
play(2)
waiting = scaling.list_hook_instances(ListHookInstancesRequest(scaling_group_id=GROUP)).instance_hanging_info
assert len(waiting) == 1 and waiting[0].lifecycle_hook_status == "HANGING"
answer = CallbackLifeCycleHookOption(
    lifecycle_action_key=waiting[0].lifecycle_action_key, lifecycle_action_result="CONTINUE"
)
scaling.attach_callback_instance_life_cycle_hook(
    AttachCallbackInstanceLifeCycleHookRequest(scaling_group_id=GROUP, body=answer)
)
assert show().current_instance_number == 5

log = scaling.list_scaling_activity_v2_logs(ListScalingActivityV2LogsRequest(scaling_group_id=GROUP))
kinds = [(entry.type, entry.scaling_value) for entry in log.scaling_activity_log]
assert ("NORMAL", 2) in kinds and ("MANNUAL_DELETE", 1) in kinds, kinds

policy = CreateScalingPolicyOption(
    scaling_policy_name="one-more",
    scaling_group_id=GROUP,
    scaling_policy_type="SCHEDULED",
    scheduled_policy=ScheduledPolicy(launch_time="2040-01-01T00:00Z"),
    scaling_policy_action=ScalingPolicyActionV1(operation="ADD", instance_number=1),
)
created = scaling.create_scaling_policy(CreateScalingPolicyRequest(body=policy)).scaling_policy_id
execute = ExecuteScalingPolicyOption(action="execute")
scaling.execute_scaling_policy(ExecuteScalingPolicyRequest(scaling_policy_id=created, body=execute))
assert show().desire_instance_number == 6
