//! Links: refused in every component beneath the root, wherever they point; the configured root itself may be one.

use super::*;

#[test]
fn links_are_refused_at_the_leaf_wherever_they_point() {
    let tree = Tree::new();
    tree.directory("runs/other").text("runs/other/run.json", CANARY);
    tree.link("runs/run/artifacts/to-neighbour", "plain.txt")
        .link("runs/run/artifacts/to-directory", "dir")
        .link("runs/run/artifacts/absolute", tree.path("outside/secret.txt"))
        .link("runs/run/artifacts/climbing", "../../../outside/secret.txt")
        .link("runs/run/artifacts/sibling", "../../other/run.json")
        .link("runs/run/artifacts/dangling", "nowhere")
        .link("runs/run/artifacts/loop-a", "loop-b")
        .link("runs/run/artifacts/loop-b", "loop-a")
        .link("runs/run/artifacts/itself", "itself")
        .link("runs/run/artifacts/proc-root", "/proc/self/root")
        .link("runs/run/artifacts/proc-fd", "/proc/self/fd/0")
        .link("runs/run/artifacts/chain", "to-neighbour");
    for name in [
        "to-neighbour",
        "to-directory",
        "absolute",
        "climbing",
        "sibling",
        "dangling",
        "loop-a",
        "itself",
        "proc-root",
        "proc-fd",
        "chain",
    ] {
        let path = format!("artifacts/{name}");
        tree.expect(&[(&path, Link)]);
        assert_eq!(tree.entries(&path), Link, "entries {path}");
    }
}

#[test]
fn links_are_refused_as_an_ancestor_wherever_they_point() {
    let tree = Tree::new();
    tree.directory("runs/other/artifacts").text("runs/other/artifacts/secret.txt", CANARY);
    tree.text("runs/run/artifacts/dir/below.txt", "below");
    tree.link("runs/run/artifacts/to-directory", "dir")
        .link("runs/run/artifacts/here", ".")
        .link("runs/run/artifacts/up", "..")
        .link("runs/run/artifacts/outside", tree.path("outside"))
        .link("runs/run/artifacts/sibling", "../../other/artifacts")
        .link("runs/run/artifacts/proc-root", "/proc/self/root")
        .link("runs/run/artifacts/dangling", "nowhere")
        .link("runs/run/artifacts/itself", "itself")
        .link("runs/run/reports", "artifacts");
    tree.expect(&[
        ("artifacts/dir/below.txt", text("below")),
        ("artifacts/to-directory/below.txt", Link),
        ("artifacts/here/plain.txt", Link),
        ("artifacts/up/artifacts/plain.txt", Link),
        ("artifacts/outside/secret.txt", Link),
        ("artifacts/outside/missing", Link),
        ("artifacts/sibling/secret.txt", Link),
        ("artifacts/proc-root/etc/passwd", Link),
        ("artifacts/dangling/x", Link),
        ("artifacts/itself/x", Link),
        ("reports/plain.txt", Link),
        ("artifacts/dir/missing/up", NotFound),
    ]);
    assert_eq!(tree.entries("reports"), Link);
    assert_eq!(tree.entries("artifacts/here/dir"), Link);
}

#[test]
fn a_run_directory_that_is_a_link_is_refused_wherever_it_points() {
    let tree = Tree::new();
    tree.text("runs/run/retention-summary.json", "summary").text("outside/retention-summary.json", CANARY);
    tree.link("runs/sibling", "run")
        .link("runs/outside", tree.path("outside"))
        .link("runs/dangling", "nowhere")
        .link("runs/itself", "itself")
        .link("runs/to-file", tree.path("outside/secret.txt"))
        .link("runs/proc-root", "/proc/self/root")
        .link("runs/root", ".");
    for directory in ["sibling", "outside", "dangling", "itself", "to-file", "proc-root", "root"] {
        assert_eq!(tree.open_run(directory), Link, "{directory}");
        assert_eq!(tree.summary(directory), Link, "{directory}");
    }
    assert_eq!(tree.summary("run"), text("summary"));
}

#[test]
fn a_summary_that_is_a_link_is_refused() {
    let tree = Tree::new();
    tree.link("runs/run/retention-summary.json", tree.path("outside/secret.txt"));
    assert_eq!(tree.summary("run"), Link);
}

#[test]
fn the_configured_root_itself_may_be_a_link() {
    let tree = Tree::new();
    tree.directory("elsewhere/run").text("elsewhere/run/run.json", "record");
    std::fs::rename(tree.path("runs"), tree.path("before")).expect("renamed");
    tree.link("hop", "elsewhere").link("runs", tree.path("hop"));
    assert_eq!(tree.open("run.json"), text("record"));
}

#[test]
fn hard_links_are_files_like_any_other() {
    let tree = Tree::new();
    tree.text("shared.txt", "shared");
    std::fs::hard_link(tree.path("shared.txt"), tree.path("runs/run/artifacts/hard")).expect("linked");
    tree.expect(&[("artifacts/hard", text("shared"))]);
}
