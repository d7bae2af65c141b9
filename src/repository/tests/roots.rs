//! A root over time: missing, replaced, unmounted, back again; and how roots are named.

use std::process::Command;
use std::sync::Arc;

use super::fixtures::{Fixture, by_directory, by_run_id};
use super::surroundings;
use crate::model::VisibleRoots;
use crate::repository::index::{RunQuery, Snapshot};
use crate::repository::root::Containment;
use crate::repository::{Error, Repository, RootSpec, RootSpecError, RunsRoot, View};

fn directories(snapshot: &Snapshot) -> Vec<String> {
    snapshot.page(&RunQuery::default(), None, 1000).runs.iter().map(|run| run.directory.to_string()).collect()
}

/// Insists that the root is away for that reason, for readers too, and that no path is told.
fn is_away(root: &Arc<RunsRoot>, because: &str, fixture: &Fixture) {
    for error in [root.refresh().map(drop), root.snapshot().map(drop), root.locate(&by_directory("run")).map(drop)] {
        let error = error.expect_err("the root is away");
        assert!(matches!(&error, Error::RootAway { reason, .. } if reason.contains(because)), "{error}");
        assert!(!error.to_string().contains(fixture.path("").to_str().expect("is text")), "{error}");
    }
    assert!(matches!(&*root.view(), View::Away(_)));
}

#[test]
fn a_root_that_was_never_scanned_says_so() {
    let fixture = Fixture::new();
    let root = fixture.root();
    assert!(matches!(root.snapshot(), Err(Error::RootNotScanned { .. })));
    assert!(matches!(root.locate(&by_run_id("run")), Err(Error::RootNotScanned { .. })));
    assert!(matches!(root.latest(&RunQuery::default()), Err(Error::RootNotScanned { .. })));
}

#[test]
fn a_missing_root_is_away_until_it_is_back() {
    let fixture = Fixture::new();
    fixture.run("run").summary();
    let root = fixture.scanned();
    std::fs::rename(fixture.runs(), fixture.path("hidden")).expect("renamed");
    is_away(&root, "does not exist", &fixture);
    assert!(!root.is_writable());
    assert!(matches!(root.has_entry(&"run".parse().expect("a name")), Err(Error::RootAway { .. })));
    std::fs::rename(fixture.path("hidden"), fixture.runs()).expect("renamed");
    assert_eq!(directories(&root.refresh().expect("is back")), ["run"]);
    assert!(root.is_writable());
    assert!(root.has_entry(&"run".parse().expect("a name")).expect("is asked"));
}

#[test]
fn a_file_in_the_place_of_a_root_is_not_a_root() {
    let fixture = Fixture::new();
    let root = fixture.scanned();
    std::fs::rename(fixture.runs(), fixture.path("hidden")).expect("renamed");
    std::fs::write(fixture.runs(), "").expect("written");
    is_away(&root, "not a directory", &fixture);
}

#[test]
fn a_replaced_root_serves_no_run_of_the_other_and_is_scanned_anew() {
    let fixture = Fixture::new();
    fixture.run("run").summary();
    let root = fixture.scanned();
    std::fs::rename(fixture.runs(), fixture.path("before")).expect("renamed");
    fixture.run("other").summary();
    fixture.run("run").key("run_id", "impostor").summary();
    let error = root.locate(&by_run_id("run")).expect_err("another directory stands there");
    assert!(matches!(&error, Error::RootAway { reason, .. } if reason.contains("another directory")), "{error}");
    assert_eq!(directories(&root.refresh().expect("is scanned")), ["run", "other"]);
    assert!(matches!(root.locate(&by_run_id("run")), Err(Error::RunNotFound { .. })));
}

#[test]
fn an_unmounted_root_is_not_an_empty_one() {
    if !surroundings::has_private_mounts(concat!(module_path!(), "::an_unmounted_root_is_not_an_empty_one")) {
        return;
    }
    let fixture = Fixture::new();
    let runs = fixture.runs();
    let mount = |arguments: &[&str]| {
        let ran = Command::new(arguments[0]).args(&arguments[1..]).arg(&runs).status().expect("runs");
        assert!(ran.success(), "{arguments:?}");
    };
    mount(&["mount", "-t", "tmpfs", "tmpfs"]);
    fixture.run("run").summary();
    let root = fixture.scanned();
    mount(&["umount"]);
    is_away(&root, "unmounted", &fixture);
    mount(&["mount", "-t", "tmpfs", "tmpfs"]);
    fixture.run("later").summary();
    assert_eq!(directories(&root.refresh().expect("is back")), ["later"]);
}

