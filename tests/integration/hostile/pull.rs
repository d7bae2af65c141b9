//! `runs pull` of a hostile run, and into a hostile directory: nothing of the canary comes along, and nothing is written beside the copy.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use super::mechanisms;
use super::server::Server;
use super::stored_paths::stored;
use super::tree::{PLAIN, Tree, package};
use crate::support::files;

/// The regular files beneath a directory and what is in them, but for what stands beneath `pulled`.
fn beside_the_copy(tree: &Tree) -> BTreeMap<String, Vec<u8>> {
    let top = tree.path("");
    let regular = |name: &String| top.join(name).symlink_metadata().is_ok_and(|found| found.is_file());
    let names = files(&top).into_iter().filter(|name| !name.starts_with("pulled/")).filter(regular);
    names.map(|name| (name.clone(), std::fs::read(top.join(&name)).expect("read"))).collect()
}

fn pull(tree: &Tree, containment: &str, arguments: &[&str]) -> Output {
    pull_from(tree, &["--containment", containment], arguments)
}

fn pull_from(tree: &Tree, place: &[&str], arguments: &[&str]) -> Output {
    let mut command = tree.command();
    command.args(["runs", "pull", "--directory", "run", "pulled"]).args(place).args(arguments);
    let output = command.output().expect("it ran");
    tree.assert_clean_of_canary(&arguments, &[output.stdout.as_slice(), &output.stderr].concat());
    output
}

fn assert_copy_is_clean(tree: &Tree, copy: &Path) {
    for name in files(copy) {
        let found = copy.join(&name).symlink_metadata().expect("there");
        assert!(found.is_file(), "{name} is no plain file of the copy");
        // The package names where its paths lead; it does not hold what stands there.
        tree.assert_clean_of_canary(&name, &std::fs::read(copy.join(&name)).expect("read"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_run_is_pulled_without_what_it_leads_to() {
    for containment in mechanisms() {
        let tree = Tree::new();
        let stored = stored(&tree);
        let paths: Vec<&str> = stored.iter().map(|(path, _)| path.as_str()).collect();
        tree.put("runs/run/reports/assessment-package.json", package(&paths).to_string());
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        let url = format!("http://{}", server.address());
        let before = beside_the_copy(&tree);
        for place in [["--containment", containment], ["--server", &url]] {
            let output = pull_from(&tree, &place, &[]);
            assert_eq!(output.status.code(), Some(7), "{output:?}");
            assert_eq!(beside_the_copy(&tree), before);
            assert_copy_is_clean(&tree, &tree.path("pulled"));
            let pulled =
                std::fs::read_to_string(tree.path("pulled/artifacts/plain.txt")).expect("what is safe comes along");
            assert_eq!(pulled, PLAIN);
            std::fs::remove_dir_all(tree.path("pulled")).expect("removed");
        }
    }
}

#[test]
fn a_pull_goes_through_no_link_in_the_directory_that_it_fills() {
    for arguments in [&[][..], &["--force"]] {
        for (name, to) in [
            ("artifacts", "outside/artifacts"),
            ("reports", "outside/reports"),
            ("normalized", "runs/run-secret/normalized"),
            ("artifacts/plain.txt", "outside/artifacts/plain.txt"),
            ("reports/report.md", "outside/new.md"),
            ("run.json", "outside/run.json"),
            ("retention-summary.json", "outside/retention-summary.json"),
            (".pull", "outside"),
        ] {
            let tree = Tree::bare();
            tree.run("runs/run", "run").run("runs/run-secret", "run-secret");
            tree.link(&format!("pulled/{name}"), tree.path(to));
            let before = beside_the_copy(&tree);
            let output = pull(&tree, "auto", arguments);
            assert_eq!(beside_the_copy(&tree), before, "{name} {arguments:?}: {output:?}");
            assert!(output.status.code().is_some_and(|code| [0, 2, 7].contains(&code)), "{name}: {output:?}");
            // A link in the place of a file is taken away where that was asked for, and never written through.
            let is_replaced = output.status.code() == Some(0);
            assert!(!is_replaced || !arguments.is_empty(), "{name}: {output:?}");
            assert_eq!(tree.path("pulled").join(name).is_symlink(), !is_replaced, "{name} {arguments:?}: {output:?}");
        }
    }
}
