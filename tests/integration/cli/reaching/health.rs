//! `health`: one word and an exit code, whatever a server listens on.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{Server, command, put, ready, told, world_of};
use crate::cli::live::Live;
use crate::service::access::{CI, everybody, write};
use crate::support::World;
use crate::support::authority::Authority;

#[test]
fn it_waits_for_a_server_that_is_yet_to_come_and_asks_every_listener() {
    let world = world_of("exit 1");
    let probe = Live::with_pipes(command(&world, &["health", "--server", "unix:s", "--wait", "30"]));
    let health = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let _server = Server::start(&world, &["--uds", "s", "--health-listen", &health]);
    let probe = probe.ended();
    assert_eq!((probe.code, probe.stdout.as_str(), probe.stderr.as_str()), (Some(0), "SERVING\n", ""));
    ready(&world, &["--server", &format!("http://{health}")]);
    for name in ["guideboard.v1.RunService", "guideboard.v1.RetainedRunService/runs"] {
        ready(&world, &["--server", "unix:s", "--service", name]);
    }
    let unknown = told(&world, &["health", "--server", "unix:s", "--service", "none", "--wait", "30"], 6);
    assert_eq!((unknown.stdout.as_str(), unknown.stderr.as_str()), ("SERVICE_UNKNOWN\n", ""));
}

#[test]
fn a_server_whose_roots_are_away_does_not_serve() {
    let world = World::new();
    let (_server, port) = Server::on_a_port(&world, &[]);
    let url = format!("http://127.0.0.1:{port}");
    ready(&world, &["--server", &url, "--service", "guideboard.v1.CatalogService"]);
    let began = Instant::now();
    let away = told(&world, &["health", "--server", &url, "--wait", "0.3"], 8);
    assert_eq!((away.stdout.as_str(), away.stderr.as_str()), ("NOT_SERVING\n", ""));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn who_does_not_answer_is_told_in_time() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    put(&world, "ca.pem", &Authority::new().pem());
    for (url, more) in [(format!("http://{address}"), &[][..]), (format!("https://{address}"), &["--tls-ca", "ca.pem"])]
    {
        let began = Instant::now();
        let words = [&["health", "--timeout", "0.2", "--server", &url], more].concat();
        let told = told(&world, &words, 8);
        assert!(told.stdout == "UNREACHABLE\n" && told.stderr.contains("in time"), "{told:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
    drop(silent);
    let nobody = told(&world, &["health", "--server", &format!("http://{address}")], 8);
    assert!(nobody.stdout == "UNREACHABLE\n" && nobody.stderr.starts_with("error: no server answers"), "{nobody:?}");
}

#[test]
fn the_health_of_a_root_takes_the_token_of_one_who_sees_it() {
    let world = World::new();
    for name in ["ci", "lab", "runs"] {
        std::fs::create_dir_all(world.path(name)).expect("made");
    }
    write(&world.path("tokens.toml"), &everybody());
    put(&world, "token", CI);
    let roots = ["--tokens", "tokens.toml", "--runs-dir", "ci=ci", "--runs-dir", "lab=lab"];
    let (_server, port) = Server::on_a_port(&world, &roots);
    let url = format!("http://127.0.0.1:{port}");
    let of = |root: &str, more: &[&str], code| {
        let name = format!("guideboard.v1.RetainedRunService/{root}");
        told(&world, &[&["health", "--server", &url, "--service", &name], more].concat(), code).stdout
    };
    ready(&world, &["--server", &url]);
    assert_eq!(of("ci", &["--token-file", "token"], 0), "SERVING\n");
    assert_eq!(of("lab", &["--token-file", "token"], 6), "SERVICE_UNKNOWN\n");
    assert_eq!(of("ci", &[], 6), "SERVICE_UNKNOWN\n");
}
