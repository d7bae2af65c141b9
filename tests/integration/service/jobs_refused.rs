//! What StartRun refuses before there is a job.

use guide_board::wire::pb;
use tonic::Code;

use super::fixtures::{Service, Setup, refused, refused_field};
use super::served::{start_request, world_of_jobs};
use crate::support::World;

type Start = pb::StartRunRequest;

async fn serve(world: &World) -> Service {
    Setup::new(&world.path("")).start().await
}

async fn no_job(service: &Service) {
    let jobs = service.runs().list_runs(pb::ListRunsRequest::default()).await.expect("jobs").into_inner();
    assert_eq!(jobs.total_size, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_must_be_files_beneath_the_directories_configured_for_them() {
    let world = world_of_jobs("");
    let service = serve(&world).await;
    std::fs::write(world.path("outside.json"), "{}").expect("written");
    std::fs::create_dir(world.path("profiles-twin")).expect("made");
    std::fs::write(world.path("profiles-twin/target.json"), "{}").expect("written");
    std::os::unix::fs::symlink("../outside.json", world.path("profiles/out.json")).expect("linked");
    std::os::unix::fs::symlink("/etc", world.path("profiles/etc")).expect("linked");
    let absolute = world.path("profiles/target.json").to_str().expect("UTF-8").to_owned();
    let syntax = [
        "",
        &absolute,
        "/etc/passwd",
        "../x",
        "profiles/../profiles/target.json",
        "profiles//target.json",
        "profiles/",
        "a\\b",
        "a\0",
    ];
    let nowhere = [
        "profiles/gone.json",
        "profiles",
        "outside.json",
        "profiles/out.json",
        "profiles/etc/passwd",
        "profiles-twin/target.json",
    ];
    for (paths, reason) in [(&syntax[..], "PATH_INVALID"), (&nowhere[..], "FIELD_INVALID")] {
        for path in paths {
            let request = Start { target: (*path).to_owned(), ..start_request() };
            refused_field(service.runs().start_run(request).await, reason, "target");
            let request = Start { assessment: (*path).to_owned(), ..start_request() };
            refused_field(service.runs().start_run(request).await, reason, "assessment");
        }
    }
    no_job(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_bundled_profiles_are_told_to_be_none_that_a_server_takes() {
    let world = world_of_jobs("");
    let service = serve(&world).await;
    let assessment = "bundled:profiles/assessments/repository-baseline.json".to_owned();
    let request = Start { assessment, ..start_request() };
    let refusal = refused_field(service.runs().start_run(request).await, "FIELD_INVALID", "assessment");
    let violations = refusal.details.bad_request().expect("a BadRequest").field_violations.clone();
    assert!(violations[0].description.contains("no `bundled:` names"), "{violations:?}");
    no_job(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_dir_is_a_direct_child_of_the_root_and_nothing_else() {
    let world = world_of_jobs("");
    let service = serve(&world).await;
    let configured = world.path("runs").to_str().expect("UTF-8").to_owned();
    let under = |name: &str| format!("{configured}/{name}");
    let refusals = [
        "..".to_owned(),
        ".".to_owned(),
        "a/b".to_owned(),
        "/elsewhere/x".to_owned(),
        ".hidden".to_owned(),
        "lost+found".to_owned(),
        "a\\b".to_owned(),
        "a\0b".to_owned(),
        "x".repeat(256),
        under("a/b"),
        under(".."),
        under(""),
        under("/x"),
        under("x/"),
        under("./x"),
        format!("{configured}//x"),
        format!("{configured}-twin/x"),
        configured.clone(),
        "runs/x".to_owned(),
    ];
    for output_dir in refusals {
        let shown = output_dir.clone();
        let outcome = service.runs().start_run(Start { output_dir, ..start_request() }).await;
        assert!(outcome.is_err(), "{shown:?}");
        refused_field(outcome, "PATH_INVALID", "output_dir");
    }
    no_job(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_request_ids_have_bounds() {
    let world = world_of_jobs("");
    let service = serve(&world).await;
    let label = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    for labels in [
        label("", "v"),
        label("a b", "v"),
        label(&"k".repeat(64), "v"),
        label("k", &"v".repeat(257)),
        label("k", "line\nbreak"),
        (0..33).map(|n| (format!("k{n}"), String::new())).collect(),
    ] {
        refused_field(service.runs().start_run(Start { labels, ..start_request() }).await, "FIELD_INVALID", "labels");
    }
    let request = Start { request_id: "x".repeat(129), ..start_request() };
    refused_field(service.runs().start_run(request).await, "FIELD_INVALID", "request_id");
    no_job(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_root_and_one_that_is_away_are_told_apart() {
    let world = world_of_jobs("");
    let service =
        Setup::over(&world.path(""), &[("here", &world.path("runs")), ("away", &world.path("missing"))]).start().await;
    let request = Start { runs_dir: "nowhere".to_owned(), ..start_request() };
    refused(service.runs().start_run(request).await, Code::NotFound, "ROOT_NOT_FOUND").saying("here, away");
    for output_dir in ["", "x"] {
        let request = Start { runs_dir: "away".to_owned(), output_dir: output_dir.to_owned(), ..start_request() };
        refused(service.runs().start_run(request).await, Code::Unavailable, "ROOT_AWAY");
    }
    no_job(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_starts_nothing_and_says_so() {
    let world = world_of_jobs("");
    let service = Setup::new(&world.path("")).with(|config| config.policy.read_only = true).start().await;
    refused(service.runs().start_run(start_request()).await, Code::FailedPrecondition, "ROOT_READ_ONLY")
        .saying("--read-only");
    let info = service.catalog().get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner();
    assert!(info.features.contains(&"read-only".to_owned()) && !info.features.contains(&"start-run".to_owned()));
    assert!(info.roots[0].read_only);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_never_was_is_not_found_with_the_hint_where_to_look() {
    let world = world_of_jobs("");
    let service = serve(&world).await;
    for job_id in ["", "job-20260101T000000Z-00000000", "../x", &"x".repeat(10_000)] {
        let outcome = service.runs().get_run(pb::GetRunRequest { job_id: (*job_id).to_owned() }).await;
        refused(outcome, Code::NotFound, "JOB_NOT_FOUND").saying("retained runs");
        let request = pb::GetRunReportsRequest { job_id: (*job_id).to_owned(), ..Default::default() };
        refused(service.runs().get_run_reports(request).await, Code::NotFound, "JOB_NOT_FOUND");
    }
}
