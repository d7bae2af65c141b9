//! Around the gRPC services: counts calls, and makes their notes known to them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, SizeHint};
use tonic::Code;

use super::codes;
use super::messages::Messages;
use super::methods::Method;
use super::metrics::Metrics;
use crate::services::{CallNotes, with_notes};

/// Counts a call of the services that this stands around.
pub(in crate::server) async fn count(
    State(metrics): State<Arc<Metrics>>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let method = Arc::clone(metrics.methods.at(request.uri().path()));
    let notes = request.extensions().get::<Arc<CallNotes>>().cloned().unwrap_or_default();
    if let Some(name) = &method.name {
        notes.set_call(name);
    }
    let (received, mut messages) = (method.received.clone(), Messages::default());
    let count = move |frame: &Frame<Bytes>| {
        if let Some(data) = frame.data_ref() {
            received.inc_by(messages.ended_in(data));
        }
    };
    let mut call = Call::begin(method, Arc::clone(&notes));
    let request = request.map(|body| Body::new(body.inspect_frame(count)));
    let response = with_notes(notes, next.run(request)).await;
    if let Some(code) = codes::carried(response.headers()) {
        call.end(code);
    }
    response.map(|body| {
        let mut answer = Answer { body, messages: Messages::default(), call };
        answer.end_if_over();
        Body::new(answer)
    })
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
