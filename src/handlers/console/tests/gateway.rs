//! The console behind API Gateway.

use proptest::prelude::*;

use super::*;
use crate::functiongraph::events::{Event, GatewayRequest};

async fn through_gateway(fake: Arc<Fake>, request: &GatewayRequest) -> Value {
    answer(request, fake, AccessToken::new(&Secret::new(TOKEN))).await.unwrap()
}

fn sample(name: &str) -> GatewayRequest {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    match Event::parse(&std::fs::read(path).unwrap()).unwrap() {
        Event::Gateway(mut request) => {
            request.headers.insert("authorization".to_owned(), format!("Bearer {TOKEN}"));
            request
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_gateways_samples_are_answered_in_the_gateways_form() {
    for name in ["console-groups", "console-decisions", "console-hold"] {
        let answer = through_gateway(evaluated().await, &sample(name)).await;
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)), "{answer}");
        assert_eq!(answer["headers"]["content-type"], "application/json");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert!(body.get("groups").or(body.get("decisions")).or(body.get("hold")).is_some(), "{body}");
    }
}

#[tokio::test]
async fn a_sample_with_a_token_that_is_wrong_is_refused() {
    let mut request = sample("console-groups");
    request.headers.insert("authorization".to_owned(), "Bearer example-token".to_owned());
    let answer = through_gateway(backend(), &request).await;
    assert_eq!((&answer["statusCode"], &answer["headers"]["www-authenticate"]), (&json!(401), &json!("Bearer")));
}

#[tokio::test]
async fn the_gateway_may_publish_the_api_under_a_prefix() {
    let mut request = sample("console-groups");
    request.path = "/autoscaler/api/groups".to_owned();
    assert_eq!(through_gateway(backend(), &request).await["statusCode"], 200);
}

#[tokio::test]
async fn the_page_is_open_to_anyone_and_guarded_against_foreign_scripts() {
    let mut request = sample("console-groups");
    request.headers.clear();
    for (path, media_type, start) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/prefix/page.js", "text/javascript; charset=utf-8", "//"),
        ("/page.css", "text/css; charset=utf-8", ":root"),
    ] {
        request.path = path.to_owned();
        let answer = through_gateway(backend(), &request).await;
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)), "{path}");
        assert_eq!(answer["headers"]["content-type"], media_type);
        let policy = answer["headers"]["content-security-policy"].as_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(answer["body"].as_str().unwrap().starts_with(start));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_request_through_the_gateway_panics(
        method in "GET|PUT|[A-Z]{0,6}|\\PC{0,4}",
        path in "(/api)?(/groups|/inference|/hold|/\\PC{0,6}){0,4}|\\PC{0,12}|:99999",
        headers in prop::collection::btree_map("host|accept|authorization|x-forwarded-proto|\\PC{0,6}", "\\PC{0,12}", 0..4),
        query in prop::collection::btree_map("limit|since|\\PC{0,4}", "\\PC{0,8}", 0..3),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let request = GatewayRequest { method, path, path_rest: None, headers, query, body: body.into(), request_id: None };
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answered = executor.block_on(answer(&request, backend(), AccessToken::new(&Secret::new(TOKEN))));
        if let Ok(answer) = answered {
            let is_page = answer["headers"].get("content-security-policy").is_some();
            prop_assert!(is_page || answer["statusCode"].as_u64().unwrap() >= 400);
        }
    }
}
