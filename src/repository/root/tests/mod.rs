//! Both mechanisms over one hostile tree: every question is asked of each, and their answers are the same.

mod entries;
mod links;
mod mounts;
mod races;
mod special;

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tempfile::TempDir;

use super::{Containment, GateError, OpenRoot, OutputFile, RunDirectory, UnsafeKind};
use crate::model::DirectoryName;
use crate::repository::tests::surroundings;

/// What must never be read: it stands outside of every run that is asked.
const CANARY: &str = "canary";

/// An answer of the gate, so that two mechanisms can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Bytes(String),
    Found,
    Names(Vec<String>),
    NotFound,
    Link,
    Special,
    Mount,
    Directory,
    Denied,
    Trouble(String),
}

use Answer::{Bytes, Denied, Directory, Found, Link, Mount, Names, NotFound, Special};

impl From<GateError> for Answer {
    fn from(error: GateError) -> Self {
        match error {
            GateError::NotFound => NotFound,
            GateError::Unsafe(UnsafeKind::Link) => Link,
            GateError::Unsafe(UnsafeKind::Special) => Special,
            GateError::Unsafe(UnsafeKind::Mount) => Mount,
            GateError::IsDirectory => Directory,
            GateError::Denied(_) => Denied,
            GateError::Trouble(error) => Self::Trouble(error.to_string()),
        }
    }
}

fn read(opened: Result<OutputFile, GateError>) -> Answer {
    let read = |file: OutputFile| file.read_capped(1 << 20).expect("reads").expect("is small");
    opened.map_or_else(Answer::from, |file| Bytes(String::from_utf8(read(file)).expect("is text")))
}

/// A runs root with the run `run`, and beside the root a directory with the canary.
struct Tree {
    temp: TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self { temp: TempDir::new().expect("a directory") };
        tree.directory("outside").text("outside/secret.txt", CANARY);
        tree.directory("runs/run/artifacts/dir").text("runs/run/artifacts/plain.txt", "plain");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn directory(&self, name: &str) -> &Self {
        std::fs::create_dir_all(self.path(name)).expect("a directory is made");
        self
    }

    fn text(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).expect("a file is written");
        self
    }

    fn link(&self, name: &str, to: impl AsRef<Path>) -> &Self {
        std::os::unix::fs::symlink(to, self.path(name)).expect("a link is made");
        self
    }

    /// Asks each mechanism, and insists that both say the same.
    fn ask(&self, what: &str, question: impl Fn(&OpenRoot) -> Answer) -> Answer {
        let answer = |containment: &Containment| {
            let root = OpenRoot::open_ambient(&self.path("runs"), *containment).expect("the root opens");
            question(&root)
        };
        let mut answers = surroundings::mechanisms().iter().map(answer).collect::<Vec<_>>();
        if let [by_kernel, by_walk] = answers.as_slice() {
            assert_eq!(by_kernel, by_walk, "openat2 (left) and walk (right) differ on {what:?}");
        }
        answers.pop().expect("there is always the walk")
    }

    fn open(&self, path: &str) -> Answer {
        self.ask(path, |root| read(run(root, "run").open(&path.parse().expect("a path"))))
    }

    fn look(&self, path: &str) -> Answer {
        let look = |root: &OpenRoot| run(root, "run").look(&path.parse().expect("a path"));
        self.ask(path, |root| look(root).map_or_else(Answer::from, |_| Found))
    }

    fn entries(&self, path: &str) -> Answer {
        self.ask(path, |root| {
            let mut names = Vec::new();
            let listed = run(root, "run").visit_entries(&path.parse().expect("a path"), &mut |name, _| {
                names.push(String::from_utf8_lossy(name).into_owned());
                ControlFlow::Continue(())
            });
            names.sort();
            listed.map_or_else(Answer::from, |()| Names(names))
        })
    }

    fn open_run(&self, directory: &str) -> Answer {
        self.ask(directory, |root| root.run(&name(directory)).map_or_else(Answer::from, |_| Found))
    }

    fn summary(&self, directory: &str) -> Answer {
        self.ask(directory, |root| read(root.summary(&name(directory))))
    }

    /// Opens and looks at each path, and insists on the answer; a file that opens is one that a look finds.
    fn expect(&self, table: &[(&str, Answer)]) {
        for (path, expected) in table {
            assert_eq!(self.open(path), *expected, "open {path:?}");
            let looked = if matches!(expected, Bytes(_)) { Found } else { expected.clone() };
            assert_eq!(self.look(path), looked, "look {path:?}");
        }
    }
}

