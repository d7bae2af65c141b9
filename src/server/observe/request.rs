//! Around everything: gives each request its id and its place in a trace, and follows it to the end of its response.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::watch;
use tracing::{Instrument as _, Span};

use super::access::{Access, End, Face, UnderWay};
use super::codes;
use super::ids::{Ids, REQUEST_ID};
use super::metrics::Metrics;
use super::otel::RequestSpan;
use crate::server::access::Connection;
use crate::services::CallNotes;

/// What probes and scrapers ask for, time and again: calls of this service, and these paths.
const PROBED: &str = "/grpc.health.v1.Health/";
const PROBES: [&str; 2] = ["/health", "/metrics"];

/// What following requests needs to know, and knows of them all.
#[derive(Debug, Clone)]
pub(in crate::server) struct Requests {
    metrics: Arc<Metrics>,
    ids: Arc<Ids>,
    cut: watch::Receiver<bool>,
    /// How many requests are on their way.
    under_way: watch::Sender<usize>,
}

impl Requests {
    /// Counts in these metrics. `cut` says true once connections are cut off.
    pub(in crate::server) fn new(metrics: Arc<Metrics>, cut: watch::Receiver<bool>) -> Self {
        Self { metrics, ids: Arc::default(), cut, under_way: watch::Sender::new(0) }
    }

    /// Resolves once no request is on its way.
    pub(in crate::server) async fn ended(&self) {
        // The sender is here.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    fn begin(&self, request: &Request<Body>) -> Access {
        let request_id = self.ids.request_id(request.headers());
        let (trace, parent) = self.ids.trace(request.headers());
        let path = request.uri().path();
        let call = self.metrics.methods.at(path).name.clone();
        let is_probe = path.starts_with(PROBED) || PROBES.contains(&path);
        let face = Face::of(request.headers());
        let span = if is_probe {
            Span::none()
        } else {
            tracing::info_span!(target: "guide_board::call", "call", request_id, call = call.as_deref())
        };
        let exported = RequestSpan::begin(call.as_deref(), parent);
        let notes = CallNotes::new(request_id, exported.place(parent).unwrap_or(trace));
        if let Some(call) = &call {
            notes.set_call(call);
        }
        Access {
            metrics: Arc::clone(&self.metrics),
            notes: Arc::new(notes),
            face,
            peer: request.extensions().get::<Connection>().cloned(),
            is_probe,
            span,
            exported,
            cut: self.cut.clone(),
            _under_way: UnderWay::begin(&self.under_way),
            began: Instant::now(),
            bytes_in: Arc::default(),
            bytes_out: 0,
            status: None,
            code: None,
            end: None,
        }
    }
}

/// Follows a request to the end of its response.
pub(in crate::server) async fn follow(
    State(requests): State<Requests>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let mut access = requests.begin(&request);
    let is_head = request.method() == Method::HEAD;
    request.extensions_mut().insert(Arc::clone(&access.notes));
    let bytes = Arc::clone(&access.bytes_in);
    let count = move |frame: &Frame<Bytes>| {
        if let Some(data) = frame.data_ref() {
            bytes.fetch_add(length(data), Ordering::Relaxed);
        }
    };
    let request = request.map(|body| Body::new(body.inspect_frame(count)));
    let mut response = next.run(request).instrument(access.span.clone()).await;
    if let Ok(id) = HeaderValue::from_str(&access.notes.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    access.status = Some(response.status());
    access.code = codes::carried(response.headers());
    let is_bodiless = is_head || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    response.map(|body| {
        let mut told = Told { body, access: Some(access) };
        if is_bodiless || told.body.is_end_stream() {
            told.end(End::Whole);
        }
        Body::new(told)
    })
}

/// The body of a response. The inner body is dropped first, and has then noted what it knows.
struct Told {
    body: Body,
    access: Option<Access>,
}

impl Told {
    fn end(&mut self, end: End) {
        if let Some(mut access) = self.access.take() {
            access.end = Some(end);
        }
    }
}

fn length(data: &Bytes) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

impl hyper::body::Body for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(data), Some(access)) = (frame.data_ref(), &mut self.access) {
                    access.bytes_out = access.bytes_out.saturating_add(length(data));
                }
                if let (Some(trailers), Some(access)) = (frame.trailers_ref(), &mut self.access) {
                    access.code = codes::carried(trailers).or(access.code);
                }
                if frame.is_trailers() || self.body.is_end_stream() {
                    self.end(End::Whole);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(End::Broken),
            Poll::Ready(None) => self.end(End::Whole),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
