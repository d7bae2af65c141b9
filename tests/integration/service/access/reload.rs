//! The tokens file changes while the server runs: tokens come and go, and streams end with what they were opened with.

use std::path::Path;

use guide_board::services::reason_of;
use guide_board::wire::pb;
use tonic::Code;

use super::{ALL, CI, READ, entry, guarded, with, write};
use crate::service::fixtures::{PATIENCE, Service, Setup, eventually, refused};
use crate::service::served::{Served, start_request, waits_for_go, world_of_jobs};
use crate::support::World;

const BOTH: &str = "scopes = [\"read\", \"run\"]";

async fn code(service: &Service, token: &str) -> Code {
    let outcome = service.catalog().get_server_info(with(token, pb::GetServerInfoRequest {})).await;
    outcome.map_or_else(|status| status.code(), |_| Code::Ok)
}

async fn until(service: &Service, token: &str, wanted: Code) {
    eventually(&format!("{wanted:?} of {token}"), async || (code(service, token).await == wanted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_come_and_go_with_the_file() {
    let world = World::new();
    let path = world.path("tokens.toml");
    let service = guarded(Setup::new(&world.path("")), &path, &entry("a", ALL, BOTH)).start().await;
    assert_eq!((code(&service, ALL).await, code(&service, READ).await), (Code::Ok, Code::Unauthenticated));
    write(&path, &(entry("a", ALL, BOTH) + &entry("r", READ, "scopes = [\"read\"]")));
    until(&service, READ, Code::Ok).await;
    write(&path, "");
    until(&service, ALL, Code::Unauthenticated).await;
    assert_eq!(code(&service, READ).await, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_behind_links_that_are_swapped_is_seen() {
    // As Kubernetes mounts a secret: tokens.toml -> ..data/tokens.toml, ..data -> a directory, swapped by a rename.
    let world = World::new();
    let volume = world.path("volume");
    let version = |name: &str, text: &str| {
        std::fs::create_dir_all(volume.join(name)).expect("made");
        write(&volume.join(name).join("tokens.toml"), text);
        std::os::unix::fs::symlink(name, volume.join("..data_tmp")).expect("linked");
        std::fs::rename(volume.join("..data_tmp"), volume.join("..data")).expect("swapped");
    };
    version("..one", &entry("a", ALL, BOTH));
    std::os::unix::fs::symlink("..data/tokens.toml", volume.join("tokens.toml")).expect("linked");
    let path = volume.join("tokens.toml");
    let setup = Setup::new(&world.path("")).with(|config| {
        config.access.tokens = Some(guide_board::server::access::TokensFile::load(&path).expect("a tokens file"));
        config.access.reload_interval = std::time::Duration::from_millis(20);
    });
    let service = setup.start().await;
    assert_eq!(code(&service, ALL).await, Code::Ok);
    version("..two", &entry("a", CI, BOTH));
    until(&service, CI, Code::Ok).await;
    assert_eq!(code(&service, ALL).await, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_its_token_is_withdrawn_and_others_go_on() {
    let world = world_of_jobs(&waits_for_go());
    let path = world.path("tokens.toml");
    let both = entry("a", ALL, BOTH) + &entry("r", READ, "scopes = [\"read\"]");
    let service = guarded(Setup::new(&world.path("")), &path, &both);
    let (settings, program) = (guide_board::jobs::JobSettings::default(), env!("CARGO_BIN_EXE_guide-board").into());
    let access = service.config.access;
    let mut service = Setup::new(&world.path("")).jobs(settings, program, vec![world.path("extensions")]);
    service.config.access = access;
    let service = service.start().await;
    let job =
        service.runs().start_run(with(ALL, start_request())).await.expect("a job").into_inner().run.expect("a job");
    let watch = async |token| {
        let request = pb::WatchRunRequest { job_id: job.job_id.clone(), ..Default::default() };
        service.runs().watch_run(with(token, request)).await.expect("a watch").into_inner()
    };
    let (mut kept, mut withdrawn) = (watch(ALL).await, watch(READ).await);
    assert!(withdrawn.message().await.expect("a message").is_some());
    write(&path, &entry("a", ALL, BOTH));
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            match withdrawn.message().await {
                Ok(message) => assert!(message.is_some(), "a clean end"),
                Err(status) => return status,
            }
        }
    });
    let status = ended.await.expect("an end in time");
    assert_eq!((status.code(), reason_of(&status).as_deref()), (Code::Unauthenticated, Some("CREDENTIALS_REVOKED")));
    std::fs::write(world.path("go"), "").expect("written");
    // The entry that stayed the same was never withdrawn.
    while kept.message().await.expect("the watch goes on to the job's end").is_some() {}
}

/// What the server wrote to its log.
fn logged(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a log")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_shows_a_token_of_the_file_or_of_a_request() {
    let world = World::new();
    std::fs::create_dir_all(world.path("runs")).expect("made");
    let (path, log) = (world.path("tokens.toml"), world.path("log"));
    write(&path, &entry("known", ALL, BOTH));
    let mut command = world.command();
    command.env("GUIDE_BOARD_LOG", "trace").stderr(std::fs::File::create(&log).expect("a file"));
    let mut server = Served::spawn(&world, &mut command, &["--tokens", "tokens.toml"]).await;
    let catalog = || guide_board::wire::pb::catalog_service_client::CatalogServiceClient::new(server_channel(&server));
    let wrong = "token-that-nobody-should-see";
    catalog().get_server_info(with(ALL, pb::GetServerInfoRequest {})).await.expect("info");
    let outcome = catalog().get_server_info(with(wrong, pb::GetServerInfoRequest {})).await;
    refused(outcome, Code::Unauthenticated, "CREDENTIALS_INVALID");
    write(&path, &format!("{}name = \"{READ}\"", entry("known", ALL, BOTH)));
    eventually("the complaint", async || logged(&log).contains("callers of before stay").then_some(())).await;
    catalog().get_server_info(with(ALL, pb::GetServerInfoRequest {})).await.expect("the callers of before stay");
    server.terminate();
    server.ended();
    let text = logged(&log);
    assert!(text.contains("refused") && text.contains("CREDENTIALS_INVALID"), "the refusal is told: {text}");
    for secret in [ALL, wrong, READ] {
        assert!(!text.contains(secret), "{text}");
        assert!(!text.contains(&data_encoding::HEXLOWER.encode(&guide_board::server::access::tokens::digest(secret))));
    }
}

fn server_channel(server: &Served) -> tonic::transport::Channel {
    tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).expect("a URI").connect_lazy()
}
