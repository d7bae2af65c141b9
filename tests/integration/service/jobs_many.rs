//! Many jobs: a thousand that are found at once by whoever sees them succeed, and five hundred that leave a server as it was.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use guide_board::client::Transport;
use guide_board::jobs::{JobSettings, JobTable, Launcher};
use guide_board::wire::pb::run_service_client::RunServiceClient;
use guide_board::wire::pb::{self, JobStatus};

use super::fixtures::{Setup, eventually};
use super::served::{Served, ended, start, start_request, world_of_jobs};
use crate::support::{World, is_alive};

fn named(directory: String) -> pb::StartRunRequest {
    pb::StartRunRequest { output_dir: directory, ..start_request() }
}

/// How long the loops go on after their number is reached.
fn loop_time() -> Duration {
    let seconds = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok();
    Duration::from_secs(seconds.map_or(0, |text| text.parse().expect("a number of seconds")))
}

/// A command line that stands in; of its arguments the seventh is the run's directory.
fn command_line(world: &World, script: &str) -> PathBuf {
    let path = world.path("cli.sh");
    std::fs::write(&path, format!("#!/bin/sh\nout=$7\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("executable");
    path
}

/// How many clients ask for jobs at once.
const CLIENTS: u64 = 6;

/// Watches a job to its end.
async fn watch_to_the_end(mut runs: RunServiceClient<Transport>, job: &pb::Job) {
    let request = pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 };
    let mut watch = runs.watch_run(request).await.expect("a watch").into_inner();
    let is_end = |event: &pb::JobEvent| event.run.as_ref().is_some_and(|run| run.ended_at.is_some());
    // Not to the end of the stream: what the event says must hold at once.
    while !watch.message().await.expect("a message").expect("an end").events.iter().any(is_end) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_that_a_job_succeeded_finds_its_run_at_once_a_thousand_times() {
    let world = world_of_jobs("");
    let script = "mkdir -p \"$out/reports\"; echo words > \"$out/reports/report.md\"; \
         printf '{\"run_id\": \"%s\", \"report_paths\": {\"report\": \"reports/report.md\"}}' \"${out##*/}\" > \"$out/retention-summary.json\"";
    let launcher = Launcher {
        program: env!("CARGO_BIN_EXE_guide-board").into(),
        cli_command: vec![command_line(&world, script).into()],
        root: world.path(""),
        extension_dirs: Vec::new(),
    };
    let settings = JobSettings { max_running: 4, history: 100, ..JobSettings::default() };
    let service = Setup::new(&world.path(""))
        .with(|config| config.jobs = JobTable::new(settings, launcher, "another-process".to_owned()))
        .with(|config| config.poll_interval = Duration::from_secs(600))
        .start()
        .await;
    let (begun, until, next) = (Instant::now(), Instant::now() + loop_time(), AtomicU64::new(0));
    let client = async || {
        let mut found = 0_i64;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= 1000 && Instant::now() >= until {
                return found;
            }
            let job = start(service.runs(), named(format!("run-{number}"))).await;
            // By turns with a watch and by asking again and again, which costs more.
            if number.is_multiple_of(4) {
                ended(service.runs(), &job.job_id).await;
            } else {
                watch_to_the_end(service.runs(), &job).await;
            }
            let request = pb::GetRetainedRunRequest { run_id: job.directory.clone(), ..Default::default() };
            service.retained().get_retained_run(request).await.expect("the run by its id");
            found += 1;
            let request = pb::ListRetainedRunsRequest { page_size: 1, ..Default::default() };
            let total = service.retained().list_retained_runs(request).await.expect("a list").into_inner().total_size;
            assert!(total >= found, "{total} runs are listed after {found} were found");
            let request = pb::GetRunReportsRequest { job_id: job.job_id.clone(), ..Default::default() };
            let reports = service.runs().get_run_reports(request).await.expect("reports").into_inner().reports;
            assert_eq!(reports.len(), 1);
        }
    };
    let found = tokio::join!(client(), client(), client(), client(), client(), client());
    let found: i64 = [found.0, found.1, found.2, found.3, found.4, found.5].iter().sum();
    assert!(found >= 1000 && next.load(Ordering::Relaxed) >= 1000 + CLIENTS, "{found}");
    println!("{found} jobs were found at once, in {:.1} s", begun.elapsed().as_secs_f64());
}

/// What a server process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    children: usize,
    descriptors: usize,
    threads: u64,
    resident_kib: u64,
}

impl Held {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
        let number = |key: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        Self {
            children: children_of(pid),
            descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors").count(),
            threads: number("Threads:"),
            resident_kib: number("VmRSS:"),
        }
    }
}

