//! The console as a function behind the API gateway.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{AccessToken, Backend, Desk, answer};
use crate::clients::{Credentials, Secret};
use crate::functiongraph::events::{Evaluation, Event};
use crate::functiongraph::{Diagnostic, Environment, FunctionIdentity, Invocation, Service, service_fn};
use crate::handlers::Workplace;

/// The variable that holds the token; an encrypted one.
const TOKEN_VARIABLE: &str = "AUTOSCALER_CONSOLE_TOKEN";

/// The function as the runtime takes it. An environment that it cannot work in is the answer to every invocation.
pub fn service(
    environment: &Environment,
) -> impl Service<Invocation, Response = Value, Error = Diagnostic> + Clone + use<> {
    let workplace = Workplace::new(environment).map_err(Diagnostic::from);
    let token = environment.variable(TOKEN_VARIABLE).and_then(|token| AccessToken::new(&Secret::new(token)));
    service_fn(move |invocation| {
        let (workplace, token) = (workplace.clone(), token.clone());
        async move { handle(workplace?, token, invocation).await }
    })
}

pub(in crate::handlers) async fn handle(
    workplace: Workplace,
    token: Option<AccessToken>,
    invocation: Invocation,
) -> Result<Value, Diagnostic> {
    let event = Event::parse(&invocation.event)?;
    let Event::Gateway(request) = &event else {
        let message = format!("console answers requests of the API gateway, not an event of kind {}", event.kind());
        return Err(Diagnostic::new("WrongEvent", message));
    };
    let now = workplace.now(event.time());
    let credentials = workplace.credentials(&invocation)?;
    let backend = FunctionBackend { workplace, credentials, now, deadline: invocation.deadline };
    answer(request, Arc::new(backend), token).await
}

/// State as one invocation reaches it, and evaluations by the function `evaluate` beside this one.
struct FunctionBackend {
    workplace: Workplace,
    credentials: Credentials,
    now: DateTime<Utc>,
    deadline: Instant,
}

#[async_trait]
impl Backend for FunctionBackend {
    async fn open(&self) -> Result<Desk, Diagnostic> {
        let store = self.workplace.store(&self.credentials)?;
        let config = self.workplace.config(&store, self.deadline).await?;
        Ok(Desk { config, store, now: self.now, deadline: self.deadline })
    }

    async fn evaluate(&self, request: &Evaluation) -> Result<String, Diagnostic> {
        let Desk { config, .. } = self.open().await?;
        let urn =
            beside(&self.workplace.environment.function, "evaluate").and_then(|function| function.urn(&config.region));
        let urn = urn.ok_or_else(|| {
            Diagnostic::new(
                "UnknownFunction",
                "the platform does not tell this function's name, so that of evaluate is not known",
            )
        })?;
        let cloud = self.workplace.cloud(&config, self.credentials.clone(), self.deadline)?;
        Ok(cloud.function_graph().invoke_async(&urn, request).await?)
    }
}

/// The function of another name that was deployed beside this one: `prod-console` and `prod-evaluate`.
fn beside(own: &FunctionIdentity, name: &str) -> Option<FunctionIdentity> {
    let prefix = own.name.strip_suffix("console")?;
    Some(FunctionIdentity { name: format!("{prefix}{name}"), ..own.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluate_is_deployed_beside_the_console() {
        let own = FunctionIdentity {
            project_id: "p".to_owned(),
            package: "default".to_owned(),
            name: "prod-console".to_owned(),
            version: "latest".to_owned(),
        };
        let urn = beside(&own, "evaluate").and_then(|function| function.urn("r-1"));
        assert_eq!(urn.as_deref(), Some("urn:fss:r-1:p:function:default:prod-evaluate:latest"));
        assert_eq!(beside(&FunctionIdentity::default(), "evaluate"), None);
    }

    async fn invoke(event: Value) -> Result<Value, Diagnostic> {
        let environment = Environment::from_variables([
            ("AUTOSCALER_STORE", "file:///nonexistent/for/this/test"),
            ("HUAWEICLOUD_SDK_AK", "AK"),
            ("HUAWEICLOUD_SDK_SK", "SK"),
            (TOKEN_VARIABLE, "example-token-of-the-console"),
        ]);
        let invocation = Invocation {
            event: event.to_string().into(),
            request_id: "r".to_owned(),
            invoke_type: Default::default(),
            credentials: None,
            deadline: Instant::now() + std::time::Duration::from_secs(5),
        };
        tower::ServiceExt::oneshot(service(&environment.unwrap()), invocation).await
    }

    #[tokio::test]
    async fn an_event_of_another_kind_is_told_what_was_expected() {
        let error = invoke(serde_json::json!({"action": "evaluate"})).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "WrongEvent: console answers requests of the API gateway, not an event of kind manual"
        );
    }

    #[tokio::test]
    async fn whoever_has_no_token_does_not_reach_the_store() {
        let answer = invoke(serde_json::json!({"httpMethod": "GET", "path": "/api/groups"})).await.unwrap();
        assert_eq!(answer["statusCode"], 401);
    }
}
