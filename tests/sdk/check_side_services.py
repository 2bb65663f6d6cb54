"""Messages, secrets, identity, traces and functions through their clients of the official SDK."""

from common import PLACE, client, refused
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcsms.v1 import CsmsClient, ShowSecretVersionRequest
from huaweicloudsdkcts.v3 import (
    CreateNotificationRequest,
    CreateNotificationRequestBody,
    CtsClient,
    ListNotificationsRequest,
    Operations,
)
from huaweicloudsdkfunctiongraph.v2 import AsyncInvokeFunctionRequest, FunctionGraphClient, InvokeFunctionRequest
from huaweicloudsdkiam.v3 import IamClient, KeystoneListProjectsRequest
from huaweicloudsdksmn.v2 import PublishMessageRequest, PublishMessageRequestBody, SmnClient

TOPIC = "urn:smn:cn-north-4:demo:people"
message = PublishMessageRequest(
    topic_urn=TOPIC, body=PublishMessageRequestBody(subject="scaled", message="from three to five")
)
assert client(SmnClient).publish_message(message).message_id

secret = ShowSecretVersionRequest(secret_name="deepseek", version_id="latest")
assert client(CsmsClient).show_secret_version(secret).version.secret_string == "sk-demo"
secret.secret_name = "nothing"
refused("CSM.0404", client(CsmsClient).show_secret_version, secret)

keys = GlobalCredentials(PLACE["user_access_key"], PLACE["user_secret_key"], "demo")
projects = client(IamClient, keys).keystone_list_projects(KeystoneListProjectsRequest(name="cn-north-4"))
assert projects.projects[0].id == PLACE["project_id"]

traces = client(CtsClient)
operation = Operations(service_type="ECS", resource_type="server", trace_names=["interruptServer"])
notification = CreateNotificationRequestBody(
    notification_name="reclaims", operation_type="customized", operations=[operation], topic_id=TOPIC
)
traces.create_notification(CreateNotificationRequest(body=notification))
known = traces.list_notifications(ListNotificationsRequest(notification_type="smn")).notifications
assert [each.notification_name for each in known] == ["reclaims"]

FUNCTION = f"urn:fss:cn-north-4:{PLACE['project_id']}:function:default:echo:latest"
functions = client(FunctionGraphClient)
answer = functions.invoke_function(
    InvokeFunctionRequest(function_urn=FUNCTION, x_cff_request_version="v1", body={"action": "evaluate"})
)
assert answer.status == 200 and "evaluate" in answer.result, answer
assert functions.async_invoke_function(AsyncInvokeFunctionRequest(function_urn=FUNCTION, body={"n": 1})).request_id

stranger = BasicCredentials(PLACE["user_access_key"], "another secret", PLACE["project_id"])
refused("APIGW.0301", client(SmnClient, stranger).publish_message, message)
