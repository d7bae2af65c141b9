//! CancelRun: nothing of a job outlives it, a waiting one never starts, and whatever the moment, the job's end is the truth.

use std::time::{Duration, Instant};

use guide_board::client::Transport;
use guide_board::jobs::JobSettings;
use guide_board::wire::pb;
use guide_board::wire::pb::JobStatus;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use tonic::Code;

use super::fixtures::{PATIENCE, Service, Setup, eventually, refused};
use super::served::{ended, get, stand_in, start, start_request, waits_for_go, world_of_jobs};
use crate::support::{World, is_alive, pids};

/// A server that does not look at its root by itself.
async fn serve(world: &World, settings: JobSettings, program: &str) -> Service {
    Setup::new(&world.path(""))
        .jobs(settings, program.into(), vec![world.path("extensions")])
        .with(|config| config.poll_interval = Duration::from_secs(600))
        .start()
        .await
}

const BINARY: &str = env!("CARGO_BIN_EXE_guide-board");

fn one_at_a_time() -> JobSettings {
    JobSettings { max_running: 1, ..JobSettings::default() }
}

fn named(directory: &str) -> pb::StartRunRequest {
    pb::StartRunRequest { output_dir: directory.to_owned(), ..start_request() }
}

async fn cancel(mut runs: RunServiceClient<Transport>, job_id: &str) -> pb::Job {
    let request = pb::CancelRunRequest { job_id: job_id.to_owned() };
    runs.cancel_run(request).await.expect("the job").into_inner().run.expect("the job")
}

