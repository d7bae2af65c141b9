//! Streamed replies: as one document, as a line of JSON for each message, or as server-sent events. Each is written while it comes, so that
//! memory is bounded by a message, and one that breaks off cuts the connection, so that it is never taken for whole.

use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, HeaderName, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::{Status, Streaming};

use super::document::Document;
use super::in_process::{Caller, InProcess};
use super::pipe::{Gone, Sink, pipe};
use super::refusal::Refusal;
use super::{events, reply};
use crate::wire::message_to_json;

/// How long the connection lasts after the last words on it, so that they are sent before it is cut.
const LAST_WORDS: Duration = Duration::from_millis(500);

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The protobuf merge of its messages.
    Document,
    /// Each message a line.
    Lines,
    /// Server-sent events.
    Events,
}

impl Style {
    /// What `Accept` asks for; of what it does not name, events for a watch and a document for all else.
    pub(super) fn asked(headers: &HeaderMap, is_watch: bool) -> Self {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let kinds = accepted.flat_map(|value| value.split(','));
        let kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        for kind in kinds {
            match kind.as_str() {
                NDJSON | "application/ndjson" | "application/jsonl" => return Self::Lines,
                EVENTS if is_watch => return Self::Events,
                reply::JSON => return Self::Document,
                _ => {}
            }
        }
        if is_watch { Self::Events } else { Self::Document }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Document => reply::JSON,
            Self::Lines => NDJSON,
            Self::Events => EVENTS,
        }
    }
}

/// Makes a call and answers with its stream. A refusal before the first message is a refusal like any other.
pub(super) async fn answer(
    grpc: &InProcess,
    caller: &Caller,
    call: &MethodDescriptor,
    message: DynamicMessage,
    style: Style,
) -> Result<Response<Body>, Refusal> {
    let mut stream = grpc.stream(caller, call, message).await.map_err(|status| Refusal::of(&status))?;
    let first = stream.message().await.map_err(|status| Refusal::of(&status))?;
    if first.is_none() && style == Style::Events {
        // Nothing will ever come: the one status after which a browser does not ask again.
        let mut nothing = reply::with_type(EVENTS, Body::empty());
        *nothing.status_mut() = StatusCode::NO_CONTENT;
        return Ok(nothing);
    }
    let (sink, body) = pipe();
    let writer = Writer { sink, style, document: Document::new(call.output()) };
    tokio::spawn(writer.write_all(first, stream));
    Ok(streamed(style, body))
}

/// A streamed body in this style.
pub(super) fn streamed(style: Style, body: Body) -> Response<Body> {
    let mut response = reply::with_type(style.media_type(), body);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    // So that no proxy holds back what is there to be seen at once.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

struct Writer {
    sink: Sink,
    style: Style,
    document: Document,
}

impl Writer {
    async fn write_all(mut self, first: Option<DynamicMessage>, mut stream: Streaming<DynamicMessage>) {
        let mut next = first;
        while let Some(message) = next {
            if self.write(message).await.is_err() {
                return;
            }
            let came = tokio::select! {
                came = stream.message() => came,
                () = self.sink.closed() => return,
            };
            next = match came {
                Ok(message) => message,
                Err(status) => return broke_off(&self.sink, self.style, &status).await,
            };
        }
        if self.style == Style::Document && self.sink.send(self.document.end()).await.is_err() {
            return;
        }
        self.sink.finish().await;
    }

    async fn write(&mut self, message: DynamicMessage) -> Result<(), Gone> {
        let text = match self.style {
            Style::Document => self.document.add(message),
            Style::Lines => line(&message),
            Style::Events => events::of(&message),
        };
        self.sink.send(text).await
    }
}

/// A message as a line of JSON.
pub(super) fn line(message: &DynamicMessage) -> String {
    format!("{}\n", message_to_json(message))
}

/// Says why a stream ends before its end, where the style has a place for it; the connection is cut then, as the sink is not finished.
pub(super) async fn broke_off(sink: &Sink, style: Style, status: &Status) {
    let error = Refusal::of(status).to_json();
    let text = match style {
        Style::Document => return,
        Style::Lines => format!("{error}\n"),
        Style::Events => format!("event: refusal\ndata: {error}\n\n"),
    };
    if sink.send(text).await.is_ok() {
        tokio::time::sleep(LAST_WORDS).await;
    }
}
