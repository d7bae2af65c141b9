//! The story itself: start, assess, kill, restart, find again, fetch, verify.

use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tonic::{Code, Status};

use super::child::Server;
use super::{ASSESSMENT, Scene, TARGET, say};
use crate::cli::exit::{self, Failure};
use crate::cli::runs::{findings_of, result_word};
use crate::cli::terminal;
use crate::cli::values::quoted;
use crate::client::Client;
use crate::model::Severity;
use crate::repository::layout;
use crate::wire::pb;

/// How long the assessment may take.
const JOB_TIMEOUT: Duration = Duration::from_secs(600);
/// How long to wait between two looks at the job.
const POLL: Duration = Duration::from_millis(100);
/// How many findings are shown.
const TOP_FINDINGS: usize = 5;
/// The largest document that the story reads, in bytes.
const MAX_DOCUMENT: usize = 64 << 20;

pub(super) async fn tell(scene: &Scene, keep_serving: bool) -> Result<(), Failure> {
    let (server, client) = Server::start(scene).await?;
    say(&format!("1. A server listens on {} (pid {}) over ./runs.", server.address, server.id()))?;
    let job = start(&client, scene).await?;
    say(&format!("2. StartRun: {} assesses `{}` with `{}`.", job.job_id, scene.target_id, scene.assessment_id))?;
    let job = follow(&client, job).await?;
    say(&format!(
        "3. GetRun: the job {}; its run is {}.",
        job.status().as_str_name().trim_start_matches("JOB_STATUS_").to_ascii_lowercase(),
        job.run_id
    ))?;
    let killed = server.id();
    server.kill()?;
    say(&format!("4. The server (pid {killed}) is killed with SIGKILL; its memory is gone."))?;
    let (server, client) = Server::start(scene).await?;
    say(&format!(
        "5. Another server listens on {} (pid {}); {}.",
        server.address,
        server.id(),
        ask_for(&client, &job.job_id).await?
    ))?;
    let (run, summary) = latest(&client, scene).await?;
    say(&format!("6. GetLatestRetainedRun finds {} again, from its directory.", run.run_id))?;
    if run.run_id != job.run_id {
        return Err(Failure::new(
            exit::INTERNAL,
            format!("the latest run is {}, not the job's run {}", run.run_id, job.run_id),
        ));
    }
    outcome(&client, &run).await?;
    let artifacts = manifest(&client, &run).await?;
    let bytes: u64 = artifacts.iter().filter_map(|artifact| artifact.size_bytes).sum();
    let count = terminal::counted(u64::try_from(artifacts.len()).unwrap_or(u64::MAX), "artifact");
    say(&format!("7. StreamArtifactManifest: {count}, {}.", terminal::size(bytes)))?;
    // The largest says the most; an empty one would prove nothing.
    let artifact = artifacts
        .iter()
        .filter(|artifact| artifact.state() == pb::FileState::Present && !artifact.sha256.is_empty())
        .max_by_key(|artifact| artifact.size_bytes)
        .ok_or_else(|| Failure::new(exit::INTERNAL, "the run has no artifact with a digest"))?;
    let bytes = read(&client, &run, &artifact.path, &artifact.sha256).await?;
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
    if digest != artifact.sha256 {
        return Err(Failure::new(exit::REFUSED, format!("{} has another digest than recorded", artifact.path)));
    }
    say(&format!(
        "8. ReadArtifact: {}, {}, SHA-256 {}… as recorded.",
        terminal::cell(&artifact.path),
        terminal::counted(u64::try_from(bytes.len()).unwrap_or(u64::MAX), "byte"),
        digest.get(..16).unwrap_or_default()
    ))?;
    say(&format!("\nThe report for people: runs/{}/{}", run.directory, report_path(&summary)))?;
    if keep_serving {
        invite(&server, &run, &artifact.path)?;
        scene.set_told();
        std::future::pending::<()>().await;
    }
    server.stop().await
}

async fn start(client: &Client, scene: &Scene) -> Result<pb::Job, Failure> {
    let request = pb::StartRunRequest {
        target: TARGET.to_owned(),
        assessment: ASSESSMENT.to_owned(),
        labels: scene.label(),
        ..Default::default()
    };
    let reply = client.runs().start_run(request).await?.into_inner();
    Ok(reply.run.unwrap_or_default())
}

/// Polls a job until it ends, showing its progress.
async fn follow(client: &Client, job: pb::Job) -> Result<pb::Job, Failure> {
    let bar = terminal::check_bar();
    let deadline = Instant::now() + JOB_TIMEOUT;
    let ended = loop {
        let request = pb::GetRunRequest { job_id: job.job_id.clone() };
        let now = client.runs().get_run(request).await?.into_inner().run.unwrap_or_default();
        if let Some(progress) = &now.progress {
            bar.set_length(progress.total.into());
            bar.set_position(progress.done.into());
            let is_between = progress.current_check.is_empty();
            bar.set_message(terminal::cell(if is_between { &progress.last_check } else { &progress.current_check }));
        }
        if now.ended_at.is_some() {
            break now;
        }
        if Instant::now() > deadline {
            return Err(Failure::new(exit::SERVER, "the assessment did not end in time"));
        }
        tokio::time::sleep(POLL).await;
    };
    bar.finish_and_clear();
    if ended.status() == pb::JobStatus::Succeeded {
        return Ok(ended);
    }
    let error = ended.error.unwrap_or_default();
    Err(Failure::new(exit::INTERNAL, format!("{}\n{}", error.message, error.log_lines.join("\n"))))
}

