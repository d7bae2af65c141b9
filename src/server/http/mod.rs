//! HTTP with JSON beside gRPC, on the same port: each path that the protos declare is the call that they declare it for, made in process
//! through the same routes.
//!
//! Nothing of a call is done here: a request is made from path, query and body, the reply is shown in the JSON dialect. Three calls are
//! shown in their own way: an output is its bytes, the whole list of runs is as many pages as it takes, and a watch is server-sent events.

mod artifact;
mod document;
mod events;
mod in_process;
mod pipe;
mod refusal;
mod reply;
mod request;
mod streams;
mod whole_list;

use std::sync::Arc;

use axum::body::Body;
use axum::middleware::Next;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_web::GrpcWebLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_service::Service as _;

use crate::services::CallNotes;
use crate::wire::{Rule, RuleError, Rules, path_segments, query_pairs};
use in_process::{Caller, InProcess};
use refusal::Refusal;

/// The calls that are shown in their own way.
const READ_ARTIFACT: &str = "guideboard.v1.RetainedRunService.ReadArtifact";
const LIST_RETAINED_RUNS: &str = "guideboard.v1.RetainedRunService.ListRetainedRuns";
const WATCH_RUN: &str = "guideboard.v1.RunService.WatchRun";

/// Everything on one port: these gRPC routes, also for gRPC-Web, and beside them every HTTP path of the protos, which makes its calls
/// through the same routes. A layer on `grpc` is passed by all three.
///
/// # Errors
/// [`RuleError`]: a defect of the protos.
pub(crate) fn router(grpc: axum::Router) -> Result<axum::Router, RuleError> {
    Ok(beside(grpc, Rules::read()?))
}

/// Health alone: these gRPC routes, and `/health`.
pub(crate) fn health_alone(grpc: axum::Router) -> axum::Router {
    beside(grpc, Rules::default())
}

fn beside(grpc: axum::Router, rules: Rules) -> axum::Router {
    let paths = Arc::new(Paths { rules, grpc: InProcess::new(grpc.clone()) });
    let json = axum::Router::new()
        .fallback(move |request: Request<Body>| {
            let paths = Arc::clone(&paths);
            async move { paths.answer(request).await }
        })
        .layer(CatchPanicLayer::custom(answer_panic));
    // What no service answers is the other router's to answer.
    let only_grpc = axum::middleware::from_fn(async |request: Request<Body>, next: Next| match is_grpc(&request) {
        true => next.run(request).await,
        false => Refusal::not_grpc().into_response(),
    });
    grpc.reset_fallback().layer(GrpcWebLayer::new()).layer(only_grpc).merge(json)
}

/// A refusal, for who speaks no gRPC.
pub(super) fn refused(status: &tonic::Status) -> Response<Body> {
    Refusal::of(status).into_response()
}

/// Whether a request speaks gRPC or gRPC-Web.
pub(super) fn is_grpc(request: &Request<Body>) -> bool {
    request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

struct Paths {
    rules: Rules,
    grpc: InProcess,
}

impl Paths {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if is_grpc(&request) {
            // The routes know no such call either, but whoever is nobody to them is told that first.
            let Ok(answer) = self.grpc.routes().call(request).await;
            return answer;
        }
        let notes = request.extensions().get::<Arc<CallNotes>>().cloned();
        // Of an answer to HEAD the router leaves out the body.
        self.find_and_call(request).await.unwrap_or_else(|refusal| {
            if let Some(notes) = notes {
                notes.set_code(refusal.code());
            }
            refusal.into_response()
        })
    }

    async fn find_and_call(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        let segments = path_segments(parts.uri.path()).map_err(|fault| Refusal::path(&fault))?;
        let note_route = |template: &str| {
            if let Some(notes) = parts.extensions.get::<Arc<CallNotes>>() {
                notes.set_route(template);
            }
        };
        if segments == ["health"] {
            note_route("/health");
            return self.health(&parts).await;
        }
        let found = self.rules.find(&segments).ok_or_else(Refusal::no_such_path)?;
        let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
        let Some(rule) = found.rules.iter().find(|rule| rule.method == method) else {
            return Err(not_allowed(&found.rules));
        };
        note_route(&rule.template);
        let caller = Caller::of(&parts);
        let pairs = query_pairs(parts.uri.query().unwrap_or_default()).map_err(|fault| Refusal::query(&fault));
        let name = rule.call.full_name();
        if rule.takes_body {
            let (rule, headers, bindings) = (Rule::clone(rule), parts.headers, found.bindings);
            let call = rule.call.clone();
            let message = async move {
                request::without_query(&pairs?)?;
                request::of_body(rule, bindings, headers, body).await
            };
            let reply = self.grpc.unary_with(&caller, &call, message).await?;
            return Ok(reply::message(reply.get_ref()));
        }
        let mut fields = pairs.and_then(|pairs| request::of_path_and_query(rule, found.bindings, &pairs));
        if name == READ_ARTIFACT {
            fields = fields.and_then(artifact::without_part);
        }
        // Nobody is told what is wrong with a request before it is known that they may make it.
        let fields = match fields {
            Ok(fields) => fields,
            Err(refusal) => return Err(self.grpc.refuse(&caller, &rule.call, refusal).await),
        };
        if name == READ_ARTIFACT {
            return artifact::answer(&self.grpc, &caller, &parts, fields).await;
        }
        let style = streams::Style::asked(&parts.headers, name == WATCH_RUN);
        if name == LIST_RETAINED_RUNS && !fields.has("page_size") && !fields.has("page_token") {
            return whole_list::answer(&self.grpc, &caller, &rule.call, fields.into_message(), style).await;
        }
        if !rule.call.is_server_streaming() {
            return reply::unary(&self.grpc, &caller, &rule.call, fields.into_message()).await;
        }
        let mut message = fields.into_message();
        if name == WATCH_RUN
            && let Err(refusal) = request::resume(&mut message, &parts.headers)
        {
            return Err(self.grpc.refuse(&caller, &rule.call, refusal).await);
        }
        streams::answer(&self.grpc, &caller, &rule.call, message, style).await
    }

    /// The health of the server as a whole, as one word.
    async fn health(&self, parts: &http::request::Parts) -> Result<Response<Body>, Refusal> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Refusal::not_allowed("GET, HEAD"));
        }
        let mut client = HealthClient::new(self.grpc.routes());
        let asked = Caller::of(parts).request(HealthCheckRequest { service: String::new() });
        let health = client.check(asked).await.map_err(|status| Refusal::of(&status))?;
        let (code, word) = match health.get_ref().status() {
            ServingStatus::Serving => (StatusCode::OK, "ok"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "not_serving"),
        };
        Ok(reply::json(code, &serde_json::json!({ "status": word })))
    }
}

fn not_allowed(rules: &[&Rule]) -> Refusal {
    let mut methods: Vec<&str> = rules.iter().map(|rule| rule.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    Refusal::not_allowed(&methods.join(", "))
}

/// A defect that panics answers INTERNAL instead of cutting the connection.
fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    super::log_panic(&*panic);
    Refusal::of(&crate::services::failed()).into_response()
}
