//! Roots that are mounts, in a server process with a mount namespace of its own: missing at the start, mounted, unmounted, mounted anew, and
//! mounted read-only, while another root serves.

use std::path::{Path, PathBuf};
use std::process::Command;

use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_client::CatalogServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::fixtures::{collect, eventually, put, put_summary, refused, refused_with, summary};
use super::served::{self, Served, start_request, waits_for_go, world_of_jobs};
use crate::support::World;

/// A server over `runs` and `mounted`, whose mounts nobody else sees; `None` where that cannot be had.
pub(super) struct Namespace {
    pub(super) server: Served,
    pub(super) world: World,
    channel: Channel,
}

impl Namespace {
    pub(super) async fn start(test: &str, runner: &str) -> Option<Self> {
        let own = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
        let possible = Command::new("unshare").args([own, "--", "true"]).output();
        if !possible.is_ok_and(|ran| ran.status.success()) {
            eprintln!("SKIPPED, NOT TESTED: {test}: a private mount namespace needs `unshare` and the right to use it");
            return None;
        }
        let world = world_of_jobs(runner);
        put_summary(&world.path("runs"), "plain", &summary("plain", "2026-01-01T00:00:00Z"));
        let mut command = world.command();
        let (program, directory) = (command.get_program().to_owned(), command.get_current_dir().map(Path::to_owned));
        command = Command::new("unshare");
        command.args([own, "--"]).arg(program).current_dir(directory.expect("a directory"));
        let arguments = [
            "--runs-dir",
            "mounted",
            "--poll-interval",
            "0.02",
            "--max-running-jobs",
            "1",
            "--extension-dir",
            "extensions",
        ];
        let server = Served::spawn(&world, &mut command, &arguments).await;
        let channel = server.channel().await;
        Some(Self { server, world, channel })
    }

