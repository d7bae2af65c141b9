//! The layer around the gRPC services: counts calls, and makes their notes known to them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body as _, Frame, SizeHint};
use prometheus_client::metrics::counter::Counter;
use tonic::Code;
use tower_layer::Layer;
use tower_service::Service;

use super::codes;
use super::messages::Messages;
use super::methods::Method;
use super::metrics::Metrics;
use crate::services::{CallNotes, with_notes};

/// Counts the calls of the services that it stands around.
#[derive(Debug, Clone)]
pub(in crate::server) struct CallLayer {
    metrics: Arc<Metrics>,
}

impl CallLayer {
    /// Counts in these metrics.
    pub(in crate::server) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for CallLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls { inner, metrics: Arc::clone(&self.metrics) }
    }
}

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub(in crate::server) struct Calls<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S> Service<Request<Body>> for Calls<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = Arc::clone(self.metrics.methods.at(request.uri().path()));
        let notes = request.extensions().get::<Arc<CallNotes>>().cloned().unwrap_or_default();
        if let Some(name) = &method.name {
            notes.set_call(name);
        }
        let received = method.received.clone();
        let call = Call::begin(method, Arc::clone(&notes));
        let count = |body| Body::new(Received { body, messages: Messages::default(), count: received });
        let answer = with_notes(notes, self.inner.call(request.map(count)));
        Box::pin(async move {
            let mut call = call;
            let response = match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let code = codes::carried(response.headers());
            if let Some(code) = code {
                call.end(code);
            }
            Ok(response.map(|body| {
                let mut answer = Answer { body, messages: Messages::default(), call };
                answer.end_if_over();
                Body::new(answer)
            }))
        })
    }
}

/// A call that has begun. However it ends, it ends once.
#[derive(Debug)]
struct Call {
    method: Arc<Method>,
    notes: Arc<CallNotes>,
    began: Instant,
    is_over: bool,
}

impl Call {
    fn begin(method: Arc<Method>, notes: Arc<CallNotes>) -> Self {
        method.begin();
        Self { method, notes, began: Instant::now(), is_over: false }
    }

    fn end(&mut self, code: Code) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.notes.set_code(code);
            self.method.end(code, self.began.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Nobody waits for the answer any more, or it will never come.
        self.end(if std::thread::panicking() { Code::Internal } else { Code::Cancelled });
    }
}

/// The body of a call's request.
struct Received {
    body: Body,
    messages: Messages,
    count: Counter,
}

/// The body of a call's response.
struct Answer {
    body: Body,
    messages: Messages,
    call: Call,
}

impl Answer {
    /// A body that ends without a status, as those that are no gRPC do.
    fn end_if_over(&mut self) {
        if self.body.is_end_stream() {
            self.call.end(Code::Unknown);
        }
    }
}

impl hyper::body::Body for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let ended = self.messages.ended_in(data);
            self.count.inc_by(ended);
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

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let ended = self.messages.ended_in(data);
                    self.call.method.sent.inc_by(ended);
                    self.end_if_over();
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.call.end(codes::carried(trailers).unwrap_or(Code::Unknown));
                }
            }
            Poll::Ready(Some(Err(_)) | None) => self.call.end(Code::Unknown),
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
