//! What bounds jobs: places, time, and what the kernel does to them.

use std::time::Duration;

use guide_board::jobs::JobSettings;
use guide_board::wire::pb::{self, JobStatus};
use tonic::Code;

use super::fixtures::{Service, Setup, refused};
use super::served::{Served, ended, stand_in, start, start_request, waits_for_go, world_of_jobs};
use crate::support::{World, is_alive, pids};

async fn serve(world: &World, settings: JobSettings, script: &str) -> Service {
    Setup::new(&world.path("")).jobs(settings, stand_in(world, script), Vec::new()).start().await
}

fn named(directory: &str) -> pb::StartRunRequest {
    pb::StartRunRequest { output_dir: directory.to_owned(), ..start_request() }
}

/// What its error says.
fn message(job: &pb::Job) -> &str {
    job.error.as_ref().map_or("", |error| error.message.as_str())
}

const WRITES_A_SUMMARY: &str = "mkdir \"$out\"; echo '{\"run_id\": \"r\"}' > \"$out/retention-summary.json\"";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_a_job_starts_when_there_is_a_place_and_is_refused_when_there_is_none() {
    let world = world_of_jobs("");
    let settings = JobSettings { max_running: 2, max_queued: 0, ..JobSettings::default() };
    let wait = format!("while ! test -e '{}'; do sleep 0.02; done\n{WRITES_A_SUMMARY}", world.path("go").display());
    let service = serve(&world, settings, &wait).await;
    let first = start(service.runs(), start_request()).await;
    let second = start(service.runs(), start_request()).await;
    assert_eq!((first.status(), second.status()), (JobStatus::Running, JobStatus::Running));
    refused(service.runs().start_run(start_request()).await, Code::ResourceExhausted, "QUEUE_FULL");
    std::fs::write(world.path("go"), "").expect("written");
    assert_eq!(ended(service.runs(), &first.job_id).await.status(), JobStatus::Succeeded);
    let third = start(service.runs(), start_request()).await;
    assert_eq!(ended(service.runs(), &third.job_id).await.status(), JobStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_ended_and_has_failed_unless_its_run_was_complete() {
    let world = world_of_jobs("");
    let settings = JobSettings { time_limit: Some(Duration::from_millis(500)), ..JobSettings::default() };
    let script = "case \"$out\" in *whole) mkdir \"$out\"; echo '{\"run_id\": \"r\"}' > \"$out/retention-summary.json\";; \
                  *) mkdir \"$out\"; echo $$ > \"$out/main\"; echo begun;; esac; exec sleep 600";
    let service = serve(&world, settings, script).await;
    let job = start(service.runs(), named("partial")).await;
    let pids = pids(&world.path("runs/partial"), &["main"]);
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(job.status(), JobStatus::Failed, "{job:?}");
    assert!(message(&job).contains("longer than the 0.5 seconds"), "{job:?}");
    assert_eq!(job.error.as_ref().expect("an error").log_lines, ["begun"]);
    assert!(!pids.iter().copied().any(is_alive));
    let job = start(service.runs(), named("whole")).await;
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!((job.status(), job.run_id.as_str()), (JobStatus::Succeeded, "r"), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_signal_ended_names_it_and_what_sends_it() {
    let world = world_of_jobs("");
    for (script, exit_code, signal, said) in [
        ("kill -KILL $$", None, Some(9), "signal 9 (SIGKILL), which the kernel sends when the memory runs out"),
        ("ulimit -c 0; kill -SEGV $$", None, Some(11), "signal 11 (SIGSEGV)"),
        ("sh -c 'kill -KILL $$'; exit $?", Some(137), None, "exit code 137, which stands for SIGKILL"),
        ("exit 129", Some(129), None, "exit code 129, which stands for SIGHUP"),
        ("exit 128", Some(128), None, "exit code 128, and"),
    ] {
        let service = serve(&world, JobSettings::default(), script).await;
        let job = start(service.runs(), start_request()).await;
        let job = ended(service.runs(), &job.job_id).await;
        assert_eq!((job.status(), job.exit_code, job.signal), (JobStatus::Failed, exit_code, signal), "{job:?}");
        assert!(message(&job).contains(said), "{job:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_jobs_come_from_the_command_line() {
    let world = world_of_jobs(&format!("trap '' TERM\n{}", waits_for_go()));
    let arguments = [
        "--extension-dir=extensions",
        "--job-time-limit=0.7",
        "--job-grace=0.2",
        "--job-history=1",
        "--max-running-jobs=1",
        "--max-queued-jobs=0",
    ];
    let server = Served::start(&world, &arguments).await;
    let first = start(server.client.runs(), named("first")).await;
    refused(server.client.runs().start_run(start_request()).await, Code::ResourceExhausted, "QUEUE_FULL");
    let job = ended(server.client.runs(), &first.job_id).await;
    assert!(message(&job).contains("longer than the 0.7 seconds"), "{job:?}");
    std::fs::write(world.path("go"), "").expect("written");
    let second = start(server.client.runs(), named("second")).await;
    ended(server.client.runs(), &second.job_id).await;
    let forgotten = server.client.runs().get_run(pb::GetRunRequest { job_id: first.job_id }).await;
    refused(forgotten, Code::NotFound, "JOB_NOT_FOUND");
}
