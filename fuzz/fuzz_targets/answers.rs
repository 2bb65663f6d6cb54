//! What the cloud's APIs and users' own systems answer: read, or refused in words that quote no secret, in few calls.
//!
//! The first byte chooses the call, the second the status; the rest is the body of every answer.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use flexus_autoscaler::clients::cloud_eye::{Filter, Metric};
use flexus_autoscaler::clients::in_process::InProcess;
use flexus_autoscaler::clients::prometheus::Prometheus;
use flexus_autoscaler::clients::{Backoff, Cloud, Credentials, Secret, Transport, http_json};
use flexus_autoscaler::model::{Endpoints, Tag};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

const SECRET_KEY: &str = "made-up-secret-key";
/// Most calls that one question may take, however the answer pages.
const MOST_CALLS: u64 = 200;
const STATUSES: [u16; 8] = [200, 202, 302, 400, 403, 404, 429, 500];

static EXECUTOR: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("an executor"));

/// Answers everything by the same.
#[derive(Debug)]
struct Same(u16, Vec<u8>);

#[async_trait::async_trait]
impl InProcess for Same {
    async fn answer(&self, _: reqwest::Request) -> (u16, Vec<u8>) {
        (self.0, self.1.clone())
    }
}

/// Makes a call, and gives the words of its error if it fails.
async fn call(which: u8, cloud: &Cloud, transport: &Transport) -> Option<String> {
    let id = "0123456789";
    let ids = [id.to_owned()];
    let url = "http://127.0.0.1/metrics".parse().expect("an address");
    let told = |error: &dyn std::fmt::Display| Some(error.to_string());
    let time = DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default();
    macro_rules! error {
        ($call:expr) => {
            match $call.await {
                Ok(_) => None,
                Err(error) => told(&error),
            }
        };
    }
    match which {
        b'a' => error!(cloud.auto_scaling().group(id)),
        b'b' => match cloud.auto_scaling().instances(id).await {
            Ok(instances) => {
                let mut known: Vec<&String> = instances.iter().filter_map(|instance| instance.id.as_ref()).collect();
                known.sort_unstable();
                assert!(known.windows(2).all(|pair| pair[0] != pair[1]), "none is listed twice");
                None
            }
            Err(error) => told(&error),
        },
        b'c' => error!(cloud.auto_scaling().set_desired(id, 3)),
        b'd' => error!(cloud.auto_scaling().hanging_instances(id)),
        b'e' => error!(cloud.auto_scaling().lifecycle_hooks(id)),
        b'f' => {
            let metrics = ["cpu_usage", "mem_usedPercent"].map(|name| Metric::new("AGT.ECS", name, [("instance_id", id)]));
            match cloud.cloud_eye().query(&metrics, time - TimeDelta::minutes(20), time, 60, Filter::Average).await {
                Ok(series) => {
                    assert_eq!(series.len(), metrics.len());
                    for points in series {
                        assert!(points.iter().all(|point| point.value.is_finite()));
                        assert!(points.windows(2).all(|pair| pair[0].start <= pair[1].start), "oldest first");
                    }
                    None
                }
                Err(error) => told(&error),
            }
        }
        b'g' => error!(cloud.cloud_eye().list("AGT.ECS", Some(("instance_id", id)))),
        b'h' => {
            let tag = Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() };
            match cloud.ecs().servers_with_tag(&tag).await {
                Ok(servers) => {
                    assert!(servers.windows(2).all(|pair| pair[0].id < pair[1].id), "none is listed twice");
                    None
                }
                Err(error) => told(&error),
            }
        }
        b'i' => error!(cloud.ecs().servers(&ids)),
        b'j' => error!(cloud.ecs().server(id)),
        b'k' => error!(cloud.ecs().job(id)),
        b'l' => error!(cloud.ecs().sell_policies("c7.large.2", "spot")),
        b'm' => error!(cloud.ecs().limits()),
        b'n' => error!(cloud.ecs().delete(&ids)),
        b'o' => error!(cloud.elb().members(id)),
        b'p' => error!(cloud.smn().publish("urn:smn:r:p:t", "subject", "message")),
        b'q' => error!(cloud.csms().secret("name")),
        b'r' => error!(cloud.cts().notifications()),
        b's' => error!(cloud.iam().projects("cn-north-4")),
        b't' => error!(cloud.function_graph().invoke_async("urn:fss:r:p:function:default:evaluate:latest", &id)),
        b'u' => match Prometheus::new(transport.clone(), &url, Some(Secret::new(SECRET_KEY))).query("up", time).await {
            Ok(value) => {
                assert!(value.is_none_or(f64::is_finite));
                None
            }
            Err(error) => told(&error),
        },
        _ => match http_json::number(transport, &url, "/queues/0/length", Some(&Secret::new(SECRET_KEY))).await {
            Ok(value) => {
                assert!(value.is_none_or(f64::is_finite));
                None
            }
            Err(error) => told(&error),
        },
    }
}

fuzz_target!(|bytes: &[u8]| {
    let [which, status, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let once = Backoff { first: Duration::ZERO, longest: Duration::ZERO, tries: 1 };
    EXECUTOR.block_on(async {
        let deadline = Instant::now() + Duration::from_secs(60);
        let transport = Transport::in_process(Arc::new(Same(status, body.to_vec())), deadline).with_backoff(once);
        let credentials = Credentials::new("MADEUPACCESSKEY", SECRET_KEY, None);
        let cloud = Cloud::new("cn-north-4", "project", &Endpoints::default(), credentials, transport.clone())
            .expect("a region");
        if let Some(error) = call(b'a' + which.wrapping_sub(b'a') % 22, &cloud, &transport).await {
            assert!(!error.is_empty() && !error.contains(SECRET_KEY), "{error}");
            assert!(error.chars().count() < 1_000, "it fits a line of a log: {} characters", error.len());
        }
        assert!(cloud.calls() <= MOST_CALLS, "{} calls", cloud.calls());
    });
});
