//! `deploy/kubernetes/run-as-job` as the command of a server's jobs, before a cluster that executes containers on this machine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use guide_board::wire::pb::{self, JobEventKind as Kind, JobStatus};
use serde_json::{Value, json};

use super::cluster::{Cluster, Fate, arguments, assessment, read_manifest};
use super::fixtures::{collect, eventually};
use super::served::{Served, ended, get, start, start_request, waits_for_go, world_of_jobs};
use crate::support::{World, is_alive, pids, reports};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes/run-as-job");

async fn serve(world: &World, cluster: &Cluster) -> Served {
    let mut command = world.command();
    cluster.serve_to(&mut command);
    Served::spawn(world, &mut command, &["--cli-command", SCRIPT, "--job-grace", "20"]).await
}

async fn log_of(server: &Served, job_id: &str) -> Vec<String> {
    let request = pb::WatchRunRequest { job_id: job_id.to_owned(), after: 0 };
    let messages = collect(server.client.runs().watch_run(request).await).await.expect("a whole stream");
    let events = messages.into_iter().flat_map(|message| message.events);
    events.filter(|event| event.kind() == Kind::Log).map(|event| event.log_line).collect()
}

async fn problems(server: &Served) -> Vec<(String, pb::ProblemReason)> {
    let request = pb::ListProblemsRequest::default();
    let problems = server.client.retained().list_problems(request).await.expect("problems").into_inner().problems;
    problems.into_iter().map(|problem| (problem.directory.clone(), problem.reason())).collect()
}