fn message(job: &pb::Job) -> &str {
    job.error.as_ref().map_or("", |error| error.message.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_every_descendant_also_those_that_changed_session_or_pass_over_sigterm() {
    let script = format!(
        "trap '' TERM\n\
         (setsid sh -c 'echo $$ > session; exec sleep 600' > /dev/null 2>&1 &)\n\
         sh -c 'sh -c \"trap \\\"\\\" TERM HUP; echo \\$\\$ > forked; while :; do sleep 600; done\" > /dev/null 2>&1 & ' &\n\
         while ! test -s session || ! test -s forked; do sleep 0.02; done\n{}",
        waits_for_go()
    );
    let world = world_of_jobs(&script);
    let settings = JobSettings { grace: Duration::from_millis(300), ..JobSettings::default() };
    let service = serve(&world, settings, BINARY).await;
    let job = start(service.runs(), named("stopped")).await;
    let pids = pids(&world.path("runs/stopped/artifacts/probe"), &["session", "forked", "runner"]);
    let asked = Instant::now();
    let answer = cancel(service.runs(), &job.job_id).await;
    assert_eq!((answer.status(), answer.ended_at), (JobStatus::Running, None), "the call does not wait: {answer:?}");
    assert!(answer.cancel_requested_at.is_some());
    let job = ended(service.runs(), &job.job_id).await;
    // No waiting from here on: the end of the job is the end of all its processes.
    assert!(!pids.iter().copied().any(is_alive));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(job.status(), JobStatus::Cancelled);
    assert!(message(&job).contains("cancelled") && message(&job).contains("partial directory stays"), "{job:?}");
    let problems = service.retained().list_problems(pb::ListProblemsRequest::default()).await.expect("problems");
    let problems: Vec<_> =
        problems.get_ref().problems.iter().map(|problem| (problem.directory.as_str(), problem.reason())).collect();
    assert_eq!(problems, [("stopped", pb::ProblemReason::Incomplete)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_that_is_cancelled_never_starts_and_gives_its_name_back() {
    let world = world_of_jobs(&waits_for_go());
    let settings = JobSettings { max_queued: 1, ..one_at_a_time() };
    let service = serve(&world, settings, BINARY).await;
    let running = start(service.runs(), named("running")).await;
    let waiting = start(service.runs(), named("waiting")).await;
    refused(service.runs().start_run(named("third")).await, Code::ResourceExhausted, "QUEUE_FULL");
    let cancelled = cancel(service.runs(), &waiting.job_id).await;
    assert_eq!(cancelled.status(), JobStatus::Cancelled);
    assert!(cancelled.started_at.is_none() && cancelled.ended_at.is_some(), "{cancelled:?}");
    assert!(message(&cancelled).contains("before it started"), "{cancelled:?}");
    // Its place in the queue and its directory are free again.
    let again = start(service.runs(), named("waiting")).await;
    std::fs::write(world.path("go"), "").expect("written");
    for job in [&running, &again] {
        assert_eq!(ended(service.runs(), &job.job_id).await.status(), JobStatus::Succeeded);
    }
    assert_eq!(get(service.runs(), &waiting.job_id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_again_or_after_the_end_changes_nothing() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, one_at_a_time(), BINARY).await;
    let unknown = service.runs().cancel_run(pb::CancelRunRequest { job_id: "job-x".to_owned() }).await;
    refused(unknown, Code::NotFound, "JOB_NOT_FOUND").saying("job-x");
    let first = start(service.runs(), named("first")).await;
    pids(&world.path("runs/first/artifacts/probe"), &["runner"]);
    let asked = cancel(service.runs(), &first.job_id).await.cancel_requested_at.expect("a time");
    let again = cancel(service.runs(), &first.job_id).await;
    assert_eq!(again.cancel_requested_at, Some(asked));
    let first = ended(service.runs(), &first.job_id).await;
    assert_eq!(first.status(), JobStatus::Cancelled);
    assert_eq!(cancel(service.runs(), &first.job_id).await, first);
    std::fs::write(world.path("go"), "").expect("written");
    let second = start(service.runs(), named("second")).await;
    let second = ended(service.runs(), &second.job_id).await;
    let answer = cancel(service.runs(), &second.job_id).await;
    assert_eq!((answer.status(), answer.cancel_requested_at), (JobStatus::Succeeded, None));
    assert_eq!(answer, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_cancels_nothing() {
    let world = world_of_jobs("");
    let service = Setup::new(&world.path("")).with(|config| config.policy.read_only = true).start().await;
    let request = pb::CancelRunRequest { job_id: "job-x".to_owned() };
    refused(service.runs().cancel_run(request).await, Code::FailedPrecondition, "ROOT_READ_ONLY").saying("--read-only");
}

/// How long the races go on.
fn loop_time() -> Duration {
    let seconds = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok();
    Duration::from_secs(seconds.map_or(2, |text| text.parse().expect("a number of seconds")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_at_any_moment_leaves_succeeded_with_a_run_or_cancelled_without_one() {
    let world = world_of_jobs("");
    let program = stand_in(
        &world,
        "mkdir \"$out\"; printf '{\"run_id\": \"%s\"}' \"${out##*/}\" > \"$out/part\"; mv \"$out/part\" \"$out/retention-summary.json\"",
    );
    let service = serve(&world, one_at_a_time(), program.to_str().expect("text")).await;
    let until = Instant::now() + loop_time();
    let (mut succeeded, mut cancelled) = (0_u64, 0_u64);
    let mut took = Duration::from_millis(40);
    for number in 0_u32.. {
        let both = succeeded > 0 && cancelled > 0;
        if number >= 40 && both && Instant::now() >= until {
            break;
        }
        assert!(
            Instant::now() < until + PATIENCE,
            "only one end was met: {succeeded} succeeded, {cancelled} cancelled"
        );
        let directory = format!("d{number}");
        let began = Instant::now();
        let job = start(service.runs(), named(&directory)).await;
        // Later in each round, from at once to the time that a job takes.
        let moment = began + took * (number % 20) / 16;
        eventually("the moment", async || (Instant::now() >= moment).then_some(())).await;
        cancel(service.runs(), &job.job_id).await;
        let job = ended(service.runs(), &job.job_id).await;
        let has_summary = world.path("runs").join(&directory).join("retention-summary.json").exists();
        match job.status() {
            JobStatus::Succeeded => {
                succeeded += 1;
                took = took.min(began.elapsed());
                assert!(has_summary && job.error.is_none(), "{job:?}");
                let request = pb::GetRetainedRunRequest { directory, ..Default::default() };
                service.retained().get_retained_run(request).await.expect("the run");
            }
            JobStatus::Cancelled => {
                cancelled += 1;
                assert!(!has_summary && job.cancel_requested_at.is_some(), "{job:?}");
                assert!(message(&job).contains("cancelled"), "{job:?}");
            }
            other => panic!("{other:?}: {job:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_somebody_else_made_while_the_job_waited_is_not_taken_for_its_run() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, one_at_a_time(), BINARY).await;
    let running = start(service.runs(), named("running")).await;
    let waiting = start(service.runs(), named("waiting")).await;
    std::fs::create_dir(world.path("runs/waiting")).expect("made");
    std::fs::write(world.path("runs/waiting/retention-summary.json"), r#"{"run_id": "of-another"}"#).expect("written");
    std::fs::write(world.path("go"), "").expect("written");
    assert_eq!(ended(service.runs(), &running.job_id).await.status(), JobStatus::Succeeded);
    let job = ended(service.runs(), &waiting.job_id).await;
    assert_eq!((job.status(), job.run_id.as_str()), (JobStatus::Failed, ""), "{job:?}");
    assert!(message(&job).contains("made by somebody else"), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_gives_its_place_to_the_next_one() {
    let world = world_of_jobs("");
    let hangs = stand_in(
        &world,
        "mkdir \"$out\"; case \"$out\" in *hangs) exec sleep 600;; esac; echo '{\"run_id\": \"r\"}' > \"$out/retention-summary.json\"",
    );
    let service = serve(&world, one_at_a_time(), hangs.to_str().expect("text")).await;
    let first = start(service.runs(), named("hangs")).await;
    let second = start(service.runs(), named("next")).await;
    assert_eq!(get(service.runs(), &second.job_id).await.status(), JobStatus::Queued);
    cancel(service.runs(), &first.job_id).await;
    assert_eq!(ended(service.runs(), &second.job_id).await.status(), JobStatus::Succeeded);
    assert_eq!(get(service.runs(), &first.job_id).await.status(), JobStatus::Cancelled);
}
