//! Each command: what it prints, as text and as JSON, and its exit codes.

use serde_json::{Value, json};

use super::{WAIT, go, jobs, json, retains, serve, start, started, told};
use crate::cli::live::Live;

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_job_tells_its_log_and_its_run_and_ends_as_the_run_did() {
    let script = format!("echo looking; echo careful >&2\ncase $(cat word) in\n{}esac", {
        ["completed", "failed", "blocked", "infrastructure_error", "odd"]
            .map(|word| format!("{word}) {};;\n", retains(word)))
            .concat()
    });
    let (world, server) = serve(&script).await;
    for (word, code) in [("completed", 0), ("failed", 3), ("blocked", 4), ("infrastructure_error", 5), ("odd", 7)] {
        std::fs::write(world.path("word"), word).expect("written");
        let ended = told(&world, &server, &start(&[]), code);
        assert!(ended.stdout.contains("run id      the-run\n"), "{ended:?}");
        assert!(ended.stdout.contains(&format!("result      {word}\n")), "{ended:?}");
        assert!(ended.stderr.contains("looking\n") && ended.stderr.contains("careful\n"), "{ended:?}");
        assert!(ended.stderr.contains(": queued\n") && ended.stderr.contains(": running\n"), "{ended:?}");
        assert!(!ended.stdout.contains("looking"), "{ended:?}");
    }
    // A job that ended is watched to the same end, from any number on.
    let list = json(&told(&world, &server, &["list", "--limit", "1", "--json"], 0).stdout);
    let job = list["runs"][0]["job_id"].as_str().expect("an id").to_owned();
    for after in ["0", "4", "5"] {
        let ended = told(&world, &server, &["watch", &job, "--after", after], 7);
        assert_eq!((ended.stderr.contains("looking"), ended.stdout.contains("odd")), (after == "0", true), "{ended:?}");
    }
    let ended = told(&world, &server, &["watch", &job, "--after", "6"], 2);
    assert!(ended.stderr.starts_with("error: --after: the last event of the job"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_run_ends_with_5_and_its_words() {
    let (world, server) = serve("echo 'the disk \u{1b}[31mis full'; exit 9").await;
    let ended = told(&world, &server, &start(&[]), 5);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("error: the job failed: "), "{ended:?}");
    assert_eq!(ended.stderr.matches("the disk \\u{1b}[31mis full\n").count(), 1, "{ended:?}");
    let list = json(&told(&world, &server, &["list", "--json"], 0).stdout);
    let job = list["runs"][0]["job_id"].as_str().expect("an id");
    // Who begins behind the log is told its end.
    let ended = told(&world, &server, &["watch", job, "--after", "3"], 5);
    assert_eq!(ended.stderr.matches("the disk ").count(), 1, "{ended:?}");
    let shown = told(&world, &server, &["show", job], 0).stdout;
    for line in ["status      failed\n", "exit code   9\n", "log         the disk \\u{1b}[31mis full\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert_eq!(json(&told(&world, &server, &["show", job, "--json"], 0).stdout)["run"], list["runs"][0]);
    let refused = told(&world, &server, &["reports", job], 7);
    assert!(refused.stdout.is_empty() && refused.stderr.starts_with("error: "), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_job_is_listed_shown_cancelled_and_then_gone_from_the_running() {
    let (world, server) = serve(WAIT).await;
    let job = started(&world, &server);
    assert!(job.starts_with("job-"), "{job}");
    let listed = told(&world, &server, &["list", "--status", "running", "--status", "queued"], 0).stdout;
    assert!(listed.starts_with("CREATED ") && listed.contains(&job) && listed.ends_with("1 job\n"), "{listed}");
    let shown = told(&world, &server, &["show", &job], 0).stdout;
    assert!(shown.starts_with(&format!("job id      {job}\nstatus      ")), "{shown}");
    let cancelled = told(&world, &server, &["cancel", &job, "--wait"], 0).stdout;
    assert_eq!(cancelled, format!("{job}  cancelled\n"));
    let again = json(&told(&world, &server, &["cancel", &job, "--json"], 0).stdout);
    assert_eq!((&again["run"]["job_id"], &again["run"]["status"]), (&json!(job), &json!("cancelled")));
    let listed = told(&world, &server, &["list", "--status", "running"], 0).stdout;
    assert_eq!(listed, format!("no job at http://{} matches\n", server.address));
    let watched = told(&world, &server, &["watch", &job], 5);
    assert!(watched.stderr.contains("error: the job was cancelled ("), "{watched:?}");
    let shown = told(&world, &server, &["show", &job], 0).stdout;
    assert!(shown.contains("status      cancelled\n") && shown.contains("cancelled   20"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_all_pages_unless_limited() {
    let (world, server) = serve(&retains("completed")).await;
    for name in ["a", "b", "c"] {
        told(&world, &server, &start(&["--output-dir", name, "--label", "place=x"]), 0);
    }
    let whole = told(&world, &server, &["list"], 0).stdout;
    let directories: Vec<_> = whole.lines().skip(1).filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(directories, ["c", "b", "a", "jobs"], "{whole}");
    let two = json(&told(&world, &server, &["list", "--limit", "2", "--json"], 0).stdout);
    assert_eq!((two["runs"].as_array().map(Vec::len), &two["total_size"]), (Some(2), &json!(3)));
    assert_eq!(two["runs"][0]["labels"], json!({"place": "x"}));
    let none = told(&world, &server, &["list", "--limit", "0"], 0).stdout;
    assert_eq!(none, "0 of 3 jobs\n");
    let refused = told(&world, &server, &["list", "--status", "asleep"], 2);
    assert!(refused.stderr.starts_with("error: --status: "), "{refused:?}");
    let exists = told(&world, &server, &start(&["--output-dir", "a"]), 7);
    assert!(exists.stderr.contains("`a`"), "{exists:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_printed_and_described() {
    let (world, server) = serve(&format!("{WAIT}\n{}", retains("completed"))).await;
    let job = started(&world, &server);
    told(&world, &server, &["reports", &job], 7);
    go(&world);
    told(&world, &server, &["watch", &job], 0);
    assert_eq!(told(&world, &server, &["reports", &job], 0).stdout, "# All is well\n");
    let described = json(&told(&world, &server, &["reports", &job, "--json"], 0).stdout);
    assert_eq!((&described["reports"][0]["kind"], &described["run"]["run_id"]), (&json!("report"), &json!("the-run")));
    let missing = told(&world, &server, &["reports", &job, "--kind", "no-such"], 6);
    assert!(missing.stdout.is_empty() && missing.stderr.contains("no-such"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_job_as_json_is_an_event_a_line_and_a_detached_one_a_document() {
    let script = format!("printf 'one\\ntwo \\033[31m\\n'\n{}", retains("failed"));
    let (world, server) = serve(&script).await;
    let ended = told(&world, &server, &start(&["--json"]), 3);
    let events: Vec<Value> = ended.stdout.lines().map(json).collect();
    let numbers: Vec<_> = events.iter().filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let kinds: Vec<_> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds, ["status", "status", "log", "log", "status"]);
    assert_eq!(events[3]["log_line"], "two \u{1b}[31m");
    assert_eq!(events[4]["run"]["status"], "succeeded");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let detached = told(&world, &server, &start(&["--json", "--detach"]), 0);
    let job = json(&detached.stdout)["run"]["job_id"].as_str().expect("an id").to_owned();
    told(&world, &server, &["watch", &job], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_id_gives_the_same_job() {
    let (world, server) = serve(&retains("completed")).await;
    let asked = start(&["--request-id", "nightly", "--detach"]);
    let first = told(&world, &server, &asked, 0).stdout;
    assert_eq!(told(&world, &server, &asked, 0).stdout, first);
    let other = told(&world, &server, &start(&["--request-id", "nightly", "--label", "a=b"]), 7);
    assert!(other.stderr.contains("request_id"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_are_told_by_their_options_and_unknown_jobs_end_with_6() {
    let (world, server) = serve("exit 1").await;
    for words in [&["show"][..], &["watch"], &["cancel"], &["reports"]] {
        let ended = told(&world, &server, &[words, &["job-x"]].concat(), 6);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("job-x"), "{ended:?}");
    }
    let target = ["start", "--target", "../target.json", "--assessment", "profiles/assessment.json"];
    assert!(told(&world, &server, &target, 7).stderr.starts_with("error: --target: "));
    assert!(told(&world, &server, &start(&["--output-dir", "a/b"]), 7).stderr.starts_with("error: --output-dir: "));
    assert!(told(&world, &server, &start(&["--runs-dir", "elsewhere"]), 6).stderr.contains("elsewhere"));
    let long = "x".repeat(129);
    assert!(told(&world, &server, &start(&["--request-id", &long]), 2).stderr.starts_with("error: --request-id: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_is_the_end_of_a_followed_job_and_no_failure() {
    let (world, server) = serve(&format!("seq 50\n{}", retains("completed"))).await;
    let job = started(&world, &server);
    told(&world, &server, &["watch", &job], 0);
    let mut command = jobs(&world, &server, &["watch", &job, "--json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ended").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_bar_stands_below_the_log_and_gives_way_to_the_run() {
    let world = crate::service::served::world_of_jobs(&crate::service::served::waits_for_go());
    let server = crate::service::served::Served::start(&world, &["--extension-dir=extensions"]).await;
    let live = Live::on_a_terminal(jobs(&world, &server, &start(&["--output-dir", "made"])));
    live.wait_for("0/2 checks");
    live.wait_for("running one");
    go(&world);
    let ended = live.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (bar, run) = ended.stdout.rsplit_once("\u{1b}[2K").expect("a bar that was cleared");
    assert!(bar.contains("running"), "{bar}");
    assert!(run.trim_start_matches('\r').starts_with("run id      run-"), "{run}");
    assert!(run.contains("\u{1b}[32mcompleted\u{1b}[0m"), "{run}");
}
