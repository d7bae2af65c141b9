//! Listings, identities and the lock of a writer.

use rustix::fs::FlockOperation;

use super::super::EntryKind;
use super::*;

#[test]
fn a_directory_lists_everything_in_it_and_only_a_directory_lists() {
    let tree = Tree::new();
    tree.text("runs/run/artifacts/.hidden", "").link("runs/run/artifacts/link", "nowhere");
    let names = [".hidden", "dir", "link", "plain.txt"].map(str::to_owned).to_vec();
    assert_eq!(tree.entries("artifacts"), Names(names));
    assert_eq!(tree.entries("artifacts/dir"), Names(Vec::new()));
    assert_eq!(tree.entries("artifacts/plain.txt"), NotFound);
    assert_eq!(tree.entries("missing"), NotFound);
    assert_eq!(tree.entries("artifacts/link/x"), Link);
}

#[test]
fn a_listing_of_the_root_tells_kinds_and_raw_names_and_can_be_repeated() {
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new();
    tree.text("runs/file", "").link("runs/link", "run");
    std::fs::create_dir(tree.path("runs").join(std::ffi::OsStr::from_bytes(b"raw\xff"))).expect("made");
    let root = OpenRoot::open_ambient(&tree.path("runs"), Containment::Walk).expect("opens");
    for _ in 0..2 {
        let mut entries: Vec<_> =
            root.entries().expect("lists").into_iter().map(|entry| (entry.name, entry.kind)).collect();
        entries.sort();
        let expected = [
            (b"file".to_vec(), EntryKind::File),
            (b"link".to_vec(), EntryKind::Link),
            (b"raw\xff".to_vec(), EntryKind::Directory),
            (b"run".to_vec(), EntryKind::Directory),
        ];
        assert_eq!(entries, expected);
    }
    assert!(root.has_entry(&name("link")) && root.has_entry(&name("file")) && !root.has_entry(&name("missing")));
}

#[test]
fn what_is_no_directory_in_the_place_of_a_run_is_not_found() {
    let tree = Tree::new();
    tree.text("runs/file", "");
    for directory in ["file", "missing"] {
        assert_eq!(tree.open_run(directory), NotFound);
        assert_eq!(tree.summary(directory), NotFound);
    }
    tree.directory("runs/run/retention-summary.json");
    assert_eq!(tree.summary("run"), Directory);
}

#[test]
fn odd_names_of_run_directories_are_taken_to_the_letter() {
    let tree = Tree::new();
    for directory in ["...", "foo..bar", "%2e%2e", "a b", "a\\b", "line\nbreak", "Grüße"] {
        assert_eq!(tree.summary(directory), NotFound, "{directory:?}");
        tree.directory(&format!("runs/{directory}"))
            .text(&format!("runs/{directory}/retention-summary.json"), directory);
        assert_eq!(tree.summary(directory), text(directory));
    }
}

#[test]
fn an_identity_without_opening_is_the_one_of_the_opened_summary() {
    let tree = Tree::new();
    tree.text("runs/run/retention-summary.json", "{}");
    let root = OpenRoot::open_ambient(&tree.path("runs"), surroundings::containment()).expect("opens");
    let before = root.summary_identity(&name("run")).expect("is there");
    assert_eq!(root.summary(&name("run")).expect("opens").identity(), before);
    assert_eq!(run(&root, "run").look(&"retention-summary.json".parse().expect("a path")).expect("is there"), before);
    tree.text("runs/run/retention-summary.json", "{ }");
    assert_ne!(root.summary_identity(&name("run")), Some(before));
    assert_eq!(root.summary_identity(&name("missing")), None);
}

#[test]
fn an_opened_file_knows_that_it_changed_however_it_changed() {
    let tree = Tree::new();
    let path = tree.path("runs/run/artifacts/plain.txt");
    let root = OpenRoot::open_ambient(&tree.path("runs"), surroundings::containment()).expect("opens");
    let open = || run(&root, "run").open(&"artifacts/plain.txt".parse().expect("a path")).expect("opens");
    let changes: [(&str, &dyn Fn()); 4] = [
        ("grown", &|| std::fs::write(&path, "plain and more").expect("written")),
        ("truncated", &|| std::fs::write(&path, "p").expect("written")),
        ("replaced", &|| {
            std::fs::write(path.with_extension("new"), "plain").expect("written");
            std::fs::rename(path.with_extension("new"), &path).expect("renamed");
        }),
        ("removed", &|| std::fs::remove_file(&path).expect("removed")),
    ];
    for (how, change) in changes {
        let file = open();
        assert!(file.is_unchanged().expect("is asked"));
        change();
        assert!(!file.is_unchanged().expect("is asked"), "{how}");
    }
}

#[test]
fn a_capped_read_takes_what_fits_and_refuses_one_byte_more() {
    let tree = Tree::new();
    let root = OpenRoot::open_ambient(&tree.path("runs"), Containment::Walk).expect("opens");
    let file = run(&root, "run").open(&"artifacts/plain.txt".parse().expect("a path")).expect("opens");
    assert_eq!(file.read_capped(5).expect("reads").as_deref(), Some(b"plain".as_slice()));
    assert_eq!(file.read_capped(4).expect("reads"), None);
}

#[test]
fn a_run_is_being_written_as_long_as_its_record_is_locked() {
    let tree = Tree::new();
    tree.text("runs/run/run.json", "{}");
    let asked = || tree.ask("the lock", |root| if run(root, "run").is_being_written() { Found } else { NotFound });
    assert_eq!(asked(), NotFound);
    let record = std::fs::File::open(tree.path("runs/run/run.json")).expect("opens");
    rustix::fs::flock(&record, FlockOperation::LockExclusive).expect("locks");
    assert_eq!(asked(), Found);
    rustix::fs::flock(&record, FlockOperation::Unlock).expect("unlocks");
    assert_eq!(asked(), NotFound);
    std::fs::remove_file(tree.path("runs/run/run.json")).expect("removed");
    assert_eq!(asked(), NotFound, "a run without a record is not being written");
}
