//! Tokens: what they open, where they are never sent, and that nobody sees them.

use super::{JOBS, Server, command, ended, put, ready, refused, told, world_of};
use crate::cli::jobs::{WAIT, go, retains, start};
use crate::cli::live::Live;
use crate::service::access::{ALL, READ, RUN, entry, everybody, write};
use crate::support::World;

/// A server that wants tokens, and its address.
fn serve(world: &World) -> (Server, String) {
    write(&world.path("tokens.toml"), &everybody());
    put(world, "all", &format!("{ALL}\n"));
    put(world, "read", READ);
    put(world, "run", RUN);
    put(world, "unknown", "a-token-that-nobody-knows");
    let (server, port) = Server::on_a_port(world, &["--tokens", "tokens.toml", JOBS]);
    let url = format!("http://127.0.0.1:{port}");
    ready(world, &["--server", &url]);
    (server, url)
}

#[test]
fn a_caller_without_a_valid_token_or_scope_is_told_what_to_do() {
    let world = world_of(&retains("completed"));
    let (_server, url) = serve(&world);
    let jobs = |options: &[&'static str], words: &[&'static str]| {
        [&["jobs", "--server", url.as_str()], options, words].concat().to_vec()
    };
    refused(&world, &jobs(&[], &["list"]), 8, &["wants a token", "--token-file"]);
    refused(&world, &jobs(&["--token-file", "unknown"], &["list"]), 8, &["does not know the token of --token-file"]);
    told(&world, &jobs(&["--token-file", "read"], &["list"]), 0);
    refused(&world, &jobs(&["--token-file", "read"], &start(&[])), 8, &["scope `run`", "ask the operator"]);
    let job = told(&world, &jobs(&["--token-file", "all"], &start(&[])), 0);
    assert!(job.stdout.contains("run id      the-run"), "{job:?}");
    let with = |name: &str, value: &str, options: &[&'static str], code| {
        let mut command = command(&world, &jobs(options, &["list"]));
        command.env(name, value);
        ended(command, code)
    };
    with("GUIDE_BOARD_TOKEN", READ, &[], 0);
    with("GUIDE_BOARD_TOKEN_FILE", "read", &[], 0);
    let unknown = with("GUIDE_BOARD_TOKEN", "a-token-that-nobody-knows", &[], 8);
    assert!(unknown.stderr.contains("does not know the token of GUIDE_BOARD_TOKEN"), "{unknown:?}");
    // The file is the nearer one, unless it is the configuration that names it.
    with("GUIDE_BOARD_TOKEN", "a-token-that-nobody-knows", &["--token-file", "read"], 0);
    put(&world, "settings.toml", "[jobs]\ntoken-file = \"unknown\"\n");
    with("GUIDE_BOARD_TOKEN", READ, &["--config", "settings.toml"], 0);
    refused(&world, &jobs(&["--config", "settings.toml"], &["list"]), 8, &["does not know the token"]);
}

#[test]
fn a_job_that_its_starter_may_not_read_is_named_and_can_be_watched_by_another() {
    let world = world_of(&retains("completed"));
    let (_server, url) = serve(&world);
    let words = |token: &'static str, words: &[&str]| {
        let words = [&["jobs", "--server", url.as_str(), "--token-file", token], words].concat();
        words.into_iter().map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let told = |token: &'static str, these: &[&str], code: i32| {
        let words = words(token, these);
        told(&world, &words.iter().map(String::as_str).collect::<Vec<_>>(), code)
    };
    let started = told("run", &start(&[]), 8);
    let said = started.stderr.strip_prefix("error: ").expect("an error");
    let (job, rest) = said.split_once(" was started, but cannot be followed: ").expect("the job is named");
    assert!(job.starts_with("job-") && started.stdout.is_empty(), "{started:?}");
    assert!(rest.contains("lack the scope `read`"), "{started:?}");
    let on = format!(
        "`guide-board jobs watch {job} --server {url} --token-file run` follows it from here with the scope `read`\n"
    );
    assert!(rest.ends_with(&on), "{started:?}");
    assert!(told("all", &["watch", job], 0).stdout.contains("run id      the-run"));
    // Alone it may go on, with nothing but `run`; and what was not started here is not said to be.
    let detached = told("run", &start(&["--detach"]), 0).stdout;
    assert!(detached.starts_with("job-"), "{detached}");
    let refused = told("run", &["watch", job], 8);
    assert!(refused.stderr.contains("scope `read`") && !refused.stderr.contains("follows it"), "{refused:?}");
}