/// Shows that jobs do not outlive a restart.
async fn ask_for(client: &Client, job_id: &str) -> Result<String, Failure> {
    match client.runs().get_run(pb::GetRunRequest { job_id: job_id.to_owned() }).await {
        Err(status) if status.code() == Code::NotFound => Ok("the job is unknown to it, as it should be".to_owned()),
        Err(status) => Err(status.into()),
        Ok(_) => Err(Failure::new(exit::INTERNAL, "the new server knows a job of the old one")),
    }
}

async fn latest(client: &Client, scene: &Scene) -> Result<(pb::RetainedRun, pb::RunSummary), Failure> {
    let request = pb::GetLatestRetainedRunRequest {
        target: scene.target_id.clone(),
        assessment: scene.assessment_id.clone(),
        // Run times are whole seconds: without it, two stories told within one second would find each other's runs.
        labels: scene.label(),
        ..Default::default()
    };
    let reply = client.retained().get_latest_retained_run(request).await?.into_inner();
    Ok((reply.run.unwrap_or_default(), reply.summary.unwrap_or_default()))
}

/// Tells how the run ended, and its gravest findings.
async fn outcome(client: &Client, run: &pb::RetainedRun) -> Result<(), Failure> {
    let word = result_word(run.result_status(), &run.result_status_word);
    say(&format!("   outcome   {}", terminal::coloured(&word)))?;
    say(&format!("   findings  {}", findings_of(&run.finding_counts)))?;
    let bytes = read(client, run, layout::FINDINGS, "").await?;
    let mut findings: Vec<Value> = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(exit::INTERNAL, format!("the findings cannot be read: {error}")))?;
    findings.sort_by_key(|finding| std::cmp::Reverse(severity(finding)));
    for finding in findings.iter().take(TOP_FINDINGS) {
        let text = |key: &str| terminal::cell(finding.get(key).and_then(Value::as_str).unwrap_or_default());
        say(&format!("     {}  {}", terminal::severity(&text("severity")), text("title")))?;
    }
    if findings.len() > TOP_FINDINGS {
        say(&format!("     and {} more", findings.len() - TOP_FINDINGS))?;
    }
    Ok(())
}

fn severity(finding: &Value) -> Option<Severity> {
    Severity::from_word(finding.get("severity")?.as_str()?)
}

async fn manifest(client: &Client, run: &pb::RetainedRun) -> Result<Vec<pb::Artifact>, Failure> {
    let request = pb::StreamArtifactManifestRequest { run_id: run.run_id.clone(), ..Default::default() };
    let mut stream = client.retained().stream_artifact_manifest(request).await?.into_inner();
    let mut artifacts = Vec::new();
    while let Some(message) = stream.message().await? {
        artifacts.extend(message.artifact_manifest);
    }
    Ok(artifacts)
}

/// Reads a whole output.
async fn read(client: &Client, run: &pb::RetainedRun, path: &str, sha256: &str) -> Result<Vec<u8>, Failure> {
    let request = pb::ReadArtifactRequest {
        run_id: run.run_id.clone(),
        path: path.to_owned(),
        expected_sha256: sha256.to_owned(),
        ..Default::default()
    };
    let mut stream = client.retained().read_artifact(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        bytes.extend_from_slice(&message.data);
        if bytes.len() > MAX_DOCUMENT {
            return Err(Failure::from(Status::out_of_range("the document is larger than the story reads")));
        }
    }
    Ok(bytes)
}

fn report_path(summary: &pb::RunSummary) -> String {
    summary.report_paths.get("report").cloned().unwrap_or_else(|| layout::REPORT.to_owned())
}

fn invite(server: &Server, run: &pb::RetainedRun, artifact: &str) -> Result<(), Failure> {
    let (address, run_id) = (server.address, &run.run_id);
    let (service, program) = ("guideboard.v1.RetainedRunService", program());
    let path = quoted(&serde_json::json!({"run_id": run_id, "path": artifact}).to_string());
    say(&format!(
        "\nThe server keeps serving until Ctrl-C. Try:\n\n\
         \x20 grpcurl -plaintext {address} list\n\
         \x20 grpcurl -plaintext {address} describe {service}\n\
         \x20 grpcurl -plaintext -d '{{\"page_size\": 5}}' {address} {service}/ListRetainedRuns\n\
         \x20 grpcurl -plaintext -d '{{\"run_id\": \"{run_id}\"}}' {address} {service}/GetRetainedRunReports\n\
         \x20 grpcurl -plaintext -d '{{\"run_id\": \"{run_id}\"}}' {address} {service}/StreamArtifactManifest\n\
         \x20 grpcurl -plaintext -d {path} {address} {service}/ReadArtifact\n\n\
         or, without a server:\n\n\
         \x20 {program} runs list\n\
         \x20 {program} runs report --run-id {run_id}"
    ))
}

/// This program as the one who reads can call it: by the path that it was called by, or by its name.
fn program() -> String {
    std::env::args().next().map_or_else(|| "guide-board".to_owned(), |path| quoted(&path))
}
