"""ECS and ELB through huaweicloudsdkecs and huaweicloudsdkelb."""

import uuid

from common import PLACE, client, play, refused
from huaweicloudsdkecs.v2 import (
    CreatePostPaidServersRequest,
    CreatePostPaidServersRequestBody,
    DeleteServersRequest,
    DeleteServersRequestBody,
    EcsClient,
    ListFlavorSellPoliciesRequest,
    ListFlavorsRequest,
    ListServersByTagRequest,
    ListServersByTagRequestBody,
    ListServersDetailsRequest,
    PostPaidServer,
    PostPaidServerExtendParam,
    PostPaidServerNic,
    PostPaidServerRootVolume,
    PostPaidServerTag,
    ServerId,
    ServerTags,
    ShowJobRequest,
    ShowServerLimitsRequest,
    ShowServerRequest,
)
from huaweicloudsdkelb.v3 import (
    ElbClient,
    ListMembersRequest,
    UpdateMemberOption,
    UpdateMemberRequest,
    UpdateMemberRequestBody,
)

servers = client(EcsClient)


def order(count, **extend):
    server = PostPaidServer(
        name="pool",
        flavor_ref="c7.large.2",
        image_ref="image",
        vpcid="vpc",
        nics=[PostPaidServerNic(subnet_id="subnet")],
        root_volume=PostPaidServerRootVolume(volumetype="GPSSD", size=40),
        count=count,
        extendparam=PostPaidServerExtendParam(charging_mode=0, **extend),
        server_tags=[PostPaidServerTag(key="flexus_type", value="auto_scaling")],
    )
    body = CreatePostPaidServersRequestBody(server=server)
    return CreatePostPaidServersRequest(x_client_token=str(uuid.uuid4()), body=body)


policies = servers.list_flavor_sell_policies(
    ListFlavorSellPoliciesRequest(flavor_id="c7.large.2", sell_mode="spot", sell_status="available")
)
assert len(policies.sell_policies) == 3
assert "x1.2u.4g" in {flavor.id for flavor in servers.list_flavors(ListFlavorsRequest()).flavors}

request = order(2, market_type="spot")
created = servers.create_post_paid_servers(request)
assert servers.create_post_paid_servers(request).server_ids == created.server_ids, "the same token, the same order"
assert servers.show_job(ShowJobRequest(job_id=created.job_id)).status == "RUNNING"
play(2)
job = servers.show_job(ShowJobRequest(job_id=created.job_id))
assert job.status == "SUCCESS" and job.entities.sub_jobs_total == 2

tagged = servers.list_servers_by_tag(
    ListServersByTagRequest(
        body=ListServersByTagRequestBody(
            action="filter", limit="100", offset="0", tags=[ServerTags(key="flexus_type", values=["auto_scaling"])]
        )
    )
)
assert set(created.server_ids) <= {resource.resource_id for resource in tagged.resources}
page = servers.list_servers_details(ListServersDetailsRequest(server_id=",".join(created.server_ids), limit=100))
assert page.count == 2 and {server.status for server in page.servers} == {"ACTIVE"}
one = servers.show_server(ShowServerRequest(server_id=created.server_ids[0])).server
assert one.metadata["charging_mode"] == "2" and one.flavor.id == "c7.large.2"
assert servers.show_server_limits(ShowServerLimitsRequest()).absolute.total_spot_instances_used == 2

balancer = client(ElbClient)
members = balancer.list_members(ListMembersRequest(pool_id=PLACE["load_balancer_pool_id"])).members
address = next(iter(one.addresses.values()))[0].addr
member = next(member for member in members if member.address == address)
assert member.operating_status == "ONLINE" and member.weight == 1
drained = balancer.update_member(
    UpdateMemberRequest(
        pool_id=PLACE["load_balancer_pool_id"],
        member_id=member.id,
        body=UpdateMemberRequestBody(member=UpdateMemberOption(weight=0)),
    )
)
assert drained.member.weight == 0

refused("Ecs.0703", servers.create_post_paid_servers, order(1, market_type="spot", spot_price="0.01"))
refused("Ecs.0913", servers.create_post_paid_servers, order(101))
doomed = DeleteServersRequestBody(servers=[ServerId(id=each) for each in created.server_ids])
servers.delete_servers(DeleteServersRequest(body=doomed))
refused("Ecs.0114", servers.show_server, ShowServerRequest(server_id=created.server_ids[0]))
