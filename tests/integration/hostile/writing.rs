//! Links in the way of a run that is being made, and in the place of one that a job has made.

use guide_board::wire::pb;
use serde_json::{Value, json};

use super::expected::{FINE, RUN_NOT_FOUND, UNSAFE_PATH, assert_outcome};
use super::mechanisms;
use super::server::Server;
use super::tree::{PLAIN, Tree};
use crate::service::fixtures::eventually;
use crate::support::{files, reports};

/// A tree in which `run` can make a run, by the extension `probe` with this script.
fn tree(script: &str) -> Tree {
    let tree = Tree::bare();
    tree.world.extension("probe").script(script);
    for (written, kind) in
        [(tree.world.target().write(), "target"), (tree.world.assessment(&["probe"]).write(), "assessment")]
    {
        std::fs::rename(written, tree.path(&format!("profiles/{kind}.json"))).expect("moved");
    }
    tree
}

fn run(tree: &Tree, output_dir: &str) -> std::process::Output {
    let mut command = tree.command();
    command.args(["--extension-dir", "extensions", "run", "--target", "profiles/target.json"]);
    command.args(["--assessment", "profiles/assessment.json", "--output-dir", output_dir]).output().expect("it ran")
}

#[test]
fn a_run_is_made_through_no_link() {
    let tree = tree(&reports("pass"));
    tree.run("runs/run", "run").link("runs/link-run", "run").link("runs/link-outside", tree.path("outside"));
    tree.link("runs/link-new", tree.path("outside/new")).link("runs/link-loop", "link-loop").fifo("runs/a-fifo");
    let before = files(&tree.path("outside"));
    for name in [
        "run",
        "link-run",
        "link-outside",
        "link-new",
        "link-loop",
        "a-fifo",
        "run/artifacts/plain.txt",
        "..",
        "run/..",
    ] {
        let output = run(&tree, &format!("runs/{name}"));
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
        tree.assert_clean(&name, &output.stdout);
    }
    assert_eq!(files(&tree.path("outside")), before);
    assert_eq!(std::fs::read_to_string(tree.path("runs/run/artifacts/plain.txt")).expect("text"), PLAIN);
}

#[test]
fn a_runner_that_puts_links_in_the_place_of_its_run_has_nothing_written_outside() {
    // The runner stands in `artifacts/probe` of its run.
    let exchanges = [
        "mv ../../../new ../../../../away && ln -s \"$HOME/outside\" \"$HOME/runs/new\"",
        "cd ../.. && mv artifacts aside && ln -s \"$HOME/outside/artifacts\" artifacts",
        "cd ../.. && rm -rf reports normalized && ln -s \"$HOME/outside/reports\" reports && ln -s \"$HOME/outside/normalized\" normalized",
        "cd ../.. && rm -f run.json && ln -s \"$HOME/outside/run.json\" run.json && ln -s \"$HOME/outside/secret.txt\" retention-summary.json",
        "ln -s \"$HOME/outside/secret.txt\" leak.txt; ln -s \"$HOME/outside\" leak; ln \"$HOME/outside/plan.json\" hard.json",
    ];
    for exchange in exchanges {
        let tree = tree(&format!("({exchange}) >&2\n{}", reports("pass")));
        let contents = || {
            files(&tree.path("outside"))
                .into_iter()
                .map(|name| (std::fs::read(tree.path("outside").join(&name)).expect("read"), name))
                .collect::<Vec<_>>()
        };
        let before = contents();
        let output = run(&tree, "runs/new");
        assert_eq!(contents(), before, "{exchange}: {output:?}");
        let is_link = |name: &String| tree.path("runs").join(name).is_symlink();
        assert!(files(&tree.path("runs")).iter().any(is_link), "{exchange} put no link there: {output:?}");
        for place in ["runs/new", "away"]
            .map(|name| tree.path(name))
            .iter()
            .filter(|place| place.exists() && !place.is_symlink())
        {
            // A hard link is a file of the run like any other.
            for name in files(place).iter().filter(|name| !name.ends_with("hard.json")) {
                let file = place.join(name);
                if !file.is_symlink() {
                    tree.assert_clean_of_canary(name, &std::fs::read(&file).expect("read"));
                }
            }
        }
        tree.assert_clean_of_canary(&exchange, &[output.stdout, output.stderr].concat());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reports_of_a_job_are_read_through_no_link() {
    for containment in mechanisms() {
        let tree = tree(&reports("pass"));
        tree.run_of_canaries("runs/.sibling");
        let mut command = tree.command();
        command.args(["--extension-dir", "extensions"]);
        let server = Server::start(&tree, &mut command, containment).await;
        let start =
            json!({"target": "profiles/target.json", "assessment": "profiles/assessment.json", "output_dir": "new"});
        let started: pb::StartRunResponse = server.ask(&tree, "StartRun", &start).await.merged();
        let job = json!({"job_id": started.run.expect("a job").job_id});
        eventually("the end of the job", async || {
            let job: pb::GetRunResponse = server.ask(&tree, "GetRun", &job).await.merged();
            job.run.filter(|job| job.ended_at.is_some())
        })
        .await;
        // Without contents: the run itself may write down where it stands.
        let mut strict: Value = job.clone();
        let reported = server.ask(&tree, "GetRunReports", &strict).await;
        assert_outcome(&"as it was made", &reported, FINE);
        let there = |name: &str| tree.path("runs").join(name);
        let report = there("new/reports/report.md");
        std::fs::rename(&report, there("new/reports/aside.md")).expect("renamed");
        tree.link("runs/new/reports/report.md", tree.path("outside/reports/report.md"));
        assert_outcome(&"a link for its report", &server.ask(&tree, "GetRunReports", &strict).await, UNSAFE_PATH);
        strict["report_unsafe"] = json!(true);
        assert_outcome(&"told of the link", &server.ask(&tree, "GetRunReports", &strict).await, FINE);
        std::fs::rename(there("new"), there("aside")).expect("renamed");
        assert_outcome(&"gone", &server.ask(&tree, "GetRunReports", &strict).await, RUN_NOT_FOUND);
        for to in [tree.path("outside"), ".sibling".into(), "aside".into(), "new".into()] {
            tree.link("runs/new", &to);
            assert_outcome(&to, &server.ask(&tree, "GetRunReports", &strict).await, UNSAFE_PATH);
            std::fs::remove_file(there("new")).expect("removed");
        }
    }
}
