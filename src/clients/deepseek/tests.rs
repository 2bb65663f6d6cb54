use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Planned, Server, transport};

const KEY: &str = "sk-made-up-key";

fn completion(content: &str, finish_reason: &str) -> Value {
    json!({
        "id": "c-1", "object": "chat.completion", "created": 1_773_489_600, "model": "deepseek-flash",
        "system_fingerprint": "f", "choices": [{
            "index": 0, "message": {"role": "assistant", "content": content}, "logprobs": null,
            "finish_reason": finish_reason
        }],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
            "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100,
            "completion_tokens_details": {"reasoning_tokens": 0}}
    })
}

fn messages() -> Vec<Message> {
    vec![
        Message { role: Role::System, content: "Answer in json, as {\"headroom\": 0.1}.".to_owned() },
        Message { role: Role::User, content: "Load doubled.".to_owned() },
    ]
}

async fn ask(answers: impl IntoIterator<Item = Planned>) -> (Result<Reply, AdviserError>, Server) {
    let server = Server::start(answers).await;
    let transport = transport(Duration::from_secs(20));
    let adviser = DeepSeek::new(transport, &server.url, Secret::new(KEY), "deepseek-flash", true);
    (adviser.ask(&messages(), 2000).await, server)
}

#[tokio::test]
async fn a_question_has_the_form_of_the_api() {
    let (reply, server) = ask([Planned::json(200, completion("{\"headroom\": 0.2}\n", "stop"))]).await;
    let reply = reply.unwrap();
    assert_eq!((reply.content.as_str(), reply.model.as_str()), ("{\"headroom\": 0.2}", "deepseek-flash"));
    assert_eq!((reply.usage.total_tokens(), reply.usage.prompt_cache_hit_tokens), (1050, 900));
    let received = &server.received()[0];
    assert_eq!(received.line(), "POST /chat/completions");
    assert_eq!(received.header("authorization"), Some("Bearer sk-made-up-key"));
    assert_eq!(
        received.json(),
        json!({
            "model": "deepseek-flash",
            "messages": [
                {"role": "system", "content": "Answer in json, as {\"headroom\": 0.1}."},
                {"role": "user", "content": "Load doubled."}
            ],
            "thinking": {"type": "disabled"}, "response_format": {"type": "json_object"},
            "max_tokens": 2000, "temperature": 0.1, "stream": false
        })
    );
}

#[tokio::test]
async fn a_server_that_knows_no_thinking_is_not_told_of_it() {
    let server = Server::start([Planned::json(200, completion("{}", "stop"))]).await;
    let base = server.url.join("/openai/v1/").unwrap();
    let transport = transport(Duration::from_secs(20));
    let adviser = DeepSeek::new(transport, &base, Secret::new(KEY), "deepseek-v4.1-flash", false);
    adviser.ask(&messages(), 100).await.unwrap();
    let received = &server.received()[0];
    assert_eq!(received.path, "/openai/v1/chat/completions");
    assert_eq!(received.json().get("thinking"), None);
}

#[tokio::test]
async fn empty_lines_before_the_answer_are_passed_over() {
    let body = format!("\n\n\r\n\n{}", completion("{}", "stop"));
    let (reply, _) = ask([Planned::text(200, body)]).await;
    assert_eq!(reply.unwrap().content, "{}");
}

#[tokio::test]
async fn a_blank_answer_is_asked_for_again_and_costs_all_the_same() {
    let (reply, server) = ask([
        Planned::json(200, completion("   \n  ", "stop")),
        Planned::json(503, json!({"error": {"message": "overloaded", "type": "server_error", "code": null}})),
        Planned::json(200, completion("{}", "stop")),
    ])
    .await;
    assert_eq!(reply.unwrap().usage.total_tokens(), 2100, "the blank one too");
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn answers_that_stay_blank_are_an_error_with_their_cost() {
    let (reply, server) = ask([Planned::json(200, completion("", "stop"))]).await;
    let error = reply.unwrap_err();
    assert_eq!(error.usage.total_tokens(), 3 * 1050);
    assert_eq!(
        error.to_string(),
        "ask the adviser deepseek-flash: the answer is blank: the content is blank (tried 3 times)"
    );
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_an_error() {
    for (reason, told) in [("length", "cut off"), ("content_filter", "ended by \"content_filter\""), ("new", "\"new\"")]
    {
        let (reply, server) = ask([Planned::json(200, completion("{\"headroom\"", reason))]).await;
        let error = reply.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!((server.received().len(), error.usage.total_tokens()), (1, 1050));
    }
}

#[tokio::test]
async fn an_empty_account_is_told_apart_and_not_asked_again() {
    let body = json!({"error": {"message": "Insufficient Balance", "type": "unknown_error", "param": null, "code": "invalid_request_error"}});
    let (reply, server) = ask([Planned::json(402, body)]).await;
    let error = reply.unwrap_err();
    assert!(matches!(error.kind, AdviserErrorKind::NoBalance(_)));
    assert!(error.to_string().contains("top it up"), "{error}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_told_without_the_key() {
    let told = format!("Authentication Fails, Your api key: {KEY} is invalid");
    let (reply, _) =
        ask([Planned::json(401, json!({"error": {"message": told, "type": "authentication_error"}}))]).await;
    let error = reply.unwrap_err();
    assert!(matches!(error.kind, AdviserErrorKind::Key(_)));
    assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
}
