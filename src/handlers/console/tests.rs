//! The API through its router and through the gateway, on a store in memory.

mod gateway;
mod orders;
mod policies;

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::TimeDelta;
use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::clients::Secret;
use crate::engine::purchase::PoolTarget;
use crate::engine::{Evidence, Proposal, guardrails};
use crate::model::{
    Capacity, Hold, Mode, Order, PolicyChange, PolicyEvent, PolicyVersion, Sample, Standing, Tunables, basis,
};
use crate::records::{Decision, Happening, Loss, Record, SCHEMA_VERSION, Seen, Trigger};
use crate::state::policies::{write_change, write_version};
use crate::state::{Snapshot, recent_records, write_record, write_snapshot};
use crate::tune::tests::version_named;

const TOKEN: &str = "example-token-of-the-console";
const VERSION: &str = "20260108T0330Z-search-a1b2c3";

fn now() -> DateTime<Utc> {
    "2026-01-08T08:45:00Z".parse().unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn config() -> Config {
    let group = |name: &str| {
        json!({
            "name": name,
            "scaling": {"min_instances": 2, "max_instances": 20},
            "pools": [
                {"name": "base", "purchase": "on_demand", "price_per_hour": 0.6, "fleet": {"as_group": {"scaling_group_id": format!("{name}-a")}}},
                {"name": "spot", "purchase": "spot", "price_per_hour": 0.2, "fleet": {"as_group": {"scaling_group_id": format!("{name}-b")}}},
            ],
            "signals": [{
                "name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}},
            }],
            "policy": {"engine": "target_tracking"},
            "purchase": {"budget_per_hour": 9.0},
        })
    };
    let document = json!({
        "region": "cn-north-4", "project_id": "p", "groups": [group("inference"), group("batch"), group("web")],
    });
    Config::parse(document.to_string().as_bytes()).unwrap()
}

/// A backend whose evaluations are only noted down.
struct Fake {
    config: Arc<Config>,
    store: Store,
    asked: Mutex<Vec<Evaluation>>,
    broken: bool,
}

#[async_trait]
impl Backend for Fake {
    async fn open(&self) -> Result<Desk, Diagnostic> {
        if self.broken {
            return Err(Diagnostic::new("ConfigError", "config: groups[0].name: is missing"));
        }
        Ok(Desk { config: self.config.clone(), store: self.store.clone(), now: now(), deadline: soon() })
    }

    async fn evaluate(&self, request: &Evaluation) -> Result<String, Diagnostic> {
        self.asked.lock().unwrap().push(request.clone());
        Ok("request-9".to_owned())
    }
}

fn backend() -> Arc<Fake> {
    let store = Store::new(Arc::new(InMemory::new()), Path::default());
    Arc::new(Fake { config: Arc::new(config()), store, asked: Mutex::default(), broken: false })
}

fn decision(target: u32) -> Decision {
    let guardrail_inputs = guardrails::Inputs::between(2, 20, target, 4);
    let (allowed, guardrails) = guardrails::apply(&guardrail_inputs);
    let capacity = |serving, starting| Capacity { serving, starting };
    Decision {
        trigger: Trigger { kind: "timer".to_owned(), request_id: "r1".to_owned() },
        mode: Mode::Act,
        dry_run: false,
        policy: "1".to_owned(),
        seen: Seen {
            pools: [("base".to_owned(), capacity(2, 0)), ("spot".to_owned(), capacity(1, 1))].into(),
            newest: None,
            signals: [].into(),
            missing: [].into(),
            lead_minutes: 3,
            signal_names: Vec::new(),
            samples: Vec::new(),
        },
        proposal: Proposal { target, evidence: Evidence::Nothing { kept: target } },
        guardrail_inputs,
        guardrails,
        target: allowed,
        plan: vec![PoolTarget { pool: "base".to_owned(), current: 2, target: 2, why: "base".to_owned() }],
        actions: Vec::new(),
        left: [].into(),
        shadow: None,
        spent: None,
        problems: Vec::new(),
        http_calls: 5,
        duration_ms: 12,
    }
}

async fn record(fake: &Fake, id: &str, minutes_ago: i64, source: &str, what: Happening) -> String {
    let time = now() - TimeDelta::minutes(minutes_ago);
    let record = Record { schema: SCHEMA_VERSION, id: id.to_owned(), group: "inference".to_owned(), time, what };
    write_record(&fake.store, &record, source, soon()).await.unwrap()
}

fn floor(number: u32, minutes: i64) -> Hold {
    let until = now() + TimeDelta::minutes(minutes);
    Hold { order: Order::Floor(number), who: "wang.li".to_owned(), why: "launch".to_owned(), until }
}

/// Three decisions, the oldest of them an hour old, and a snapshot.
async fn evaluated() -> Arc<Fake> {
    let fake = backend();
    for (id, minutes_ago, target) in [("r1", 60, 3), ("r2", 2, 4), ("r3", 1, 5)] {
        record(&fake, id, minutes_ago, "evaluate", Happening::Decision(Box::new(decision(target)))).await;
    }
    let sample = Sample {
        minute: crate::model::Minute::containing(now()),
        serving: Some(3),
        total: Some(4),
        values: vec![Some(61.5)],
    };
    let snapshot = Snapshot {
        last_decision: Some("20260108T084400Z-evaluate-r3.json".to_owned()),
        recent: [sample].into(),
        policies: crate::state::PolicyMemory::default(),
        spent: 12.5,
        holds: vec![floor(3, 10), floor(9, -10)],
        ..Snapshot::empty(now() - TimeDelta::minutes(1), vec!["cpu".to_owned()])
    };
    write_snapshot(&fake.store, "inference", &snapshot, soon()).await.unwrap();
    let version = PolicyVersion { basis: basis(&config().groups[0]), ..version_named(VERSION) };
    write_version(&fake.store, &version, soon()).await.unwrap();
    let change = became(Standing::Proposed);
    write_change(&fake.store, "inference", &change, "tune", soon()).await.unwrap();
    fake
}

fn became(standing: Standing) -> PolicyChange {
    PolicyChange {
        schema: SCHEMA_VERSION,
        id: standing.name().to_owned(),
        version: VERSION.to_owned(),
        time: now() - TimeDelta::hours(1),
        what: PolicyEvent::Became(standing),
        who: "tune".to_owned(),
        why: "it passed the gate".to_owned(),
    }
}

fn open(fake: &Arc<Fake>) -> Router {
    router(fake.clone(), AccessToken::new(&Secret::new(TOKEN)))
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path);
    builder.header(header::AUTHORIZATION, format!("Bearer {TOKEN}")).body(body.into()).unwrap()
}

