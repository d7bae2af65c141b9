//! `serve --die-with-parent`.

use std::process::Command;

use guide_board::wire::pb::JobStatus;

use super::super::jobs_stop::watched;
use super::super::served::{Served, start, start_request, waits_for_go, world_of_jobs};
use super::{log, log_to, shell};
use crate::support::{World, eventually, is_alive, pids};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_parent_was_killed_drains_and_ends_its_jobs_and_leaves_no_port_file() {
    // A runner that ends at once could let its run come to its end, in the moment before that is asked to end itself.
    let world = world_of_jobs(&format!("trap '' TERM\n{}", waits_for_go()));
    let mut parent = shell(&world, "\"$0\" \"$@\" --die-with-parent --parent-pid $$ & echo $! >server; wait");
    log_to(&world, &mut parent);
    let arguments = ["--extension-dir=extensions", "--drain=0.5", "--job-grace=0.7"];
    let parent = Served::spawn(&world, &mut parent, &arguments).await;
    let server = pids(&world.path(""), &["server"])[0];
    let mut request = start_request();
    request.output_dir = "cut".to_owned();
    let job = start(parent.client.runs(), request).await;
    let runner = pids(&world.path("runs/cut/artifacts/probe"), &["runner"])[0];
    let watcher = watched(&parent, &job).await;
    parent.kill();
    let told = watcher.await.expect("no panic");
    assert_eq!(told.status(), JobStatus::Cancelled, "whoever watches is told before the server goes: {told:?}");
    eventually("the end of the server", None, || (!is_alive(server)).then_some(()));
    assert!(!is_alive(runner) && !world.path("port").exists());
    let log = log(&world);
    assert!(log.contains("the process that started the server has ended") && log.contains("stopped"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_thread_that_started_a_server_is_not_that_of_its_parent() {
    let world = world_of_jobs("");
    let mut command = world.command();
    log_to(&world, &mut command);
    let runtime = tokio::runtime::Handle::current();
    let mut server = std::thread::scope(|scope| {
        let thread = scope.spawn(|| runtime.block_on(Served::spawn(&world, &mut command, &["--die-with-parent"])));
        thread.join().expect("started")
    });
    server
        .client
        .retained()
        .list_retained_runs(guide_board::wire::pb::ListRetainedRunsRequest::default())
        .await
        .expect("served");
    server.terminate();
    assert!(server.ended().success());
    let log = log(&world);
    assert!(log.contains("SIGTERM") && !log.contains("the process that started"), "{log}");
}

#[test]
fn a_server_whose_parent_is_gone_at_the_start_does_not_start() {
    let world = World::new();
    let orphan = "until test -e go; do sleep 0.02; done; exec \"$0\" \"$@\" --die-with-parent --parent-pid $$ 2>log";
    let mut parent = shell(&world, &format!("({orphan}) & exit 0"));
    parent.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port"]);
    assert!(parent.status().expect("a shell").success());
    std::fs::write(world.path("go"), "").expect("written");
    eventually("a refusal", None, || {
        let told = std::fs::read_to_string(world.path("log")).ok()?;
        told.contains("error: --die-with-parent: process").then_some(())?;
        told.contains("has ended already").then_some(())
    });
    assert!(!world.path("port").exists());
}

/// A command in a process id namespace of its own; `None` where that cannot be had.
fn in_a_namespace(test: &str, script: Option<&str>) -> Option<(World, Command)> {
    let own = if rustix::process::geteuid().is_root() { "-pf" } else { "-rpf" };
    let possible = Command::new("unshare").args([own, "--", "true"]).output();
    if !possible.is_ok_and(|ran| ran.status.success()) {
        eprintln!("SKIPPED, NOT TESTED: {test}: a process id namespace needs `unshare` and the right to use it");
        return None;
    }
    let world = World::new();
    let inner = script.map_or_else(|| world.command(), |script| shell(&world, script));
    let mut command = Command::new("unshare");
    command.args([own, "--"]).arg(inner.get_program()).args(inner.get_args()).current_dir(world.path(""));
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    Some((world, command))
}

#[test]
fn a_parent_whose_end_cannot_be_seen_is_refused_with_what_it_is() {
    for (script, parent) in
        [(None, "outside of its process id namespace"), (Some("\"$0\" \"$@\"; exit $?"), "is process 1")]
    {
        let Some((_world, mut command)) = in_a_namespace("parents that cannot be watched", script) else { return };
        let ended = command.arg("--die-with-parent").output().expect("ran");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.starts_with("error: --die-with-parent: ") && told.contains(parent), "{told}");
    }
}
