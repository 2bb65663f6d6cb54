"""The object store through boto3, in path style and with its newer checksums."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from common import PLACE

BUCKET = PLACE["bucket"]
store = boto3.client(
    "s3",
    endpoint_url=PLACE["store_url"],
    region_name="cn-north-4",
    aws_access_key_id=PLACE["access_key"],
    aws_secret_access_key=PLACE["secret_key"],
    aws_session_token=PLACE["security_token"],
    config=Config(s3={"addressing_style": "path"}),
)

for number in range(5):
    store.put_object(
        Bucket=BUCKET, Key=f"groups/a/records/{number}.json", Body=b"{}", ContentType="application/json"
    )
got = store.get_object(Bucket=BUCKET, Key="groups/a/records/3.json")
assert got["Body"].read() == b"{}" and got["ContentType"] == "application/json"
assert store.head_object(Bucket=BUCKET, Key="groups/a/records/3.json")["ETag"] == '"99914b932bd37a50b983c5e7c90ae93b"'

pages = list(
    store.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="groups/a/", StartAfter="groups/a/records/0.json", PaginationConfig={"PageSize": 3}
    )
)
assert [len(page["Contents"]) for page in pages] == [3, 1]
old = store.list_objects(Bucket=BUCKET, Prefix="groups/", Delimiter="/")
assert [each["Prefix"] for each in old["CommonPrefixes"]] == ["groups/a/"]

keys = [{"Key": entry["Key"]} for page in pages for entry in page["Contents"]]
assert len(store.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]) == 4
store.delete_object(Bucket=BUCKET, Key="groups/a/records/0.json")
assert store.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0

try:
    store.get_object(Bucket=BUCKET, Key="nothing")
    raise AssertionError("an object that isn't there was found")
except ClientError as error:
    assert error.response["Error"]["Code"] == "NoSuchKey"