async fn send(router: Router, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
}

async fn fetch(fake: &Arc<Fake>, path: &str) -> Value {
    let (status, _, body) = send(open(fake), request("GET", path, "")).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Asks for what cannot be had and checks the form of the answer.
async fn refused(fake: &Arc<Fake>, request: Request<Body>, status: StatusCode, kind: &str) -> Value {
    let (answered, headers, problem) = send(open(fake), request).await;
    assert_eq!(answered, status, "{problem}");
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["type"], format!("urn:problem-type:flexus-autoscaler:{kind}"), "{problem}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

#[tokio::test]
async fn nothing_opens_without_the_token_but_the_document() {
    let fake = backend();
    for (path, methods) in openapi_document()["paths"].as_object().unwrap() {
        let path = path.replace("{group}", "inference").replace("{decision}", "a.b").replace("{version}", VERSION);
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let anonymous = Request::builder().method(method.as_str()).uri(&path).body(Body::empty()).unwrap();
            if path == "/api/openapi.json" {
                let (status, _, document) = send(open(&fake), anonymous).await;
                assert_eq!((status, document), (StatusCode::OK, openapi_document()));
                continue;
            }
            let (status, headers, _) = send(open(&fake), anonymous).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(headers[header::WWW_AUTHENTICATE], "Bearer");

            let mut wrong = request(&method, &path, "");
            wrong.headers_mut().insert(header::AUTHORIZATION, "Bearer example-token-of-the-consolf".parse().unwrap());
            refused(&fake, wrong, StatusCode::UNAUTHORIZED, "unauthorized").await;
        }
    }
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_console_without_a_token_is_closed_and_not_open() {
    let closed = router(backend(), None);
    let (status, _, problem) = send(closed, request("GET", "/api/groups", "")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(problem["detail"].as_str().unwrap().contains("AUTOSCALER_CONSOLE_TOKEN"));
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let document = openapi_document();
    let hold = json!({"order": {"floor": 4}, "who": "ada", "why": "sale", "until": now() + TimeDelta::hours(1)});
    let wish = json!({"who": "ada", "why": "it looks good"});
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let fake = evaluated().await;
            let query = if operation["operationId"] == "liftHolds" { "?who=ada" } else { "" };
            let address =
                path.replace("{group}", "inference").replace("{decision}", "inference.20260108T084400Z-evaluate-r3")
                    + query;
            let address = address.replace("{version}", VERSION);
            let sent = if operation["operationId"] == "holdGroup" { &hold } else { &wish };
            let body = operation.get("requestBody").map(|_| sent.to_string()).unwrap_or_default();
            let (status, headers, answer) = send(open(&fake), request(&method.to_uppercase(), &address, body)).await;
            assert!(status.is_success(), "{method} {address}: {answer}");
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
            assert_conforms(
                &document,
                &operation["responses"][status.as_str()]["content"]["application/json"]["schema"],
                &answer,
            );
        }
    }
    let (_, _, problem) = send(open(&backend()), request("GET", "/api/groups/none", "")).await;
    let schema = &document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"];
    assert_conforms(&document, schema, &problem);
}

/// Checks an answer against a schema of the document.
fn assert_conforms(document: &Value, schema: &Value, answer: &Value) {
    let mut schema = schema.clone();
    assert!(schema.is_object(), "no schema");
    schema["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{answer:#}");
    assert!(!validator.is_valid(&json!("something else")), "the schema takes anything");
}

#[tokio::test]
async fn what_is_no_path_or_no_method_of_the_api_is_a_problem() {
    let fake = backend();
    refused(&fake, request("GET", "/api/nothing", ""), StatusCode::NOT_FOUND, "no-such-path").await;
    refused(&fake, request("GET", "/page.html", ""), StatusCode::NOT_FOUND, "no-such-path").await;
    refused(&fake, request("PATCH", "/api/groups", ""), StatusCode::METHOD_NOT_ALLOWED, "wrong-method").await;
    let (_, headers, _) = send(open(&fake), request("PATCH", "/api/groups/inference/hold", "")).await;
    assert!(headers[header::ALLOW].to_str().unwrap().contains("DELETE"), "{headers:?}");
}

#[tokio::test]
async fn a_backend_that_fails_is_told_with_its_reason() {
    let fake = backend();
    let broken = Arc::new(Fake {
        broken: true,
        config: fake.config.clone(),
        store: fake.store.clone(),
        asked: Mutex::default(),
    });
    let problem = refused(&broken, request("GET", "/api/groups", ""), StatusCode::BAD_GATEWAY, "failed").await;
    assert_eq!(problem["detail"], "config: groups[0].name: is missing");
}

#[tokio::test]
async fn groups_are_listed_with_their_last_decision_and_the_holds_in_force() {
    let body = fetch(&evaluated().await, "/api/groups").await;
    let [inference, batch, _] = &body["groups"].as_array().unwrap()[..] else { panic!("{body}") };
    assert_eq!(inference["last_decision"]["target"], 5);
    assert_eq!(inference["last_decision"]["serving"], 3);
    assert_eq!(inference["holds"].as_array().unwrap().len(), 1, "an expired order is not in force");
    assert_eq!(inference["problem"], Value::Null);
    assert_eq!(batch["problem"], "it has not been evaluated yet");
    assert_eq!(body["next"], Value::Null);
}

#[tokio::test]
async fn a_long_list_of_groups_comes_in_pages() {
    let fake = backend();
    let first = fetch(&fake, "/api/groups?limit=2").await;
    assert_eq!((first["groups"].as_array().unwrap().len(), &first["next"]), (2, &json!("batch")));
    let second = fetch(&fake, "/api/groups?limit=2&after=batch").await;
    assert_eq!((&second["groups"][0]["name"], &second["next"]), (&json!("web"), &Value::Null));

    for query in ["limit=0", "limit=1000", "limit=two", "first=2"] {
        let request = request("GET", &format!("/api/groups?{query}"), "");
        refused(&fake, request, StatusCode::BAD_REQUEST, "bad-request").await;
    }
    refused(&fake, request("GET", "/api/groups?after=none", ""), StatusCode::NOT_FOUND, "unknown-group").await;
}

#[tokio::test]
async fn one_group_that_cannot_be_read_does_not_hide_the_others() {
    let fake = evaluated().await;
    fake.store.put("groups/batch/snapshot.json", "{\"schema\":1,", soon()).await.unwrap();
    fake.store.put("groups/web/snapshot.json", "{\"schema\":99}", soon()).await.unwrap();
    let body = fetch(&fake, "/api/groups").await;
    let problem = |index: usize| body["groups"][index]["problem"].as_str();
    assert_eq!(problem(0), None);
    assert!(problem(1).unwrap().contains("torn"), "{body}");
    assert!(problem(2).unwrap().contains("newer"), "{body}");
}

#[tokio::test]
async fn a_group_is_shown_with_its_configuration_and_what_was_measured() {
    let body = fetch(&evaluated().await, "/api/groups/inference").await;
    assert_eq!(body["config"]["pools"][1]["name"], "spot");
    assert_eq!(body["recent"][0]["values"], json!([61.5]));
    assert_eq!(body["recent"][0]["time"], "2026-01-08T08:45:00Z");
    assert_eq!(body["lead_minutes"], 2);
}

#[tokio::test]
async fn decisions_are_listed_newest_first_within_a_window() {
    let fake = evaluated().await;
    let targets = async |query: &str| {
        let body = fetch(&fake, &format!("/api/groups/inference/decisions{query}")).await;
        let targets: Vec<_> =
            body["decisions"].as_array().unwrap().iter().map(|decision| decision["target"].as_u64().unwrap()).collect();
        (targets, body["next"].clone())
    };
    assert_eq!(targets("").await, (vec![5, 4, 3], Value::Null));
    assert_eq!(targets("?since=2026-01-08T08:40:00Z").await, (vec![5, 4], Value::Null));
    let (page, next) = targets("?limit=2").await;
    assert_eq!((page, &next), (vec![5, 4], &json!("2026-01-08T08:43:00Z")));
    assert_eq!(targets("?limit=2&before=2026-01-08T08:43:00Z").await, (vec![3], Value::Null));
}

#[tokio::test]
async fn decisions_before_a_long_silence_are_listed_too() {
    let fake = evaluated().await;
    for (id, hours_ago) in [("a", 20), ("b", 100), ("c", 101)] {
        let what = Happening::Decision(Box::new(decision(7)));
        record(&fake, id, 60 * hours_ago, "evaluate", what).await;
    }
    let all = fetch(&fake, "/api/groups/inference/decisions").await;
    assert_eq!((all["decisions"].as_array().unwrap().len(), &all["next"]), (6, &Value::Null));
    let page = fetch(&fake, "/api/groups/inference/decisions?limit=4").await;
    let next = page["next"].as_str().unwrap();
    let rest = fetch(&fake, &format!("/api/groups/inference/decisions?before={next}")).await;
    assert_eq!(rest["decisions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_engine_that_decides_is_that_of_the_version_in_force() {
    let fake = evaluated().await;
    let group = &config().groups[0];
    let mut snapshot = crate::state::Snapshot::empty(now(), vec!["cpu".to_owned()]);
    let mut course = crate::model::Course::begin(&basis(group), now());
    let tunables = Tunables { engine: crate::model::EngineKind::WeightedScore, ..Tunables::of(group) };
    course.shadow(&PolicyVersion { tunables, ..version_named(VERSION) }, true, now());
    course.active = course.shadow.take();
    snapshot.policies.course = Some(course);
    write_snapshot(&fake.store, "inference", &snapshot, soon()).await.unwrap();
    let shown = fetch(&fake, "/api/groups/inference").await;
    let engines = [&shown["engine"], &shown["in_force"]["policy"]["engine"], &shown["config"]["policy"]["engine"]];
    assert_eq!(engines, ["weighted_score", "weighted_score", "target_tracking"]);
    assert_eq!(fetch(&fake, "/api/groups/inference/forecast").await["engine"], "weighted_score");
}

#[tokio::test]
async fn a_torn_record_is_named_and_the_rest_is_listed() {
    let fake = evaluated().await;
    fake.store.put("groups/inference/records/20260108T084330Z-evaluate-x.json", "{", soon()).await.unwrap();
    let body = fetch(&fake, "/api/groups/inference/decisions").await;
    assert_eq!(body["decisions"].as_array().unwrap().len(), 3);
    assert!(body["problems"][0].as_str().unwrap().contains("evaluate-x.json"), "{body}");
}

#[tokio::test]
async fn a_decision_found_in_the_list_is_explained_and_follows_again_from_its_record() {
    let fake = evaluated().await;
    let list = fetch(&fake, "/api/groups/inference/decisions?limit=1").await;
    let id = list["decisions"][0]["id"].as_str().unwrap();
    let body = fetch(&fake, &format!("/api/decisions/{id}")).await;
    assert_eq!((&body["id"], &body["group"]), (&json!(id), &json!("inference")));
    assert_eq!(body["told"][0], "Grow from 4 to 5 instances.");
    assert_eq!(body["contradiction"], Value::Null);
    assert_eq!(body["decision"]["guardrail_inputs"]["current"], 4);
}

#[tokio::test]
async fn what_is_no_decision_is_not_found() {
    let fake = evaluated().await;
    let hold = record(&fake, "h1", 1, "console", Happening::Hold(floor(4, 9))).await;
    let hold = hold.trim_end_matches(".json");
    for id in [
        "nothing",
        "none.20260108T084400Z-evaluate-r3",
        "inference.none",
        "inference...%2Fsnapshot",
        &format!("inference.{hold}"),
    ] {
        refused(&fake, request("GET", &format!("/api/decisions/{id}"), ""), StatusCode::NOT_FOUND, "unknown-decision")
            .await;
    }
}

#[tokio::test]
async fn the_cost_is_counted_from_what_ran_at_the_last_decision() {
    let body = fetch(&evaluated().await, "/api/groups/inference/cost").await;
    let number = |name: &str| body[name].as_f64().unwrap();
    // Two on demand at 0.6, one spot serving and one starting at 0.2.
    assert!((number("per_hour") - 1.6).abs() < 1e-9, "{body}");
    assert!((number("on_demand_per_hour") - 2.4).abs() < 1e-9, "{body}");
    assert!((number("peak_per_hour") - 12.0).abs() < 1e-9, "{body}");
    assert_eq!((number("spent"), number("budget_per_hour")), (12.5, 9.0));
}

#[tokio::test]
async fn the_forecast_names_its_decision_and_its_engine() {
    let fake = evaluated().await;
    let body = fetch(&fake, "/api/groups/inference/forecast").await;
    assert_eq!(body["decision"], "inference.20260108T084400Z-evaluate-r3");
    assert_eq!((&body["lead_minutes"], &body["evidence"]["engine"]), (&json!(3), &json!("nothing")));

    let before = fetch(&fake, "/api/groups/batch/forecast").await;
    assert_eq!((&before["decision"], &before["evidence"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_evaluation_is_asked_for_with_or_without_effect() {
    let fake = backend();
    for query in ["", "?dry_run=true", "?dry_run=false"] {
        let path = format!("/api/groups/inference/evaluate{query}");
        let (status, _, body) = send(open(&fake), request("POST", &path, "")).await;
        assert_eq!((status, &body["request_id"]), (StatusCode::ACCEPTED, &json!("request-9")));
    }
    let path = "/api/groups/inference/evaluate?dry_run=maybe";
    refused(&fake, request("POST", path, ""), StatusCode::BAD_REQUEST, "bad-request").await;
    let path = "/api/groups/none/evaluate";
    refused(&fake, request("POST", path, ""), StatusCode::NOT_FOUND, "unknown-group").await;
    let asked: Vec<_> = fake.asked.lock().unwrap().iter().map(|asked| (asked.groups.clone(), asked.dry_run)).collect();
    assert_eq!(asked, [false, true, false].map(|dry_run| (vec!["inference".to_owned()], dry_run)));
}

#[tokio::test]
async fn a_group_is_told_over_time_with_what_the_time_cost() {
    let fake = evaluated().await;
    let body = fetch(&fake, "/api/groups/inference/series").await;
    let points = body["points"].as_array().unwrap();
    let column = |name: &str| points.iter().map(|point| point[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((column("target"), column("serving"), column("starting")), (vec![3, 4, 5], vec![3; 3], vec![1; 3]));
    assert_eq!((&body["decisions"], &body["every"]), (&json!(3), &json!(1)));
    // Three serving and one starting for 59 minutes: two on demand at 0.6, two spot at 0.2.
    let cost = |name: &str| body["cost"][name].as_f64().unwrap() * 60.0 / 59.0;
    for (name, expected) in [("hours", 1.0), ("spent", 1.6), ("on_demand", 2.4), ("peak", 2.4)] {
        assert!((cost(name) - expected).abs() < 1e-9, "{name}: {body}");
    }
}

#[tokio::test]
async fn a_long_stretch_is_thinned_and_keeps_the_newest() {
    let fake = evaluated().await;
    let body = fetch(&fake, "/api/groups/inference/series?points=2").await;
    let targets: Vec<_> = body["points"].as_array().unwrap().iter().map(|point| &point["target"]).collect();
    assert_eq!((targets, &body["every"]), (vec![&json!(3), &json!(5)], &json!(2)));
    for query in ["points=1", "points=1001", "since=2026-01-08T08:45:00Z", "since=2025-01-01T00:00:00Z", "from=1"] {
        let request = request("GET", &format!("/api/groups/inference/series?{query}"), "");
        refused(&fake, request, StatusCode::BAD_REQUEST, "bad-request").await;
    }
}

#[tokio::test]
async fn a_group_tells_what_each_pool_has_and_shall_have() {
    let body = fetch(&evaluated().await, "/api/groups/inference").await;
    let pools: Vec<_> =
        body["pools"].as_array().unwrap().iter().map(|pool| (&pool["serving"], &pool["target"])).collect();
    // The last decision planned the first pool alone.
    assert_eq!(pools, [(&json!(2), &json!(2)), (&json!(1), &Value::Null)]);
    let fresh = fetch(&backend(), "/api/groups/inference").await;
    assert_eq!((&fresh["pools"][0]["serving"], &fresh["pools"][0]["target"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn other_engines_are_asked_with_the_readings_of_the_decisions_before() {
    let fake = evaluated().await;
    let id = "inference.20260108T084400Z-evaluate-r3";
    let body = fetch(&fake, &format!("/api/decisions/{id}/alternatives")).await;
    assert_eq!((&body["shown"], &body["target"]), (&json!(3), &json!(5)));
    let engines: Vec<_> = body["alternatives"].as_array().unwrap().iter().map(|other| &other["engine"]).collect();
    assert_eq!(engines, ["target_tracking", "weighted_score"]);
    for unknown in
        ["inference.20260108T084400Z-evaluate-none", "inference.nonsense", "none.20260108T084400Z-evaluate-r3"]
    {
        let request = request("GET", &format!("/api/decisions/{unknown}/alternatives"), "");
        refused(&fake, request, StatusCode::NOT_FOUND, "unknown-decision").await;
    }
}

#[tokio::test]
async fn spot_weather_counts_each_loss_once_and_names_places_that_are_left_alone() {
    let fake = evaluated().await;
    let loss = |instance: &str, zone: Option<&str>| Loss {
        pool: "spot".to_owned(),
        instance: instance.to_owned(),
        zone: zone.map(str::to_owned),
        flavor: Some("c7.large.2".to_owned()),
        ends: Some(now() + TimeDelta::minutes(2)),
        cause: "m".to_owned(),
    };
    let told =
        [("l1", 3, "i-1", Some("a")), ("l2", 2, "i-1", Some("a")), ("l3", 2, "i-2", Some("b")), ("l4", 1, "i-3", None)];
    for (id, minutes_ago, instance, zone) in told {
        record(&fake, id, minutes_ago, "reclaim", Happening::Loss(loss(instance, zone))).await;
    }
    record(&fake, "l0", 25 * 60, "reclaim", Happening::Loss(loss("i-0", Some("a")))).await;
    let until = now() + TimeDelta::minutes(6);
    let left_alone = |key: &str| (key.to_owned(), crate::state::Exhaustion { until, minutes: 6 });
    let fleet = crate::state::FleetMemory {
        exhausted: [left_alone("b/c7.large.2"), left_alone("*")].into(),
        ..Default::default()
    };
    let snapshot = Snapshot { fleets: [("spot".to_owned(), fleet)].into(), ..Snapshot::empty(now(), Vec::new()) };
    write_snapshot(&fake.store, "inference", &snapshot, soon()).await.unwrap();
    let body = fetch(&fake, "/api/groups/inference/spot").await;
    let zones: Vec<_> = body["pools"][0]["zones"]
        .as_array()
        .unwrap()
        .iter()
        .map(|zone| (zone["zone"].as_str(), zone["losses"].as_u64(), zone["left_alone"].as_array().map(Vec::len)))
        .collect();
    let of = |zone, losses, left_alone| (zone, Some(losses), Some(left_alone));
    assert_eq!(zones, [of(None, 1, 1), of(Some("a"), 1, 0), of(Some("b"), 1, 1)]);
    assert_eq!(body["pools"][0]["zones"][2]["left_alone"][0]["flavor"], "c7.large.2");
    assert_eq!(body["pools"].as_array().map(Vec::len), Some(1), "on-demand pools have no weather");
}

/// What the page asks for at its first paint, of a group with a week of decisions: every call to the store is time.
#[tokio::test]
async fn the_page_of_ten_thousand_decisions_asks_the_store_a_few_hundred_times_and_shows_the_newest() {
    let fake = backend();
    let what = Happening::Decision(Box::new(decision(4)));
    for minutes_ago in 1..=10_050 {
        record(&fake, "r", minutes_ago, "evaluate", what.clone()).await;
    }
    let newest = record(&fake, "newest", 0, "evaluate", Happening::Decision(Box::new(decision(7)))).await;
    let snapshot = Snapshot { last_decision: Some(newest), ..Snapshot::empty(now(), Vec::new()) };
    write_snapshot(&fake.store, "inference", &snapshot, soon()).await.unwrap();
    let before = fake.store.calls();
    for path in
        ["", "/inference", "/inference/cost", "/inference/series", "/inference/decisions?limit=60", "/inference/spot"]
    {
        fetch(&fake, &format!("/api/groups{path}")).await;
    }
    let calls = fake.store.calls() - before;
    assert!(calls < 350, "{calls} calls");
    // All seven days: more names than one listing holds.
    let week = fetch(&fake, "/api/groups/inference/series?since=2026-01-01T08:46:00Z").await;
    assert_eq!(week["decisions"], 10_051);
    assert_eq!(week["points"].as_array().unwrap().last().unwrap()["target"], 7);
    assert!(week["points"].as_array().unwrap().len() <= 240);
}

#[tokio::test]
async fn decisions_are_told_as_metrics_in_prometheus_text_format_to_whoever_has_the_token() {
    let fake = evaluated().await;
    let response = open(&fake).oneshot(request("GET", "/api/metrics", "")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    for line in [
        "autoscaler_up{group=\"inference\"} 1",
        "autoscaler_up{group=\"batch\"} 0",
        "autoscaler_target{group=\"inference\"} 5",
        "autoscaler_serving{group=\"inference\"} 3",
        "autoscaler_spent{group=\"inference\"} 12.5",
        "autoscaler_decision_age_seconds{group=\"inference\"} 60",
        "# TYPE autoscaler_cost_per_hour gauge",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
    }
    assert!(!text.contains("autoscaler_target{group=\"batch\"}"), "missing is not zero");
    let helps: Vec<_> = text.lines().filter(|line| line.starts_with("# HELP")).collect();
    let names: std::collections::BTreeSet<_> = helps.iter().map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(helps.len(), names.len(), "each metric has one head");
    let stranger = Request::builder().uri("/api/metrics").body(Body::empty()).unwrap();
    refused(&fake, stranger, StatusCode::UNAUTHORIZED, "unauthorized").await;
}

/// What the dashboard asks for is there under that name.
#[test]
fn every_metric_of_the_grafana_dashboard_is_one_that_the_console_tells() {
    let dashboard = include_str!("../../../infra/grafana-dashboard.json");
    let source = concat!(include_str!("../measures.rs"), include_str!("measured.rs"));
    let used: std::collections::BTreeSet<&str> = dashboard
        .split("autoscaler_")
        .skip(1)
        .map(|rest| rest.split(|end: char| !end.is_ascii_alphanumeric() && end != '_').next().unwrap())
        .collect();
    assert!(used.len() > 15, "{used:?}");
    for name in used {
        assert!(source.contains(&format!("\"{name}\"")), "autoscaler_{name} is told by nobody");
    }
    serde_json::from_str::<Value>(dashboard).unwrap();
}
