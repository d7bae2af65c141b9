//! A server process that is asked to stop while jobs run and wait: whoever watches them is told how they ended, before the server goes.

use std::time::{Duration, SystemTime};

use guide_board::wire::pb::{self, JobEventKind as Kind, JobStatus};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::fixtures::{collect, eventually, refused};
use super::served::{Served, start, start_request, waits_for_go, world_of_jobs};
use crate::support::pids;

fn named(directory: &str) -> pb::StartRunRequest {
    pb::StartRunRequest { output_dir: directory.to_owned(), ..start_request() }
}

/// Watches a job to its end; gives the job as its last event tells it.
pub(super) async fn watched(server: &Served, job: &pb::Job) -> tokio::task::JoinHandle<pb::Job> {
    let mut runs = server.client.runs();
    let request = pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 };
    let reply = runs.watch_run(request).await;
    tokio::spawn(async move {
        let messages = collect(reply).await.expect("a clean end, not one that is cut off");
        let last = messages.into_iter().flat_map(|message| message.events).last().expect("an event");
        assert_eq!(last.kind(), Kind::Status, "{last:?}");
        last.run.expect("a job")
    })
}

fn since(asked: SystemTime, at: Option<prost_types::Timestamp>) -> Duration {
    SystemTime::try_from(at.expect("a time")).expect("a time").duration_since(asked).expect("later")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_job_is_told_that_the_stopping_server_cancelled_it_after_the_drain_time() {
    let world = world_of_jobs(&waits_for_go());
    let arguments = ["--extension-dir=extensions", "--drain=1.5", "--max-running-jobs=1"];
    let mut server = Served::start(&world, &arguments).await;
    let running = start(server.client.runs(), named("running")).await;
    let waiting = start(server.client.runs(), named("waiting")).await;
    pids(&world.path("runs/running/artifacts/probe"), &["runner"]);
    let mut of_running = Vec::new();
    for _ in 0..8 {
        of_running.push(watched(&server, &running).await);
    }
    let of_waiting = watched(&server, &waiting).await;
    let asked = SystemTime::now();
    server.terminate();
    let told = of_waiting.await.expect("no panic");
    assert_eq!((told.status(), told.started_at), (JobStatus::Cancelled, None), "{told:?}");
    assert!(told.error.expect("an error").message.contains("the server stopped before the job could start"));
    // While the other one has its time, nothing new begins, whoever asks is answered, and nobody is sent here.
    let outcome = server.client.runs().start_run(named("late")).await;
    refused(outcome, Code::Unavailable, "STOPPING");
    let now = super::served::get(server.client.runs(), &running.job_id).await;
    assert_eq!((now.status(), now.ended_at), (JobStatus::Running, None), "{now:?}");
    eventually("its health", async || (server.health().await == ServingStatus::NotServing).then_some(())).await;
    for watcher in of_running {
        let told = watcher.await.expect("no panic");
        assert_eq!((told.status(), told.cancel_requested_at), (JobStatus::Cancelled, None), "{told:?}");
        let message = told.error.as_ref().map_or("", |error| error.message.as_str());
        assert!(message.starts_with("the server stopped while the job was running (") && message.ends_with("stays"));
        let took = since(asked, told.ended_at);
        assert!((Duration::from_millis(1500)..Duration::from_secs(6)).contains(&took), "{took:?}: {told:?}");
    }
    assert!(server.ended().success());
    assert!(world.path("runs/running/run.json").is_file() && !world.path("runs/waiting").exists());
    assert!(!world.path("runs/late").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_a_job_that_ends_within_the_drain_time_tells_its_success() {
    let world = world_of_jobs(&waits_for_go());
    let mut server = Served::start(&world, &["--extension-dir=extensions", "--drain=20"]).await;
    let job = start(server.client.runs(), named("drained")).await;
    pids(&world.path("runs/drained/artifacts/probe"), &["runner"]);
    let watcher = watched(&server, &job).await;
    server.terminate();
    eventually("its health", async || (server.health().await == ServingStatus::NotServing).then_some(())).await;
    std::fs::write(world.path("go"), "").expect("written");
    assert_eq!(watcher.await.expect("no panic").status(), JobStatus::Succeeded);
    assert!(server.ended().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_being_cancelled_when_the_server_stopped_was_cancelled_by_whoever_asked() {
    let world = world_of_jobs(&format!("trap '' TERM\n{}", waits_for_go()));
    let arguments = ["--extension-dir=extensions", "--drain=0.1", "--job-grace=0.7"];
    let mut server = Served::start(&world, &arguments).await;
    let job = start(server.client.runs(), named("cancelled")).await;
    pids(&world.path("runs/cancelled/artifacts/probe"), &["runner"]);
    let watcher = watched(&server, &job).await;
    let request = pb::CancelRunRequest { job_id: job.job_id.clone() };
    server.client.runs().cancel_run(request).await.expect("cancelled");
    server.terminate();
    let told = watcher.await.expect("no panic");
    assert_eq!(told.status(), JobStatus::Cancelled);
    assert!(told.error.expect("an error").message.starts_with("the job was cancelled ("));
    assert!(server.ended().success());
}
