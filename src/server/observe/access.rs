//! The log of accesses: one line a request, when its response has ended. It holds names that were checked and numbers, never a header, a query
//! or a path as it came.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use tokio::sync::watch;
use tonic::Code;
use tracing::{Level, Span};

use super::codes;
use super::metrics::Metrics;
use super::otel::RequestSpan;
use crate::server::access::Connection;
use crate::services::{CallNotes, Noted};

/// The target of the lines.
const TARGET: &str = "guide_board::access";

/// How a request spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Grpc,
    GrpcWeb,
    Http,
}

impl Face {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(http::header::CONTENT_TYPE).map_or(&b""[..], http::HeaderValue::as_bytes);
        if kind.starts_with(b"application/grpc-web") {
            Self::GrpcWeb
        } else if kind.starts_with(b"application/grpc") {
            Self::Grpc
        } else {
            Self::Http
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::Http => "http",
        }
    }
}

/// How the response to a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it was handed over.
    Whole,
    /// The client went away before.
    ClientGone,
    /// The server cut it off when it stopped.
    CutOff,
    /// It broke off by a fault of the server's own.
    Broken,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::ClientGone => "client_gone",
            Self::CutOff => "cut_off",
            Self::Broken => "broken",
        }
    }
}

/// A request on its way. When it is dropped, it has ended, and is counted and logged.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) metrics: Arc<Metrics>,
    pub(super) notes: Arc<CallNotes>,
    pub(super) face: Face,
    pub(super) peer: Option<Connection>,
    /// A probe's or scraper's, which comes all the time.
    pub(super) is_probe: bool,
    /// What the lines of the call stand in.
    pub(super) span: Span,
    pub(super) exported: RequestSpan,
    pub(super) cut: watch::Receiver<bool>,
    pub(super) _under_way: UnderWay,
    pub(super) began: Instant,
    pub(super) bytes_in: Arc<AtomicU64>,
    pub(super) bytes_out: u64,
    pub(super) status: Option<StatusCode>,
    /// The code as the response itself carries it.
    pub(super) code: Option<Code>,
    /// `None` until the response has ended.
    pub(super) end: Option<End>,
}

/// A request that counts as on its way.
#[derive(Debug)]
pub(super) struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    pub(super) fn begin(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Access {
    /// What the log has of it.
    fn tell(&self, noted: &Noted, code: Option<Code>, end: End, took: Duration) {
        let peer = self.peer.as_ref().map(Connection::peer);
        let route = match (&noted.route, &noted.call) {
            (Some(route), _) => Some(route.as_str()),
            (None, Some(_)) => None,
            (None, None) => Some("unknown"),
        };
        let trace_id = format!("{:032x}", self.notes.trace.trace_id);
        let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
        macro_rules! tell {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
                    parent: None,
                    $level,
                    face = self.face.word(),
                    call = noted.call.as_deref(),
                    route,
                    caller = noted.caller.as_deref(),
                    root = noted.root.as_deref(),
                    run = noted.run.as_deref(),
                    directory = noted.directory.as_deref(),
                    job = noted.job.as_deref(),
                    code = code.map(codes::word),
                    status = self.status.map(|status| status.as_u16()),
                    bytes_in = self.bytes_in.load(Ordering::Relaxed),
                    bytes_out = self.bytes_out,
                    duration_ms = milliseconds,
                    request_id = self.notes.request_id.as_str(),
                    trace_id,
                    peer,
                    end = end.word(),
                    "call"
                )
            };
        }
        if self.is_probe {
            tell!(Level::DEBUG);
        } else {
            tell!(Level::INFO);
        }
    }

    fn is_told(&self) -> bool {
        if self.is_probe {
            tracing::enabled!(target: TARGET, Level::DEBUG)
        } else {
            tracing::enabled!(target: TARGET, Level::INFO)
        }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let end = match self.end {
            Some(end) => end,
            None if std::thread::panicking() => End::Broken,
            None if *self.cut.borrow() => End::CutOff,
            None => End::ClientGone,
        };
        self.metrics.answered(self.face.word(), self.status);
        let noted = self.notes.noted();
        let code = noted.code.or(self.code);
        self.exported.end(&noted, code, self.status);
        if self.is_told() {
            self.tell(&noted, code, end, took);
        }
    }
}
