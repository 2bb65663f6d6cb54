"""Cloud Eye through huaweicloudsdkces, both versions."""

from common import PLACE, client, play, refused
from huaweicloudsdkas.v1 import AsClient, ListScalingInstancesRequest
from huaweicloudsdkces.v1 import (
    BatchListMetricDataRequest,
    BatchListMetricDataRequestBody,
    CesClient,
    CreateMetricDataRequest,
    CreateMetricDataRequestBody,
    ListMetricsRequest,
    MetricInfo,
    MetricsDimension,
    ShowMetricDataRequest,
)
from huaweicloudsdkces.v2 import (
    AlarmRulePolicy,
    BatchDeleteAlarmRulesRequest,
    BatchDeleteAlarmsRequestBody,
    BatchListSpecifiedMetricDataRequest,
    BatchListSpecifiedMetricDataRequestBody,
    CreateAlarmRulesRequest,
    Dimension,
    ListAlarmRulesRequest,
    Notification,
    PostAlarmsReqV2,
)
from huaweicloudsdkces.v2 import CesClient as CesClientV2

GROUP = PLACE["scaling_group_id"]
eye = client(CesClient)
now = play(6)

instances = client(AsClient).list_scaling_instances(
    ListScalingInstancesRequest(scaling_group_id=GROUP, start_number=0, limit=100)
)
ids = [instance.instance_id for instance in instances.scaling_group_instances]
metrics = [
    MetricInfo("AGT.ECS", metric, [MetricsDimension("instance_id", each)])
    for each in ids
    for metric in ("cpu_usage", "mem_usedPercent")
]
metrics.append(
    MetricInfo("SYS.ELB", "m17_l7_upstream_rt", [MetricsDimension("lbaas_instance_id", PLACE["load_balancer_id"])])
)
body = BatchListMetricDataRequestBody(metrics=metrics, _from=now - 600_000, to=now, period="1", filter="average")
answer = eye.batch_list_metric_data(BatchListMetricDataRequest(body=body)).metrics
assert [metric.metric_name for metric in answer] == [metric.metric_name for metric in metrics]
newest = max(point.timestamp for point in answer[0].datapoints)
assert newest == now - 120_000, "one minute late"
for cpu, memory in zip(answer[0:-1:2], answer[1:-1:2]):
    assert abs(memory.datapoints[-1].average - (45 + 0.25 * cpu.datapoints[-1].average)) < 1e-9
assert answer[-1].unit == "ms" and answer[-1].datapoints[-1].average >= 500

single = eye.show_metric_data(
    ShowMetricDataRequest(
        namespace="SYS.AS",
        metric_name="instance_num",
        dim_0=f"AutoScalingGroup,{GROUP}",
        filter="max",
        period=300,
        _from=now - 3_600_000,
        to=now,
    )
)
assert single.datapoints[0].max == 3 and single.datapoints[0].timestamp % 300_000 == 0

listed = eye.list_metrics(ListMetricsRequest(namespace="AGT.ECS", limit=1))
assert listed.meta_data.count == 1 and listed.meta_data.total >= 2 * len(ids)
rest = eye.list_metrics(ListMetricsRequest(namespace="AGT.ECS", start=listed.meta_data.marker))
assert rest.meta_data.count == listed.meta_data.total - 1

written = CreateMetricDataRequestBody(
    metric=MetricInfo("MINE.APP", "queue_depth", [MetricsDimension("group", "inference")]),
    ttl=3600,
    collect_time=now - 60_000,
    value=7.5,
    unit="count",
    type="float",
)
eye.create_metric_data(CreateMetricDataRequest(body=[written]))
read = eye.show_metric_data(
    ShowMetricDataRequest(
        namespace="MINE.APP",
        metric_name="queue_depth",
        dim_0="group,inference",
        filter="average",
        period=1,
        _from=now - 300_000,
        to=now,
    )
)
assert [point.average for point in read.datapoints] == [7.5]
written.metric.namespace = "SYS.ECS"
# The SDK does not look into the nested message of version 1 and gives the status as the code.
error = refused("403", eye.create_metric_data, CreateMetricDataRequest(body=[written]))
assert "ces.0009" in error.error_msg

eye_v2 = client(CesClientV2)
whole = eye_v2.batch_list_specified_metric_data(
    BatchListSpecifiedMetricDataRequest(
        body=BatchListSpecifiedMetricDataRequestBody(
            namespace="AGT.ECS",
            metric_name="cpu_usage",
            metric_dimension="instance_id",
            _from=now - 300_000,
            to=now,
            limit=1000,
            offset=0,
        )
    )
)
assert set(ids) <= {point.dimensions[0].value for point in whole.data_points}

notify = [Notification(type="notification", notification_list=["urn:smn:cn-north-4:demo:alarms"])]
rule = PostAlarmsReqV2(
    name="cpu-high",
    namespace="AGT.ECS",
    resources=[[Dimension(name="instance_id", value=ids[0])]],
    policies=[
        AlarmRulePolicy(
            metric_name="cpu_usage",
            period=1,
            filter="average",
            comparison_operator=">=",
            value=80,
            unit="%",
            count=3,
            suppress_duration=300,
            level=2,
        )
    ],
    type="MULTI_INSTANCE",
    alarm_notifications=notify,
    ok_notifications=notify,
    enabled=True,
    notification_enabled=True,
)
alarm = eye_v2.create_alarm_rules(CreateAlarmRulesRequest(body=rule)).alarm_id
assert [each.alarm_id for each in eye_v2.list_alarm_rules(ListAlarmRulesRequest()).alarms] == [alarm]
gone = BatchDeleteAlarmRulesRequest(body=BatchDeleteAlarmsRequestBody(alarm_ids=[alarm]))
assert eye_v2.batch_delete_alarm_rules(gone).alarm_ids == [alarm]
