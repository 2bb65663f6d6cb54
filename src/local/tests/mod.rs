//! The region over HTTP, as a client meets it.

mod alarms;
mod hooks;
mod model;
mod policies;
mod servers;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::Utc;
use serde_json::{Value, json};

use super::*;
use crate::clients::signing::{self, Signable};
use crate::clients::{Credentials, tls};
use crate::model::Minute;
use crate::queueing::ServiceModel;

/// A minute of no meaning, on a boundary of five.
pub(super) const START: Minute = Minute(29_000_000);

/// A served region and a client with keys for it.
pub(super) struct Cloud {
    pub(super) region: Arc<Region>,
    pub(super) server: ServerHandle,
    client: reqwest::Client,
    keys: Credentials,
}

impl Cloud {
    pub(super) async fn start(settings: RegionSettings) -> Self {
        tls::install();
        let region = Arc::new(Region::new(RegionSettings { start: START, ..settings }));
        let server = serve(Arc::clone(&region), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let keys = region.settings().agency.clone();
        Self { region, server, client: reqwest::Client::new(), keys }
    }

    /// A region with one workload: `initial` instances of 1 to 10, each serving 10 work units a second, lead 2 minutes.
    pub(super) async fn with_group(initial: u32) -> Self {
        let workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 120), initial, 1, 10);
        Self::start(RegionSettings { workloads: vec![workload], ..RegionSettings::default() }).await
    }

    pub(super) fn group_id(&self) -> String {
        self.region.settings().workloads[0].scaling_group_ids().next().unwrap().to_owned()
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call_with(method, path, body, "").await
    }

    /// A call with a client token, if there is one.
    pub(super) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        client_token: &str,
    ) -> (u16, Value) {
        let path = path.replace("{project_id}", &self.region.settings().project_id);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let host = self.server.address().to_string();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let token = self.keys.security_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default();
        let mut headers = vec![("host", host.as_str())];
        if !token.is_empty() {
            headers.push(("x-security-token", &token));
        }
        let request = Signable { method, path, query, headers: &headers, body: body.as_bytes() };
        let signature = signing::sign(&request, &self.keys, Utc::now());
        let mut request = self
            .client
            .request(method.parse().unwrap(), format!("http://{host}{path}?{query}"))
            .header("x-sdk-date", signature.date)
            .header("authorization", signature.authorization)
            .body(body);
        if !token.is_empty() {
            request = request.header("x-security-token", token);
        }
        if !client_token.is_empty() {
            request = request.header("x-client-token", client_token);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(super) async fn show_group(&self) -> Value {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_group/{}", self.group_id());
        self.call("GET", &path, None).await.1["scaling_group"].clone()
    }

    pub(super) async fn set_desired(&self, wanted: i64) -> (u16, Value) {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_group/{}", self.group_id());
        self.call("PUT", &path, Some(json!({"desire_instance_number": wanted}))).await
    }

    pub(super) async fn instances(&self) -> Vec<Value> {
        let path =
            format!("/autoscaling-api/v1/{{project_id}}/scaling_group_instance/{}/list?limit=100", self.group_id());
        self.call("GET", &path, None).await.1["scaling_group_instances"].as_array().unwrap().clone()
    }

    async fn act(&self, body: Value) -> (u16, Value) {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_group_instance/{}/action", self.group_id());
        self.call("POST", &path, Some(body)).await
    }

    async fn points(&self, namespace: &str, metric: &str, dimension: (&str, &str), period: &str) -> Vec<(i64, f64)> {
        let query = json!({
            "metrics": [{
                "namespace": namespace,
                "metric_name": metric,
                "dimensions": [{"name": dimension.0, "value": dimension.1}],
            }],
            "from": (self.region.now().0 - 60) * 60_000,
            "to": self.region.now().0 * 60_000,
            "period": period,
            "filter": "average",
        });
        let (status, answer) = self.call("POST", "/V1.0/{project_id}/batch-query-metric-data", Some(query)).await;
        assert_eq!(status, 200, "{answer}");
        answer["metrics"][0]["datapoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point["timestamp"].as_i64().unwrap() / 60_000 - START.0, point["average"].as_f64().unwrap()))
            .collect()
    }
}

pub(super) fn states(instances: &[Value]) -> Vec<&str> {
    instances.iter().map(|instance| instance["life_cycle_state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_instance_joins_without_an_id_waits_and_serves_after_the_lead_time() {
    let cloud = Cloud::with_group(1).await;
    assert_eq!(cloud.set_desired(2).await.0, 200);
    let instances = cloud.instances().await;
    assert_eq!(states(&instances), ["INSERVICE", "PENDING"]);
    assert_eq!(instances[1]["instance_id"], Value::Null);
    assert_eq!(cloud.show_group().await["is_scaling"], true);
    assert_eq!(cloud.show_group().await["current_instance_number"], 1);

    cloud.region.play_minute(&[5.0]);
    let instances = cloud.instances().await;
    assert_eq!(states(&instances), ["INSERVICE", "PENDING"]);
    assert!(instances[1]["instance_id"].is_string());

    cloud.region.play_minute(&[5.0]);
    assert_eq!(states(&cloud.instances().await), ["INSERVICE", "INSERVICE"]);
    assert_eq!(cloud.show_group().await["is_scaling"], false);

    cloud.region.play_minute(&[5.0]);
    let played = cloud.region.outcomes(0);
    assert_eq!(played.iter().map(|minute| minute.outcome.serving).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(played.iter().map(|minute| minute.outcome.total).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(played.iter().map(|minute| minute.started).collect::<Vec<_>>(), [1, 0, 0]);
}

#[tokio::test]
async fn the_region_plays_as_the_replay_does() {
    use crate::queueing::SimulatedGroup;
    let cloud = Cloud::with_group(3).await;
    let model = ServiceModel::new(10.0, 120);
    let mut replay = SimulatedGroup::new(model, 3);
    let loads = [20.0, 35.0, 60.0, 80.0, 80.0, 40.0, 10.0, 4.0, 90.0, 30.0];
    let wanted = [3, 6, 4, 9, 10, 2, 1, 5, 4, 8];
    for (minute, (&load, &wanted)) in loads.iter().zip(&wanted).enumerate() {
        replay.make_ready(minute as i64);
        let started = replay.scale_to(minute as i64, wanted);
        let expected = replay.play(minute as i64, load);
        cloud.set_desired(i64::from(wanted)).await;
        let played = cloud.region.play_minute(&[load])[0];
        assert_eq!((played.outcome, played.started), (expected, started), "minute {minute}");
    }
}

#[tokio::test]
async fn a_number_is_refused_as_the_cloud_refuses_it() {
    let cloud = Cloud::with_group(4).await;
    let code = |answer: (u16, Value)| (answer.0, answer.1["error"]["code"].as_str().unwrap_or("").to_owned());
    assert_eq!(code(cloud.set_desired(4).await), (400, "AS.2028".to_owned()));
    assert_eq!(code(cloud.set_desired(11).await), (400, "AS.2005".to_owned()));
    assert_eq!(code(cloud.set_desired(0).await), (400, "AS.2005".to_owned()));
    let ids: Vec<Value> = cloud.instances().await.iter().take(3).map(|it| it["instance_id"].clone()).collect();
    assert_eq!(cloud.act(json!({"instances_id": ids, "action": "PROTECT"})).await.0, 204);
    assert_eq!(code(cloud.set_desired(2).await), (400, "AS.2010".to_owned()));
    assert_eq!(cloud.set_desired(3).await.0, 200);
    assert!(cloud.instances().await.iter().all(|instance| instance["protect_from_scaling_down"] == true));
    let path = "/autoscaling-api/v1/{project_id}/scaling_group/nothing";
    assert_eq!(code(cloud.call("GET", path, None).await), (400, "AS.2007".to_owned()));
}

#[tokio::test]
async fn removing_an_instance_lowers_the_number_and_stops_at_the_minimum() {
    let cloud = Cloud::with_group(2).await;
    let ids: Vec<Value> = cloud.instances().await.iter().map(|it| it["instance_id"].clone()).collect();
    let removed = cloud.act(json!({"instances_id": [ids[0]], "action": "REMOVE", "instance_delete": "yes"})).await;
    assert_eq!(removed.0, 204);
    assert_eq!(cloud.show_group().await["desire_instance_number"], 1);
    let (status, answer) = cloud.act(json!({"instances_id": [ids[1]], "action": "REMOVE"})).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (400, Some("AS.2036")));
    let (_, answer) = cloud.act(json!({"instances_id": [ids[0]], "action": "REMOVE"})).await;
    assert_eq!(answer["error"]["code"], "AS.4030");
    let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    let (_, answer) = cloud.act(json!({"instances_id": many, "action": "PROTECT"})).await;
    assert_eq!(answer["error"]["code"], "AS.4043");
}

#[tokio::test]
async fn an_instance_on_standby_serves_nothing_and_comes_back() {
    let cloud = Cloud::with_group(3).await;
    let id = cloud.instances().await[0]["instance_id"].clone();
    assert_eq!(cloud.act(json!({"instances_id": [id], "action": "ENTER_STANDBY"})).await.0, 204);
    let played = cloud.region.play_minute(&[5.0])[0].outcome;
    assert_eq!((played.serving, played.total), (2, 3));
    assert_eq!(cloud.act(json!({"instances_id": [id], "action": "EXIT_STANDBY"})).await.0, 204);
    assert_eq!(cloud.region.play_minute(&[5.0])[0].outcome.serving, 3);
    assert_eq!(cloud.show_group().await["desire_instance_number"], 3);
}

#[tokio::test]
async fn instances_come_in_pages() {
    let cloud = Cloud::with_group(5).await;
    let base = format!("/autoscaling-api/v1/{{project_id}}/scaling_group_instance/{}/list", cloud.group_id());
    let (_, page) = cloud.call("GET", &format!("{base}?limit=2&start_number=4"), None).await;
    assert_eq!(page["total_number"], 5);
    assert_eq!(page["scaling_group_instances"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_metric_is_seen_after_its_minute_and_the_delay() {
    let cloud = Cloud::with_group(2).await;
    let id = cloud.instances().await[0]["instance_id"].as_str().unwrap().to_owned();
    for minute in 0..6 {
        let cpu = cloud.points("AGT.ECS", "cpu_usage", ("instance_id", &id), "1").await;
        let expected: Vec<(i64, f64)> = (0..minute - 1).map(|seen| (seen, 10.0 * (seen + 1) as f64)).collect();
        assert_eq!(cpu.len(), expected.len(), "at minute {minute}");
        assert!(cpu.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9), "{cpu:?} {expected:?}");
        cloud.region.play_minute(&[2.0 * (minute + 1) as f64]);
    }
    let memory = cloud.points("AGT.ECS", "mem_usedPercent", ("instance_id", &id), "1").await;
    assert!((memory[0].1 - 47.5).abs() < 1e-9);
    let rate = cloud.points("SYS.ELB", "mb_l7_qps", ("lbaas_instance_id", &load_balancer(&cloud)), "1").await;
    assert_eq!(rate.len(), 5);
    assert!((rate[4].1 - 10.0).abs() < 1e-9);
    let five_minutes = cloud.points("SYS.ECS", "cpu_util", ("instance_id", &id), "300").await;
    assert_eq!(five_minutes, [(0, 30.0)]);
    let number = cloud.points("SYS.AS", "instance_num", ("AutoScalingGroup", &cloud.group_id()), "300").await;
    assert_eq!(number, [(0, 2.0)]);
}

pub(super) fn load_balancer(cloud: &Cloud) -> String {
    cloud.region.settings().workloads[0].load_balancer_id()
}

#[tokio::test]
async fn an_instance_that_starts_reports_nothing() {
    let cloud = Cloud::with_group(1).await;
    cloud.set_desired(2).await;
    for _ in 0..5 {
        cloud.region.play_minute(&[5.0]);
    }
    let id = cloud.instances().await[1]["instance_id"].as_str().unwrap().to_owned();
    let cpu = cloud.points("AGT.ECS", "cpu_usage", ("instance_id", &id), "1").await;
    assert_eq!(cpu.iter().map(|point| point.0).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn a_written_metric_can_be_read_back() {
    let cloud = Cloud::with_group(1).await;
    let point = json!([{
        "metric": {
            "namespace": "MINE.APP",
            "metric_name": "target",
            "dimensions": [{"name": "group", "value": "inference"}],
        },
        "ttl": 3600, "collect_time": START.0 * 60_000 - 60_000, "type": "float", "value": 3.5, "unit": "count",
    }]);
    assert_eq!(cloud.call("POST", "/V1.0/{project_id}/metric-data", Some(point.clone())).await.0, 201);
    assert_eq!(cloud.points("MINE.APP", "target", ("group", "inference"), "1").await, [(-1, 3.5)]);
    let (_, listed) = cloud.call("GET", "/V1.0/{project_id}/metrics?namespace=MINE.APP", None).await;
    assert_eq!(listed["metrics"][0]["metric_name"], "target");
    let mut reserved = point;
    reserved[0]["metric"]["namespace"] = json!("SYS.ECS");
    let (status, answer) = cloud.call("POST", "/V1.0/{project_id}/metric-data", Some(reserved)).await;
    assert_eq!((status, answer["message"]["code"].as_str()), (403, Some("ces.0009")));
}

#[tokio::test]
async fn one_metric_of_a_whole_namespace_comes_in_pages() {
    let cloud = Cloud::with_group(3).await;
    for _ in 0..4 {
        cloud.region.play_minute(&[5.0]);
    }
    let to = cloud.region.now().0 * 60_000;
    let query = |offset: usize| {
        json!({
            "namespace": "AGT.ECS", "metric_name": "cpu_usage", "metric_dimension": "instance_id",
            "from": to - 300_000, "to": to, "limit": 4, "offset": offset,
        })
    };
    let path = "/v2/{project_id}/batch-query-metric-data";
    let (status, answer) = cloud.call("POST", path, Some(query(8))).await;
    assert_eq!(status, 200);
    assert_eq!(answer["data_points"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unsigned_or_wrongly_signed_call_is_refused() {
    let mut cloud = Cloud::with_group(1).await;
    let path = "/autoscaling-api/v1/{project_id}/scaling_group";
    assert_eq!(cloud.call("GET", path, None).await.0, 200);
    cloud.keys = Credentials::new(cloud.keys.access_key.clone(), "wrong", None);
    let (status, answer) = cloud.call("GET", path, None).await;
    assert_eq!((status, answer["error_code"].as_str()), (401, Some("APIGW.0301")));
    cloud.keys = cloud.region.settings().user.clone();
    assert_eq!(cloud.call("GET", path, None).await.0, 200);
}

#[tokio::test]
async fn keys_that_are_replaced_let_nobody_in() {
    let cloud = Cloud::with_group(1).await;
    cloud.region.set_keys(vec![Credentials::new("newer", "keys", None)]);
    let (status, answer) = cloud.call("GET", "/autoscaling-api/v1/{project_id}/scaling_group", None).await;
    assert_eq!((status, answer["error_code"].as_str()), (401, Some("APIGW.0301")));
}

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let cloud = Cloud::with_group(1).await;
    cloud.show_group().await;
    cloud.show_group().await;
    cloud.instances().await;
    assert_eq!(cloud.region.calls().of(Service::AutoScaling), 3);
    let most = cloud.region.calls().iter().map(|(_, _, count)| count).max();
    assert_eq!(most, Some(2));
}

#[derive(Debug)]
struct Overloaded;

impl Faults for Overloaded {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        (call.operation.starts_with("PUT")).then(|| Fault::Error {
            status: 429,
            code: "AS.0003".to_owned(),
            message: "busy".to_owned(),
        })
    }

    fn on_point(&self, _: &MetricRead<'_>, _: f64) -> Option<f64> {
        None
    }
}

#[tokio::test]
async fn a_fault_strikes_the_calls_and_metrics_that_it_chooses() {
    let cloud = Cloud::with_group(1).await;
    cloud.region.set_faults(Arc::new(Overloaded));
    let (status, answer) = cloud.set_desired(5).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (429, Some("AS.0003")));
    assert_eq!(cloud.show_group().await["desire_instance_number"], 1);
    for _ in 0..4 {
        cloud.region.play_minute(&[5.0]);
    }
    let rate = cloud.points("SYS.ELB", "mb_l7_qps", ("lbaas_instance_id", &load_balancer(&cloud)), "1").await;
    assert_eq!(rate, []);
}
