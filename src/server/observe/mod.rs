//! What the server tells of itself: a line a call in the log, metrics, and each call's place in a trace.
//!
//! [`follow`] stands around everything that a connection asks for, [`count`] around the gRPC services, which every face of the
//! service goes through. They share the notes of a request ([`crate::services::CallNotes`]), which travel in its extensions.

mod access;
mod call;
mod codes;
mod ids;
mod messages;
mod methods;
mod metrics;
#[cfg_attr(not(feature = "otel"), path = "otel_off.rs")]
mod otel;
mod process;
mod request;
mod roots;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use tokio::sync::Semaphore;

pub(super) use call::count;
pub(super) use metrics::{ConnectionCounts, Metrics, Open, ScanCounts};
pub(super) use request::{Requests, follow};

/// What Prometheus takes the text of a scrape for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many scrapes are made at once. Whoever hangs up does not end theirs.
const MAX_SCRAPES: usize = 2;

/// `GET /metrics`.
pub(super) fn scrapes(metrics: Arc<Metrics>) -> Router {
    scrapes_at_once(metrics, Arc::new(Semaphore::new(MAX_SCRAPES)))
}

fn scrapes_at_once(metrics: Arc<Metrics>, places: Arc<Semaphore>) -> Router {
    let scrape = move || {
        let (metrics, place) = (Arc::clone(&metrics), Arc::clone(&places).try_acquire_owned());
        async move {
            let Ok(place) = place else {
                return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
            };
            // A scrape reads /proc and counts problems.
            let scraped = tokio::task::spawn_blocking(move || {
                let _place = place;
                metrics.scraped()
            });
            answer(scraped.await)
        }
    };
    Router::new().route("/metrics", axum::routing::get(scrape))
}

fn answer(scraped: Result<Result<String, std::fmt::Error>, tokio::task::JoinError>) -> Response {
    match scraped {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        outcome => {
            tracing::error!(?outcome, "a scrape failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
