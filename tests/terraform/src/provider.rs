//! A provider that only validates, running inside this process.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use tokio::{net::TcpListener, runtime, sync::oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{Service, http},
    server::{Grpc, NamedService, UnaryService},
    transport::Server,
};
use tonic_prost::ProstCodec;

use crate::{
    constraints::{self, Constraints},
    protocol::{
        Diagnostic, DynamicValue, GetProviderSchemaRequest, GetProviderSchemaResponse, StopProviderRequest,
        StopProviderResponse, ValidateProviderConfigRequest, ValidateProviderConfigResponse,
        ValidateResourceConfigRequest, ValidateResourceConfigResponse,
    },
    rules::Rules,
    schema::{Block, ProviderSchema, SchemaError},
    value::Value,
};

/// The provider could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The schema folder.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The network.
    #[error("stub provider: {0}")]
    Network(#[from] std::io::Error),
}

/// A running provider. It stops when dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Provider {
    /// Starts on a free port of 127.0.0.1, with the schema and rules of a folder.
    ///
    /// # Errors
    /// When a file of the folder cannot be used, or no port can be had.
    pub fn start(folder: &Path) -> Result<Self, ProviderError> {
        let judge = Judge {
            schema: ProviderSchema::read(folder)?,
            constraints: Constraints::read(folder)?,
            rules: Rules::read(folder)?,
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let server = Server::builder().add_service(Endpoint(Arc::new(judge))).serve_with_incoming_shutdown(
                TcpListenerStream::new(listener),
                async {
                    let _ = stopped.await;
                },
            );
            if let Err(error) = runtime.block_on(server) {
                eprintln!("stub provider: {error}");
            }
        });
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The value of `TF_REATTACH_PROVIDERS` that leads terraform here.
    pub fn reattach(&self) -> String {
        serde_json::json!({
            "registry.terraform.io/huaweicloud/huaweicloud": {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": std::process::id(),
                "Test": true,
                "Addr": {"Network": "tcp", "String": self.address.to_string()},
            }
        })
        .to_string()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Judge {
    schema: ProviderSchema,
    constraints: Constraints,
    rules: Rules,
}

impl Judge {
    fn provider(&self, request: ValidateProviderConfigRequest) -> Result<ValidateProviderConfigResponse, Status> {
        let config = config(request.config)?;
        let diagnostics = constraints::check(&self.schema.provider.block, None, &config);
        Ok(ValidateProviderConfigResponse { diagnostics })
    }

    fn resource(&self, request: ValidateResourceConfigRequest) -> Result<ValidateResourceConfigResponse, Status> {
        let ValidateResourceConfigRequest { type_name, config: body } = request;
        let config = config(body)?;
        let block = block(self.schema.resource_schemas.get(&type_name), &type_name)?;
        let mut diagnostics = constraints::check(block, self.constraints.resource(&type_name), &config);
        diagnostics.extend(self.rules.check(&type_name, &config));
        Ok(named(&type_name, diagnostics))
    }

    fn data_source(&self, request: ValidateResourceConfigRequest) -> Result<ValidateResourceConfigResponse, Status> {
        let ValidateResourceConfigRequest { type_name, config: body } = request;
        let config = config(body)?;
        let block = block(self.schema.data_source_schemas.get(&type_name), &type_name)?;
        Ok(named(&type_name, constraints::check(block, self.constraints.data_source(&type_name), &config)))
    }
}

fn named(type_name: &str, mut diagnostics: Vec<Diagnostic>) -> ValidateResourceConfigResponse {
    for diagnostic in &mut diagnostics {
        diagnostic.summary = format!("{type_name}: {}", diagnostic.summary);
    }
    ValidateResourceConfigResponse { diagnostics }
}

fn block<'a>(schema: Option<&'a crate::schema::Schema>, type_name: &str) -> Result<&'a Block, Status> {
    schema.map(|schema| &schema.block).ok_or_else(|| Status::not_found(format!("no schema for {type_name}")))
}

fn config(value: Option<DynamicValue>) -> Result<Value, Status> {
    let value = value.ok_or_else(|| Status::invalid_argument("no configuration"))?;
    Value::from_msgpack(&value.msgpack).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// The gRPC service `tfplugin6.Provider`.
#[derive(Clone, Debug)]
struct Endpoint(Arc<Judge>);

impl NamedService for Endpoint {
    const NAME: &'static str = "tfplugin6.Provider";
}

impl Service<http::Request<Body>> for Endpoint {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let judge = Arc::clone(&self.0);
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        Box::pin(async move {
            Ok(match method.as_str() {
                "GetProviderSchema" => {
                    let answer = move |_: GetProviderSchemaRequest| {
                        Ok::<GetProviderSchemaResponse, Status>(judge.schema.message())
                    };
                    answer_with(request, answer).await
                }
                "ValidateProviderConfig" => answer_with(request, move |body| judge.provider(body)).await,
                "ValidateResourceConfig" => answer_with(request, move |body| judge.resource(body)).await,
                "ValidateDataResourceConfig" => answer_with(request, move |body| judge.data_source(body)).await,
                "StopProvider" => {
                    answer_with(request, |_: StopProviderRequest| Ok(StopProviderResponse::default())).await
                }
                other => Status::unimplemented(other.to_owned()).into_http(),
            })
        })
    }
}

async fn answer_with<Q, R, F>(request: http::Request<Body>, answer: F) -> http::Response<Body>
where
    Q: prost::Message + Default + 'static,
    R: prost::Message + Default + 'static,
    F: FnMut(Q) -> Result<R, Status> + Send,
{
    Grpc::new(ProstCodec::<R, Q>::default()).unary(Answer(answer), request).await
}

struct Answer<F>(F);

impl<Q, R, F> UnaryService<Q> for Answer<F>
where
    F: FnMut(Q) -> Result<R, Status>,
{
    type Response = R;
    type Future = Ready<Result<Response<R>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        ready((self.0)(request.into_inner()).map(Response::new))
    }
}
