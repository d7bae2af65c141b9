//! Spans of requests for OpenTelemetry. Without an exporter, which the command line installs, they go nowhere.

use http::StatusCode;
use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use tonic::Code;

use super::codes;
use crate::services::{Noted, TraceContext};

/// The span of a request.
#[derive(Debug)]
pub(super) struct RequestSpan(BoxedSpan);

impl RequestSpan {
    /// Begins the span of a call, or of another request, beneath that of its client.
    pub(super) fn begin(call: Option<&str>, parent: Option<TraceContext>) -> Self {
        let tracer = global::tracer("guide-board");
        let name = call.unwrap_or("HTTP").to_owned();
        let builder = tracer.span_builder(name).with_kind(SpanKind::Server);
        let context = parent.map_or_else(Context::new, |parent| {
            let flags = if parent.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            let (trace_id, span_id) = (parent.trace_id.into(), parent.span_id.into());
            Context::new().with_remote_span_context(SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE))
        });
        Self(tracer.build_with_context(builder, &context))
    }

    /// The span's place beneath its client's, when it has one. Without an exporter it has none, and says that it is its parent.
    pub(super) fn place(&self, parent: Option<TraceContext>) -> Option<TraceContext> {
        let context = self.0.span_context();
        let place = TraceContext {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            is_sampled: context.is_sampled(),
        };
        Some(place).filter(|place| context.is_valid() && Some(*place) != parent)
    }

    /// Ends the span.
    pub(super) fn end(&mut self, noted: &Noted, code: Option<Code>, status: Option<StatusCode>) {
        let span = &mut self.0;
        if !span.is_recording() {
            return;
        }
        if let Some((service, method)) = noted.call.as_deref().and_then(|call| call.split_once('/')) {
            span.update_name(noted.call.as_deref().unwrap_or_default().to_owned());
            span.set_attribute(KeyValue::new("rpc.system", "grpc"));
            span.set_attribute(KeyValue::new("rpc.service", service.to_owned()));
            span.set_attribute(KeyValue::new("rpc.method", method.to_owned()));
        }
        let names = [
            ("http.route", &noted.route),
            ("guide_board.root", &noted.root),
            ("guide_board.run", &noted.run),
            ("guide_board.directory", &noted.directory),
            ("guide_board.job", &noted.job),
        ];
        for (key, value) in names {
            if let Some(value) = value {
                span.set_attribute(KeyValue::new(key, value.clone()));
            }
        }
        if let Some(status) = status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if let Some(code) = code {
            span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))));
            if is_servers_fault(code) {
                span.set_status(Status::error(codes::word(code)));
            }
        }
        span.end();
    }
}

/// Whether a code tells of a fault of the server's, as OpenTelemetry sees it.
const fn is_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