#[test]
fn one_directory_is_published_at_once_and_leaves_the_others_as_they_were_seen() {
    let fixture = Fixture::new();
    fixture.run("old").summary();
    let root = fixture.scanned();
    let before = root.snapshot().expect("is scanned");
    fixture.run("job").summary();
    fixture.run("unseen").summary();
    root.refresh_directory(&"job".parse().expect("a name")).expect("is looked at");
    let after = root.snapshot().expect("is scanned");
    assert_eq!(directories(&after), ["job", "old"]);
    assert_eq!(after.scanned_at, before.scanned_at, "the others were not looked at");
    std::fs::remove_dir_all(fixture.path("runs/job")).expect("removed");
    root.refresh_directory(&"job".parse().expect("a name")).expect("is looked at");
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["old"]);
    for passed_over in [".hidden", "lost+found"] {
        fixture.run(passed_over).summary();
        root.refresh_directory(&passed_over.parse().expect("a name")).expect("is looked at");
    }
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["old"]);
}

#[test]
fn one_directory_of_a_root_that_is_back_brings_all_of_it_and_nothing_that_is_gone() {
    let fixture = Fixture::new();
    fixture.run("gone").summary();
    let root = fixture.scanned();
    std::fs::rename(fixture.runs(), fixture.path("hidden")).expect("renamed");
    is_away(&root, "does not exist", &fixture);
    std::fs::rename(fixture.path("hidden"), fixture.runs()).expect("renamed");
    std::fs::remove_dir_all(fixture.path("runs/gone")).expect("removed");
    fixture.run("other").summary();
    fixture.run("job").summary();
    root.refresh_directory(&"job".parse().expect("a name")).expect("is looked at");
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["job", "other"]);
}

#[test]
fn a_root_never_scanned_is_scanned_by_its_first_directory() {
    let fixture = Fixture::new();
    fixture.run("job").summary();
    fixture.run("other").summary();
    let root = fixture.root();
    root.refresh_directory(&"job".parse().expect("a name")).expect("is looked at");
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["job", "other"]);
}

#[test]
fn roots_are_found_by_name_by_their_path_as_configured_or_as_the_first() {
    let specs = ["first=/a/b", "/c/second"].map(|spec| spec.parse::<RootSpec>().expect("a root"));
    let repository = Repository::new(specs.to_vec(), Containment::Walk).expect("a repository");
    let name = |asked: &str| repository.root(asked, &VisibleRoots::All).map(|root| root.name().to_string()).ok();
    assert_eq!(name("").as_deref(), Some("first"));
    assert_eq!(name("second").as_deref(), Some("second"));
    assert_eq!(name("/a/b").as_deref(), Some("first"));
    for unknown in ["/a/b/", "/a//b", "/a", "b", "Second", "../b"] {
        assert_eq!(name(unknown), None, "{unknown}");
    }
    let error = repository.root("x\u{1b}", &VisibleRoots::All).expect_err("unknown").to_string();
    assert!(error.contains("first, second") && !error.contains('\u{1b}') && !error.contains("/a/b"), "{error}");
}

#[test]
fn a_root_that_may_not_be_seen_is_not_there_by_name_by_path_as_the_first_or_in_an_error() {
    let specs = ["first=/a/b", "second=/c/d", "third=/e/f"].map(|spec| spec.parse::<RootSpec>().expect("a root"));
    let repository = Repository::new(specs.to_vec(), Containment::Walk).expect("a repository");
    let visible = VisibleRoots::Only(["second", "third", "none"].map(|name| name.parse().expect("a name")).into());
    assert_eq!(repository.root("", &visible).map(|root| root.name().as_str()).ok(), Some("second"));
    for asked in ["first", "/a/b", "nowhere"] {
        let error = repository.root(asked, &visible).expect_err("unknown").to_string();
        assert_eq!(error, format!("there is no runs root `{asked}`; the roots are: second, third"));
    }
    assert!(repository.root("", &VisibleRoots::Only([].into())).is_err());
    assert_eq!(repository.visible(&visible).count(), 2);
}

#[test]
fn roots_need_a_name_of_their_own() {
    let parse = |text: &str| text.parse::<RootSpec>();
    assert_eq!(parse("./data/runs").expect("a root").name.as_str(), "runs");
    assert_eq!(parse("a=b=c").expect("a root").path.to_str(), Some("b=c"));
    assert_eq!(parse("Data=x/runs").expect("no name, so a path").path.to_str(), Some("Data=x/runs"));
    for text in ["", "name="] {
        assert!(matches!(parse(text), Err(RootSpecError::EmptyPath)), "{text}");
    }
    for text in [".", "..", "/", "/x/Runs", "x/a.b"] {
        assert!(matches!(parse(text), Err(RootSpecError::NeedsName { .. })), "{text}");
    }
    let clash = ["a/runs", "b/runs"].map(|text| parse(text).expect("a root")).to_vec();
    assert!(matches!(Repository::new(clash, Containment::Walk), Err(RootSpecError::NameClash { .. })));
}
