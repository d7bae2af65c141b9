//! Connections that break while runs are read: nothing is lost, nothing comes twice, and what was pulled stays.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::cli::jobs::proxy::{Cut, Proxy};
use crate::service::served::Served;
use crate::support::{World, files};

/// Bytes of which no two stretches are alike.
fn bytes(count: u32) -> Vec<u8> {
    (0..count / 4).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// A run `big`: a large output, some small ones, and a manifest with more entries than there are files.
async fn serve() -> (World, Served) {
    let world = World::new();
    let put = |name: &str, contents: &[u8]| {
        let file = world.path("runs/big").join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        std::fs::write(file, contents).expect("written");
    };
    put("artifacts/large.bin", &bytes(3 << 20));
    for number in 0..6 {
        put(&format!("artifacts/{number}.bin"), &bytes(20_000 + number));
    }
    put("reports/report.md", "# All is well\n".repeat(20_000).as_bytes());
    let entries: Vec<Value> = (0..4000).map(|number| json!({"path": format!("artifacts/{number}.bin")})).collect();
    put("reports/assessment-package.json", json!({"artifact_manifest": entries}).to_string().as_bytes());
    let summary = json!({"run_id": "big", "report_paths": {"report": "reports/report.md"}});
    put("retention-summary.json", summary.to_string().as_bytes());
    let server = Served::start(&world, &[]).await;
    (world, server)
}

fn runs(world: &World, address: std::net::SocketAddr, words: &[&str]) -> Command {
    let mut command = world.command();
    command.args(["runs", "--server", &format!("http://{address}")]).args(words);
    command
}

#[track_caller]
fn output(mut command: Command, code: i32) -> Output {
    let output = command.output().expect("it ran");
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Insists that a break was told, once for each, and that nothing else was.
#[track_caller]
fn tells_breaks(output: &Output, proxy: &Proxy, at_least: usize) {
    let told = String::from_utf8_lossy(&output.stderr);
    let is_expected = |line: &str| {
        line.starts_with("note: the connection broke (") && line.ends_with("); trying again")
            || line == "note: the server answers again"
    };
    assert!(told.lines().all(is_expected), "{told}");
    assert!(proxy.cuts() >= at_least && told.matches("trying again").count() >= at_least, "{} {told}", proxy.cuts());
}

const PLAN: [Cut; 4] = [Cut::After(100_000), Cut::After(700_000), Cut::Unheard(60), Cut::After(30_000)];

#[tokio::test(flavor = "multi_thread")]
async fn an_output_goes_on_at_its_offset() {
    let (world, server) = serve().await;
    let whole = bytes(3 << 20);
    let cat = ["cat", "--directory", "big", "artifacts/large.bin"];
    let proxy = Proxy::start(server.address, &PLAN).await;
    let read = output(runs(&world, proxy.address, &cat), 0);
    assert!(read.stdout == whole, "{} bytes", read.stdout.len());
    tells_breaks(&read, &proxy, 3);
    let proxy = Proxy::start(server.address, &PLAN).await;
    let part = ["--offset", "1001", "--limit", "2000003"];
    let read = output(runs(&world, proxy.address, &[&cat[..], &part].concat()), 0);
    assert!(read.stdout == whole[1001..][..2_000_003], "{} bytes", read.stdout.len());
    tells_breaks(&read, &proxy, 3);
    let proxy = Proxy::start(server.address, &PLAN).await;
    let written = output(runs(&world, proxy.address, &[&cat[..], &["--output", "copy.bin"]].concat()), 0);
    assert!(std::fs::read(world.path("copy.bin")).expect("a copy") == whole);
    tells_breaks(&written, &proxy, 3);
    let proxy = Proxy::start(server.address, &[Cut::After(50_000), Cut::After(100_000)]).await;
    let report = output(runs(&world, proxy.address, &["report", "--directory", "big"]), 0);
    assert!(report.stdout == "# All is well\n".repeat(20_000).as_bytes());
    tells_breaks(&report, &proxy, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_goes_on_without_an_entry_lost_or_repeated() {
    let (world, server) = serve().await;
    for form in [&[][..], &["--json"]] {
        let words = [&["artifacts", "--directory", "big", "--include-unlisted"], form].concat();
        let straight = output(runs(&world, server.address, &words), 0);
        let plan = [Cut::After(30_000), Cut::After(60_000), Cut::After(20_000)];
        let proxy = Proxy::start(server.address, &plan).await;
        let read = output(runs(&world, proxy.address, &words), 0);
        assert!(read.stdout == straight.stdout && !straight.stdout.is_empty());
        tells_breaks(&read, &proxy, 3);
    }
}

fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    files(directory)
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(directory.join(name)).expect("read")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_goes_on_over_new_connections() {
    let (world, server) = serve().await;
    let proxy = Proxy::start(server.address, &[&PLAN[..], &PLAN[..]].concat()).await;
    // The manifest names files that the run does not have: what can be had is there, and that is told.
    let pulled = output(runs(&world, proxy.address, &["pull", "--directory", "big", "pulled", "--json"]), 6);
    let told = String::from_utf8_lossy(&pulled.stderr);
    assert!(proxy.cuts() >= 5 && told.matches("trying again").count() >= 5, "{} {told}", proxy.cuts());
    let told: Value = serde_json::from_slice(&pulled.stdout).expect("JSON");
    assert_eq!((&told["is_whole"], &told["problem_count"]), (&json!(true), &json!(3994)));
    assert!(contents(&world.path("pulled")) == contents(&world.path("runs/big")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_given_up_keeps_what_it_has_and_the_same_command_goes_on() {
    let (world, server) = serve().await;
    let plan: Vec<Cut> = std::iter::once(Cut::After(600_000)).chain([Cut::Unheard(1); 100]).collect();
    let proxy = Proxy::start(server.address, &plan).await;
    let words = ["pull", "--directory", "big", "pulled", "--json", "--retry-for", "1"];
    let given_up = output(runs(&world, proxy.address, &words), 8);
    let told = String::from_utf8_lossy(&given_up.stderr);
    assert!(given_up.stdout.is_empty() && told.contains("the same command goes on from there"), "{told}");
    assert!(!world.path("pulled/retention-summary.json").exists());
    let whole = output(runs(&world, server.address, &words), 6);
    let told: Value = serde_json::from_slice(&whole.stdout).expect("JSON");
    assert!(told["files_kept"].as_u64() > Some(0) || told["bytes_pulled"].as_u64() < Some(3 << 20), "{told}");
    assert!(contents(&world.path("pulled")) == contents(&world.path("runs/big")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_a_caller_make_one_call_has_a_pull_tell_that_it_makes_two() {
    let world = World::new();
    std::fs::create_dir_all(world.path("runs/wide/reports")).expect("made");
    // More than a connection takes unread: the manifest is still on its way when the first file is asked for.
    let entry = |number: u32| json!({"path": format!("artifacts/{number:0>200}.bin")});
    let manifest = json!({"artifact_manifest": (0..60_000).map(entry).collect::<Vec<_>>()}).to_string();
    std::fs::write(world.path("runs/wide/reports/assessment-package.json"), manifest).expect("written");
    std::fs::write(world.path("runs/wide/retention-summary.json"), "{\"run_id\": \"wide\"}").expect("written");
    let server = Served::start(&world, &["--max-calls-per-caller", "1"]).await;
    let words = ["pull", "--directory", "wide", "pulled", "--retry-for", "1"];
    let refused = output(runs(&world, server.address, &words), 8);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("; a pull makes two calls at once, which --max-calls-per-caller"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_call_is_made_again() {
    let (world, server) = serve().await;
    let one = ["--directory", "big"];
    for (words, code) in [
        (&["list"][..], 0),
        (&["latest"], 0),
        (&["problems"], 0),
        (&[&["show"], &one[..]].concat(), 0),
        (&[&["findings"], &one[..]].concat(), 6),
        (&[&["evidence"], &one[..]].concat(), 6),
        (&[&["report", "--json"], &one[..]].concat(), 0),
    ] {
        let straight = output(runs(&world, server.address, words), code);
        // The connection comes about, and the answer does not come through.
        let proxy = Proxy::start(server.address, &[Cut::After(60), Cut::Unheard(60)]).await;
        let read = output(runs(&world, proxy.address, words), code);
        let address = |text: &[u8]| {
            String::from_utf8_lossy(text).replace(&proxy.address.to_string(), &server.address.to_string())
        };
        assert!(proxy.cuts() > 0, "{words:?}");
        let without = |text: String| text.replace(&without_scan(&text), "");
        assert_eq!(without(address(&read.stdout)), without(address(&straight.stdout)), "{words:?}");
    }
}

fn without_scan(text: &str) -> String {
    text.lines().filter(|line| line.contains("\"scanned_at\"")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_of_any_size_is_read_in_little_memory() {
    let (world, server) = serve().await;
    let size = 96 << 20;
    let file = std::fs::File::create(world.path("runs/big/artifacts/zeros")).expect("created");
    file.set_len(size).expect("grown");
    let path = ["cat", "--directory", "big", "artifacts/zeros", "-o", "zeros"];
    let mut child = runs(&world, server.address, &path).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("asked").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(peak);
        std::thread::yield_now();
    }
    assert_eq!(std::fs::metadata(world.path("zeros")).expect("there").len(), size);
    assert!(peak > 0 && peak << 10 < size / 2, "{peak} KiB");
}
