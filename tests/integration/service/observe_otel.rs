//! Spans of requests, as a collector gets them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use guide_board::wire::pb;
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::fixtures::{eventually, put_summary, summary};
use super::served::Served;
use crate::support::World;

/// What of an export is looked at.
#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(bytes = "vec", tag = "1")]
    resource: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Exported {}

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Export>>>);

impl Collector {
    /// Listens; returns its address.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tonic::transport::Server::builder().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let exports = self.0.lock().expect("no panic").clone();
        let scopes = exports.into_iter().flat_map(|export| export.resources).flat_map(|resource| resource.scopes);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl UnaryService<Export> for Collector {
    type Response = Exported;
    type Future = std::future::Ready<Result<Response<Exported>, Status>>;

    fn call(&mut self, request: Request<Export>) -> Self::Future {
        self.0.lock().expect("no panic").push(request.into_inner());
        std::future::ready(Ok(Response::new(Exported {})))
    }
}

impl tower_service::Service<http::Request<tonic::body::Body>> for Collector {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<Exported, Export>::default();
            Ok(Grpc::new(codec).unary(this, request).await)
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_becomes_a_span_beneath_that_of_its_client() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let collector = Collector::default();
    let mut command = world.command();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.start().await).env("OTEL_BSP_SCHEDULE_DELAY", "60000");
    let mut served = Served::spawn(&world, &mut command, &[]).await;
    let mut request = Request::new(pb::GetRetainedRunRequest { run_id: "none".into(), ..Default::default() });
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.metadata_mut().insert("traceparent", parent.parse().expect("a value"));
    let channel = served.channel().await;
    let mut retained = pb::retained_run_service_client::RetainedRunServiceClient::new(channel);
    retained.get_retained_run(request).await.expect_err("no such run");
    served.terminate();
    // The end sends what there is.
    assert!(served.ended().success());
    const NAME: &str = "guideboard.v1.RetainedRunService/GetRetainedRun";
    let span = eventually("the span", async || collector.spans().into_iter().find(|span| span.name == NAME)).await;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&span.trace_id), hex(&span.parent)), (parent[3..35].to_owned(), parent[36..52].to_owned()));
    assert_eq!(span.kind, 2, "a server's");
    let attributes: BTreeMap<_, _> =
        span.attributes.into_iter().map(|attribute| (attribute.key, attribute.value.unwrap_or_default())).collect();
    assert_eq!(attributes["rpc.grpc.status_code"].number, 5);
    assert_eq!(
        (attributes["guide_board.root"].text.as_str(), attributes["guide_board.run"].text.as_str()),
        ("runs", "none")
    );
    let exports = collector.0.lock().expect("no panic");
    let resource = &exports.first().expect("an export").resources.first().expect("a resource").resource;
    assert!(String::from_utf8_lossy(resource).contains("guide-board"));
}
