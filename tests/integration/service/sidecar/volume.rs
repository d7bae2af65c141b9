//! A harness and a server of two users over volumes that both mount, as in a pod: a group of both owns the volumes' directories.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;

use super::super::fixtures::{self, collect};
use super::super::listening_unix::over;
use super::super::served::{self, world_of_jobs};
use crate::support::{World, eventually};

/// The users, each with a group of its own, and the group of the volumes.
const SERVER: &str = "65532";
const HARNESS: &str = "61000";
const STRANGER: &str = "61001";
const VOLUMES: u32 = 61010;

/// The binary as a user, in the volumes' group or not; umask 022.
fn binary_as(world: &World, user: &str, groups: &str) -> Command {
    let own = world.command();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--groups", groups, "--"]).arg(own.get_program());
    command.current_dir(world.path("")).env_clear().env("HOME", "/").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// A directory as the kubelet makes one of a pod that has an fsGroup.
fn volume(path: &Path) {
    std::fs::create_dir_all(path).expect("made");
    chown(path, Some(0), Some(VOLUMES)).expect("owned");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o2777)).expect("set");
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_harness_of_the_group_reaches_the_socket_and_its_runs_are_served_and_a_stranger_does_not() {
    let world = world_of_jobs("");
    let mut possible = binary_as(&world, SERVER, &VOLUMES.to_string());
    std::fs::set_permissions(world.path(""), std::fs::Permissions::from_mode(0o755)).expect("set");
    if !possible.arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        eprintln!(
            "SKIPPED, NOT TESTED: two users over one volume: needs root, `setpriv`, and a build that others may execute"
        );
        return;
    }
    for name in ["runs", "socket"] {
        volume(&world.path(name));
    }
    let group = VOLUMES.to_string();
    let mut command = binary_as(&world, SERVER, &group);
    command.args(["serve", "--uds", "socket/board.sock", "--uds-mode", "0660", "--poll-interval", "0.05"]);
    let mut server = Server(command.stderr(Stdio::null()).spawn().expect("started"));
    let url = "unix:socket/board.sock";
    let asked = |user: &str, groups: &str, words: &[&str]| {
        let ended = binary_as(&world, user, groups).args(words).output().expect("ran");
        (
            ended.status.code(),
            format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr)),
        )
    };
    let probe = asked(HARNESS, &group, &["health", "--server", url, "--wait", "30"]);
    assert_eq!(probe, (Some(0), "SERVING\n".to_owned()));
    // What the harness writes, the server reads, although neither is in the other's own group.
    let target = ["run", "--target", "bundled:profiles/targets/sample-repository.json"];
    let assessment = ["--assessment", "bundled:profiles/assessments/sample-noop.json", "--output-dir", "runs/made"];
    let run = asked(HARNESS, &group, &[target.as_slice(), &assessment].concat());
    assert_eq!(run.0, Some(0), "{run:?}");
    let channel = over(&world.path("socket/board.sock")).await.expect("connected");
    let mut retained = RetainedRunServiceClient::new(channel);
    let request = || pb::ReadArtifactRequest {
        directory: "made".to_owned(),
        path: "reports/report.md".to_owned(),
        ..Default::default()
    };
    fixtures::eventually("the run", async || collect(retained.read_artifact(request()).await).await.ok()).await;
    // What a umask keeps from the group is told as a problem.
    let mut private = binary_as(&world, HARNESS, &group);
    private.args(["run", "--output-dir", "runs/private"]).args(&target[1..]).args(&assessment[..2]);
    let narrowed = "umask 077; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", narrowed]).arg(private.get_program()).args(private.get_args()).current_dir(world.path(""));
    assert!(shell.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("ran").success());
    fixtures::eventually("the problem", async || {
        let request = pb::ListProblemsRequest { reasons: vec!["summary_unreadable".to_owned()], ..Default::default() };
        let problems = retained.list_problems(request).await.ok()?.into_inner().problems;
        problems.iter().any(|problem| problem.directory == "private").then_some(())
    })
    .await;
    let (code, told) = asked(STRANGER, STRANGER, &["health", "--server", url]);
    assert_eq!((code, told.starts_with("UNREACHABLE\n")), (Some(8), true), "{told}");
    served::signal(&server.0, rustix::process::Signal::TERM);
    assert!(eventually("its end", None, || server.0.try_wait().expect("asked")).success());
    assert!(!world.path("socket/board.sock").exists());
}
