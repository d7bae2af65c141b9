//! A build without the feature `otel` makes no spans for OpenTelemetry.

use http::StatusCode;
use tonic::Code;

use crate::services::{Noted, TraceContext};

/// No span.
#[derive(Debug)]
pub(super) struct RequestSpan;

impl RequestSpan {
    pub(super) const fn begin(_call: Option<&str>, _parent: Option<TraceContext>) -> Self {
        Self
    }

    pub(super) const fn place(&self, _parent: Option<TraceContext>) -> Option<TraceContext> {
        None
    }

    pub(super) const fn end(&mut self, _noted: &Noted, _code: Option<Code>, _status: Option<StatusCode>) {}
}
