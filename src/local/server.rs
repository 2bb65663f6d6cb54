//! The HTTP server of the region: routing, signature check, counting, faults.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::errors::{Service, gateway_error};
use super::faults::{Call, Fault};
use super::region::Region;
use super::{auto_scaling, cloud_eye, ecs, elb, function_graph, language_model, side_services, signature};

/// Bodies that a signature may cover, as the cloud's gateway limits them.
const LONGEST_BODY_BYTES: usize = 12 << 20;
/// How long open connections are waited for when a server stops.
const STOP_PATIENCE: Duration = Duration::from_millis(500);

/// Routes of one service, all with the region as their state.
pub(super) type Routes = Router<Arc<Region>>;

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl ServerHandle {
    /// Runs `router` on an address; with port 0 the system chooses one.
    pub(super) async fn start(router: Router, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // Small answers must not wait for the acknowledgement of what went before.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let server = axum::serve(listener, router).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            if let Err(error) = server.await {
                tracing::error!(%error, "a server of the local region ended");
            }
        });
        Ok(Self { address, stop: Some(stop), task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more connections, lets what is under way end for half a second, and closes.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if tokio::time::timeout(STOP_PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the region's APIs. Port 0 lets the system choose one; the handle knows it.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(region: Arc<Region>, address: SocketAddr) -> io::Result<ServerHandle> {
    ServerHandle::start(router(region), address).await
}

pub(super) fn router(region: Arc<Region>) -> Router {
    let services = [
        (Service::AutoScaling, auto_scaling::routes()),
        (Service::CloudEye, cloud_eye::routes()),
        (Service::CloudEyeV2, cloud_eye::routes_v2()),
        (Service::Ecs, ecs::routes()),
        (Service::Elb, elb::routes()),
        (Service::FunctionGraph, function_graph::routes()),
        (Service::Smn, side_services::messages()),
        (Service::Csms, side_services::secrets()),
        (Service::Iam, side_services::identity()),
        (Service::Cts, side_services::traces()),
        (Service::DeepSeek, language_model::routes()),
    ];
    let mut all = Routes::new();
    for (service, routes) in services {
        all = all.merge(routes.route_layer(from_fn_with_state(Guard { region: Arc::clone(&region), service }, guard)));
    }
    all.fallback(no_such_api).with_state(region)
}

async fn no_such_api(request: Request) -> Response {
    let message = format!("The API does not exist: {} {}", request.method(), request.uri().path());
    gateway_error(StatusCode::NOT_FOUND, "APIGW.0101", &message)
}

#[derive(Clone)]
struct Guard {
    region: Arc<Region>,
    service: Service,
}

/// What every call passes through before its handler.
async fn guard(
    State(Guard { region, service }): State<Guard>,
    path: MatchedPath,
    parameters: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let response = let_in(&region, service, &path, &parameters, request, next).await;
    if !response.status().is_success() {
        region.lock().calls.count_refusal(service);
    }
    response
}

async fn let_in(
    region: &Region,
    service: Service,
    path: &MatchedPath,
    parameters: &RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let operation = format!("{} {}", request.method(), path.as_str());
    let (fault, keys) = {
        let mut state = region.lock();
        state.calls.count(service, operation.clone());
        let fault = state.faults.on_call(&Call { service, operation: &operation, now: state.now });
        (fault, state.keys_let_in.clone())
    };
    match &fault {
        Some(Fault::Slow(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Error { status, code, message }) => return service.error(*status, code, message).into_response(),
        Some(Fault::Garbage(_) | Fault::Truncated) | None => {}
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY_BYTES).await else {
        let message = "The request body is longer than 12 MB or was cut off";
        return gateway_error(StatusCode::PAYLOAD_TOO_LARGE, "APIGW.0201", message);
    };
    if let Err(refusal) = signature::check(service, &parts, &body, &keys) {
        let message = format!("Incorrect IAM authentication information: {refusal}");
        return gateway_error(StatusCode::UNAUTHORIZED, "APIGW.0301", &message);
    }
    let project = parameters.iter().find(|(name, _)| *name == "project_id").map(|(_, value)| value);
    if project.is_some_and(|project| project != region.settings().project_id) {
        let message = "Incorrect IAM authentication information: the project of the path is not that of the keys";
        return gateway_error(StatusCode::FORBIDDEN, "APIGW.0302", message);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    match fault {
        Some(Fault::Garbage(text)) => text.into_response(),
        Some(Fault::Truncated) => truncated(response).await,
        _ => response,
    }
}

async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole: Bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2)))
}
