//! Health and reflection are answered to everybody; what they tell of a root only to whoever sees it.

use guide_board::services::reason_of;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use super::{ALL, CI, entry, everybody, guarded, with, write};
use crate::service::fixtures::{PATIENCE, Service, Setup};
use crate::support::World;

async fn two_roots(world: &World) -> Service {
    let [ci, lab] = ["ci", "lab"].map(|name| world.path(name));
    std::fs::create_dir_all(&ci).expect("made");
    std::fs::create_dir_all(&lab).expect("made");
    let setup = Setup::over(&world.path(""), &[("lab", &lab), ("ci", &ci)]);
    guarded(setup, &world.path("tokens.toml"), &everybody()).start().await
}

fn asking(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// Everything of a status but its times.
fn whole(status: &Status) -> String {
    let mut metadata = status.metadata().clone();
    metadata.remove("date");
    metadata.remove("x-request-id");
    format!("{:?} {:?} {:?} {metadata:?}", status.code(), status.message(), status.details())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_the_server_is_told_to_everybody_even_with_wrong_credentials() {
    let world = World::new();
    let service = two_roots(&world).await;
    for name in ["", "guideboard.v1.RetainedRunService", "guideboard.v1.RunService", "guideboard.v1.CatalogService"] {
        service.health().check(asking(name)).await.expect("told");
        service.health().check(with("token-that-nobody-has", asking(name))).await.expect("told");
        let mut watch = service.health().watch(asking(name)).await.expect("told").into_inner();
        assert!(watch.message().await.expect("a message").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_a_root_is_told_to_those_who_see_it_and_is_unknown_to_others() {
    let world = World::new();
    let service = two_roots(&world).await;
    let name = |root: &str| format!("guideboard.v1.RetainedRunService/{root}");
    for (token, root) in [(ALL, "lab"), (ALL, "ci"), (CI, "ci")] {
        service.health().check(with(token, asking(&name(root)))).await.expect("told");
        service.health().watch(with(token, asking(&name(root)))).await.expect("told");
    }
    let plain = |root: &str| Request::new(asking(&name(root)));
    let requests =
        |root: &str| [plain(root), with(CI, asking(&name(root))), with("token-that-nobody-has", asking(&name(root)))];
    for (hidden, unknown) in requests("lab").into_iter().zip(requests("nil")) {
        let statuses = [service.health().check(hidden).await, service.health().check(unknown).await];
        let [hidden, unknown] = statuses.map(|outcome| whole(&outcome.expect_err("unknown")));
        assert_eq!(hidden, unknown);
    }
    for (hidden, unknown) in requests("lab").into_iter().zip(requests("nil")) {
        let statuses = [service.health().watch(hidden).await, service.health().watch(unknown).await];
        let [hidden, unknown] = statuses.map(|outcome| whole(&outcome.expect_err("unknown")));
        assert_eq!(hidden, unknown);
    }
    assert_eq!(service.health().check(plain("ci")).await.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_on_the_health_of_a_root_ends_with_the_credentials_that_it_took() {
    let world = World::new();
    let service = two_roots(&world).await;
    let mut of_root = service
        .health()
        .watch(with(CI, asking("guideboard.v1.RetainedRunService/ci")))
        .await
        .expect("told")
        .into_inner();
    assert!(of_root.message().await.expect("a message").is_some());
    write(&world.path("tokens.toml"), &entry("all", ALL, "scopes = [\"read\"]"));
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(status) = of_root.message().await {
                return status;
            }
        }
    });
    let status = ended.await.expect("an end in time");
    assert_eq!(reason_of(&status).as_deref(), Some("CREDENTIALS_REVOKED"));
    // The transport is as it was.
    service.health().check(asking("")).await.expect("told");
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_is_answered_to_everybody_unless_it_is_switched_off() {
    let world = World::new();
    let setup = || guarded(Setup::new(&world.path("")), &world.path("tokens.toml"), &everybody());
    let ask = async |service: &Service, token: Option<&str>| {
        let message = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut request = Request::new(tokio_stream::iter([message]));
        if let Some(token) = token {
            *request.metadata_mut() = super::bearing(token);
        }
        let mut stream =
            ServerReflectionClient::new(service.channel.clone()).server_reflection_info(request).await?.into_inner();
        stream.next().await.expect("a reply")
    };
    let service = setup().start().await;
    ask(&service, None).await.expect("told");
    let service = setup().with(|config| config.access.reflection = false).start().await;
    assert_eq!(ask(&service, None).await.expect_err("refused").code(), Code::Unauthenticated);
    assert_eq!(ask(&service, Some(ALL)).await.expect_err("refused").code(), Code::Unimplemented);
}