    /// Runs a command in the server's namespace; whether it succeeded.
    pub(super) fn run(&self, words: &[&str]) -> bool {
        let mut command = Command::new("nsenter");
        if !rustix::process::geteuid().is_root() {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.arg(format!("--mount=/proc/{0}/ns/mnt", self.server.pid())).args(words);
        command.output().expect("nsenter runs").status.success()
    }

    pub(super) fn root(&self) -> String {
        self.world.path("mounted").to_str().expect("UTF-8").to_owned()
    }

    fn mount(&self) {
        self.mount_with("mode=755");
    }

    /// Mounts a filesystem of these options.
    pub(super) fn mount_with(&self, options: &str) {
        assert!(self.run(&["mount", "-t", "tmpfs", "-o", options, "tmpfs", &self.root()]), "mounted");
    }

    /// The mounted root as the server sees it.
    pub(super) fn inside(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.server.pid(), self.root()))
    }

    async fn listed(&self, runs_dir: &str) -> Result<Vec<String>, Status> {
        let request = pb::ListRetainedRunsRequest { runs_dir: runs_dir.to_owned(), ..Default::default() };
        let reply = self.server.client.retained().list_retained_runs(request).await?;
        Ok(reply.into_inner().runs.into_iter().map(|run| run.directory).collect())
    }

    pub(super) async fn wait_until_listed(&self, directory: &str) {
        eventually(directory, async || (self.listed("mounted").await.ok()? == [directory]).then_some(())).await;
    }

    /// Waits until the root is away for this reason, in the server's account of itself and in its health.
    async fn wait_until_away(&self, because: &str) {
        eventually(because, async || {
            let mut catalog = CatalogServiceClient::new(self.channel.clone());
            let roots = catalog.get_server_info(pb::GetServerInfoRequest {}).await.ok()?.into_inner().roots;
            (roots[1].state() == pb::RootState::Away && roots[1].message == because).then_some(())
        })
        .await;
        self.wait_until_health(ServingStatus::NotServing).await;
    }

    async fn wait_until_health(&self, expected: ServingStatus) {
        eventually("the health", async || {
            let request = HealthCheckRequest { service: "guideboard.v1.RetainedRunService/mounted".to_owned() };
            let reply = HealthClient::new(self.channel.clone()).check(request).await.ok()?;
            (reply.get_ref().status() == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_mounted_unmounted_and_mounted_anew_answers_for_what_it_is_while_the_other_serves() {
    let Some(namespace) = Namespace::start("mounted roots", "").await else { return };
    namespace.wait_until_away("its directory does not exist").await;
    assert_eq!(namespace.listed("runs").await.expect("the other"), ["plain"]);
    std::fs::create_dir(namespace.world.path("mounted")).expect("made");
    for round in ["first", "second"] {
        namespace.mount();
        put_summary(&namespace.inside(), round, &summary(round, "2026-01-01T00:00:00Z"));
        namespace.wait_until_listed(round).await;
        namespace.wait_until_health(ServingStatus::Serving).await;
        // Nothing of an idle server keeps the filesystem busy; only a look that is under way does, for a moment.
        eventually("an unmount", async || namespace.run(&["umount", &namespace.root()]).then_some(())).await;
        namespace.wait_until_away("its filesystem is unmounted").await;
        refuses_everything(&namespace, round).await;
        assert_eq!(namespace.listed("runs").await.expect("the other"), ["plain"]);
        let left = std::fs::read_dir(namespace.world.path("mounted")).expect("the mount point");
        assert_eq!(left.count(), 0, "nothing was written beneath the mount");
    }
}

/// Every call about a root that is away.
async fn refuses_everything(namespace: &Namespace, run_id: &str) {
    let (mut client, runs_dir, run_id) = (namespace.server.client.retained(), "mounted".to_owned(), run_id.to_owned());
    let away = |status: Status| drop(refused_with(status, Code::Unavailable, "ROOT_AWAY").saying("`mounted`"));
    away(namespace.listed("mounted").await.expect_err("away"));
    let request = pb::ListProblemsRequest { runs_dir: runs_dir.clone(), ..Default::default() };
    away(client.list_problems(request).await.expect_err("away"));
    let request =
        pb::GetRetainedRunRequest { runs_dir: runs_dir.clone(), run_id: run_id.clone(), ..Default::default() };
    away(client.get_retained_run(request).await.expect_err("away"));
    let request = pb::GetLatestRetainedRunRequest { runs_dir: runs_dir.clone(), ..Default::default() };
    away(client.get_latest_retained_run(request).await.expect_err("away"));
    let directory = run_id;
    let request = pb::GetRetainedRunReportsRequest {
        runs_dir: runs_dir.clone(),
        directory: directory.clone(),
        ..Default::default()
    };
    away(client.get_retained_run_reports(request).await.expect_err("away"));
    let request = pb::StreamArtifactManifestRequest {
        runs_dir: runs_dir.clone(),
        directory: directory.clone(),
        ..Default::default()
    };
    away(client.stream_artifact_manifest(request).await.expect_err("away"));
    let path = "retention-summary.json".to_owned();
    let request = pb::ReadArtifactRequest { runs_dir: runs_dir.clone(), directory, path, ..Default::default() };
    away(client.read_artifact(request).await.map(drop).expect_err("away"));
    for output_dir in ["", "a-name"] {
        let request =
            pb::StartRunRequest { runs_dir: runs_dir.clone(), output_dir: output_dir.to_owned(), ..start_request() };
        away(namespace.server.client.runs().start_run(request).await.expect_err("away"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_while_its_root_is_unmounted_fails_and_writes_nothing_beneath() {
    let Some(namespace) = Namespace::start("a job in an unmounted root", &waits_for_go()).await else { return };
    std::fs::create_dir(namespace.world.path("mounted")).expect("made");
    namespace.mount();
    put_summary(&namespace.inside(), "d", &summary("r", "2026-01-01T00:00:00Z"));
    namespace.wait_until_listed("d").await;
    let jobs = namespace.server.client.runs();
    let running = served::start(jobs.clone(), start_request()).await;
    let waiting = pb::StartRunRequest { runs_dir: "mounted".to_owned(), ..start_request() };
    let waiting = served::start(jobs.clone(), waiting).await;
    eventually("an unmount", async || namespace.run(&["umount", &namespace.root()]).then_some(())).await;
    std::fs::write(namespace.world.path("go"), "").expect("written");
    assert_eq!(served::ended(jobs.clone(), &running.job_id).await.status(), pb::JobStatus::Succeeded);
    let failed = served::ended(jobs, &waiting.job_id).await;
    assert_eq!(failed.status(), pb::JobStatus::Failed);
    assert!(failed.error.expect("an error").message.contains("its filesystem is unmounted"));
    assert_eq!(std::fs::read_dir(namespace.world.path("mounted")).expect("the mount point").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_mounted_read_only_is_served_in_full_and_starts_no_run() {
    let Some(namespace) = Namespace::start("a root mounted read-only", "").await else { return };
    std::fs::create_dir(namespace.world.path("mounted")).expect("made");
    namespace.mount();
    let root = namespace.inside();
    let mut absolute = summary("whole", "2026-01-01T00:00:00Z");
    absolute["report_paths"] = serde_json::json!({"report": "/srv/ci/whole/reports/report.md"});
    put(&root, "whole/reports/report.md", "# Report");
    put(&root, "whole/reports/assessment-package.json", r#"{"artifact_manifest":["artifacts/x"]}"#);
    put(&root, "whole/artifacts/x", "0123456789");
    put_summary(&root, "whole", &absolute);
    put(&root, "broken-off/artifacts/half", "half");
    put(&root, "broken-off/run.json", "{}");
    assert!(namespace.run(&["mount", "-o", "remount,ro", &namespace.root()]), "mounted read-only");
    namespace.wait_until_listed("whole").await;
    let (mut client, runs_dir) = (namespace.server.client.retained(), "mounted".to_owned());
    let request = pb::ListProblemsRequest { runs_dir: runs_dir.clone(), ..Default::default() };
    let problems = client.list_problems(request).await.expect("problems").into_inner().problems;
    assert_eq!(problems[0].reason(), pb::ProblemReason::Incomplete);
    for (run_id, directory) in [("whole", ""), ("", "whole")] {
        let (run_id, directory) = (run_id.to_owned(), directory.to_owned());
        let request = pb::GetRetainedRunRequest {
            runs_dir: runs_dir.clone(),
            run_id: run_id.clone(),
            directory: directory.clone(),
        };
        client.get_retained_run(request).await.expect("a run");
        let include_contents = true;
        let request = pb::GetRetainedRunReportsRequest {
            runs_dir: runs_dir.clone(),
            run_id,
            directory,
            include_contents,
            ..Default::default()
        };
        let reply = client.get_retained_run_reports(request).await.expect("reports").into_inner();
        assert_eq!(reply.reports.last().and_then(|report| report.contents.as_deref()), Some(b"# Report".as_slice()));
    }
    let request = pb::GetLatestRetainedRunRequest { runs_dir: runs_dir.clone(), ..Default::default() };
    client.get_latest_retained_run(request).await.expect("the latest");
    for (directory, path, bytes) in [("whole", "artifacts/x", "0123456789"), ("broken-off", "artifacts/half", "half")] {
        let (directory, path) = (directory.to_owned(), path.to_owned());
        let request = pb::StreamArtifactManifestRequest {
            runs_dir: runs_dir.clone(),
            directory: directory.clone(),
            include_unlisted: true,
            ..Default::default()
        };
        let messages = collect(client.stream_artifact_manifest(request).await).await.expect("a manifest");
        let mut entries = messages.iter().flat_map(|message| &message.artifact_manifest);
        assert!(entries.any(|entry| entry.path == path && entry.state() == pb::FileState::Present), "{path}");
        let compute_sha256 = true;
        let request = pb::ReadArtifactRequest {
            runs_dir: runs_dir.clone(),
            directory,
            path,
            compute_sha256,
            ..Default::default()
        };
        let messages = collect(client.read_artifact(request).await).await.expect("bytes");
        assert_eq!(messages[1].data.as_ref(), bytes.as_bytes());
    }
    let request = pb::StartRunRequest { runs_dir, ..start_request() };
    let outcome = namespace.server.client.runs().start_run(request).await;
    refused(outcome, Code::FailedPrecondition, "ROOT_READ_ONLY").saying("`mounted`");
    let mut catalog = CatalogServiceClient::new(namespace.channel.clone());
    let roots = catalog.get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner().roots;
    assert_eq!((roots[1].state(), roots[1].read_only), (pb::RootState::Serving, true));
    assert_eq!((roots[0].state(), roots[0].read_only), (pb::RootState::Serving, false));
}
