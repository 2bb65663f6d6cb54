//! FunctionGraph: waking our own functions.

use serde::{Deserialize, Serialize};

use super::api::{Api, Request};
use super::error::{ClientError, Failure};
use super::signing::path_segment;

/// Largest event of an asynchronous invocation, in bytes.
const LARGEST_EVENT: usize = 256 * 1024;

/// The FunctionGraph API.
#[derive(Clone, Debug)]
pub struct FunctionGraph(pub(super) Api);

impl FunctionGraph {
    /// Queues an event for a function, `urn:fss:{region}:{project}:function:{package}:{name}:{version}`, and gives the id
    /// of the request. It may arrive more than once, as all events may.
    ///
    /// # Errors
    /// FSS.1051 no such function, FSS.0429 too many at once.
    pub async fn invoke_async(&self, function_urn: &str, event: &impl Serialize) -> Result<String, ClientError> {
        #[derive(Deserialize)]
        struct Queued {
            request_id: String,
        }
        let path = format!("/v2/{}/fgs/functions/{}/invocations-async", self.0.project(), path_segment(function_urn));
        let request = Request::post("invoke function", function_urn, path).json(event);
        if request.body_length() > LARGEST_EVENT {
            let reason = format!("the event is larger than {LARGEST_EVENT} bytes");
            return Err(ClientError::new("invoke function", function_urn, Failure::Invalid(reason)));
        }
        Ok(self.0.call::<Queued>(request).await?.request_id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Planned, Server};

    const URN: &str = "urn:fss:cn-north-4:project:function:default:evaluate:latest";

    #[tokio::test]
    async fn an_event_is_queued() {
        let server = Server::start([Planned::json(202, json!({"request_id": "r-1"}))]).await;
        let event = json!({"action": "evaluate", "groups": ["a"]});
        assert_eq!(server.cloud().function_graph().invoke_async(URN, &event).await.unwrap(), "r-1");
        assert_eq!(server.lines(), [format!("POST /v2/project/fgs/functions/{URN}/invocations-async")]);
        assert_eq!(server.received()[0].json(), event);
    }

    #[tokio::test]
    async fn an_event_that_is_too_large_is_not_sent() {
        let server = Server::start([Planned::text(202, "")]).await;
        let error = server.cloud().function_graph().invoke_async(URN, &"x".repeat(LARGEST_EVENT)).await.unwrap_err();
        assert!(error.to_string().contains("larger than 262144 bytes"), "{error}");
        assert!(server.received().is_empty());
    }
}
