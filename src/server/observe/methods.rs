//! The calls that the server knows, from the descriptors of its services.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic::Code;

use super::codes;
use crate::wire::DESCRIPTOR_SET;

/// The upper bounds of the histogram of call times, in seconds: those of go-grpc-prometheus.
const TIMES: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The label of everything that is no call of any service.
const UNKNOWN: &str = "unknown";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    grpc_type: &'static str,
    grpc_service: String,
    grpc_method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    grpc_type: &'static str,
    grpc_service: String,
    grpc_method: String,
    grpc_code: &'static str,
}

/// The calls by their paths, with what is counted of each.
#[derive(Debug)]
pub(super) struct Methods {
    by_path: HashMap<String, Arc<Method>>,
    unknown: Arc<Method>,
}

/// One call, and what is counted of it.
#[derive(Debug)]
pub(super) struct Method {
    /// Service and method; `None` of what is no call.
    pub(super) name: Option<Arc<str>>,
    pub(super) started: Counter,
    pub(super) received: Counter,
    pub(super) sent: Counter,
    labels: Labels,
    handling: OnceLock<Histogram>,
    families: Families,
}

/// What is counted of every call, under the names of go-grpc-prometheus.
#[derive(Debug, Clone)]
struct Families {
    started: Family<Labels, Counter>,
    received: Family<Labels, Counter>,
    sent: Family<Labels, Counter>,
    handled: Family<CodeLabels, Counter>,
    handling: Family<Labels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl Methods {
    /// The calls of all services, counted in this registry. Each has its series from the start, so that a first failure is an increase.
    pub(super) fn new(registry: &mut Registry) -> Self {
        let families = Families::new(registry);
        let sets = [
            DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut by_path = HashMap::new();
        // A set that does not decode is a defect of the build, which reflection refuses to serve.
        for file in sets.into_iter().filter_map(|set| FileDescriptorSet::decode(set).ok()).flat_map(|set| set.file) {
            for service in &file.service {
                let service_name = format!("{}.{}", file.package(), service.name());
                for method in &service.method {
                    let name = format!("{service_name}/{}", method.name());
                    let labels = Labels {
                        grpc_type: kind(method),
                        grpc_service: service_name.clone(),
                        grpc_method: method.name().to_owned(),
                    };
                    let path = format!("/{name}");
                    by_path.insert(path, Arc::new(Method::new(Some(name.into()), labels, &families)));
                }
            }
        }
        let labels = Labels { grpc_type: UNKNOWN, grpc_service: UNKNOWN.to_owned(), grpc_method: UNKNOWN.to_owned() };
        Self { by_path, unknown: Arc::new(Method::new(None, labels, &families)) }
    }

    /// The call of a path; all that are none are one.
    pub(super) fn at(&self, path: &str) -> &Arc<Method> {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }
}

impl Method {
    fn new(name: Option<Arc<str>>, labels: Labels, families: &Families) -> Self {
        let method = Self {
            name,
            started: families.started.get_or_create_owned(&labels),
            received: families.received.get_or_create_owned(&labels),
            sent: families.sent.get_or_create_owned(&labels),
            labels,
            handling: OnceLock::new(),
            families: families.clone(),
        };
        drop(method.handled(Code::Ok));
        method
    }

    /// Counts a call that begins.
    pub(super) fn begin(&self) {
        self.started.inc();
        self.families.in_flight.inc();
    }

    /// Counts a call that has ended, after so many seconds.
    pub(super) fn end(&self, code: Code, seconds: f64) {
        self.handled(code).inc();
        self.handling.get_or_init(|| self.families.handling.get_or_create_owned(&self.labels)).observe(seconds);
        self.families.in_flight.dec();
    }

    fn handled(&self, code: Code) -> Counter {
        let Labels { grpc_type, grpc_service, grpc_method } = self.labels.clone();
        let labels = CodeLabels { grpc_type, grpc_service, grpc_method, grpc_code: codes::label(code) };
        self.families.handled.get_or_create_owned(&labels)
    }
}

impl Families {
    fn new(registry: &mut Registry) -> Self {
        let new: fn() -> Histogram = || Histogram::new(TIMES);
        let families = Self {
            started: Family::default(),
            received: Family::default(),
            sent: Family::default(),
            handled: Family::default(),
            handling: Family::new_with_constructor(new),
            in_flight: Gauge::default(),
        };
        registry.register("grpc_server_started", "Calls begun", families.started.clone());
        registry.register("grpc_server_handled", "Calls ended, by status code", families.handled.clone());
        registry.register("grpc_server_msg_received", "Messages received from clients", families.received.clone());
        registry.register("grpc_server_msg_sent", "Messages sent to clients", families.sent.clone());
        registry.register(
            "grpc_server_handling_seconds",
            "Time from a call's begin to its end, that of a stream included",
            families.handling.clone(),
        );
        registry.register("guide_board_calls_in_flight", "Calls begun and not ended", families.in_flight.clone());
        families
    }
}

fn kind(method: &MethodDescriptorProto) -> &'static str {
    match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (true, false) => "client_stream",
        (false, true) => "server_stream",
        (true, true) => "bidi_stream",
    }
}