fn name(directory: &str) -> DirectoryName {
    directory.parse().expect("a directory name")
}

fn run(root: &OpenRoot, directory: &str) -> RunDirectory {
    root.run(&name(directory)).expect("the run opens")
}

fn text(text: &str) -> Answer {
    Bytes(text.to_owned())
}

#[test]
fn plain_files_are_served_and_what_is_missing_is_not_found() {
    let tree = Tree::new();
    tree.text("runs/run/artifacts/empty", "");
    tree.expect(&[
        ("artifacts/plain.txt", text("plain")),
        ("artifacts/empty", text("")),
        ("artifacts/dir", Directory),
        ("artifacts", Directory),
        ("artifacts/missing", NotFound),
        ("missing/missing", NotFound),
        ("artifacts/plain.txt/below", NotFound),
        ("artifacts/plain.txt/below/that", NotFound),
    ]);
}

#[test]
fn odd_names_are_taken_to_the_letter() {
    let tree = Tree::new();
    let odd = ["foo..bar", "...", "%2e%2e", "a b", " ", "Grüße", "line\nbreak", "\u{202e}x", "-rf", "~", "$HOME", "*"];
    for name in odd {
        assert_eq!(tree.open(&format!("artifacts/{name}")), NotFound, "{name:?}");
        tree.text(&format!("runs/run/artifacts/{name}"), name);
        tree.expect(&[(&format!("artifacts/{name}"), text(name))]);
    }
}

#[test]
fn a_component_may_have_255_bytes_and_one_of_256_is_not_found() {
    let tree = Tree::new();
    let (longest, too_long) = ("n".repeat(255), "n".repeat(256));
    tree.directory(&format!("runs/run/{longest}")).text(&format!("runs/run/{longest}/{longest}"), "long");
    tree.expect(&[
        (&format!("{longest}/{longest}"), text("long")),
        (&too_long, NotFound),
        (&format!("{too_long}/x"), NotFound),
        (&format!("{longest}/{too_long}"), NotFound),
    ]);
    assert_eq!(tree.open_run(&longest), NotFound);
    tree.directory(&format!("runs/{longest}"));
    assert_eq!(tree.open_run(&longest), Found);
}

#[test]
fn a_path_of_4095_bytes_that_exists_is_served() {
    let tree = Tree::new();
    let component = "d".repeat(255);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut handle = rustix::fs::open(tree.path("runs/run"), flags, Mode::empty()).expect("opens");
    // Made step by step: the whole is too long to be named from anywhere else.
    for _ in 0..15 {
        rustix::fs::mkdirat(&handle, &component, Mode::RWXU).expect("a directory is made");
        handle = rustix::fs::openat(handle.as_fd(), &component, flags, Mode::empty()).expect("opens");
    }
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&handle, &component, create, Mode::RUSR | Mode::WUSR).expect("a file is made");
    rustix::io::write(&file, b"deep").expect("written");
    let path = vec![component.as_str(); 16].join("/");
    assert_eq!(path.len(), 4095);
    tree.expect(&[(&path, text("deep"))]);
}

#[test]
fn a_name_that_only_begins_like_the_run_is_another_run() {
    let tree = Tree::new();
    tree.directory("runs/run-secret").text("runs/run-secret/retention-summary.json", CANARY);
    assert_eq!(tree.open("-secret/retention-summary.json"), NotFound);
    assert_eq!(tree.summary("run"), NotFound);
}

#[test]
fn an_operator_may_choose_a_mechanism_and_openat2_is_never_silently_replaced() {
    use super::ContainmentChoice;
    assert_eq!(ContainmentChoice::Walk.decide().expect("always there"), Containment::Walk);
    match ContainmentChoice::Openat2.decide() {
        Ok(decided) => {
            assert_eq!(decided, Containment::Openat2);
            assert_eq!(ContainmentChoice::Auto.decide().expect("decides"), Containment::Openat2);
        }
        Err(_) => assert_eq!(ContainmentChoice::Auto.decide().expect("decides"), Containment::Walk),
    }
}
