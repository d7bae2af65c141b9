//! A server that has hardly any file descriptors.

use std::process::Command;
use std::time::{Duration, Instant};

use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_client::CatalogServiceClient;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_types::StatusExt;

use super::server::{Server, endpoint, going_on, large, world};
use crate::service::fixtures::eventually;

/// How many it has.
const LIMIT: usize = 64;

async fn server_with_few() -> Server {
    let world = world();
    let plain = world.command();
    let mut command = Command::new("sh");
    command.current_dir(plain.get_current_dir().expect("a directory")).env_clear().stdin(std::process::Stdio::null());
    for (name, value) in plain.get_envs() {
        command.env(name, value.expect("only set ones"));
    }
    command.args(["-c", &format!("ulimit -n {LIMIT}; exec \"$@\""), "sh"]).arg(plain.get_program());
    Server::spawn(world, &mut command, &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_descriptors_leave_the_server_quiet_and_others_served() {
    let server = server_with_few().await;
    let channel = Endpoint::from_shared(format!("http://{}", server.served.address)).expect("a URI");
    let mut catalog = CatalogServiceClient::new(channel.connect().await.expect("connected"));
    let info = catalog.get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner();
    assert_eq!(info.limits.expect("limits").max_connections, 32, "half of what there is");
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(server.served.address).await.expect("the kernel's queue takes it"));
    }
    let probe = server.probe();
    let (began, cpu) = (Instant::now(), server.now().cpu);
    going_on(Duration::from_millis(600)).await;
    let peak = server.now();
    assert!(peak.descriptors <= LIMIT, "{peak}");
    let probed = probe.end().await;
    // Hundredths of a second; it serves another client meanwhile, and does not spin on two processors.
    let spent = u128::from(server.now().cpu - cpu) * 10;
    assert!(spent < began.elapsed().as_millis(), "{spent} ms of the processor in {:?}", began.elapsed());
    drop(idle);
    server.calm("200 idle connections for 64 descriptors", peak, 32 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_without_a_descriptor_are_refused_as_such_and_served_once_there_is_one() {
    let server = server_with_few().await;
    let endpoint = endpoint(server.served.address);
    let mut client = RetainedRunServiceClient::new(endpoint.connect().await.expect("connected"));
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..LIMIT {
        match client.read_artifact(large()).await {
            Ok(reply) => held.push(reply.into_inner()),
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                assert!(status.get_details_retry_info().is_some(), "{status:?}");
                refused += 1;
            }
        }
    }
    let peak = server.now();
    assert!(refused > 0 && !held.is_empty(), "{refused} refused, {} served", held.len());
    // What needs none is answered, and nothing is told that is not so, also when the root was looked at meanwhile.
    let until = Instant::now() + Duration::from_secs(3);
    let cpu = server.now().cpu;
    while Instant::now() < until {
        match client.list_retained_runs(pb::ListRetainedRunsRequest::default()).await {
            Ok(reply) => assert_eq!((reply.get_ref().total_size, reply.get_ref().problem_count), (1, 0)),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spent = (server.now().cpu - cpu) * 10;
    assert!(spent < 2000, "{spent} ms of the processor in 3 s");
    let served = held.len();
    drop(held);
    eventually("a descriptor", async || client.read_artifact(large()).await.ok()).await;
    drop(client);
    let probe = server.probe();
    let probed = probe.end().await;
    let what = format!("64 streams for 64 descriptors: {served} served, {refused} refused");
    server.calm(&what, peak, 64 << 10, &probed).await;
}
