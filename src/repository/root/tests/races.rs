//! Names that change while they are opened: no answer ever shows what stands outside.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::RenameFlags;

use super::*;

/// How many opens race at the least; and how many at the most, should the other thread get no turn.
const OPENS: (usize, usize) = (2_000, 200_000);

/// Opens while another thread keeps exchanging two names, and insists that both states were met and nothing else.
fn race(tree: &Tree, in_directory: &str, names: [&str; 2], question: impl Fn(&OpenRoot) -> Answer, allowed: &[Answer]) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle: OwnedFd = rustix::fs::open(tree.path(in_directory), flags, Mode::empty()).expect("opens");
    for containment in surroundings::mechanisms() {
        let root = OpenRoot::open_ambient(&tree.path("runs"), containment).expect("the root opens");
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let [one, other] = names;
                    rustix::fs::renameat_with(&handle, one, &handle, other, RenameFlags::EXCHANGE).expect("exchanged");
                }
            });
            let mut met: Vec<Answer> = Vec::new();
            for count in 0..OPENS.1 {
                let answer = question(&root);
                if !allowed.contains(&answer) {
                    ended.store(true, Ordering::Relaxed);
                    panic!("{containment} answered {answer:?}");
                }
                if !met.contains(&answer) {
                    met.push(answer);
                }
                if count >= OPENS.0 && met.len() > 1 {
                    break;
                }
            }
            ended.store(true, Ordering::Relaxed);
            assert!(met.len() > 1, "the names were never seen to change: {met:?}");
        });
    }
}

#[test]
fn a_leaf_exchanged_with_a_link_never_shows_what_it_points_to() {
    let tree = Tree::new();
    tree.link("runs/run/artifacts/link", tree.path("outside/secret.txt"));
    let path = "artifacts/plain.txt".parse().expect("a path");
    let question = |root: &OpenRoot| read(run(root, "run").open(&path));
    race(&tree, "runs/run/artifacts", ["plain.txt", "link"], question, &[text("plain"), Link]);
}

#[test]
fn an_ancestor_exchanged_with_a_link_never_shows_what_it_points_to() {
    let tree = Tree::new();
    tree.text("runs/run/artifacts/dir/secret.txt", "inside").link("runs/run/artifacts/link", tree.path("outside"));
    let path = "artifacts/dir/secret.txt".parse().expect("a path");
    let question = |root: &OpenRoot| read(run(root, "run").open(&path));
    // Exchanged between the walk's open and its look at why that failed, a link may also look like nothing.
    race(&tree, "runs/run/artifacts", ["dir", "link"], question, &[text("inside"), Link, NotFound]);
}

#[test]
fn a_run_directory_exchanged_with_a_link_never_shows_what_it_points_to() {
    let tree = Tree::new();
    tree.text("runs/run/retention-summary.json", "inside").text("outside/retention-summary.json", CANARY);
    tree.link("runs/link", tree.path("outside"));
    let question = |root: &OpenRoot| read(root.summary(&name("run")));
    race(&tree, "runs", ["run", "link"], question, &[text("inside"), Link, NotFound]);
}