/// The script itself, with a cluster.
fn script(world: &World, cluster: &Cluster, arguments: &[&OsStr]) -> Output {
    let mut command = Command::new(SCRIPT);
    cluster.serve_to(&mut command).current_dir(world.path("")).args(arguments).output().expect("executed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_the_cluster_is_found_with_its_progress_its_log_and_hostile_labels_unchanged() {
    let world = world_of_jobs(&reports("pass"));
    let cluster = Cluster::new(&world, Fate::Runs);
    let server = serve(&world, &cluster).await;
    let labels: std::collections::BTreeMap<String, String> = [
        ("variable", "$(HOME) $$(HOME) $HOME ${HOME} $"),
        ("quotes", "'; touch pwned; ' \" \\ \\n \\u0041 `id` %s"),
        ("yaml", "x\"]}, {key: - |-  # & *"),
        ("letters", "é 𝒳 \u{2028}\u{feff}\u{fffd} "),
        ("option", "--output-dir"),
        ("empty", ""),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let request = pb::StartRunRequest { labels: labels.clone(), ..start_request() };
    let job = start(server.client.runs(), request).await;
    let log = log_of(&server, &job.job_id).await;
    let job = ended(server.client.runs(), &job.job_id).await;
    assert_eq!((job.status(), job.exit_code), (JobStatus::Succeeded, Some(0)), "{job:?}");
    let progress = job.progress.expect("progress");
    assert_eq!((progress.done, progress.total), (2, 2));
    assert!(log.iter().any(|line| line.starts_with("run-as-job: the Job assessment-")), "{log:?}");
    let request = pb::GetRetainedRunRequest { run_id: job.run_id, ..Default::default() };
    let run = server.client.retained().get_retained_run(request).await.expect("the run").into_inner().run;
    let told = run.expect("a run").labels;
    assert_eq!(told.into_iter().collect::<std::collections::BTreeMap<_, _>>(), labels);
    assert!(!world.path("pwned").exists() && cluster.deleted().is_empty());
    let made = cluster.made();
    let container = &made[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((made.len(), &container["image"]), (1, &json!("registry.example/other:2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_deletes_the_job_before_it_is_over_and_leaves_the_directory_incomplete() {
    let world = world_of_jobs(&waits_for_go());
    let cluster = Cluster::new(&world, Fate::Runs);
    let server = serve(&world, &cluster).await;
    let request = pb::StartRunRequest { output_dir: "stopped".to_owned(), ..start_request() };
    let job = start(server.client.runs(), request).await;
    eventually("progress", async || get(server.client.runs(), &job.job_id).await.progress).await;
    let pids = pids(&world.path("runs/stopped/artifacts/probe"), &["runner"]);
    let request = pb::CancelRunRequest { job_id: job.job_id.clone() };
    server.client.runs().cancel_run(request).await.expect("accepted");
    let job = ended(server.client.runs(), &job.job_id).await;
    // No waiting from here on.
    assert_eq!((cluster.deleted().len(), cluster.running()), (1, 0));
    assert!(!pids.iter().copied().any(is_alive));
    assert_eq!((job.status(), job.exit_code), (JobStatus::Cancelled, Some(143)), "{job:?}");
    let log = log_of(&server, &job.job_id).await;
    assert!(log.iter().any(|line| line.ends_with("and its pod are gone")), "{log:?}");
    assert_eq!(problems(&server).await, [("stopped".to_owned(), pb::ProblemReason::Incomplete)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_job_in_the_cluster() {
    let world = world_of_jobs(&waits_for_go());
    let cluster = Cluster::new(&world, Fate::Runs);
    let server = serve(&world, &cluster).await;
    let job = start(server.client.runs(), start_request()).await;
    eventually("progress", async || get(server.client.runs(), &job.job_id).await.progress).await;
    server.kill();
    eventually("the deletion", async || (cluster.deleted().len() == 1).then_some(())).await;
    assert_eq!(cluster.running(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_did_to_a_job_stands_in_its_error() {
    let world = world_of_jobs("");
    let unschedulable = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes\nare free"}]});
    let image = assessment(&json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}));
    let name = assessment(&json!({"waiting": {"reason": "InvalidImageName", "message": "no name"}}));
    let memory = assessment(&json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}}));
    let start_error =
        assessment(&json!({"terminated": {"reason": "StartError", "exitCode": 128, "message": "no such program"}}));
    let evicted = json!({"reason": "Evicted", "message": "The node was low on resource: memory."});
    let exceeded = "BackoffLimitExceeded";
    // What becomes of it, the exit code, what is said, and whether the Job is left for whoever wants to look at it.
    let fates = [
        (Fate::Waits(unschedulable), 125, "did not start within 0 seconds: Unschedulable: 0/3 nodes are free", false),
        (Fate::Waits(image), 125, "did not start within 0 seconds: ImagePullBackOff: no such image", false),
        (Fate::Waits(name), 125, "cannot start: InvalidImageName: no name", false),
        (Fate::Fails(memory, exceeded), 137, "more memory than its limit allows (OOMKilled)", true),
        (Fate::Fails(start_error, exceeded), 128, "StartError: no such program", true),
        (Fate::Fails(evicted, exceeded), 125, "Evicted: The node was low on resource: memory.", true),
        (Fate::Fails(Value::Null, exceeded), 125, "without an exit code", true),
        (Fate::Fails(Value::Null, "DeadlineExceeded"), 124, "activeDeadlineSeconds", true),
    ];
    let cluster = Cluster::new(&world, Fate::Runs);
    let mut command = world.command();
    cluster.serve_to(&mut command).env("RUN_AS_JOB_START_SECONDS", "0");
    let server = Served::spawn(&world, &mut command, &["--cli-command", SCRIPT]).await;
    let mut left = 0;
    for (fate, exit_code, said, stays) in fates {
        cluster.next_fate(fate);
        let job = start(server.client.runs(), start_request()).await;
        let job = ended(server.client.runs(), &job.job_id).await;
        assert_eq!((job.status(), job.exit_code), (JobStatus::Failed, Some(exit_code)), "{job:?}");
        let lines = job.error.expect("an error").log_lines;
        assert!(lines.iter().any(|line| line.contains(said)), "`{said}` is not in {lines:?}");
        left += usize::from(stays);
        assert_eq!(cluster.made().len() - cluster.deleted().len(), left, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_is_lost_or_told_twice_when_the_connection_breaks_off() {
    let world = world_of_jobs("");
    let go = world.path("go");
    let text =
        format!("echo one; echo two; until test -e '{}'; do sleep 0.02; done; printf three; exit 7", go.display());
    let cluster = Cluster::new(&world, Fate::Script(text));
    let server = serve(&world, &cluster).await;
    let job = start(server.client.runs(), start_request()).await;
    eventually("the first lines", async || {
        let job = get(server.client.runs(), &job.job_id).await;
        let logs = std::fs::read_dir(world.path("cluster")).expect("listed");
        let follows =
            |path: &Path| std::fs::read_to_string(path.join("args")).is_ok_and(|args| args.contains("--follow"));
        assert!(job.ended_at.is_none(), "{job:?}");
        (logs.filter(|entry| follows(&entry.as_ref().expect("an entry").path())).count() > 1).then_some(())
    })
    .await;
    std::fs::write(go, "").expect("written");
    let job = ended(server.client.runs(), &job.job_id).await;
    let lines = job.error.expect("an error").log_lines;
    let lines: Vec<_> = lines.iter().map(String::as_str).filter(|line| !line.starts_with("run-as-job")).collect();
    assert_eq!((lines, job.exit_code), (vec!["one", "two", "three"], Some(7)));
}

#[test]
fn arguments_reach_the_container_as_they_are_or_are_refused() {
    let world = World::new();
    let cluster = Cluster::new(&world, Fate::Script("exit 3".to_owned()));
    let directory = world.path("runs/here");
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::write(directory.join("retention-summary.json"), "{}").expect("written");
    let hostile = "a=\n- x\r\n\u{1}\u{7f}\u{85}\t\"\n\n";
    let given =
        ["run", "--label", hostile, "--output-dir", directory.to_str().expect("UTF-8"), "--label", "--output-dir"];
    let output = script(&world, &cluster, &given.map(OsStr::new));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(arguments(&cluster.made()[0]), given);
    let bytes = OsStr::from_bytes(b"a=\xff");
    for refused in [
        vec![OsStr::new("run"), OsStr::new("--output-dir"), OsStr::new("runs/relative")],
        vec![OsStr::new("run"), OsStr::new("--output-dir"), directory.as_os_str(), OsStr::new("--label"), bytes],
        vec![OsStr::new("plan"), OsStr::new("--output-dir"), directory.as_os_str()],
        vec![],
    ] {
        let output = script(&world, &cluster, &refused);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    assert_eq!(cluster.made().len(), 1);
}

#[test]
fn a_run_that_is_not_to_be_seen_here_is_no_success() {
    let world = World::new();
    let cluster = Cluster::new(&world, Fate::Script("exit 0".to_owned()));
    let mut command = Command::new(SCRIPT);
    cluster.serve_to(&mut command).env("RUN_AS_JOB_VISIBLE_SECONDS", "0");
    let output = command.args(["run", "--output-dir"]).arg(world.path("elsewhere")).output().expect("executed");
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no run is to be seen"), "{output:?}");
}

#[test]
fn the_manifest_is_the_one_that_the_documents_show_and_gives_the_container_no_more_than_it_needs() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(repository.join("deploy/kubernetes/assessment-job.yaml")).expect("the manifest");
    let shown = std::fs::read_to_string(repository.join("docs/kubernetes-jobs.md")).expect("the document");
    assert!(shown.contains(&format!("```yaml\n{text}```\n")), "docs/kubernetes-jobs.md shows another manifest");
    let job = read_manifest(&text);
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("Job")));
    assert_eq!(job["metadata"]["labels"]["app.kubernetes.io/managed-by"], "run-as-job");
    assert_eq!(job["spec"]["backoffLimit"], 0);
    let seconds = |pointer: &str| job.pointer(pointer).and_then(Value::as_u64).expect("seconds");
    assert!(seconds("/spec/activeDeadlineSeconds") < 86400, "less than the default of --job-time-limit");
    assert!(seconds("/spec/ttlSecondsAfterFinished") > 0);
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!((&pod["restartPolicy"], &pod["automountServiceAccountToken"]), (&json!("Never"), &json!(false)));
    assert!(
        seconds("/spec/template/spec/terminationGracePeriodSeconds") < 60,
        "less than the --job-grace that is shown"
    );
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
    let container = &pod["containers"][0];
    assert_eq!(container["name"], "assessment");
    let expected =
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(container["securityContext"], expected);
    let mounts = container["volumeMounts"].as_array().expect("a list");
    for mount in mounts {
        let writable = mount["name"] != "profiles";
        assert_eq!(mount.get("readOnly").is_none(), writable, "{mount}");
        let volumes = pod["volumes"].as_array().expect("a list");
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).expect("a volume");
        assert_eq!(volume.get("emptyDir").is_some(), mount["name"] == "tmp", "{volume}");
        // The paths that the shown server has.
        let path = mount["mountPath"].as_str().expect("a path");
        assert!(shown.contains(&format!("-dir {path} ")) || path == "/tmp", "no flag of the shown server names {path}");
    }
    assert_eq!(mounts.len(), 3);
}
