//! What `deploy` gives a server, given to one here: it starts with it, and its probes are answered. Only the places differ.

use std::path::Path;
use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use super::super::cluster::read_manifest;
use super::super::fixtures::{put, put_summary, summary};
use super::super::served;
use super::manager::Manager;
use super::{log, log_to};
use crate::support::authority::Authority;
use crate::support::{World, eventually};

fn deployed(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).expect("a file of deploy")
}

/// The documents of a file.
fn documents(file: &str) -> Vec<Value> {
    deployed(file).split("\n---\n").map(read_manifest).collect()
}

/// The document of this kind.
fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).expect(kind)
}

/// The arguments of a container, for this world instead of the container's file system.
fn arguments(world: &World, container: &Value) -> Vec<String> {
    let directory = world.path("").to_string_lossy().into_owned();
    let here = |argument: &Value| {
        let text = argument.as_str().expect("a text").replace("=/run/guide-board/", "=/");
        text.replace("=/", &format!("={directory}"))
            .replace("0.0.0.0:8081", "127.0.0.1:0")
            .replace("0.0.0.0:8443", "127.0.0.1:0")
    };
    container["args"].as_array().expect("arguments").iter().map(here).collect()
}

/// A server that said that it is ready.
struct Ready<'a> {
    world: &'a World,
    child: Child,
    manager: Manager,
}

impl<'a> Ready<'a> {
    fn with(world: &'a World, arguments: &[String]) -> Self {
        let mut command = world.command();
        log_to(world, &mut command);
        let manager = Manager::of(world, &mut command);
        let child = command.args(arguments).spawn().expect("the binary starts");
        let mut ready = Self { world, child, manager };
        eventually("READY=1", None, || {
            assert!(ready.child.try_wait().expect("asked").is_none(), "the server ended at once: {}", log(world));
            ready.manager.next_within(std::time::Duration::from_millis(100))?.starts_with("READY=1\n").then_some(())
        });
        ready
    }

    /// What the health listener answers of a service.
    fn health(&self, service: &str) -> String {
        let log = log(self.world);
        let (_, after) = log.split_once("health").expect("the health listener's address");
        let after = after.trim_start_matches(['=', '"', ':']);
        let address: String =
            after.chars().take_while(|letter| letter.is_ascii_digit() || ".:".contains(*letter)).collect();
        let mut command = self.world.command();
        command.args(["health", "--server", &format!("http://{address}"), "--service", service]);
        String::from_utf8(command.output().expect("ran").stdout).expect("UTF-8")
    }

    /// Asks for what the probes of the container ask for.
    fn probes(&self, container: &Value) {
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            assert_eq!(container[probe]["grpc"]["port"], 8081, "{probe}");
            let service = container[probe]["grpc"]["service"].as_str().unwrap_or("");
            assert_eq!(self.health(service), "SERVING\n", "{probe}");
        }
    }

    fn end(mut self) {
        served::signal(&self.child, Signal::TERM);
        let status = eventually("its end", None, || self.child.try_wait().expect("asked"));
        assert_eq!(status.code(), Some(0), "{}", log(self.world));
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes what a Secret of the example holds.
fn write_secret(world: &World, name: &str) {
    let secrets = documents("kubernetes/tokens-secret.yaml.example");
    let secret = secrets.iter().find(|secret| secret["metadata"]["name"] == name).expect(name);
    for (key, text) in secret["stringData"].as_object().expect("texts") {
        put(&world.path("credentials"), key, text.as_str().expect("a text"));
    }
}

#[test]
fn the_sidecar_of_the_pod_starts_as_the_manifest_says_and_lets_nobody_in_with_the_token_that_it_shows() {
    let documents = documents("kubernetes/sidecar-pod.yaml");
    let (pod, world) = (&of_kind(&documents, "Pod")["spec"], World::new());
    let (sidecar, harness) = (&pod["initContainers"][0], &pod["containers"][0]);
    write_secret(&world, "guide-board-sidecar-tokens");
    std::fs::create_dir(world.path("runs")).expect("made");
    let server = Ready::with(&world, &arguments(&world, sidecar));
    server.probes(sidecar);
    let mut command = world.command();
    for variable in harness["env"].as_array().expect("variables") {
        let value = variable["value"].as_str().expect("a text");
        let here = world.path("").to_string_lossy().into_owned();
        let value = value.replace("unix:/run/guide-board/", "unix:/");
        command.env(variable["name"].as_str().expect("a name"), value.replacen('/', &here, 1));
    }
    let refused = command.args(["jobs", "list"]).output().expect("ran");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(8), "{told}");
    assert!(told.contains("token"), "{told}");
    server.end();
}

#[test]
fn the_server_of_retained_runs_starts_as_the_manifest_says() {
    let documents = documents("kubernetes/retained-runs.yaml");
    let world = World::new();
    let container = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    write_secret(&world, "guide-board-runs-tokens");
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let (certificate, key) = Authority::new().issue("guide-board-runs");
    put(&world.path("tls"), "tls.crt", certificate);
    put(&world.path("tls"), "tls.key", key);
    let server = Ready::with(&world, &arguments(&world, container));
    server.probes(container);
    server.end();
}

#[test]
fn the_service_of_the_machine_starts_with_its_configuration_and_has_the_time_to_end() {
    let world = World::new();
    let text = deployed("systemd/guide-board.toml");
    let directory = world.path("").to_string_lossy().into_owned();
    let here = |text: &str| {
        let text = text.replace("/var/lib/guide-board/", &directory).replace("/var/lib/guide-board", &directory);
        text.replace("/run/guide-board/", &directory)
            .replace("/etc/guide-board/", &directory)
            .replace("127.0.0.1:8081", "127.0.0.1:0")
    };
    std::fs::write(world.path("guide-board.toml"), here(&text)).expect("written");
    std::fs::create_dir(world.path("runs")).expect("made");
    let unit = deployed("systemd/guide-board.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).expect(key);
    let command = value("ExecStart").split_once(' ').expect("arguments").1;
    let command = command.replace("/etc/guide-board/", &directory);
    let server = Ready::with(&world, &command.split(' ').map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(server.health(""), "SERVING\n");
    server.end();
    let settings: toml::Table = text.parse().expect("TOML");
    let seconds = |key: &str| settings["serve"][key].as_integer().expect("seconds");
    let until = |key: &str| value(key).trim_end_matches('s').parse::<i64>().expect("seconds");
    assert!(until("TimeoutStopSec") >= seconds("drain") + seconds("job-grace") + 4, "killed while it ends");
    // What is offered as a comment is known, too: it wants the files that it names, and nothing else is wrong with it.
    let offered = text.replace("\n#", "\n").replace("\nuds", "\n#uds").replace("0.0.0.0:8443", "127.0.0.1:0");
    let offered =
        offered.lines().filter(|line| line.starts_with('[') || line.contains(" = ")).collect::<Vec<_>>().join("\n");
    std::fs::write(world.path("offered.toml"), here(&offered)).expect("written");
    let ended = world.command().args(["serve", "--config", "offered.toml"]).output().expect("ran");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("tokens.toml") && told.contains("no such file"), "{told}");
}
