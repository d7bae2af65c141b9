//! Over a Unix socket.

use super::{JOBS, Server, command, ended, put, ready, refused, told, world_of};
use crate::cli::jobs::proxy::{Cut, Proxy};
use crate::cli::jobs::{retains, start};
use crate::service::served::Served;
use crate::support::World;

#[test]
fn jobs_are_started_listed_and_watched() {
    let world = world_of(&retains("failed"));
    let _server = Server::start(&world, &["--uds", "s", JOBS]);
    let absolute = format!("unix://{}", world.path("s").display());
    for url in ["unix:s", &absolute] {
        ready(&world, &["--server", url]);
        let jobs = |words: &[&str], code| told(&world, &[&["jobs", "--server", url], words].concat(), code);
        let job = jobs(&start(&["--detach"]), 0).stdout;
        assert!(jobs(&["watch", job.trim_end()], 3).stdout.contains("result      failed\n"));
        assert!(jobs(&["list"], 0).stdout.contains(job.trim_end()));
        assert_eq!(jobs(&["reports", job.trim_end()], 0).stdout, "# All is well\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_job_goes_on_over_connections_that_are_cut() {
    let world = world_of(&format!("seq 400\n{}", retains("completed")));
    let server = Served::start(&world, &[JOBS]).await;
    let plan = [Cut::After(300), Cut::After(1500), Cut::After(3000)];
    let proxy = Proxy::start_on_a_socket(&world.path("s"), server.address, &plan);
    let followed =
        ended(command(&world, &[&["jobs", "--server", "unix:s"], &start(&["--request-id", "one"])[..]].concat()), 0);
    let lines: Vec<u32> = followed.stderr.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(lines, (1..=400).collect::<Vec<_>>(), "{followed:?}");
    assert!(proxy.cuts() >= 2 && followed.stderr.contains("note: the server answers again\n"), "{followed:?}");
}

#[test]
fn a_socket_that_is_taken_is_told_as_a_port_is() {
    let world = world_of("exit 1");
    let _server = Server::start(&world, &["--uds", "s"]);
    ready(&world, &["--server", "unix:s"]);
    put(&world, "file", "words");
    for (path, why) in [("s", "another process listens there"), ("file", "what stands there is no socket")] {
        refused(&world, &["serve", "--uds", path], 2, &[&format!("cannot listen on unix:{path}: {why}")]);
    }
}

#[test]
fn a_socket_that_is_not_there_is_told() {
    let world = World::new();
    drop(std::os::unix::net::UnixListener::bind(world.path("left")).expect("bound"));
    for url in ["unix:none", "unix:left"] {
        refused(&world, &["jobs", "list", "--server", url], 8, &[url, "guide-board serve"]);
    }
    refused(&world, &["jobs", "list", "--server", "unix:"], 2, &["socket"]);
    refused(&world, &["jobs", "list", "--server", "../b.sock"], 2, &["was `unix:../b.sock` meant?"]);
}
