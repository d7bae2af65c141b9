//! Jobs of a real server process: what is left of them after SIGKILL, after SIGTERM, and of a root that cannot be written.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use guide_board::wire::pb;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::fixtures::{eventually, refused};
use super::served::{Served, ended, start, start_request, waits_for_go, world_of_jobs};
use crate::support::{self, is_alive, pids};

/// A descendant that leaves its parent, its group and its session.
const DAEMON: &str = "(setsid sh -c 'echo $$ > daemon; exec sleep 600' > /dev/null 2>&1 &) ; while ! test -s daemon; do sleep 0.02; done";

fn named(directory: &str) -> pb::StartRunRequest {
    pb::StartRunRequest { output_dir: directory.to_owned(), ..start_request() }
}

const EXTENSIONS: [&str; 2] = ["--extension-dir", "extensions"];

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_of_the_server_leaves_no_descendant_and_an_incomplete_directory() {
    let world = world_of_jobs(&format!("{DAEMON}\n{}", waits_for_go()));
    let server = Served::start(&world, &EXTENSIONS).await;
    let job = start(server.client.runs(), named("cut-off")).await;
    let pids = pids(&world.path("runs/cut-off/artifacts/probe"), &["daemon", "runner"]);
    let killed = Instant::now();
    server.kill();
    let all_gone = || (!pids.iter().copied().any(is_alive)).then_some(());
    support::eventually("the end of all descendants", Some(Duration::from_secs(10)), all_gone);
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    let server = Served::start(&world, &EXTENSIONS).await;
    let outcome = server.client.runs().get_run(pb::GetRunRequest { job_id: job.job_id }).await;
    refused(outcome, Code::NotFound, "JOB_NOT_FOUND").saying("look for the run under the retained runs");
    eventually("the incomplete directory", async || {
        let reply = server.client.retained().list_problems(pb::ListProblemsRequest::default()).await.expect("problems");
        let problems = reply.into_inner().problems;
        problems
            .iter()
            .find(|problem| problem.directory == "cut-off" && problem.reason() == pb::ProblemReason::Incomplete)?;
        Some(())
    })
    .await;
    let outcome = server.client.runs().start_run(named("cut-off")).await;
    refused(outcome, Code::AlreadyExists, "OUTPUT_EXISTS").saying("cut-off");
    // The next start is clean: it serves, and a new job runs to its end beside what is left.
    let health = server.health().await;
    assert_eq!(health, ServingStatus::Serving);
    std::fs::write(world.path("go"), "").expect("written");
    let again = start(server.client.runs(), named("again")).await;
    assert_eq!(ended(server.client.runs(), &again.job_id).await.status(), pb::JobStatus::Succeeded);
    let list = server.client.retained().list_retained_runs(pb::ListRetainedRunsRequest::default()).await;
    let list = list.expect("a list").into_inner();
    assert_eq!((list.total_size, list.problem_count), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_a_running_job_end_within_the_drain_time() {
    let world = world_of_jobs(&waits_for_go());
    let mut server = Served::start(&world, &EXTENSIONS).await;
    // The root is configured as `runs`, relative to where the server was started.
    let job = start(server.client.runs(), named("runs/drained")).await;
    assert_eq!(job.directory, "drained");
    pids(&world.path("runs/drained/artifacts/probe"), &["runner"]);
    server.terminate();
    std::fs::write(world.path("go"), "").expect("written");
    assert!(server.ended().success());
    assert!(world.path("runs/drained/retention-summary.json").is_file());
    assert!(!world.path("port").exists(), "the port file goes with the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_cancels_a_job_that_does_not_end_and_the_server_ends_within_its_bound() {
    let world = world_of_jobs(&format!("{DAEMON}\n{}", waits_for_go()));
    let mut server = Served::start(&world, &[EXTENSIONS[0], EXTENSIONS[1], "--drain", "0.3"]).await;
    start(server.client.runs(), named("cancelled")).await;
    let pids = pids(&world.path("runs/cancelled/artifacts/probe"), &["daemon", "runner"]);
    let asked = Instant::now();
    server.terminate();
    assert!(server.ended().success());
    // The drain time, the grace time of jobs, and some slack.
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    support::eventually("the end of all descendants", Some(Duration::from_secs(2)), || {
        (!pids.iter().copied().any(is_alive)).then_some(())
    });
    assert!(!world.path("runs/cancelled/retention-summary.json").exists());
    assert!(world.path("runs/cancelled/run.json").is_file(), "the partial directory stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_the_server_may_not_write_is_read_only() {
    let world = world_of_jobs("");
    let mode = |path: &str, mode: u32| {
        std::fs::set_permissions(world.path(path), PermissionsExt::from_mode(mode)).expect("set");
    };
    let mut command = world.command();
    if rustix::process::geteuid().is_root() {
        // To a superuser every directory is writable, so the server runs as somebody else; the port file goes to the world's directory.
        command.uid(65_534).gid(65_534);
        mode("", 0o777);
    }
    mode("runs", 0o555);
    let server = Served::spawn(&world, &mut command, &[]).await;
    let outcome = server.client.runs().start_run(start_request()).await;
    refused(outcome, Code::FailedPrecondition, "ROOT_READ_ONLY").saying("`runs` cannot be written");
    drop(server);
    mode("runs", 0o755);
}