#[test]
fn whose_token_is_withdrawn_is_told_how_to_follow_the_job_further() {
    let world = world_of(&format!("echo here\n{WAIT}\n{}", retains("completed")));
    let (_server, url) = serve(&world);
    let words = [&["jobs", "--server", &url, "--token-file", "all"], &start(&[])[..]].concat();
    let live = Live::with_pipes(command(&world, &words));
    live.wait_for("here");
    write(&world.path("tokens.toml"), &entry("read", READ, "scopes = [\"read\"]"));
    let ended = live.ended();
    assert!(
        ended.code == Some(8) && ended.stderr.contains("error: the credentials of this call were withdrawn"),
        "{ended:?}"
    );
    let (_, on) = ended.stderr.split_once("the job may go on, `guide-board ").expect("a way on");
    let (again, rest) = on.split_once('`').expect("a command");
    assert!(again.contains(" --after "), "{again}");
    assert_eq!(rest, " follows it from here with valid credentials\n");
    go(&world);
    let again = again.replace("--token-file all", "--token-file read");
    let again = told(&world, &again.split(' ').collect::<Vec<_>>(), 0);
    assert!(again.stdout.contains("run id      the-run") && !again.stderr.contains("here\n"), "{again:?}");
}

#[test]
fn entries_of_new_tokens_are_appended_as_they_are_printed() {
    let world = world_of("exit 1");
    // Without a line's end.
    let mut file = entry("first", READ, "scopes = [\"read\"]").trim_end().to_owned();
    let mut tokens = Vec::new();
    for name in ["ci", "lab"] {
        let made = told(&world, &["tokens", "new", "--name", name, "--scope", "read"], 0);
        let sentence = format!("note: the token of {name}, shown this once: ");
        let token = made.stderr.strip_prefix(&sentence).expect("the token").trim_end().to_owned();
        assert!(!made.stdout.contains(&token) && made.stdout.starts_with("\n[[token]]\n"), "{made:?}");
        file.push_str(&made.stdout);
        tokens.push(token);
    }
    write(&world.path("tokens.toml"), &file);
    let (_server, port) = Server::on_a_port(&world, &["--tokens", "tokens.toml"]);
    let url = format!("http://127.0.0.1:{port}");
    ready(&world, &["--server", &url]);
    for token in tokens.iter().map(String::as_str).chain([READ]) {
        put(&world, "token", token);
        let listed = told(&world, &["jobs", "list", "--server", &url, "--token-file", "token"], 0);
        assert_eq!(listed.stdout, format!("no jobs at {url}\n"));
    }
}

#[test]
fn a_token_is_not_sent_over_a_network_in_the_clear() {
    let world = world_of("exit 1");
    let (_server, url) = serve(&world);
    // A name for this host that is none of loopback.
    let exposed = url.replace("127.0.0.1", "0.0.0.0");
    for words in [&["jobs", "list"][..], &["health"]] {
        let words = [words, &["--server", &exposed, "--token-file", "read"]].concat();
        refused(&world, &words, 2, &["in the clear", "https://", "--allow-plain-token"]);
        told(&world, &[&words[..], &["--allow-plain-token"]].concat(), 0);
    }
    let mut variable = command(&world, &["jobs", "list", "--server", "http://board.example:1"]);
    variable.env("GUIDE_BOARD_TOKEN", READ);
    assert!(ended(variable, 2).stderr.contains("GUIDE_BOARD_TOKEN"));
    // Without a token there is nothing to lose.
    told(&world, &["health", "--server", &exposed], 0);
}

#[test]
fn what_is_no_token_is_refused_and_not_shown() {
    let world = World::new();
    put(&world, "short", "secret");
    put(&world, "long", &"secret".repeat(1000));
    for (file, part) in [("short", "short holds no token"), ("long", "4096 bytes"), ("none", "none cannot be read")] {
        let told = told(&world, &["jobs", "list", "--token-file", file], 2);
        assert!(told.stderr.contains(part) && !told.stderr.contains("secret"), "{told:?}");
    }
}

#[test]
fn nobody_sees_the_token() {
    let world = world_of(&format!("echo here; env\n{WAIT}\n{}", retains("completed")));
    let (server, url) = serve(&world);
    let watched = |mut command: std::process::Command| {
        command.env("RUST_LOG", "trace").env("GUIDE_BOARD_LOG", "trace");
        Live::with_pipes(command)
    };
    let words = [&["jobs", "--server", &url, "--token-file", "all"], &start(&["--json"])[..]].concat();
    let by_file = watched(command(&world, &words));
    let words = [&["jobs", "--server", &url], &start(&["--output-dir", "second"])[..]].concat();
    let mut by_variable = command(&world, &words);
    by_variable.env("GUIDE_BOARD_TOKEN", ALL);
    let by_variable = watched(by_variable);
    for live in [&by_file, &by_variable] {
        live.wait_for("here");
        let line = std::fs::read(format!("/proc/{}/cmdline", live.pid())).expect("a process");
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(line.contains("jobs") && !line.contains(ALL), "{line}");
    }
    go(&world);
    for live in [by_file, by_variable] {
        let ended = live.ended();
        assert!(ended.code == Some(0) && !ended.stdout.contains(ALL) && !ended.stderr.contains(ALL), "{ended:?}");
    }
    let unreachable = told(&world, &["jobs", "list", "--server", "http://127.0.0.1:1", "--token-file", "all"], 8);
    assert!(!unreachable.stderr.contains(ALL), "{unreachable:?}");
    drop(server);
    let log = std::fs::read_to_string(world.path("log")).expect("a log");
    assert!(log.contains("listening") && !log.contains(ALL), "{log}");
}
