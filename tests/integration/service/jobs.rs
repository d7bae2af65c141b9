//! RunService: from StartRun to a run that is found at once, through the real CLI and through stand-ins for it.

use std::time::Duration;

use guide_board::jobs::JobSettings;
use guide_board::wire::pb;
use guide_board::wire::pb::JobStatus;
use tonic::Code;

use super::fixtures::{Service, Setup, eventually, refused, refused_field};
use super::served::{ended, get, stand_in, start, start_request, waits_for_go, world_of_jobs};
use crate::support::{World, reports};

/// A server that runs jobs by the real CLI, and does not look at its root by itself.
async fn serve(world: &World, settings: JobSettings) -> Service {
    serve_by(world, settings, env!("CARGO_BIN_EXE_guide-board").into()).await
}

async fn serve_by(world: &World, settings: JobSettings, program: std::path::PathBuf) -> Service {
    Setup::new(&world.path(""))
        .jobs(settings, program, vec![world.path("extensions")])
        .with(|config| config.poll_interval = Duration::from_secs(600))
        .start()
        .await
}

fn one_at_a_time() -> JobSettings {
    JobSettings { max_running: 1, ..JobSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_succeeded_has_its_run_found_at_once() {
    let world = world_of_jobs(&reports("pass"));
    let service = serve(&world, JobSettings::default()).await;
    let labels: std::collections::BTreeMap<_, _> = [("branch".to_owned(), "main".to_owned())].into();
    let accepted = start(service.runs(), pb::StartRunRequest { labels: labels.clone(), ..start_request() }).await;
    assert!(matches!(accepted.status(), JobStatus::Queued | JobStatus::Running));
    assert!(accepted.run_id.is_empty() && accepted.ended_at.is_none() && accepted.created_at.is_some());
    assert_eq!(
        (accepted.target.as_str(), accepted.assessment.as_str()),
        ("profiles/target.json", "profiles/assessment.json")
    );
    let job = ended(service.runs(), &accepted.job_id).await;
    // No waiting from here on: the root is not looked at again for ten minutes.
    let latest = pb::GetLatestRetainedRunRequest { target: "a-target".to_owned(), labels, ..Default::default() };
    let latest =
        service.retained().get_latest_retained_run(latest).await.expect("the run").into_inner().run.expect("the run");
    assert_eq!((job.status(), job.exit_code, job.signal), (JobStatus::Succeeded, Some(0), None), "{job:?}");
    assert_eq!((&latest.run_id, &latest.directory, &latest.runs_dir), (&job.run_id, &job.directory, &job.runs_dir));
    assert_eq!(job.directory, job.run_id, "a directory that nobody names is named by the run id");
    let progress = job.progress.expect("progress");
    assert_eq!((progress.done, progress.total), (2, 2));
    assert!(job.error.is_none() && job.started_at.is_some());
    let request = pb::GetRunReportsRequest { job_id: job.job_id.clone(), include_contents: true, ..Default::default() };
    let through_job = service.runs().get_run_reports(request).await.expect("reports").into_inner();
    let request =
        pb::GetRetainedRunReportsRequest { run_id: job.run_id.clone(), include_contents: true, ..Default::default() };
    let through_run = service.retained().get_retained_run_reports(request).await.expect("reports").into_inner();
    assert_eq!(
        (through_job.run, through_job.reports, through_job.summary),
        (through_run.run, through_run.reports, through_run.summary)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_dir_is_taken_bare_and_with_the_configured_path_in_front() {
    let world = world_of_jobs(&reports("pass"));
    let service = serve(&world, JobSettings::default()).await;
    let configured = world.path("runs").to_str().expect("UTF-8").to_owned();
    for (runs_dir, output_dir, directory) in [
        ("", "bare".to_owned(), "bare"),
        ("runs", format!("{configured}/in-front"), "in-front"),
        (configured.as_str(), format!("{configured}/in-front.2"), "in-front.2"),
    ] {
        let request = pb::StartRunRequest { runs_dir: runs_dir.to_owned(), output_dir, ..start_request() };
        let job = start(service.runs(), request).await;
        assert_eq!((job.directory.as_str(), job.runs_dir.as_str()), (directory, "runs"));
        let job = ended(service.runs(), &job.job_id).await;
        assert_eq!(job.status(), JobStatus::Succeeded, "{job:?}");
        assert!(world.path("runs").join(directory).join("retention-summary.json").is_file());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_exists_or_is_reserved_by_a_waiting_job_is_refused() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, one_at_a_time()).await;
    std::fs::create_dir(world.path("runs/directory")).expect("made");
    std::fs::write(world.path("runs/file"), "").expect("written");
    std::os::unix::fs::symlink("nowhere", world.path("runs/dangling")).expect("linked");
    let named = |output_dir: &str| pb::StartRunRequest { output_dir: output_dir.to_owned(), ..start_request() };
    let running = start(service.runs(), named("running")).await;
    let waiting = start(service.runs(), named("waiting")).await;
    assert_eq!(get(service.runs(), &waiting.job_id).await.status(), JobStatus::Queued);
    for taken in ["directory", "file", "dangling", "running", "waiting"] {
        refused(service.runs().start_run(named(taken)).await, Code::AlreadyExists, "OUTPUT_EXISTS").saying(taken);
    }
    std::fs::write(world.path("go"), "").expect("written");
    for job in [running, waiting] {
        assert_eq!(ended(service.runs(), &job.job_id).await.status(), JobStatus::Succeeded);
        refused(service.runs().start_run(named(&job.directory)).await, Code::AlreadyExists, "OUTPUT_EXISTS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_gives_the_same_job_for_the_same_body_as_long_as_it_is_remembered() {
    let world = world_of_jobs(&reports("pass"));
    let service = serve(&world, JobSettings { history: 1, ..one_at_a_time() }).await;
    let request = pb::StartRunRequest { request_id: "é".repeat(128), output_dir: "d".to_owned(), ..start_request() };
    let first = start(service.runs(), request.clone()).await;
    assert_eq!(start(service.runs(), request.clone()).await.job_id, first.job_id);
    ended(service.runs(), &first.job_id).await;
    // The profiles were needed once; a retry does not ask for them again.
    for profile in ["profiles/target.json", "profiles/assessment.json"] {
        std::fs::rename(world.path(profile), world.path(&format!("{profile}.away"))).expect("renamed");
    }
    let again = start(service.runs(), request.clone()).await;
    for profile in ["profiles/target.json", "profiles/assessment.json"] {
        std::fs::rename(world.path(&format!("{profile}.away")), world.path(profile)).expect("renamed");
    }
    assert_eq!((again.job_id.as_str(), again.status()), (first.job_id.as_str(), JobStatus::Succeeded));
    for other in [
        pb::StartRunRequest { output_dir: "e".to_owned(), ..request.clone() },
        pb::StartRunRequest { labels: [("a".to_owned(), "b".to_owned())].into(), ..request.clone() },
        pb::StartRunRequest { target: "profiles/assessment.json".to_owned(), ..request.clone() },
    ] {
        refused(service.runs().start_run(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    }
    let second = start(service.runs(), pb::StartRunRequest { output_dir: "f".to_owned(), ..start_request() }).await;
    ended(service.runs(), &second.job_id).await;
    let forgotten = service.runs().get_run(pb::GetRunRequest { job_id: first.job_id.clone() }).await;
    refused(forgotten, Code::NotFound, "JOB_NOT_FOUND");
    let outcome = service.runs().start_run(request).await;
    refused(outcome, Code::AlreadyExists, "OUTPUT_EXISTS").saying("`d`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_refused_until_there_is_room_again() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, JobSettings { max_queued: 1, ..one_at_a_time() }).await;
    let first = start(service.runs(), start_request()).await;
    let second = start(service.runs(), start_request()).await;
    refused(service.runs().start_run(start_request()).await, Code::ResourceExhausted, "QUEUE_FULL");
    std::fs::write(world.path("go"), "").expect("written");
    for job in [first, second] {
        assert_eq!(ended(service.runs(), &job.job_id).await.status(), JobStatus::Succeeded);
    }
    start(service.runs(), start_request()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_crashes_still_makes_a_run() {
    let world = world_of_jobs("echo oh >&2; exit 9");
    let service = serve(&world, JobSettings::default()).await;
    let job = start(service.runs(), start_request()).await;
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!((job.status(), job.exit_code), (JobStatus::Succeeded, Some(5)), "{job:?}");
    let request = pb::GetRetainedRunRequest { run_id: job.run_id, ..Default::default() };
    let run = service.retained().get_retained_run(request).await.expect("a run").into_inner().run.expect("a run");
    assert_eq!(run.result_status(), pb::ResultStatus::InfrastructureError);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_dies_without_a_summary_fails_the_job_with_its_last_lines() {
    let world = world_of_jobs("");
    for (script, exit_code, signal, said) in [
        ("for n in $(seq 100); do echo line $n; done; exit 7", Some(7), None, "exit code 7"),
        ("mkdir \"$out\"; echo last words; kill -9 $$", None, Some(9), "signal 9"),
        ("mkdir \"$out\"; echo '{' > \"$out/retention-summary.json\"", Some(0), None, "no readable summary"),
    ] {
        let program = stand_in(&world, script);
        let service = serve_by(&world, JobSettings::default(), program).await;
        let job = start(service.runs(), start_request()).await;
        let job = ended(service.runs(), &job.job_id).await;
        assert_eq!((job.status(), job.exit_code, job.signal), (JobStatus::Failed, exit_code, signal), "{job:?}");
        let error = job.error.expect("an error");
        assert!(error.message.contains(said) && !error.message.contains("/tmp"), "{}", error.message);
        if exit_code == Some(7) {
            assert_eq!((error.log_lines.len(), error.log_lines[39].as_str()), (40, "line 100"));
        }
        let request = pb::GetRunReportsRequest { job_id: job.job_id, ..Default::default() };
        refused(service.runs().get_run_reports(request).await, Code::FailedPrecondition, "JOB_NOT_SUCCEEDED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_be_started_fails_the_job_without_telling_where_it_was_looked_for() {
    let world = world_of_jobs("");
    let service = serve_by(&world, JobSettings::default(), world.path("no-such-program")).await;
    let job = start(service.runs(), start_request()).await;
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!(job.status(), JobStatus::Failed);
    assert!(!format!("{job:?}").contains("no-such-program"), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_that_knows_no_progress_gives_status_log_and_the_id_of_its_summary() {
    let world = world_of_jobs("");
    let program = stand_in(
        &world,
        "mkdir \"$out\"; echo one; echo two >&2; echo '{\"run_id\": \"its-own\"}' > \"$out/retention-summary.json\"; exit 3",
    );
    let service = serve_by(&world, JobSettings::default(), program).await;
    let job = start(service.runs(), pb::StartRunRequest { output_dir: "here".to_owned(), ..start_request() }).await;
    let job = ended(service.runs(), &job.job_id).await;
    assert_eq!((job.status(), job.exit_code), (JobStatus::Succeeded, Some(3)), "whatever the exit code");
    assert_eq!((job.run_id.as_str(), job.directory.as_str()), ("its-own", "here"));
    assert!(job.progress.is_none() && job.error.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_there_once_the_job_has_succeeded_and_not_before() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, one_at_a_time()).await;
    let running = start(service.runs(), start_request()).await;
    let queued = start(service.runs(), start_request()).await;
    for (job, word) in [(&running, "running"), (&queued, "queued")] {
        let request = pb::GetRunReportsRequest { job_id: job.job_id.clone(), ..Default::default() };
        refused(service.runs().get_run_reports(request).await, Code::FailedPrecondition, "JOB_NOT_SUCCEEDED")
            .saying(word);
    }
    eventually("progress", async || get(service.runs(), &running.job_id).await.progress).await;
    std::fs::write(world.path("go"), "").expect("written");
    ended(service.runs(), &running.job_id).await;
    let request = pb::GetRunReportsRequest { job_id: running.job_id, kind: "nope".to_owned(), ..Default::default() };
    refused(service.runs().get_run_reports(request).await, Code::NotFound, "ARTIFACT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_by_page_and_status_and_counted() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world, one_at_a_time()).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, start(service.runs(), start_request()).await.job_id);
    }
    let list = async |request: pb::ListRunsRequest| service.runs().list_runs(request).await.expect("jobs").into_inner();
    let mut paged = Vec::new();
    let mut request = pb::ListRunsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = list(request.clone()).await;
        assert_eq!(page.total_size, 5);
        paged.extend(page.runs.into_iter().map(|job| job.job_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        let other = pb::ListRunsRequest { statuses: vec!["queued".to_owned()], ..request.clone() };
        refused_field(service.runs().list_runs(other).await, "FIELD_INVALID", "page_token");
        let elsewhere = Setup::new(&world.path("")).start().await;
        refused_field(elsewhere.runs().list_runs(request.clone()).await, "FIELD_INVALID", "page_token");
    }
    assert_eq!(paged, ids);
    let queued = list(pb::ListRunsRequest { statuses: vec!["queued".to_owned()], ..Default::default() }).await;
    assert_eq!((queued.total_size, queued.runs.len()), (4, 4));
    let none = list(pb::ListRunsRequest { statuses: vec!["failed".to_owned()], ..Default::default() }).await;
    assert_eq!((none.total_size, none.runs.len()), (0, 0));
    let info = service.catalog().get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner();
    let counts = info.jobs.expect("counts");
    assert_eq!((counts.queued, counts.running, counts.succeeded), (4, 1, 0));
    for (page_size, word, field) in [(-1, "queued", "page_size"), (0, "QUEUED", "statuses"), (0, "", "statuses")] {
        let request = pb::ListRunsRequest { page_size, statuses: vec![word.to_owned()], ..Default::default() };
        refused_field(service.runs().list_runs(request).await, "FIELD_INVALID", field);
    }
    std::fs::write(world.path("go"), "").expect("written");
}
