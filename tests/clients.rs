//! Our clients against the local region, which the official SDK is held against too: both sides read the documents alike.
#![cfg(feature = "local")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::clients::auto_scaling::{DesiredNumber, GroupStatus, LifeCycleState};
use flexus_autoscaler::clients::cloud_eye::{CustomValue, Filter, Metric};
use flexus_autoscaler::clients::ecs::{JobStatus, NewServers, ServerStatus, Spot};
use flexus_autoscaler::clients::elb::NewMember;
use flexus_autoscaler::clients::{Cloud, Credentials, Proxies, Transport, client};
use flexus_autoscaler::local::{
    PoolSettings, Region, RegionSettings, ServerHandle, TaggedSettings, WorkloadSettings, serve,
};
use flexus_autoscaler::model::{Endpoints, Minute, Purchase, Tag};
use flexus_autoscaler::queueing::ServiceModel;
use tokio::time::Instant;
use uuid::Uuid;

const START: Minute = Minute(29_000_000);

struct Played {
    region: Arc<Region>,
    _server: ServerHandle,
    cloud: Cloud,
    group_id: String,
}

fn tag() -> Tag {
    Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() }
}

/// A region with an AS group of three instances and a pool of two tagged servers, under a load that both can serve.
async fn played() -> Played {
    let model = ServiceModel::new(10.0, 120);
    let tagged = TaggedSettings {
        tag: tag(),
        initial: 2,
        purchase: Purchase::OnDemand,
        flavor: "x1.2u.4g".to_owned(),
        needs_member: true,
    };
    let workloads = vec![
        WorkloadSettings::on_auto_scaling("inference", model, 3, 1, 20),
        WorkloadSettings { name: "batch".to_owned(), model, pools: vec![PoolSettings::Tagged(tagged)] },
    ];
    let secrets = [("deepseek".to_owned(), "sk-demo".to_owned())].into();
    let settings = RegionSettings { start: START, workloads, secrets, ..RegionSettings::default() };
    let region = Arc::new(Region::new(settings));
    let server = serve(Arc::clone(&region), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let url = Some(server.url().parse().unwrap());
    let endpoints = Endpoints {
        auto_scaling: url.clone(),
        ecs: url.clone(),
        ces: url.clone(),
        smn: url.clone(),
        elb: url.clone(),
        functiongraph: url.clone(),
        csms: url.clone(),
        iam: url.clone(),
        cts: url,
    };
    let settings = region.settings();
    let transport = Transport::new(client(Proxies::None).unwrap(), Instant::now() + Duration::from_secs(60));
    let cloud =
        Cloud::new(&settings.region, &settings.project_id, &endpoints, settings.agency.clone(), transport).unwrap();
    let group_id = settings.workloads[0].scaling_group_ids().next().unwrap().to_owned();
    Played { region, _server: server, cloud, group_id }
}

#[tokio::test]
async fn an_as_group_is_scaled_and_its_instances_are_told_apart() {
    let Played { region, cloud, group_id, .. } = &played().await;
    let auto_scaling = cloud.auto_scaling();
    let group = auto_scaling.group(group_id).await.unwrap();
    assert_eq!((group.status, group.current, group.desired, group.max), (GroupStatus::InService, 3, 3, 20));
    assert_eq!(auto_scaling.set_desired(group_id, 3).await.unwrap(), DesiredNumber::Unchanged);
    assert_eq!(auto_scaling.set_desired(group_id, 5).await.unwrap(), DesiredNumber::Accepted);
    let instances = auto_scaling.instances(group_id).await.unwrap();
    let count = |state| instances.iter().filter(|instance| instance.state == state).count();
    assert_eq!((count(LifeCycleState::InService), count(LifeCycleState::Pending)), (3, 2));
    assert_eq!(auto_scaling.set_desired(group_id, 21).await.unwrap_err().code(), Some("AS.2005"));
    assert!(auto_scaling.group("absent").await.unwrap_err().is_not_found());

    for _ in 0..4 {
        region.play_minute(&[10.0, 5.0]);
    }
    let instances = auto_scaling.instances(group_id).await.unwrap();
    assert!(instances.iter().all(|instance| instance.state == LifeCycleState::InService && instance.id.is_some()));
    assert_eq!(auto_scaling.set_desired(group_id, 4).await.unwrap(), DesiredNumber::Accepted);
    region.play_minute(&[10.0, 5.0]);
    assert_eq!(auto_scaling.group(group_id).await.unwrap().desired, 4);
    assert_eq!(auto_scaling.lifecycle_hooks(group_id).await.unwrap(), []);
    assert_eq!(auto_scaling.hanging_instances(group_id).await.unwrap(), []);
}

#[tokio::test]
async fn metrics_of_instances_are_read_and_our_own_written() {
    let Played { region, cloud, group_id, .. } = &played().await;
    for _ in 0..6 {
        region.play_minute(&[15.0, 5.0]);
    }
    let instances = cloud.auto_scaling().instances(group_id).await.unwrap();
    let metrics: Vec<Metric> = instances
        .iter()
        .map(|instance| Metric::new("AGT.ECS", "cpu_usage", [("instance_id", instance.id.as_deref().unwrap())]))
        .chain([Metric::new("AGT.ECS", "cpu_usage", [("instance_id", "absent")])])
        .collect();
    let cloud_eye = cloud.cloud_eye();
    let (from, to) = (START.start(), region.now().start());
    let series = cloud_eye.query(&metrics, from, to, 60, Filter::Average).await.unwrap();
    assert!(series[..3].iter().all(|points| points.len() >= 3), "{series:?}");
    assert!(series[..3].iter().flatten().all(|point| (30.0..=70.0).contains(&point.value)), "{series:?}");
    assert!(series[3].is_empty());
    assert!(!cloud_eye.list("AGT.ECS", None).await.unwrap().is_empty());

    let own = Metric::new("FLEXUS.AUTOSCALER", "target", [("group", "inference")]);
    let value = CustomValue { metric: own.clone(), ttl: 172_800, at: to, value: 4.0, unit: None };
    cloud_eye.write(&[value]).await.unwrap();
    region.play_minute(&[15.0, 5.0]);
    let read = cloud_eye.query(&[own], from, region.now().start(), 60, Filter::Average).await.unwrap();
    assert_eq!(read[0].iter().map(|point| point.value).collect::<Vec<_>>(), [4.0]);
}

fn order(spot: Option<Spot>) -> NewServers {
    NewServers {
        name: "batch-1".to_owned(),
        count: 2,
        flavor_id: "x1.2u.4g".to_owned(),
        image_id: "image".to_owned(),
        vpc_id: "vpc".to_owned(),
        subnet_id: "subnet".to_owned(),
        security_group_id: None,
        key_pair_name: None,
        user_data: None,
        root_volume_type: "GPSSD".to_owned(),
        root_volume_size_gib: 40,
        zone: None,
        spot,
        tags: vec![tag()],
    }
}

#[tokio::test]
async fn servers_are_ordered_once_become_members_and_are_deleted() {
    let Played { region, cloud, .. } = &played().await;
    let (ecs, elb) = (cloud.ecs(), cloud.elb());
    let token = Uuid::from_u128(0x1111_2222_3333_4444_5555_5555_5555_5555);
    ecs.check_create(&order(None)).await.unwrap();
    let created = ecs.create(&order(None), token).await.unwrap();
    assert_eq!(ecs.create(&order(None), token).await.unwrap(), created, "ordered once");
    assert_eq!(ecs.servers_with_tag(&tag()).await.unwrap().len(), 4);
    assert!(!ecs.job(&created.job_id).await.unwrap().status.is_final());
    for _ in 0..4 {
        region.play_minute(&[10.0, 5.0]);
    }
    let job = ecs.job(&created.job_id).await.unwrap();
    assert_eq!(job.status, JobStatus::Success);
    let made: Vec<Option<String>> = job.servers.iter().map(|server| server.server_id.clone()).collect();
    assert_eq!(made, created.server_ids.iter().cloned().map(Some).collect::<Vec<_>>());

    let servers = ecs.servers(&created.server_ids).await.unwrap();
    assert_eq!(servers.len(), 2);
    let server = servers.iter().find(|server| server.id == created.server_ids[0]).unwrap();
    assert_eq!((server.status, server.is_spot(), server.flavor_id()), (ServerStatus::Active, Some(false), "x1.2u.4g"));
    assert_eq!(server.tag("flexus_type"), Some("auto_scaling"));
    assert_eq!(&ecs.server(&server.id).await.unwrap(), server);

    let pool = region.settings().workloads[1].load_balancer_pool_id();
    let members = elb.members(&pool).await.unwrap().len();
    let new = NewMember {
        name: server.name.clone(),
        address: server.private_address().unwrap().to_owned(),
        protocol_port: 8080,
        subnet_cidr_id: None,
        weight: 1,
    };
    let member = elb.add_member(&pool, &new).await.unwrap();
    elb.set_weight(&pool, &member.id, 0).await.unwrap();
    let listed = elb.members(&pool).await.unwrap();
    assert_eq!(listed.len(), members + 1);
    assert_eq!(listed.iter().find(|known| known.id == member.id).unwrap().weight, 0);
    elb.remove_member(&pool, &member.id).await.unwrap();
    elb.remove_member(&pool, &member.id).await.unwrap();
    assert_eq!(elb.members(&pool).await.unwrap().len(), members);

    let own = Tag { key: "role".to_owned(), value: "probe".to_owned() };
    ecs.set_tags(&server.id, std::slice::from_ref(&own)).await.unwrap();
    assert_eq!(ecs.servers_with_tag(&own).await.unwrap().len(), 1);

    ecs.delete(&created.server_ids).await.unwrap();
    region.play_minute(&[10.0, 5.0]);
    assert_eq!(ecs.servers_with_tag(&tag()).await.unwrap().len(), 2);
    assert!(ecs.server(&server.id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn stock_and_quotas_are_told() {
    let Played { cloud, .. } = &played().await;
    let ecs = cloud.ecs();
    let policies = ecs.sell_policies("x1.2u.4g", "postPaid").await.unwrap();
    assert!(policies.iter().any(|policy| policy.is_available()), "{policies:?}");
    assert!(ecs.limits().await.unwrap().instances > 0);
    let refused = async |order: NewServers| ecs.create(&order, Uuid::from_u128(1)).await.unwrap_err();
    let absent = refused(NewServers { flavor_id: "absent".to_owned(), ..order(None) }).await;
    let spot = refused(order(Some(Spot { price_per_hour: None, interruption_policy: None }))).await;
    for error in [absent, spot] {
        assert!(error.code().is_some_and(|code| code.starts_with("Ecs.")), "{error}");
    }
}

#[tokio::test]
async fn the_small_services_answer() {
    let Played { region, cloud, .. } = &played().await;
    let project = cloud.iam().projects(cloud.region()).await.unwrap();
    assert_eq!(project[0].id, cloud.project_id());
    assert_eq!(cloud.csms().secret("deepseek").await.unwrap().expose(), "sk-demo");
    assert!(cloud.csms().secret("absent").await.unwrap_err().is_not_found());
    let topic = format!("urn:smn:{}:{}:people", cloud.region(), cloud.project_id());
    cloud.smn().publish(&topic, "subject", "message").await.unwrap();
    assert_eq!(region.take_messages().len(), 1);
    cloud.cts().notifications().await.unwrap();
    let absent = format!("urn:fss:{}:{}:function:default:absent:latest", cloud.region(), cloud.project_id());
    assert!(cloud.function_graph().invoke_async(&absent, &()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let Played { region, cloud, group_id, _server: server } = &played().await;
    let endpoints = Endpoints { auto_scaling: Some(server.url().parse().unwrap()), ..Endpoints::default() };
    let agency = &region.settings().agency;
    let wrong = Credentials::new(
        &agency.access_key,
        "another",
        agency.security_token.as_ref().map(|token| token.expose().to_owned()),
    );
    let wrong = Cloud::new(cloud.region(), cloud.project_id(), &endpoints, wrong, cloud.transport().clone()).unwrap();
    let error = wrong.auto_scaling().group(group_id).await.unwrap_err();
    assert!(error.is_auth(), "{error}");
    assert_eq!(error.code(), Some("APIGW.0301"));
}
