use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::json;

use super::*;
use crate::clients::testing::{Planned, Server};
use crate::replay::history::testing::{group, lived};

const TOPIC: &str = "urn:smn:cn-north-4:project:people";

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A store with the history of a Monday.
async fn store() -> Store {
    let store = Store::new(Arc::new(InMemory::new()), Path::from("team"));
    let (minutes, _, _) = lived("hpa@60");
    let day = minutes[0].minute.start().date_naive();
    assert_eq!(day.to_string(), "2026-03-02");
    let minutes: BTreeMap<_, _> = minutes.into_iter().map(|entry| (entry.minute, entry)).collect();
    history::write_day(&store, &group().name, day, &minutes, soon()).await.unwrap();
    store
}

fn next_monday(hour: i64) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(hour)
}

fn sent() -> Planned {
    Planned::json(200, json!({"message_id": "m", "request_id": "r"}))
}

async fn report(store: &Store, server: &Server, now: DateTime<Utc>) -> Option<String> {
    let cloud = server.cloud();
    report_week(store, &cloud, Some(TOPIC), Language::Zh, &group(), now, soon()).await.unwrap()
}

#[tokio::test]
async fn a_week_is_reported_once_and_the_page_is_kept() {
    let (store, server) = (store().await, Server::start([sent()]).await);
    assert_eq!(report(&store, &server, next_monday(0)).await, None, "its last records may not be compacted yet");
    let key = report(&store, &server, next_monday(1)).await.unwrap();
    assert_eq!(key, "groups/inference/reports/2026-03-02.html");
    assert_eq!(report(&store, &server, next_monday(2)).await, None);
    let messages = server.received();
    assert_eq!(messages.len(), 1);
    let subject = messages[0].json()["subject"].as_str().unwrap().to_owned();
    assert!(subject.contains("inference") && subject.contains("2026-03-02"), "{subject}");
    assert!(messages[0].json()["message"].as_str().unwrap().contains("建议"));
    let page = store.get(&key, soon()).await.unwrap().unwrap();
    assert!(page.starts_with(b"<!doctype html>"));
}

#[tokio::test]
async fn what_was_refused_is_sent_the_next_time_and_what_may_have_been_sent_is_not() {
    let refused = Planned::json(400, json!({"code": "SMN.0001", "message": "no"}));
    let (store, server) = (store().await, Server::start([refused, sent()]).await);
    assert_eq!(report(&store, &server, next_monday(1)).await, None);
    assert!(report(&store, &server, next_monday(2)).await.is_some());

    let (store, server) = (self::store().await, Server::start([Planned::text(500, "")]).await);
    assert!(report(&store, &server, next_monday(1)).await.is_some());
    assert_eq!(report(&store, &server, next_monday(2)).await, None);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_week_of_which_nothing_is_known_has_no_report() {
    let (store, server) = (store().await, Server::start([sent()]).await);
    assert_eq!(report(&store, &server, next_monday(30 * 24)).await, None);
    assert!(server.received().is_empty());
}
