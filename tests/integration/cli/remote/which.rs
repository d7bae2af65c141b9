//! Which runs are meant: those of a directory or those of a server, and what is said of options that do not go together.

use std::process::{Command, Output};

use crate::service::served::Served;
use crate::support::World;

/// A world with a run `here` in `local`, and a server over `runs` with a run `there` and `more` with a run `further`.
async fn world() -> (World, Served) {
    let world = World::new();
    for run in ["local/here", "runs/there", "more/further"] {
        let directory = world.path(run);
        std::fs::create_dir_all(&directory).expect("made");
        let id = run.rsplit('/').next().expect("a name");
        std::fs::write(directory.join("retention-summary.json"), format!("{{\"run_id\": \"{id}\"}}")).expect("written");
    }
    let server = Served::start(&world, &["--runs-dir", "more"]).await;
    (world, server)
}

fn list(world: &World, server: Option<&Served>, words: &[&str]) -> Output {
    let mut command: Command = world.command();
    if let Some(server) = server {
        command.env("GUIDE_BOARD_SERVER", format!("http://{}", server.address));
    }
    command.args(["runs", "list", "--json"]).args(words).output().expect("it ran")
}

#[track_caller]
fn lists(output: &Output, run: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), text.matches("\"run_id\"").count()), (Some(0), 1), "{output:?}");
    assert!(text.contains(&format!("\"run_id\": \"{run}\"")), "{output:?}");
}

#[track_caller]
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{output:?}");
    assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_on_the_command_line_is_local_whatever_server_the_environment_names() {
    let (world, server) = world().await;
    let url = format!("http://{}", server.address);
    lists(&list(&world, None, &["--runs-dir", "local"]), "here");
    lists(&list(&world, Some(&server), &[]), "there");
    lists(&list(&world, Some(&server), &["--runs-dir", "local"]), "here");
    lists(&list(&world, None, &["--server", &url]), "there");
    lists(&list(&world, None, &["--server", &url, "--runs-dir", "more"]), "further");
    let with_both = |words: &[&str], directory: &str| {
        let mut command = world.command();
        command.env("GUIDE_BOARD_SERVER", &url).env("GUIDE_BOARD_RUNS_DIR", directory);
        command.args(["runs", "list", "--json"]).args(words).output().expect("it ran")
    };
    lists(&with_both(&[], "more"), "further");
    lists(&with_both(&["--server", &url], "local"), "there");
    lists(&with_both(&["--runs-dir", "local"], "more"), "here");
    // And so in the configuration file.
    std::fs::write(world.path("settings.toml"), format!("[runs]\nserver = \"{url}\"\nruns-dir = \"more\"\n"))
        .expect("written");
    lists(&list(&world, None, &["--config", "settings.toml"]), "further");
    lists(&list(&world, None, &["--config", "settings.toml", "--runs-dir", "local"]), "here");
    // So is the root that the runs are in, unless a server stands beside it.
    std::fs::create_dir_all(world.path("place/runs/at-root")).expect("made");
    std::fs::write(world.path("place/runs/at-root/retention-summary.json"), "{\"run_id\": \"at-root\"}")
        .expect("written");
    lists(&list(&world, Some(&server), &["--root", "place"]), "at-root");
    lists(&with_both(&["--root", "place"], "more"), "at-root");
    lists(&list(&world, None, &["--config", "settings.toml", "--root", "place"]), "at-root");
    lists(&list(&world, None, &["--server", &url, "--root", "place"]), "there");
    lists(&list(&world, Some(&server), &["--root", "place", "--runs-dir", "local"]), "here");
    // Who meant a directory of the server is told how to say so.
    let meant = list(&world, Some(&server), &["--runs-dir", "further"]);
    refused(&meant, 6, &["further: ", "--runs-dir names the directory of runs, and with --server one of the server's"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_no_name_of_a_servers_directory() {
    let (world, server) = world().await;
    let url = format!("http://{}", server.address);
    for path in ["./runs", "/var/lib/runs", "local"] {
        let told = list(&world, None, &["--server", &url, "--runs-dir", path]);
        let parts = [path, "the roots are: runs, more", "--runs-dir is the name of one of them"];
        refused(&told, 6, &parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_for_one_of_the_two_are_refused_with_the_other_only_where_they_are_given() {
    let (world, server) = world().await;
    let url = format!("http://{}", server.address);
    refused(&list(&world, None, &["--server", &url, "--containment", "walk"]), 2, &["--containment is for a local"]);
    refused(&list(&world, Some(&server), &["--containment", "walk"]), 2, &["--containment is for a local"]);
    for option in ["--token-file=x", "--tls-ca=x", "--allow-plain-token", "--retry-for=1"] {
        let name = option.split('=').next().expect("a name");
        refused(&list(&world, None, &["--runs-dir", "local", option]), 2, &[name, "name the server with --server"]);
    }
    let mut command = world.command();
    command.env("GUIDE_BOARD_CONTAINMENT", "walk").args(["runs", "list", "--json", "--server", &url]);
    lists(&command.output().expect("it ran"), "there");
    let mut command = world.command();
    command.env("GUIDE_BOARD_TOKEN_FILE", "none").env("GUIDE_BOARD_CLIENT_TLS_CA", "none");
    lists(&command.args(["runs", "list", "--json", "--runs-dir", "local"]).output().expect("it ran"), "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_ends_every_command_at_once_with_8() {
    let (world, server) = world().await;
    let url = format!("http://{}", server.address);
    server.kill();
    let one = ["--directory", "there"];
    for words in [
        &["list"][..],
        &["latest"],
        &["problems"],
        &[&["show"], &one[..]].concat(),
        &[&["report"], &one[..]].concat(),
        &[&["findings"], &one[..]].concat(),
        &[&["evidence"], &one[..]].concat(),
        &[&["artifacts"], &one[..]].concat(),
        &[&["cat"], &one[..], &["reports/report.md"]].concat(),
        &[&["pull"], &one[..], &["copy"]].concat(),
    ] {
        let output = world.command().arg("runs").args(words).args(["--server", &url]).output().expect("it ran");
        refused(&output, 8, &[&format!("error: no server answers at {url}: "), "name another with --server"]);
    }
    assert!(!world.path("copy").exists());
}
