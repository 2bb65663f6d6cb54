//! A number in a JSON document behind HTTP.

use serde_json::Value;
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure};
use super::foreign;
use super::http::Transport;

const OPERATION: &str = "get";

/// The number that a JSON pointer (RFC 6901) finds in a document; a number as text is one too. `None` for `null` and for
/// what is not finite.
///
/// # Errors
/// If the pointer finds nothing or something else, or if the server refuses or does not answer.
pub async fn number(
    transport: &Transport,
    url: &Url,
    pointer: &str,
    bearer: Option<&Secret>,
) -> Result<Option<f64>, ClientError> {
    let (bare, login) = foreign::without_login(url);
    let subject = bare.to_string();
    let answer = foreign::get(transport, OPERATION, &subject, url, bearer).await?;
    let secrets: Vec<&Secret> = bearer.into_iter().chain(login.iter().flat_map(foreign::Login::secrets)).collect();
    let unreadable = |reason: String| ClientError::new(OPERATION, &subject, Failure::unreadable(&reason, &secrets));
    let document: Value =
        serde_json::from_slice(&answer.body).map_err(|error| unreadable(format!("not JSON: {error}")))?;
    let found = document.pointer(pointer).ok_or_else(|| unreadable(format!("nothing stands at {pointer:?}")))?;
    let number = match found {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| unreadable(format!("what stands at {pointer:?} is not a number")))?;
    Ok(Some(number).filter(|number| number.is_finite()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::clients::testing::{Planned, Server, transport};

    use super::*;

    async fn ask(document: Value, pointer: &str) -> Result<Option<f64>, ClientError> {
        let server = Server::start([Planned::json(200, document)]).await;
        number(&transport(Duration::from_secs(20)), &server.url.join("/stats").unwrap(), pointer, None).await
    }

    #[tokio::test]
    async fn a_number_is_found_by_its_pointer() {
        let document = json!({"queues": [{"length": 17}, {"length": "2.5"}], "a/b": null, "bad": "NaN"});
        assert_eq!(ask(document.clone(), "/queues/0/length").await.unwrap(), Some(17.0));
        assert_eq!(ask(document.clone(), "/queues/1/length").await.unwrap(), Some(2.5));
        assert_eq!(ask(document.clone(), "/a~1b").await.unwrap(), None, "null is missing");
        assert_eq!(ask(document, "/bad").await.unwrap(), None);
        assert_eq!(ask(json!(3), "").await.unwrap(), Some(3.0), "the empty pointer is the document");
    }

    #[tokio::test]
    async fn what_is_not_there_is_an_error_and_not_missing() {
        let told = |result: Result<Option<f64>, ClientError>| result.unwrap_err().to_string();
        let error = told(ask(json!({"code": "x", "message": "an ordinary document"}), "/length").await);
        assert!(error.ends_with("nothing stands at \"/length\""), "{error}");
        assert!(told(ask(json!({"length": [1]}), "/length").await).ends_with("is not a number"));
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_told_with_its_address() {
        let server = Server::start([Planned::text(404, "no such page")]).await;
        let url = server.url.join("/stats").unwrap();
        let token = Secret::new("made-up");
        let error = number(&transport(Duration::from_secs(20)), &url, "", Some(&token)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("get {url}: HTTP 404: no such page"));
        assert_eq!(server.received()[0].header("authorization"), Some("Bearer made-up"));
    }
}
