use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::clients::testing::{Planned, Server, transport};

const SECONDS_20: Duration = Duration::from_secs(20);

async fn get_at(transport: &Transport, url: url::Url, retry: Retry) -> Result<Answer, ClientError> {
    let purpose = Purpose { operation: "get", subject: "it", retry, secrets: &[] };
    transport.send(purpose, || Ok(reqwest::Request::new(reqwest::Method::GET, url.clone())), |_| None).await
}

async fn get(server: &Server, transport: &Transport) -> Result<Answer, ClientError> {
    get_at(transport, server.url.clone(), Retry::Idempotent).await
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_until_it_does() {
    let server = Server::start([
        Planned::text(503, "busy"),
        Planned::json(429, json!({"error_code": "APIGW.0308", "error_msg": "throttled"})),
        Planned::text(200, "fine"),
    ])
    .await;
    let transport = transport(SECONDS_20);
    let answer = get(&server, &transport).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"fine".as_slice()));
    assert_eq!(transport.calls(), 3, "every try counts");
}

#[tokio::test]
async fn a_server_that_does_not_recover_is_given_up_with_its_last_word() {
    let server = Server::start([Planned::text(500, "first"), Planned::text(502, "last")]).await;
    let error = get(&server, &transport(SECONDS_20)).await.unwrap_err();
    assert_eq!(error.to_string(), "get it: HTTP 502: last (tried 5 times)");
    assert!(!error.deadline_exceeded());
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let server =
        Server::start([Planned::json(400, json!({"error": {"code": "AS.2005", "message": "out of range"}}))]).await;
    let error = get(&server, &transport(SECONDS_20)).await.unwrap_err();
    assert_eq!((error.status(), error.code(), error.tries), (Some(400), Some("AS.2005"), 1));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn what_must_not_happen_twice_is_repeated_only_after_a_sure_refusal() {
    let transport = transport(SECONDS_20);
    let server = Server::start([Planned::text(503, ""), Planned::text(200, "")]).await;
    let error = get_at(&transport, server.url.clone(), Retry::OnlyIfRefused).await.unwrap_err();
    assert!(error.may_have_happened());

    let server = Server::start([Planned::text(429, ""), Planned::text(200, "")]).await;
    assert!(get_at(&transport, server.url.clone(), Retry::OnlyIfRefused).await.is_ok());
}

#[tokio::test]
async fn a_server_that_hangs_once_does_not_use_up_the_time() {
    let server = Server::start([Planned::hanging(), Planned::text(200, "fine")]).await;
    let transport = transport(SECONDS_20).with_try_timeout(Duration::from_millis(100));
    assert_eq!(get(&server, &transport).await.unwrap().body, b"fine");
}

#[tokio::test]
async fn a_server_that_hangs_for_ever_is_left_before_the_deadline() {
    let server = Server::start([Planned::hanging()]).await;
    let transport = transport(Duration::from_millis(300));
    let error = get(&server, &transport).await.unwrap_err();
    assert!(matches!(error.failure, Failure::TimedOut(_)), "{error}");
    assert!(error.deadline_exceeded() && error.may_have_happened());
}

#[tokio::test]
async fn a_pause_that_is_asked_for_beyond_the_deadline_is_not_waited_for() {
    let server = Server::start([Planned::text(429, "").header("retry-after", 60)]).await;
    let error = get(&server, &transport(SECONDS_20)).await.unwrap_err();
    assert!(error.is_throttled() && error.deadline_exceeded());
    assert_eq!(error.refusal().unwrap().retry_after, Some(Duration::from_secs(60)));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_when_there_is_no_time() {
    let server = Server::start([Planned::text(200, "")]).await;
    let transport = transport(Duration::ZERO);
    let error = get(&server, &transport).await.unwrap_err();
    assert!(error.deadline_exceeded() && !error.may_have_happened());
    assert_eq!((transport.calls(), server.received().len()), (0, 0));
}

#[tokio::test]
async fn a_closed_port_is_told_without_the_password_in_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = url::Url::parse(&format!("http://user:password@{address}/query")).unwrap();
    let error = get_at(&transport(SECONDS_20), url, Retry::OnlyIfRefused).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("refused") && !format!("{error:?}").contains("password"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start([Planned::text(302, "").header("location", "http://127.0.0.1:9/")]).await;
    let error = get(&server, &transport(SECONDS_20)).await.unwrap_err();
    assert_eq!(error.status(), Some(302));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Server::start([Planned::text(200, vec![b'x'; LARGEST_ANSWER + 1])]).await;
    let error = get(&server, &transport(SECONDS_20)).await.unwrap_err();
    assert_eq!(error.failure, Failure::TooLarge(LARGEST_ANSWER));
}

#[tokio::test]
async fn a_shorter_limit_never_outlives_the_deadline() {
    let transport = transport(Duration::from_secs(5));
    assert_eq!(transport.within(Duration::from_secs(3600)).deadline(), transport.deadline());
    assert!(transport.within(Duration::from_secs(1)).deadline() < transport.deadline());
}
