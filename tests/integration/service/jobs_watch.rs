//! WatchRun: every event once and in order, from any number on, for any number of readers, and nothing left behind by those who go.

use std::time::Duration;

use guide_board::client::Transport;
use guide_board::jobs::JobSettings;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use guide_board::wire::pb::{self, JobEventKind as Kind, JobStatus};
use tonic::{Code, Streaming};

use super::fixtures::{Service, Setup, collect, eventually, refused, refused_field, runs_over};
use super::served::{ended, stand_in, start, start_request, waits_for_go, world_of_jobs};
use crate::support::World;

async fn serve(world: &World, settings: JobSettings, script: &str) -> Service {
    serve_calls(world, settings, script, 64).await
}

async fn serve_calls(world: &World, settings: JobSettings, script: &str, calls: usize) -> Service {
    // `$go` is a file that the test makes.
    let script = format!("go='{}'\n{script}", world.path("go").display());
    Setup::new(&world.path(""))
        .jobs(settings, stand_in(world, &script), Vec::new())
        .with(|config| config.max_concurrent_calls = calls)
        .start()
        .await
}

fn go(world: &World) {
    std::fs::write(world.path("go"), "").expect("written");
}

const WAIT: &str = "while ! test -e \"$go\"; do sleep 0.02; done\n";
const WRITES_A_SUMMARY: &str = "mkdir \"$out\"; echo '{\"run_id\": \"r\"}' > \"$out/retention-summary.json\"\n";

fn request(job: &pb::Job, after: u64) -> pb::WatchRunRequest {
    pb::WatchRunRequest { job_id: job.job_id.clone(), after }
}

async fn watch(mut runs: RunServiceClient<Transport>, job: &pb::Job, after: u64) -> Streaming<pb::WatchRunResponse> {
    runs.watch_run(request(job, after)).await.expect("a watch").into_inner()
}

/// Everything that a watch gives, to its end.
async fn all(runs: RunServiceClient<Transport>, job: &pb::Job, after: u64) -> Vec<pb::JobEvent> {
    let mut runs = runs;
    let messages = collect(runs.watch_run(request(job, after)).await).await.expect("a whole stream");
    messages.into_iter().flat_map(|message| message.events).collect()
}

/// Asserts that every number after `after` was received or dropped once, up to the end of the job; returns how many were dropped.
fn assert_without_gap(events: &[pb::JobEvent], after: u64) -> u64 {
    let (mut next, mut dropped) = (after + 1, 0);
    for event in events {
        match event.kind() {
            Kind::Dropped => {
                assert!(event.dropped > 0 && event.number == next + event.dropped - 1, "{next}: {event:?}");
                dropped += event.dropped;
                next = event.number + 1;
            }
            Kind::Heartbeat => assert_eq!(event.number, next - 1),
            _ => {
                assert_eq!(event.number, next, "{event:?}");
                next += 1;
            }
        }
        assert!(event.time.is_some());
    }
    let last = events.last().expect("an event");
    assert!(last.run.as_ref().is_some_and(|run| run.ended_at.is_some()), "{last:?}");
    dropped
}

