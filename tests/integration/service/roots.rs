//! Several roots: by name, by configured path, unknown ones; one away while the others serve, and back again.

use std::path::Path;

use guide_board::wire::pb;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::fixtures::{Service, Setup, directories, eventually, put_summary, refused, summary};
use crate::support::World;

async fn two_roots(world: &World) -> Service {
    put_summary(&world.path("one"), "d1", &summary("r1", "2026-01-01T00:00:00Z"));
    put_summary(&world.path("two"), "d2", &summary("r2", "2026-01-01T00:00:00Z"));
    Setup::over(&world.path(""), &[("first", &world.path("one")), ("second", &world.path("two"))]).start().await
}

async fn listed(service: &Service, runs_dir: &str) -> Option<Vec<String>> {
    let request = pb::ListRetainedRunsRequest { runs_dir: runs_dir.to_owned(), ..Default::default() };
    let runs = service.retained().list_retained_runs(request).await.ok()?.into_inner().runs;
    Some(directories(&runs).into_iter().map(str::to_owned).collect())
}

async fn roots(service: &Service) -> Vec<pb::RunsRoot> {
    service.catalog().get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner().roots
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_is_meant_by_its_name_or_its_configured_path_and_unset_is_the_first() {
    let world = World::new();
    let service = two_roots(&world).await;
    let path = |name: &str| world.path(name).to_str().expect("UTF-8").to_owned();
    for (asked, directory) in
        [("", "d1"), ("first", "d1"), ("second", "d2"), (&*path("one"), "d1"), (&*path("two"), "d2")]
    {
        assert_eq!(listed(&service, asked).await.expect("runs"), [directory], "{asked}");
    }
    let request = pb::GetRetainedRunRequest { runs_dir: path("two"), run_id: "r2".into(), ..Default::default() };
    let run = service.retained().get_retained_run(request).await.expect("a run").into_inner().run.expect("a run");
    assert_eq!(run.runs_dir, "second", "the name, never the path");
    let near = [
        format!("{}/", path("one")),
        format!("{}/.", path("one")),
        "one".to_owned(),
        "First".to_owned(),
        "/".to_owned(),
        "..".to_owned(),
    ];
    for asked in near {
        let request = pb::ListRetainedRunsRequest { runs_dir: asked, ..Default::default() };
        let outcome = service.retained().list_retained_runs(request).await;
        let status = outcome.expect_err("a refusal");
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("the roots are: first, second"), "{status:?}");
    }
    let request = pb::GetRetainedRunRequest { runs_dir: "second".into(), run_id: "r1".into(), ..Default::default() };
    refused(service.retained().get_retained_run(request).await, Code::NotFound, "RUN_NOT_FOUND");
}

/// Waits until the second root's state is this one, in health and in the server's account of itself.
async fn wait_for(service: &Service, state: pb::RootState) {
    let health = if state == pb::RootState::Serving { Serving } else { NotServing };
    service.wait_until_health("guideboard.v1.RetainedRunService/second", health).await;
    eventually("the state", async || (roots(service).await[1].state() == state).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_goes_away_answers_for_itself_and_is_served_when_it_is_back() {
    let world = World::new();
    let service = two_roots(&world).await;
    wait_for(&service, pb::RootState::Serving).await;
    let away: [&dyn Fn(&Path); 3] = [
        &|path| std::fs::rename(path, world.path("aside")).expect("moved"),
        &|path| {
            std::fs::rename(path, world.path("aside")).expect("moved");
            std::fs::write(path, "a file").expect("written");
        },
        &|path| {
            std::fs::rename(path, world.path("aside")).expect("moved");
            std::os::unix::fs::symlink("nowhere", path).expect("linked");
        },
    ];
    for go in away {
        go(&world.path("two"));
        wait_for(&service, pb::RootState::Away).await;
        let request = pb::ListRetainedRunsRequest { runs_dir: "second".into(), ..Default::default() };
        refused(service.retained().list_retained_runs(request).await, Code::Unavailable, "ROOT_AWAY")
            .saying("`second`");
        assert_eq!(listed(&service, "first").await.expect("runs"), ["d1"], "the others serve");
        assert_eq!(service.health_of("").await, Some(Serving));
        let described = &roots(&service).await[1];
        assert!(!described.message.is_empty() && !described.message.contains('/'), "{described:?}");
        assert!(described.scanned_at.is_none() && described.run_count == 0);
        let _ = std::fs::remove_file(world.path("two"));
        std::fs::rename(world.path("aside"), world.path("two")).expect("moved back");
        wait_for(&service, pb::RootState::Serving).await;
        assert_eq!(listed(&service, "second").await.expect("runs"), ["d2"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_directory_in_the_place_of_a_root_is_served_as_what_it_is() {
    let world = World::new();
    let service = two_roots(&world).await;
    std::fs::rename(world.path("two"), world.path("aside")).expect("moved");
    put_summary(&world.path("two"), "d3", &summary("r3", "2026-01-01T00:00:00Z"));
    eventually("the other runs", async || listed(&service, "second").await.filter(|runs| runs == &["d3"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_root_may_itself_be_a_link() {
    let world = World::new();
    put_summary(&world.path("real"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    std::os::unix::fs::symlink("real", world.path("linked")).expect("linked");
    let service = Setup::over(&world.path(""), &[("linked", &world.path("linked"))]).start().await;
    assert_eq!(listed(&service, "").await.expect("runs"), ["d"]);
}
