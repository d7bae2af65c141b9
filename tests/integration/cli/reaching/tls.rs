//! Over TLS: who is believed, who is served, and what is said otherwise.

use std::net::{Ipv4Addr, SocketAddr};

use rcgen::date_time_ymd;

use super::{JOBS, Server, command, ended, put, ready, refused, told, world_of};
use crate::cli::jobs::proxy::{Cut, Proxy};
use crate::cli::jobs::{retains, start};
use crate::cli::live::Live;
use crate::service::access::{everybody, write};
use crate::support::World;
use crate::support::authority::Authority;

/// Writes `cert.pem` and `key.pem` of the server, and `ca.pem` of the authority.
fn certify(world: &World, authority: &Authority, (certificate, key): &(String, String)) {
    put(world, "cert.pem", certificate);
    put(world, "key.pem", key);
    put(world, "ca.pem", &authority.pem());
}

const TLS: [&str; 4] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

/// A server with a certificate for `localhost`, and its address.
fn serve(world: &World, more: &[&str]) -> (Server, Authority, String) {
    let authority = Authority::new();
    certify(world, &authority, &authority.issue("localhost"));
    let (server, port) = Server::on_a_port(world, &[&TLS, &[JOBS][..], more].concat());
    (server, authority, format!("https://localhost:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_started_listed_and_followed_over_connections_that_are_cut() {
    let world = world_of(&format!("seq 400\n{}", retains("completed")));
    let (_server, _, url) = serve(&world, &[]);
    let reach = ["--server", &url, "--tls-ca", "ca.pem"];
    ready(&world, &reach);
    let jobs = |words: &[&str], code| told(&world, &[&["jobs"], &reach[..], words].concat(), code);
    let job = jobs(&start(&["--detach"]), 0);
    let (id, again) = (job.stdout.trim_end(), format!("{url} --tls-ca ca.pem`"));
    assert!(job.stderr.contains(&again), "{job:?}");
    assert!(jobs(&["watch", id], 0).stdout.contains("run id      the-run\n"));
    assert!(jobs(&["list"], 0).stdout.contains(id));
    let port: u16 = url.rsplit(':').next().expect("a port").parse().expect("a number");
    // The handshake passes, then each connection tells a little more.
    let plan = [Cut::After(3000), Cut::After(4000), Cut::After(6000)];
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), &plan).await;
    let through = format!("https://localhost:{}", proxy.address.port());
    let words = ["jobs", "--server", &through, "--tls-ca", "ca.pem", "watch", id];
    let followed = ended(command(&world, &words), 0);
    let lines: Vec<u32> = followed.stderr.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(lines, (1..=400).collect::<Vec<_>>());
    assert!(proxy.cuts() >= 2 && followed.stderr.contains("note: the server answers again\n"), "{followed:?}");
}

