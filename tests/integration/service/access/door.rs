//! Whom a request is addressed to, and which page sent it: asked before anything else, whatever credentials it bears.

use guide_board::server::access::AccessConfig;
use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_client::CatalogServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use super::{ALL, everybody, guarded, with};
use crate::service::fixtures::{Service, Setup, refused};
use crate::support::World;

/// A client that calls the server by this name.
fn calling(service: &Service, authority: &str) -> CatalogServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", service.address)).expect("a URI");
    let origin = format!("http://{authority}").parse().expect("a URI");
    CatalogServiceClient::new(endpoint.origin(origin).connect_lazy())
}

fn from_page(origin: &str) -> Request<pb::GetServerInfoRequest> {
    let mut request = with(ALL, pb::GetServerInfoRequest {});
    request.metadata_mut().insert("origin", origin.parse().expect("a value"));
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_this_servers_is_refused_before_credentials_are_looked_at() {
    let world = World::new();
    let setup = guarded(Setup::new(&world.path("")), &world.path("tokens.toml"), &everybody());
    let setup = setup.with(|config| config.access.allowed_hosts = vec!["board.example".parse().expect("a name")]);
    let service = setup.start().await;
    let request = || with(ALL, pb::GetServerInfoRequest {});
    for allowed in
        ["127.0.0.1", "10.9.8.7:1", "[::1]:8080", "localhost", "LocalHost:99", "board.example", "Board.Example:443"]
    {
        calling(&service, allowed)
            .get_server_info(request())
            .await
            .unwrap_or_else(|status| panic!("{allowed}: {status:?}"));
    }
    for refused_name in
        ["evil.example", "localhost.evil.example", "board.example.evil", "a.board.example", "127.0.0.1.nip.example"]
    {
        let outcome = calling(&service, refused_name).get_server_info(request()).await;
        refused(outcome, Code::PermissionDenied, "HOST_NOT_ALLOWED").saying("--allowed-host");
        let outcome = calling(&service, refused_name).get_server_info(pb::GetServerInfoRequest {}).await;
        refused(outcome, Code::PermissionDenied, "HOST_NOT_ALLOWED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_stands_in_front_of_health_and_of_a_server_without_credentials_too() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    let outcome = calling(&service, "evil.example").get_server_info(pb::GetServerInfoRequest {}).await;
    refused(outcome, Code::PermissionDenied, "HOST_NOT_ALLOWED");
    let endpoint = Endpoint::from_shared(format!("http://{}", service.address)).expect("a URI");
    let channel = endpoint.origin("http://evil.example".parse().expect("a URI")).connect_lazy();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let outcome = health.check(tonic_health::pb::HealthCheckRequest::default()).await;
    refused(outcome, Code::PermissionDenied, "HOST_NOT_ALLOWED");
    let mut request = Request::new(pb::GetServerInfoRequest {});
    request.metadata_mut().insert("origin", "http://localhost:3000".parse().expect("a value"));
    refused(service.catalog().get_server_info(request).await, Code::PermissionDenied, "ORIGIN_NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_an_allowed_origin_may_call_and_are_told_so() {
    let world = World::new();
    let setup = guarded(Setup::new(&world.path("")), &world.path("tokens.toml"), &everybody()).with(|config| {
        let access = std::mem::take(&mut config.access);
        config.access = AccessConfig { allowed_origins: vec!["https://board.example".parse().expect("one")], ..access };
    });
    let service = setup.start().await;
    let reply = service.catalog().get_server_info(from_page("https://board.example")).await.expect("info");
    let allowed = reply.metadata().get("access-control-allow-origin").expect("told");
    assert_eq!(allowed.as_bytes(), b"https://board.example");
    assert!(reply.metadata().get("access-control-allow-credentials").is_none());
    for origin in ["null", "https://board.example.evil", "http://board.example", "https://board.example:8443", "*"] {
        refused(
            service.catalog().get_server_info(from_page(origin)).await,
            Code::PermissionDenied,
            "ORIGIN_NOT_ALLOWED",
        );
    }
    let mut twice = from_page("https://board.example");
    twice.metadata_mut().append("origin", "https://board.example".parse().expect("a value"));
    refused(service.catalog().get_server_info(twice).await, Code::PermissionDenied, "ORIGIN_NOT_ALLOWED");
}