fn lines(events: &[pb::JobEvent]) -> Vec<&str> {
    events.iter().filter(|event| event.kind() == Kind::Log).map(|event| event.log_line.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_status_progress_and_log_in_order_and_ends_with_the_job() {
    let world = world_of_jobs(&format!("echo words >&2\n{}", waits_for_go()));
    let binary = env!("CARGO_BIN_EXE_guide-board").into();
    let service =
        Setup::new(&world.path("")).jobs(JobSettings::default(), binary, vec![world.path("extensions")]).start().await;
    let job = start(service.runs(), start_request()).await;
    let watched = tokio::spawn({
        let (runs, job) = (service.runs(), job.clone());
        async move { all(runs, &job, 0).await }
    });
    go(&world);
    let events = watched.await.expect("no panic");
    assert_eq!(assert_without_gap(&events, 0), 0);
    let statuses: Vec<_> = events.iter().filter_map(|event| event.run.as_ref().map(|run| run.status())).collect();
    assert_eq!(statuses, [JobStatus::Queued, JobStatus::Running, JobStatus::Running, JobStatus::Succeeded]);
    let progress: Vec<_> = events.iter().filter_map(|event| event.progress.clone()).collect();
    let told: Vec<_> =
        progress.iter().map(|at| (at.done, at.total, at.last_check.as_str(), at.current_check.as_str())).collect();
    // One program makes both checks, so the first stands for both until it has ended.
    assert_eq!(told, [(0, 2, "", ""), (0, 2, "", "one"), (1, 2, "one", ""), (2, 2, "two", "")]);
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(events.last().and_then(|event| event.run.clone()), Some(job));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_from_any_number_on_gives_exactly_the_rest() {
    let world = world_of_jobs("");
    let service = serve(&world, JobSettings::default(), &format!("seq 20\n{WRITES_A_SUMMARY}")).await;
    let job = start(service.runs(), start_request()).await;
    let whole = all(service.runs(), &job, 0).await;
    assert_eq!((assert_without_gap(&whole, 0), lines(&whole).len(), whole.len()), (0, 20, 23));
    let last = whole.last().expect("an event").number;
    for after in 0..=last {
        let rest: Vec<_> = whole.iter().filter(|event| event.number > after).cloned().collect();
        assert_eq!(all(service.runs(), &job, after).await, rest, "after {after}");
    }
    refused_field(service.runs().watch_run(request(&job, last + 1)).await, "FIELD_INVALID", "after");
    refused_field(service.runs().watch_run(request(&job, u64::MAX)).await, "FIELD_INVALID", "after");
    let unknown = pb::WatchRunRequest { job_id: "job-x".to_owned(), after: 0 };
    refused(service.runs().watch_run(unknown).await, Code::NotFound, "JOB_NOT_FOUND").saying("job-x");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_held_is_told_as_dropped() {
    let world = world_of_jobs("");
    let settings = JobSettings { events: 10, ..JobSettings::default() };
    let service = serve(&world, settings, &format!("seq 100\n{WRITES_A_SUMMARY}")).await;
    let job = start(service.runs(), start_request()).await;
    ended(service.runs(), &job.job_id).await;
    // Queued, running, 100 lines, ended: of 103 events the last ten.
    for (after, dropped) in [(0, 93), (1, 92), (92, 1), (93, 0), (100, 0)] {
        let events = all(service.runs(), &job, after).await;
        assert_eq!(assert_without_gap(&events, after), dropped, "after {after}");
        assert_eq!(events.last().expect("an event").number, 103);
    }
    let events = all(service.runs(), &job, 0).await;
    assert_eq!(lines(&events), ["92", "93", "94", "95", "96", "97", "98", "99", "100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_job_gives_heartbeats_and_its_cancellation_is_seen() {
    let world = world_of_jobs("");
    let settings = JobSettings { heartbeat: Duration::from_millis(30), ..JobSettings::default() };
    let service = serve(&world, settings, "exec sleep 600").await;
    let job = start(service.runs(), start_request()).await;
    let mut stream = watch(service.runs(), &job, 0).await;
    let mut events = Vec::new();
    while events.iter().filter(|event: &&pb::JobEvent| event.kind() == Kind::Heartbeat).count() < 3 {
        events.extend(stream.message().await.expect("a message").expect("no end").events);
    }
    let request = pb::CancelRunRequest { job_id: job.job_id.clone() };
    service.runs().cancel_run(request).await.expect("cancelled");
    while let Some(message) = stream.message().await.expect("a message") {
        events.extend(message.events);
    }
    assert_eq!(assert_without_gap(&events, 0), 0);
    let statuses = events.iter().filter_map(|event| event.run.as_ref());
    let told: Vec<_> = statuses.map(|run| (run.status(), run.cancel_requested_at.is_some())).collect();
    let running = |cancelling| (JobStatus::Running, cancelling);
    let expected = [(JobStatus::Queued, false), running(false), running(true), (JobStatus::Cancelled, true)];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_watchers_of_one_job_all_see_all_of_it() {
    let world = world_of_jobs("");
    let script = format!("seq 400\n{WAIT}seq 401 800\n{WRITES_A_SUMMARY}");
    let settings = JobSettings { events: 2000, ..JobSettings::default() };
    // Who comes back does so before the server has noticed that it went.
    let service = serve_calls(&world, settings, &script, 256).await;
    let job = start(service.runs(), start_request()).await;
    let mut watchers = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (job, mut stream) = (job.clone(), watch(service.runs(), &job, 0).await);
        let runs = service.runs();
        watchers.spawn(async move {
            let mut events = Vec::new();
            while let Some(message) = stream.message().await.expect("a message") {
                events.extend(message.events);
                // Some break off in the middle and come back.
                if number % 4 == 0 && events.len() % 3 == 0 {
                    let after = events.last().map_or(0, |event: &pb::JobEvent| event.number);
                    stream = watch(runs.clone(), &job, after).await;
                }
            }
            events
        });
    }
    // Nobody's watch ends before the job does.
    assert!(ended_at(&service, &job).await.is_none());
    go(&world);
    let watched = watchers.join_all().await;
    let first = &watched[0];
    assert_eq!((assert_without_gap(first, 0), lines(first).len()), (0, 800));
    for events in &watched {
        assert_eq!(events, first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_watchers_each_account_for_every_event_also_for_those_they_were_too_slow_for() {
    let world = world_of_jobs("");
    let settings = JobSettings { events: 20, ..JobSettings::default() };
    let script = format!("{WAIT}seq 30000\n{WRITES_A_SUMMARY}");
    let service = serve(&world, settings, &script).await;
    let job = start(service.runs(), start_request()).await;
    let (ended, has_ended) = tokio::sync::watch::channel(false);
    let mut watchers = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (mut stream, mut has_ended) = (watch(service.runs(), &job, 0).await, has_ended.clone());
        watchers.spawn(async move {
            // Some read only once the job has ended.
            if number % 4 == 0 {
                has_ended.wait_for(|ended| *ended).await.expect("an end");
            }
            let mut events = Vec::new();
            while let Some(message) = stream.message().await.expect("a message") {
                events.extend(message.events);
            }
            events
        });
    }
    go(&world);
    eventually("the end", async || ended_at(&service, &job).await).await;
    ended.send_replace(true);
    let mut dropped_in_all = 0;
    for events in watchers.join_all().await {
        let dropped = assert_without_gap(&events, 0);
        dropped_in_all += dropped;
        let told = events.iter().filter(|event| !matches!(event.kind(), Kind::Dropped | Kind::Heartbeat)).count();
        assert_eq!(told as u64 + dropped, 30_003);
    }
    assert!(dropped_in_all > 0, "nobody was too slow for a job that the server keeps 20 events of");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_that_is_being_made_is_told_by_asking_too_and_a_process_that_tells_no_starts_names_none() {
    let world = world_of_jobs(&waits_for_go());
    let binary = env!("CARGO_BIN_EXE_guide-board").into();
    let service =
        Setup::new(&world.path("")).jobs(JobSettings::default(), binary, vec![world.path("extensions")]).start().await;
    let job = start(service.runs(), start_request()).await;
    let progress = eventually("a current check", async || {
        let progress = super::served::get(service.runs(), &job.job_id).await.progress?;
        (!progress.current_check.is_empty()).then_some(progress)
    })
    .await;
    let at = |done, last_check: &str, current_check: &str| pb::JobProgress {
        done,
        total: 2,
        last_check: last_check.to_owned(),
        current_check: current_check.to_owned(),
    };
    assert_eq!(progress, at(0, "", "one"));
    go(&world);
    assert_eq!(ended(service.runs(), &job.job_id).await.progress, Some(at(2, "two", "")));
    // What another version of the command line may write: what is no event is a line of the log.
    let script = format!(
        "echo '{{\"event\":\"run\",\"run_id\":\"r\",\"output_dir\":\"/x\",\"total\":2}}'\n\
         echo '{{\"event\":\"start\",\"of\":\"another kind\"}}'\n\
         echo '{{\"event\":\"check\",\"done\":1,\"total\":2,\"check_id\":\"one\",\"result\":\"pass\",\"more\":1}}'\n{WRITES_A_SUMMARY}"
    );
    let service = serve(&world, JobSettings::default(), &script).await;
    let job = start(service.runs(), start_request()).await;
    let events = all(service.runs(), &job, 0).await;
    assert_eq!(lines(&events), [r#"{"event":"start","of":"another kind"}"#]);
    assert_eq!(ended(service.runs(), &job.job_id).await.progress, Some(at(1, "one", "")));
}

async fn ended_at(service: &Service, job: &pb::Job) -> Option<prost_types::Timestamp> {
    super::served::get(service.runs(), &job.job_id).await.ended_at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_up_nothing_and_learns_what_it_missed() {
    let world = world_of_jobs("");
    // 40 MB in lines of a thousand bytes.
    let script = format!("{WAIT}yes \"$(printf '%01000d' 7)\" | head -n 40000\n{WRITES_A_SUMMARY}");
    let service = serve(&world, JobSettings::default(), &script).await;
    let job = start(service.runs(), start_request()).await;
    // On a connection of its own: what it does not read must not stop the others.
    let own = runs_over(service.another_channel().await);
    let mut stream = watch(own, &job, 0).await;
    let mut events = stream.message().await.expect("a message").expect("the first one").events;
    go(&world);
    assert_eq!(ended(service.runs(), &job.job_id).await.status(), JobStatus::Succeeded);
    while let Some(message) = stream.message().await.expect("a message") {
        events.extend(message.events);
    }
    let dropped = assert_without_gap(&events, 0);
    // It has got what the transport holds, a few windows of it, and what the server keeps.
    assert!(dropped > 30_000, "{dropped}");
    assert_eq!(events.last().expect("an event").number, 40_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_dropped_or_loses_its_connection_leaves_nothing_behind() {
    let world = world_of_jobs("");
    let service = serve_calls(&world, JobSettings::default(), &format!("{WAIT}{WRITES_A_SUMMARY}"), 4).await;
    let job = start(service.runs(), start_request()).await;
    for round in 0..5 {
        let mut held = Vec::new();
        for _ in 0..4 {
            // In some rounds over connections of their own, which end with them.
            let mut runs = service.runs();
            if round % 2 == 1 {
                runs = runs_over(service.another_channel().await);
            }
            // What the round before held is given back soon, and not at once.
            held.push(eventually("a place", async || runs.watch_run(request(&job, 0)).await.ok()).await);
        }
        refused(service.runs().watch_run(request(&job, 0)).await, Code::ResourceExhausted, "LIMIT_REACHED")
            .saying("watches");
    }
    let last = eventually("a place", async || service.runs().watch_run(request(&job, 0)).await.ok()).await;
    go(&world);
    let messages = collect(Ok(last)).await.expect("a whole stream");
    let events: Vec<_> = messages.into_iter().flat_map(|message| message.events).collect();
    assert_eq!(assert_without_gap(&events, 0), 0);
    assert!(service.stop().await < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_any_length_and_any_bytes_come_bounded_and_the_job_goes_on() {
    let world = world_of_jobs("");
    let script = format!(
        "head -c 3000000 /dev/zero | tr '\\0' x; echo\nprintf 'a\\377\\376b\\n\\n\\tc\\033[1m\\n'\nprintf 'no end' >&2\n{WRITES_A_SUMMARY}"
    );
    let service = serve(&world, JobSettings::default(), &script).await;
    let job = start(service.runs(), start_request()).await;
    let events = all(service.runs(), &job, 0).await;
    assert_eq!(assert_without_gap(&events, 0), 0);
    let of_stdout: Vec<_> = lines(&events).into_iter().filter(|line| *line != "no end").collect();
    assert_eq!(of_stdout, [&"x".repeat(4096), "a\u{fffd}\u{fffd}b", "", "\tc\u{1b}[1m"]);
    let truncated: Vec<_> =
        events.iter().filter(|event| event.log_line_truncated).map(|event| event.log_line.len()).collect();
    assert_eq!(truncated, [4096]);
    assert_eq!(lines(&events).len(), 5);
    assert_eq!(events.last().and_then(|event| event.run.as_ref()).map(pb::Job::status), Some(JobStatus::Succeeded));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_when_the_job_is_forgotten_meanwhile() {
    let world = world_of_jobs("");
    let settings = JobSettings { max_running: 1, history: 1, ..JobSettings::default() };
    let service = serve(&world, settings, &format!("{WAIT}{WRITES_A_SUMMARY}")).await;
    let first = start(service.runs(), start_request()).await;
    let mut stream = watch(service.runs(), &first, 0).await;
    let second = start(service.runs(), start_request()).await;
    go(&world);
    ended(service.runs(), &second.job_id).await;
    refused(service.runs().watch_run(request(&first, 0)).await, Code::NotFound, "JOB_NOT_FOUND");
    let mut events = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        events.extend(message.events);
    }
    assert_eq!(assert_without_gap(&events, 0), 0);
}
