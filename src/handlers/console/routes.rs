use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::{
    AccessToken, Backend, Desk, Problem, alternatives, decisions, groups, holds, measured, openapi, outlook, page,
    policies, series, spot,
};
use crate::handlers::tune::{Overview, VersionStory};

/// Largest body in bytes. The largest thing that is sent is an order of a person.
const LARGEST_BODY_BYTES: usize = 16 * 1024;

pub(super) type Api = Arc<dyn Backend>;

/// One operation of the API: its route and what the OpenAPI document says of it.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Schema of the query's parameters, as an object.
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<SchemaOf>,
    /// The status of success.
    pub(super) status: StatusCode,
    pub(super) response: SchemaOf,
    route: MethodRouter<Api>,
}

pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Every operation that needs the token. The router and the OpenAPI document are both made of this list.
pub(super) fn operations() -> Vec<Operation> {
    let operation = |method, path, id, summary, response, route| Operation {
        method,
        path,
        id,
        summary,
        query: None,
        body: None,
        status: StatusCode::OK,
        response,
        route,
    };
    vec![
        Operation {
            query: Some(schema_of::<groups::Page>),
            ..operation(
                Method::GET,
                "/api/groups",
                "listGroups",
                "How every group stands",
                schema_of::<groups::GroupList>,
                get(groups::list),
            )
        },
        operation(
            Method::GET,
            "/api/groups/{group}",
            "getGroup",
            "Everything that is known of a group now",
            schema_of::<groups::GroupDetail>,
            get(groups::show),
        ),
        Operation {
            query: Some(schema_of::<decisions::Window>),
            ..operation(
                Method::GET,
                "/api/groups/{group}/decisions",
                "listDecisions",
                "A group's decisions, newest first",
                schema_of::<decisions::DecisionList>,
                get(decisions::list),
            )
        },
        Operation {
            query: Some(schema_of::<series::Stretch>),
            ..operation(
                Method::GET,
                "/api/groups/{group}/series",
                "getSeries",
                "A group over time, as its decisions saw it",
                schema_of::<series::Series>,
                get(series::series),
            )
        },
        operation(
            Method::GET,
            "/api/decisions/{decision}",
            "getDecision",
            "One decision with every reason",
            schema_of::<decisions::DecisionDetail>,
            get(decisions::show),
        ),
        operation(
            Method::GET,
            "/api/decisions/{decision}/alternatives",
            "getAlternatives",
            "What engines other than the one that decided would have asked for",
            schema_of::<alternatives::Alternatives>,
            get(alternatives::show),
        ),
        operation(
            Method::GET,
            "/api/groups/{group}/spot",
            "getSpotWeather",
            "How spot instances fare, by pool and zone",
            schema_of::<spot::SpotWeather>,
            get(spot::weather),
        ),
        operation(
            Method::GET,
            "/api/groups/{group}/forecast",
            "getForecast",
            "What the last decision reckoned with, beside what was measured lately",
            schema_of::<outlook::Forecast>,
            get(outlook::forecast),
        ),
        operation(
            Method::GET,
            "/api/groups/{group}/cost",
            "getCost",
            "What a group costs, and what it would cost otherwise",
            schema_of::<outlook::Cost>,
            get(outlook::cost),
        ),
        Operation {
            query: Some(schema_of::<groups::EvaluateQuery>),
            status: StatusCode::ACCEPTED,
            ..operation(
                Method::POST,
                "/api/groups/{group}/evaluate",
                "evaluateGroup",
                "Have a group evaluated now",
                schema_of::<groups::Asked>,
                post(groups::evaluate),
            )
        },
        operation(
            Method::GET,
            "/api/groups/{group}/policies",
            "listPolicies",
            "The versions of a group's policy, newest first",
            schema_of::<Overview>,
            get(policies::list),
        ),
        operation(
            Method::GET,
            "/api/groups/{group}/policies/{version}",
            "getPolicy",
            "A version with its evidence and everything that happened to it",
            schema_of::<VersionStory>,
            get(policies::show),
        ),
        Operation {
            body: Some(schema_of::<policies::Wish>),
            ..operation(
                Method::POST,
                "/api/groups/{group}/policies/{version}/approve",
                "approvePolicy",
                "Let a version that passed the gate take effect, from the next run of tune on",
                schema_of::<policies::Ordered>,
                post(policies::approve),
            )
        },
        Operation {
            body: Some(schema_of::<policies::Wish>),
            ..operation(
                Method::POST,
                "/api/groups/{group}/policies/{version}/reject",
                "rejectPolicy",
                "Have a version not take effect",
                schema_of::<policies::Ordered>,
                post(policies::reject),
            )
        },
        Operation {
            body: Some(schema_of::<policies::Wish>),
            ..operation(
                Method::POST,
                "/api/groups/{group}/policies/{version}/rollback",
                "rollbackPolicy",
                "Have a version decide no longer, from the next evaluation on",
                schema_of::<policies::Ordered>,
                post(policies::roll_back),
            )
        },
        Operation {
            body: Some(schema_of::<crate::model::Hold>),
            ..operation(
                Method::PUT,
                "/api/groups/{group}/hold",
                "holdGroup",
                "Give an order that wins over every engine until it expires",
                schema_of::<holds::Held>,
                put(holds::hold),
            )
        },
        Operation {
            query: Some(schema_of::<holds::LiftQuery>),
            ..operation(
                Method::DELETE,
                "/api/groups/{group}/hold",
                "liftHolds",
                "Lift all orders given for a group",
                schema_of::<holds::Lifted>,
                delete(holds::lift),
            )
        },
    ]
}

