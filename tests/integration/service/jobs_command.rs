//! `--cli-command`: a command line that knows nothing but `run --target --assessment --output-dir` stands in.

use std::os::unix::fs::PermissionsExt;

use guide_board::wire::pb::{self, JobEventKind as Kind, JobStatus};

use super::fixtures::collect;
use super::served::{Served, ended, start, start_request, world_of_jobs};
use crate::support::World;

/// A command line that refuses what it does not know, prints free text, and writes the eight files of a run.
const STAND_IN: &str = r#"#!/bin/sh
test "$1" = first && shift
test "$1" = run || { echo "unknown command $1" >&2; exit 2; }
shift
while test $# -gt 0; do
  case "$1" in
    --target) target=$2;; --assessment) assessment=$2;; --output-dir) out=$2;;
    *) echo "unknown option $1" >&2; exit 2;;
  esac
  shift 2
done
test -f "$target" && test -f "$assessment" || exit 2
env | grep '^GUIDE_BOARD_' && exit 3
echo "Assessing in $(basename "$PWD") ..."
mkdir -p "$out/normalized" "$out/reports" "$out/artifacts"
echo '{"id": "plan"}' > "$out/plan.json"
echo '{"run_id": "from-the-stand-in"}' > "$out/run.json"
echo '[]' > "$out/normalized/evidence.json"
echo '[]' > "$out/normalized/findings.json"
echo '# Report' > "$out/reports/report.md"
echo '{}' > "$out/reports/assessment-package.json"
echo '{}' > "$out/sources.lock.json"
echo '{"run_id": "from-the-stand-in", "result_status": "completed", "report_paths": {"report": "reports/report.md"}}' > "$out/retention-summary.json"
echo 'done: 0 findings' >&2
exit 1
"#;

fn world() -> World {
    let world = world_of_jobs("");
    std::fs::write(world.path("cli.sh"), STAND_IN).expect("written");
    std::fs::set_permissions(world.path("cli.sh"), PermissionsExt::from_mode(0o755)).expect("executable");
    std::fs::create_dir(world.path("a b")).expect("made");
    for name in ["a b/cli one.sh", "a b/cli o ne.sh"] {
        std::fs::copy(world.path("cli.sh"), world.path(name)).expect("copied, with its permissions");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_knows_only_run_stands_in() {
    let world = world();
    // By a path that is meant from where the server started, and with an argument before `run`.
    // The same as one line; its words are those of a shell. And a program that bears a name with a space.
    for command in [
        &["--cli-command=./cli.sh"][..],
        &["--cli-command=/bin/sh", "--cli-command=cli.sh", "--cli-command=first"],
        &["--cli-command", "sh cli.sh"],
        &["--cli-command", r#" sh  -c  'exec sh "./a b/cli $0.sh" "$@"' \o\ne first"#],
        &["--cli-command=./a b/cli o ne.sh"],
    ] {
        let arguments = [command, &["--extension-dir=extensions"]].concat();
        let server = Served::start(&world, &arguments).await;
        let job = start(server.client.runs(), start_request()).await;
        let request = pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 };
        let events = collect(server.client.runs().watch_run(request).await).await.expect("a whole stream");
        let events: Vec<_> = events.into_iter().flat_map(|message| message.events).collect();
        let job = ended(server.client.runs(), &job.job_id).await;
        assert_eq!((job.status(), job.exit_code), (JobStatus::Succeeded, Some(1)), "whatever the exit code: {job:?}");
        assert_eq!(job.run_id, "from-the-stand-in");
        assert_ne!(job.directory, job.run_id, "the server named the directory before there was an id");
        assert!(job.progress.is_none() && job.error.is_none());
        let log: Vec<_> =
            events.iter().filter(|event| event.kind() == Kind::Log).map(|event| &*event.log_line).collect();
        assert!(log.len() == 2 && log.contains(&"done: 0 findings"), "{log:?}");
        let request = pb::GetRunReportsRequest { job_id: job.job_id, include_contents: true, ..Default::default() };
        let reports = server.client.runs().get_run_reports(request).await.expect("reports").into_inner().reports;
        let kinds: Vec<_> = reports.iter().map(|report| report.kind.as_str()).collect();
        assert!(kinds.contains(&"report"), "{kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_the_command_does_not_know_fail_the_job_with_its_own_words() {
    let world = world();
    let server = Served::start(&world, &["--cli-command=./cli.sh"]).await;
    let labels = [("branch".to_owned(), "main".to_owned())].into();
    let job = start(server.client.runs(), pb::StartRunRequest { labels, ..start_request() }).await;
    let job = ended(server.client.runs(), &job.job_id).await;
    assert_eq!((job.status(), job.exit_code), (JobStatus::Failed, Some(2)));
    assert_eq!(job.error.expect("an error").log_lines, ["unknown option --label"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_how_a_job_ended_beside_that_it_did() {
    let world = world();
    let log = std::fs::File::create(world.path("log")).expect("made");
    let server =
        Served::spawn(&world, world.command().stderr(log), &["--cli-command=sh -c 'exit 7'", "--log-format=json"])
            .await;
    let job = start(server.client.runs(), start_request()).await;
    ended(server.client.runs(), &job.job_id).await;
    let log = std::fs::read_to_string(world.path("log")).expect("a log");
    let mut lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let line = lines.find(|line| line["message"] == "job ended").expect("a line with these words");
    assert_eq!((line["job"].as_str(), line["exit_code"].as_i64()), (Some(job.job_id.as_str()), Some(7)), "{line}");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("exit code 7")), "{line}");
}

#[test]
fn a_command_that_cannot_be_executed_is_told_at_the_start_and_not_by_every_job() {
    let world = world();
    std::fs::write(world.path("data.json"), "{}").expect("written");
    std::fs::set_permissions(world.path("data.json"), PermissionsExt::from_mode(0o644)).expect("set");
    std::fs::create_dir(world.path("directory")).expect("made");
    for (command, said) in [
        ("no-such-program-anywhere", "is not found on PATH"),
        ("cli.sh", "is not found on PATH"),
        ("./no-such-file", "is not a file that this user may execute"),
        ("./data.json", "is not a file that this user may execute"),
        ("./directory", "is not a file that this user may execute"),
        ("", "is not found on PATH"),
        ("no-such-program first", "is no program, and `no-such-program` is not found on PATH"),
        ("./a b/none.sh", "is no program, and `./a` is not a file that this user may execute"),
        ("sh 'cli.sh", "ends within quotes or after a backslash"),
        ("  ", "has no words"),
    ] {
        let mut server = world.command();
        server.args(["serve", "--listen", "127.0.0.1:0", "--runs-dir", "runs", &format!("--cli-command={command}")]);
        let ended = server.output().expect("the binary starts");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("--cli-command: `{command}` {said}")), "{told}");
    }
}
