//! The export of spans to an OpenTelemetry collector, set up by the variables that every SDK knows.

use std::env;
use std::time::Duration;

use opentelemetry::global;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::{Builder, Runtime};

/// The variables that name a collector. Without one nothing is exported.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// How long the last spans may take to be sent.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// An export that is under way. Dropped, it sends what is left.
pub(super) struct Export {
    provider: SdkTracerProvider,
    /// Of its own, so that it can send what the server's last calls left.
    _runtime: Runtime,
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

/// Begins to export spans, if a collector is named; when that fails, says why and goes on without.
pub(super) fn start() -> Option<Export> {
    let is_named = ENDPOINTS.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    let is_disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if !is_named || is_disabled {
        return None;
    }
    match begin() {
        Ok(export) => Some(export),
        Err(error) => {
            tracing::warn!(error, "spans are not exported");
            None
        }
    }
}

fn begin() -> Result<Export, String> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("otel").enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let exporter = {
        let _entered = runtime.enter();
        SpanExporter::builder().with_tonic().build().map_err(|error| error.to_string())?
    };
    let mut resource = Resource::builder();
    if env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("guide-board");
    }
    let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
    global::set_tracer_provider(provider.clone());
    Ok(Export { provider, _runtime: runtime })
}