/// The console's page, which holds no secret, and its API. `token` opens the API; without one every operation answers that the console is closed.
pub fn router(backend: Arc<dyn Backend>, token: Option<AccessToken>) -> Router {
    let guarded = operations()
        .into_iter()
        .fold(Router::new(), |router, operation| router.route(operation.path, operation.route))
        // No JSON, so it stands in no document: what reads it knows the form.
        .route("/api/metrics", get(measured::measured))
        .fallback(async |uri: Uri| Problem::no_route(uri.path()))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            Problem::wrong_method(method.as_str(), uri.path())
        })
        .layer(from_fn_with_state(Arc::new(token), authorize));
    let open = Router::new().route("/api/openapi.json", get(async || axum::Json(openapi::document())));
    guarded
        .merge(open)
        .merge(page::routes())
        .layer(DefaultBodyLimit::max(LARGEST_BODY_BYTES))
        .layer(from_fn(harden))
        .with_state(backend)
}

async fn authorize(State(token): State<Arc<Option<AccessToken>>>, request: Request, next: Next) -> Response {
    let Some(token) = token.as_ref() else {
        return Problem::closed("set AUTOSCALER_CONSOLE_TOKEN to a token of at least 16 bytes").into_response();
    };
    if let Err(wait) = token.pass() {
        return Problem::too_many(wait);
    }
    let presented = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match presented {
        Some(authorization) if token.opens_for(authorization) => next.run(request).await,
        Some(_) => Problem::unauthorized("this is not the console's token").into_response(),
        None => Problem::unauthorized("send the console's token as `Authorization: Bearer …`").into_response(),
    }
}

/// Nothing of this is to be cached, framed, or taken for another type.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: [(HeaderName, &str); 3] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl FromRequestParts<Api> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, backend: &Api) -> Result<Self, Problem> {
        backend.open().await.map_err(Problem::failed)
    }
}

/// A query whose mistakes are told as a [`Problem`].
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// A JSON body whose mistakes are told as a [`Problem`] that points at them.
pub(super) struct Document<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for Document<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, backend: &Api) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, backend).await.map_err(|rejection: BytesRejection| match rejection
            .status()
        {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(LARGEST_BODY_BYTES),
            _ => Problem::bad_request(rejection.body_text()),
        })?;
        let not_json = |error: &serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let document = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| match error.inner() {
            inner if inner.is_data() => Problem::invalid(&pointer(error.path()), inner.to_string()),
            inner => not_json(inner),
        })?;
        deserializer.end().map_err(|error| not_json(&error))?;
        Ok(Self(document))
    }
}

/// A path within a document as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}