#[test]
fn who_is_not_to_be_believed_is_told_apart() {
    let world = world_of("exit 1");
    let (server, authority, url) = serve(&world, &[]);
    let list = |more: &[&'static str]| [&["jobs", "list", "--server", url.as_str()], more].concat().to_vec();
    ready(&world, &["--server", &url, "--tls-ca", "ca.pem"]);
    put(&world, "other.pem", &Authority::new().pem());
    refused(&world, &list(&["--tls-ca", "other.pem"]), 8, &[&url, "is not trusted", "--tls-ca"]);
    // Nobody is trusted by the system, and then this authority is.
    refused(&world, &list(&[]), 2, &["no trusted authorities", "--tls-ca"]);
    let mut trusting = command(&world, &list(&[]));
    trusting.env("SSL_CERT_FILE", "ca.pem");
    ended(trusting, 0);
    let by_number = url.replace("localhost", "127.0.0.1");
    let wrong = ["jobs", "list", "--tls-ca", "ca.pem", "--server", &by_number];
    refused(&world, &wrong, 8, &["is for another name", "localhost", "--tls-server-name"]);
    told(&world, &[&wrong[..], &["--tls-server-name", "localhost"]].concat(), 0);
    let plain = url.replace("https", "http");
    refused(&world, &["jobs", "list", "--server", &plain], 8, &["https://"]);
    drop(server);
    for (from, to, says) in [(2000, 2001, "has expired"), (4000, 4001, "is not valid yet")] {
        let certificate = authority.issue_with("localhost", |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        certify(&world, &authority, &certificate);
        let (_server, port) = Server::on_a_port(&world, &TLS);
        let url = format!("https://localhost:{port}");
        refused(&world, &["jobs", "list", "--tls-ca", "ca.pem", "--server", &url], 8, &[says, "clock"]);
    }
    let (_server, port) = Server::on_a_port(&world, &[]);
    let url = format!("https://localhost:{port}");
    refused(&world, &["jobs", "list", "--tls-ca", "ca.pem", "--server", &url], 8, &["does not speak TLS", "http://"]);
}

#[test]
fn where_clients_must_have_certificates_the_right_one_is_served_and_others_are_told() {
    let world = world_of(&retains("completed"));
    let clients = Authority::new();
    put(&world, "clients.pem", &clients.pem());
    for (name, (certificate, key)) in
        [("ci", clients.issue("ci.example")), ("stranger", Authority::new().issue("ci.example"))]
    {
        put(&world, &format!("{name}.pem"), &certificate);
        put(&world, &format!("{name}.key"), &key);
    }
    let (_server, _, url) = serve(&world, &["--tls-client-ca", "clients.pem"]);
    let reach = ["--server", &url, "--tls-ca", "ca.pem"];
    let ci = [&reach[..], &["--tls-cert", "ci.pem", "--tls-key", "ci.key"]].concat();
    let stranger = [&reach[..], &["--tls-cert", "stranger.pem", "--tls-key", "stranger.key"]].concat();
    ready(&world, &ci);
    let job = told(&world, &[&["jobs"], &ci[..], &start(&["--detach"])].concat(), 0);
    told(&world, &[&["jobs"], &ci[..], &["watch", job.stdout.trim_end()]].concat(), 0);
    for words in [["list"].as_slice(), &["show", "job-x"]] {
        refused(&world, &[&["jobs"], &reach[..], words].concat(), 8, &["certificate", "--tls-cert and --tls-key"]);
    }
    // What the server says of it may come too late to be read, and is then met again by another try.
    let stranger = told(&world, &[&["jobs"], &stranger[..], &start(&[])].concat(), 8);
    assert!(
        stranger.stderr.contains("error: ") && stranger.stderr.contains("the certificate of --tls-cert"),
        "{stranger:?}"
    );
    let probe = told(&world, &[&["health"], &reach[..]].concat(), 8);
    assert!(probe.stdout == "UNREACHABLE\n" && probe.stderr.contains("--tls-cert"), "{probe:?}");
}

#[test]
fn a_followed_job_does_not_ask_again_and_again_where_it_is_refused() {
    let world = world_of("exit 1");
    put(&world, "clients.pem", &Authority::new().pem());
    let (_server, _, url) = serve(&world, &["--tls-client-ca", "clients.pem"]);
    let words = ["jobs", "--server", &url, "--tls-ca", "ca.pem", "watch", "job-x"];
    let live = Live::with_pipes(command(&world, &words));
    // It would try again for a minute, which is longer than a test waits.
    assert_eq!(live.ended().code, Some(8));
}

#[test]
fn the_first_line_of_the_log_says_where_and_what_callers_have_to_show() {
    let world = World::new();
    let authority = Authority::new();
    certify(&world, &authority, &authority.issue("localhost"));
    write(&world.path("tokens.toml"), &everybody());
    let log = |options: &[&str]| {
        let base = ["--log-format", "json", "--health-listen", "127.0.0.1:0"];
        let (server, port) = Server::on_a_port(&world, &[&base, options].concat());
        let log = std::fs::read_to_string(world.path("log")).expect("a log");
        let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let line = lines.into_iter().find(|line| line["message"] == "listening").expect("the line");
        let health = line["health"].as_str().expect("an address").to_owned();
        assert_eq!(line["address"], format!("127.0.0.1:{port}"));
        assert!(!health.ends_with(":0"), "{line}");
        ready(&world, &["--server", &format!("http://{health}"), "--service", "guideboard.v1.CatalogService"]);
        drop(server);
        (["tls", "client_certificates", "tokens"].map(|name| line[name].as_bool()), log)
    };
    let (shown, told) = log(&[]);
    assert_eq!(shown, [Some(false); 3]);
    assert!(!told.contains("--profiles-dir"), "what was not named is not missed: {told}");
    let certificates = ["--tls-client-ca", "ca.pem", "--tokens", "tokens.toml", "--profiles-dir", "nowhere"];
    let (shown, told) = log(&[&TLS[..], &certificates].concat());
    assert_eq!(shown, [Some(true); 3]);
    assert!(told.contains("--profiles-dir is no directory") && told.contains("nowhere"), "{told}");
}

#[test]
fn files_and_options_that_do_not_go_together_are_wrong_usage() {
    let world = World::new();
    let authority = Authority::new();
    certify(&world, &authority, &authority.issue("localhost"));
    put(&world, "other.key", &authority.issue("localhost").1);
    for (options, parts) in [
        (&["--tls-cert", "cert.pem"][..], &["--tls-key"][..]),
        (&["--tls-key", "key.pem"], &["--tls-cert"]),
        (&["--tls-ca", "none.pem"], &["none.pem"]),
        (&["--tls-ca", "key.pem"], &["key.pem: holds no certificate"]),
        (&["--tls-ca", "ca.pem", "--tls-server-name", "a b"], &["`a b`"]),
        (&["--tls-ca", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "ca.pem"], &["ca.pem: holds no private key"]),
        (
            &["--tls-ca", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "other.key"],
            &["other.key do not go together: the key is not that of the certificate"],
        ),
        (&["--server", "http://localhost:1", "--tls-ca", "ca.pem"], &["--tls-ca is for", "https://"]),
        (&["--server", "unix:s", "--tls-server-name", "a"], &["--tls-server-name is for"]),
    ] {
        let server: &[&str] = if options.contains(&"--server") { &[] } else { &["--server", "https://localhost:1"] };
        for command in [&["jobs", "list"][..], &["health"]] {
            refused(&world, &[command, server, options].concat(), 2, parts);
        }
    }
    let mut variables = command(&world, &["jobs", "list", "--server", "https://localhost:1"]);
    // Those of `serve` are others.
    variables.env("GUIDE_BOARD_TLS_CERT", "none.pem").env("GUIDE_BOARD_CLIENT_TLS_CA", "ca.pem");
    assert!(ended(variables, 8).stderr.contains("no server answers"));
}
