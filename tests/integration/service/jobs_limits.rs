//! What bounds jobs: places, time, and what the kernel does to them.

use std::time::Duration;

use guide_board::jobs::JobSettings;
use guide_board::wire::pb::{self, JobStatus};
use tonic::Code;

use super::fixtures::{Service, Setup, collect, refused};
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
    // Long enough for a shell to begin on a machine that has much to do.
    let settings = JobSettings { time_limit: Some(Duration::from_millis(1500)), ..JobSettings::default() };
    let script = "case \"$out\" in *whole) mkdir \"$out\"; echo '{\"run_id\": \"r\"}' > \"$out/retention-summary.json\";; \
                  *) mkdir \"$out\"; echo $$ > \"$out/main\"; echo begun;; esac; exec sleep 600";
    let service = serve(&world, settings, script).await;
    let job = start(service.runs(), named("partial")).await;
    let whole = start(service.runs(), named("whole")).await;
    let pids = pids(&world.path("runs/partial"), &["main"]);
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(job.status(), JobStatus::Failed, "{job:?}");
    assert!(message(&job).contains("longer than the 1.5 seconds"), "{job:?}");
    assert_eq!(job.error.as_ref().expect("an error").log_lines, ["begun"]);
    assert!(!pids.iter().copied().any(is_alive));
    let job = ended(service.runs(), &whole.job_id).await;
    assert_eq!((job.status(), job.run_id.as_str()), (JobStatus::Succeeded, "r"), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_that_ended_first_are_forgotten_and_not_those_that_began_first() {
    let world = world_of_jobs("");
    let settings = JobSettings { history: 2, ..JobSettings::default() };
    let wait = format!(
        "case \"$out\" in *slow) while ! test -e '{}'; do sleep 0.02; done;; esac\n{WRITES_A_SUMMARY}",
        world.path("go").display()
    );
    let service = serve(&world, settings, &wait).await;
    let slow = start(service.runs(), named("slow")).await;
    let mut quick = Vec::new();
    for directory in ["a", "b", "c"] {
        let job = start(service.runs(), named(directory)).await;
        quick.push(ended(service.runs(), &job.job_id).await.job_id);
    }
    std::fs::write(world.path("go"), "").expect("written");
    assert_eq!(ended(service.runs(), &slow.job_id).await.status(), JobStatus::Succeeded);
    let list = service.runs().list_runs(pb::ListRunsRequest::default()).await.expect("a list").into_inner();
    let left: Vec<_> = list.runs.iter().map(|job| job.job_id.as_str()).collect();
    assert_eq!(left, [quick[2].as_str(), &slow.job_id]);
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
        (
            "ulimit -c 0; ulimit -f 1; exec head -c 100000 /dev/zero > \"$PWD/large\"",
            None,
            Some(25),
            "(SIGXFSZ), which",
        ),
        ("ulimit -c 0; kill -ABRT $$", None, Some(6), "signal 6 (SIGABRT), with which a program ends itself, as when"),
    ] {
        let service = serve(&world, JobSettings::default(), script).await;
        let job = start(service.runs(), start_request()).await;
        let job = ended(service.runs(), &job.job_id).await;
        assert_eq!((job.status(), job.exit_code, job.signal), (JobStatus::Failed, exit_code, signal), "{job:?}");
        assert!(message(&job).contains(said), "{job:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_gets_no_more_memory_ends_with_its_own_words_about_it() {
    let world = world_of_jobs("");
    // A real refusal of the kernel: the shell doubles a text until the limit of its address space is reached.
    let script = "ulimit -c 0; ulimit -v 100000; x=0123456789abcdef; while :; do x=$x$x; done";
    let service = serve(&world, JobSettings::default(), script).await;
    let job = start(service.runs(), start_request()).await;
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(job.status(), JobStatus::Failed, "{job:?}");
    // Shells differ: dash says `Out of space`, bash `cannot allocate`, busybox `out of memory`; some end by a signal.
    let said = job.error.as_ref().expect("an error").log_lines.join("\n").to_lowercase();
    assert!(job.signal.is_some() || ["space", "alloc", "memory"].iter().any(|word| said.contains(word)), "{job:?}");
    assert!(message(&job).contains("the job's process"), "{job:?}");
    // The server is untouched by it.
    let next = start(service.runs(), start_request()).await;
    assert_eq!(ended(service.runs(), &next.job_id).await.status(), JobStatus::Failed);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_supervisor_is_killed_says_so_and_nothing_of_it_lives_on() {
    let world = world_of_jobs("");
    // It tells what it started and then sleeps; killed before that, it cannot have told.
    let script = "mkdir \"$out\"; echo $$ > \"$out/main\"; while ! grep -q ') S ' /proc/$PPID/stat; do sleep 0.02; done; \
                  kill -KILL $PPID; exec sleep 600";
    let service = serve(&world, JobSettings::default(), script).await;
    let job = start(service.runs(), named("lost")).await;
    let pids = pids(&world.path("runs/lost"), &["main"]);
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(job.status(), JobStatus::Failed, "{job:?}");
    assert!(message(&job).contains("supervisor was lost, as happens when the memory runs out"), "{job:?}");
    crate::support::eventually("its end", None, || (!pids.iter().copied().any(is_alive)).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_the_system_in_the_last_lines_are_told_in_the_message() {
    let world = world_of_jobs("");
    for (line, said) in [
        ("error: run.json: No space left on device (os error 28)", "a filesystem it wrote to was full"),
        ("write: Disk quota exceeded", "a disk quota was exceeded"),
        ("fork: Cannot allocate memory", "there was no more memory for it"),
    ] {
        let service = serve(&world, JobSettings::default(), &format!("echo '{line}' >&2; exit 1")).await;
        let job = start(service.runs(), start_request()).await;
        let job = ended(service.runs(), &job.job_id).await;
        assert!(message(&job).ends_with(said), "{job:?}");
    }
    // Of a job that was cancelled nothing is guessed.
    let service = serve(&world, JobSettings::default(), "echo 'Disk quota exceeded'; exec sleep 600").await;
    let job = start(service.runs(), start_request()).await;
    service.runs().cancel_run(pb::CancelRunRequest { job_id: job.job_id.clone() }).await.expect("cancelled");
    assert!(!message(&ended(service.runs(), &job.job_id).await).contains("quota"));
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
        "--job-events=3",
        "--heartbeat=0.05",
    ];
    let server = Served::start(&world, &arguments).await;
    let first = start(server.client.runs(), named("first")).await;
    refused(server.client.runs().start_run(start_request()).await, Code::ResourceExhausted, "QUEUE_FULL");
    let request = |job: &pb::Job| pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 };
    let watched = collect(server.client.runs().watch_run(request(&first)).await).await.expect("a whole stream");
    let mut events = watched.iter().flat_map(|message| &message.events);
    assert!(events.any(|event| event.kind() == pb::JobEventKind::Heartbeat), "of 0.7 s none passed in silence");
    let job = ended(server.client.runs(), &first.job_id).await;
    assert!(message(&job).contains("longer than the 0.7 seconds"), "{job:?}");
    let seconds = |time: Option<prost_types::Timestamp>| time.expect("a time").seconds;
    assert!(seconds(job.ended_at) - seconds(job.started_at) < 4, "killed before the usual grace time: {job:?}");
    std::fs::write(world.path("go"), "").expect("written");
    let second = start(server.client.runs(), named("second")).await;
    ended(server.client.runs(), &second.job_id).await;
    let watched = collect(server.client.runs().watch_run(request(&second)).await).await.expect("a whole stream");
    let kinds: Vec<_> = watched.iter().flat_map(|message| &message.events).map(pb::JobEvent::kind).collect();
    assert_eq!((kinds.len(), kinds[0]), (4, pb::JobEventKind::Dropped), "{kinds:?}");
    let forgotten = server.client.runs().get_run(pb::GetRunRequest { job_id: first.job_id }).await;
    refused(forgotten, Code::NotFound, "JOB_NOT_FOUND");
}
