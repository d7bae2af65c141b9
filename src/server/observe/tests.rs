//! What following a call costs: the same unary call with and without the layers, in turns, within the process and over loopback.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use bytes::Bytes;
use http::Request;
use hyper::body::Body as _;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tower::util::BoxCloneSyncService;
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::{Metrics, Requests, count, follow};
use crate::jobs::{JobSettings, JobTable, Launcher};
use crate::repository::Repository;
use crate::repository::root::Containment;
use crate::server::connections::{self, App, ConnectionLimits, Ends};
use crate::server::listen::Listener;
use crate::services::{Admission, Caller, Runs, StartPolicy};
use crate::wire::pb;
use crate::wire::pb::run_service_client::RunServiceClient;
use crate::wire::pb::run_service_server::RunServiceServer;

/// Rounds, of which the medians are told, and calls in each.
const ROUNDS: usize = 21;
const CALLS: u32 = 500;

struct Both {
    bare: App,
    followed: App,
    metrics: Arc<Metrics>,
}

fn both() -> Both {
    let launcher =
        Launcher { program: "none".into(), cli_command: Vec::new(), root: "none".into(), extension_dirs: Vec::new() };
    let jobs = JobTable::new(JobSettings::default(), launcher, "cost".to_owned());
    let repository = Arc::new(Repository::new(Vec::new(), Containment::Walk).expect("no clash"));
    let policy =
        StartPolicy { root: "none".into(), profile_dirs: Vec::new(), extension_dirs: Vec::new(), read_only: true };
    let metrics = Arc::new(Metrics::new(Arc::clone(&repository), Arc::clone(&jobs), Timestamp::UNIX_EPOCH));
    let runs = Runs::new(repository, jobs, Arc::new(policy), Admission::new(8));
    let routes: Router = Routes::new(RunServiceServer::new(runs)).prepare().into_axum_router();
    let routes = routes.layer(axum::Extension(Caller::local()));
    let (_, cut) = watch::channel(false);
    let calls = routes.clone().layer(from_fn_with_state(Arc::clone(&metrics), count)).into_service::<Body>();
    let requests = from_fn_with_state(Requests::new(Arc::clone(&metrics), cut), follow);
    Both {
        bare: BoxCloneSyncService::new(routes.into_service::<Body>()),
        followed: BoxCloneSyncService::new(requests.layer(calls)),
        metrics,
    }
}

/// A call within the process, its reply read to the end.
async fn call(app: &mut App) {
    let request = Request::post("/guideboard.v1.RunService/ListRuns").header("content-type", "application/grpc");
    let request = request.body(Body::from(Bytes::from_static(&[0; 5]))).expect("a request");
    std::future::poll_fn(|cx| app.poll_ready(cx)).await.unwrap_or_else(|never: Infallible| match never {});
    let response = app.call(request).await.unwrap_or_else(|never| match never {});
    let mut body = std::pin::pin!(response.into_body());
    let mut frames = 0;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        frame.expect("a frame");
        frames += 1;
    }
    assert_eq!(frames, 2, "a message and the trailers");
}

async fn within(app: &mut App) -> Duration {
    let began = Instant::now();
    for _ in 0..CALLS {
        call(app).await;
    }
    began.elapsed() / CALLS
}

async fn serve(app: App, metrics: &Metrics, ends: &Ends) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let counts = metrics.connections_of("cost");
    let limits = ConnectionLimits::default();
    tokio::spawn(connections::serve(Listener::Tcp(listener), None, app, limits, ends.clone(), counts));
    Endpoint::from_shared(format!("http://{address}")).expect("a URI").connect().await.expect("connected")
}

async fn over(channel: &Channel) -> Duration {
    let mut client = RunServiceClient::new(channel.clone());
    let began = Instant::now();
    for _ in 0..CALLS {
        client.list_runs(pb::ListRunsRequest::default()).await.expect("a list");
    }
    began.elapsed() / CALLS
}

fn tell(what: &str, mut bare: Vec<Duration>, mut followed: Vec<Duration>) {
    bare.sort();
    followed.sort();
    let (bare, followed) = (bare[ROUNDS / 2], followed[ROUNDS / 2]);
    let ratio = followed.as_secs_f64() / bare.as_secs_f64();
    println!("{what}: without {bare:?}, with {followed:?} a call, {ratio:.2} times as much");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo test --release --lib server::observe::tests -- --ignored --nocapture"]
async fn what_following_a_call_costs() {
    // As a server logs, but into nothing.
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(io::sink);
    log.with_max_level(tracing::Level::INFO).init();
    let mut both = both();
    let (mut bare, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(within(&mut both.bare).await);
        followed.push(within(&mut both.followed).await);
    }
    tell("within the process", bare, followed);
    let (_stop, stop) = watch::channel(false);
    let (_cut, cut) = watch::channel(false);
    let ends = Ends { stop, cut };
    let without = serve(both.bare, &both.metrics, &ends).await;
    let with = serve(both.followed, &both.metrics, &ends).await;
    let (mut bare, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(over(&without).await);
        followed.push(over(&with).await);
    }
    tell("over loopback", bare, followed);
}