/// The child processes, those that have ended and were not waited for included.
fn children_of(pid: u32) -> usize {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let parent = |process: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        // After the name, which may hold anything: the state, then the parent.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    processes.filter_map(parent).filter(|parent| *parent == pid).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_short_jobs_leave_the_server_with_the_processes_descriptors_and_memory_it_had() {
    let world = world_of_jobs("");
    let script = format!(
        "fine() {{ mkdir \"$out\"; printf '{{\"run_id\": \"%s\"}}' \"${{out##*/}}\" > \"$out/retention-summary.json\"; }}\n\
         case \"${{out##*-}}\" in\n\
         *0) exec '{binary}' run --progress jsonl --output-dir \"$out\" --target bundled:profiles/targets/sample-repository.json \
         --assessment bundled:profiles/assessments/sample-noop.json;;\n\
         *1) echo broken >&2; kill -SEGV $$;;\n\
         *2) fine; (setsid sh -c 'echo $$ > \"$0/pid\"; exec sleep 600' \"$out\" > /dev/null 2>&1 &)\n\
         while ! test -s \"$out/pid\"; do sleep 0.02; done;;\n\
         *3) seq 2000; fine;;\n\
         *4) exec sleep 600;;\n\
         *) fine;;\n\
         esac",
        binary = env!("CARGO_BIN_EXE_guide-board"),
    );
    command_line(&world, &script);
    let arguments = ["--cli-command=./cli.sh", "--job-history=50", "--max-running-jobs=4", "--job-grace=0.5"];
    // Two lines a job are not worth reading.
    let server = Served::spawn(&world, world.command().env("GUIDE_BOARD_LOG", "warn"), &arguments).await;
    let (begun, until, next) = (Instant::now(), Instant::now() + loop_time(), AtomicU64::new(0));
    let daemons = Mutex::new(Vec::new());
    let client = async |last: u64| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= last && (last < 500 || Instant::now() >= until) {
                return;
            }
            let runs = server.client.runs();
            let job = start(runs.clone(), named(format!("soak-{number}"))).await;
            if number % 10 == 4 {
                let request = pb::CancelRunRequest { job_id: job.job_id.clone() };
                runs.clone().cancel_run(request).await.expect("cancelled");
            }
            // Every job is watched; of some the watch is given up.
            let mut watch = runs.clone();
            let watch = watch.watch_run(pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 }).await;
            let mut watch = watch.expect("a watch").into_inner();
            if number.is_multiple_of(3) {
                drop(watch);
            } else {
                while watch.message().await.expect("a message").is_some() {}
            }
            let expected = match number % 10 {
                1 => JobStatus::Failed,
                4 => JobStatus::Cancelled,
                _ => JobStatus::Succeeded,
            };
            let job = ended(runs, &job.job_id).await;
            assert_eq!(job.status(), expected, "{job:?}");
            // Runs are told by memory, too, but here only jobs are to show.
            let directory = world.path("runs").join(&job.directory);
            if let Ok(pid) = std::fs::read_to_string(directory.join("pid")) {
                daemons.lock().expect("no panic").push(pid.trim().parse::<u32>().expect("a pid"));
            }
            let _ = std::fs::remove_dir_all(directory);
        }
    };
    let mut held = Vec::new();
    for last in [50, 100, 500] {
        next.store(held.len() as u64 * 50, Ordering::Relaxed);
        tokio::join!(client(last), client(last), client(last), client(last), client(last), client(last));
        // What a job had is given back a moment after its end is told.
        let now = eventually("the end of all children", async || {
            let now = Held::of(server.pid());
            (now.children == 0).then_some(now)
        })
        .await;
        let jobs = next.load(Ordering::Relaxed) - CLIENTS;
        println!("after {jobs} jobs, {:.1} s: {now:?}", begun.elapsed().as_secs_f64());
        held.push(now);
    }
    let (early, warm) = (held[0], held[1]);
    let late = eventually("the descriptors of the beginning", async || {
        let now = Held::of(server.pid());
        (now.descriptors <= early.descriptors).then_some(now)
    })
    .await;
    // Threads for blocking work come as they are needed, as many as there are clients, and go when they are idle for long.
    assert!(late.threads <= early.threads + 8, "{early:?}, {late:?}");
    let grown = late.resident_kib.saturating_sub(warm.resident_kib);
    assert!(grown < 8 << 10, "{grown} KiB: {warm:?}, {late:?}");
    let daemons = daemons.into_inner().expect("no panic");
    assert!(daemons.len() >= 50 && !daemons.iter().copied().any(is_alive), "{daemons:?}");
    let info = pb::GetServerInfoRequest {};
    let mut catalog = pb::catalog_service_client::CatalogServiceClient::new(server.channel().await);
    let jobs = catalog.get_server_info(info).await.expect("info").into_inner().jobs.expect("counts");
    assert_eq!((jobs.queued, jobs.running, jobs.succeeded + jobs.failed + jobs.cancelled), (0, 0, 50));
}
