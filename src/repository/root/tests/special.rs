//! Special files: never opened for reading by hope, never waited for; and what the server may not read.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;

fn make_special(tree: &Tree, arguments: &[&str], name: &str) -> bool {
    let made = Command::new("mknod").arg(tree.path(name)).args(arguments).output();
    made.is_ok_and(|made| made.status.success())
}

#[test]
fn fifos_and_sockets_are_special_and_nothing_waits_for_them() {
    let tree = Tree::new();
    assert!(make_special(&tree, &["p"], "runs/run/artifacts/fifo"), "mknod makes a FIFO");
    assert!(make_special(&tree, &["p"], "runs/run/run.json"), "mknod makes a FIFO");
    assert!(make_special(&tree, &["p"], "runs/fifo"), "mknod makes a FIFO");
    let _listening = UnixListener::bind(tree.path("runs/run/artifacts/socket")).expect("binds");
    drop(UnixListener::bind(tree.path("runs/run/artifacts/left")).expect("binds"));
    tree.expect(&[
        ("artifacts/fifo", Special),
        ("artifacts/fifo/below", NotFound),
        ("artifacts/socket", Special),
        ("artifacts/left", Special),
        ("artifacts/socket/below", NotFound),
    ]);
    assert_eq!(tree.entries("artifacts/fifo"), NotFound);
    assert_eq!(tree.open_run("fifo"), NotFound);
    let held = tree.ask("run.json", |root| if run(root, "run").is_being_written() { Found } else { NotFound });
    assert_eq!(held, NotFound, "a FIFO is no lock");
}

#[test]
fn device_nodes_are_special_with_and_without_a_driver() {
    let tree = Tree::new();
    let devices = [("null", ["c", "1", "3"]), ("no-driver", ["c", "250", "77"]), ("no-disk", ["b", "250", "77"])];
    for (name, arguments) in devices {
        if !make_special(&tree, &arguments, &format!("runs/run/artifacts/{name}")) {
            surroundings::skipped("device nodes", "this user may not make them");
            return;
        }
        tree.expect(&[(&format!("artifacts/{name}"), Special)]);
    }
}

#[test]
fn what_the_server_may_not_read_is_denied_and_still_known_for_what_it_is() {
    if !surroundings::is_unprivileged(concat!(
        module_path!(),
        "::what_the_server_may_not_read_is_denied_and_still_known_for_what_it_is"
    )) {
        return;
    }
    let tree = Tree::new();
    tree.text("runs/run/artifacts/closed.txt", CANARY).directory("runs/run/artifacts/closed");
    tree.text("runs/run/artifacts/closed/below", CANARY).directory("runs/closed-run");
    assert!(make_special(&tree, &["p"], "runs/run/artifacts/fifo"), "mknod makes a FIFO");
    let closed = ["run/artifacts/closed.txt", "run/artifacts/closed", "run/artifacts/fifo", "closed-run"];
    let set = |mode| {
        for name in closed {
            let path = tree.path("runs").join(name);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
        }
    };
    set(0o000);
    assert_eq!(tree.open("artifacts/closed.txt"), Denied);
    assert_eq!(tree.look("artifacts/closed.txt"), Found, "to look at a file needs no right to read it");
    tree.expect(&[
        ("artifacts/closed", Directory),
        ("artifacts/closed/below", Denied),
        ("artifacts/closed/missing", Denied),
        ("artifacts/fifo", Special),
    ]);
    assert_eq!(tree.entries("artifacts/closed"), Denied);
    assert_eq!(tree.summary("closed-run"), Denied);
    set(0o700);
}
