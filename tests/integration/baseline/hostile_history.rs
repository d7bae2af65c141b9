//! Repositories made to harm whoever reads their history.

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use rustix::fs::{CWD, Mode, mkfifoat};

use super::git_fixture::{Git, git, stored};
use super::*;

const ID: &str = "history-large-files";

#[track_caller]
fn refused(git: &Git, reason: &str) {
    let item = git.check(ID);
    assert_eq!((item.result, &item.facts["reason"]), (EvidenceResult::NotApplicable, &reason.into()), "{item:#?}");
}

fn some_id(digit: &str) -> ObjectId {
    ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap()
}

#[test]
fn special_files_in_the_git_directory_are_never_opened() {
    for place in [
        "refs/heads/pipe",
        "refs/replace/pipe",
        "objects/pack/pack-1.idx",
        "objects/ab/pipe",
        "packed-refs",
        "shallow",
        "objects/info/alternates",
    ] {
        let git = git().commit(&[("a", b"x")]);
        let path = git.path().join(".git").join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        mkfifoat(CWD, &path, Mode::RWXU).unwrap();
        refused(&git, "unreadable-repository");
    }
}

#[test]
fn a_link_to_a_device_is_never_opened() {
    for place in ["refs/heads/zero", "objects/info/alternates", "packed-refs"] {
        let git = git().commit(&[("a", b"x")]);
        let path = git.path().join(".git").join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink("/dev/zero", path).unwrap();
        refused(&git, "unreadable-repository");
    }
}

#[test]
fn objects_borrowed_from_the_same_user_count_and_from_another_do_not() {
    let lender = git().commit(&[("a", b"x")]);
    let borrower = git();
    borrower.point("refs/heads/main", lender.head().unwrap());
    let info = borrower.path().join(".git/objects/info");
    fs::create_dir_all(&info).unwrap();
    let alternates = info.join("alternates");
    fs::write(&alternates, format!("{}\n", lender.path().join(".git/objects").display())).unwrap();
    assert_eq!(borrower.check(ID).facts["history"]["commits"], 1);

    // A directory of somebody else: what a test that is not root has at hand, or else makes.
    let foreign = repo();
    let foreign = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(foreign.path(), Some(12_345), None).unwrap();
        foreign.path().to_owned()
    } else {
        std::path::PathBuf::from("/usr")
    };
    fs::write(&alternates, format!("{}\n", foreign.display())).unwrap();
    refused(&borrower, "borrowed-objects");
    fs::write(alternates, "\"/no/such\\directory\n../../nowhere\n").unwrap();
    refused(&borrower, "borrowed-objects");
}

#[test]
fn object_directories_that_borrow_from_each_other_are_refused() {
    let git = git().commit(&[("a", b"x")]);
    let objects = git.path().join(".git/objects");
    fs::create_dir_all(objects.join("info")).unwrap();
    fs::write(objects.join("info/alternates"), format!("{}\n", objects.display())).unwrap();
    refused(&git, "unreadable-repository");
}

#[test]
fn a_repository_above_that_another_user_owns_is_not_looked_at() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a directory away; that this one is not, the check below would show.
        assert!(std::os::unix::fs::chown(repo().path(), Some(12_345), None).is_err());
        return;
    }
    let git = git().commit(&[("a/f", b"x")]);
    std::os::unix::fs::chown(git.path().join(".git"), Some(12_345), None).unwrap();
    let tree = TargetTree::open(&git.path().join("a")).unwrap();
    let item = assess(&tree, Limits::default(), "t", &[ID.to_owned()], &mut |_| {}).unwrap().evidence.remove(0);
    assert_eq!(item.facts["reason"], "not-a-git-work-tree");
    // At its own top a repository counts whoever owns it, when it is all theirs: a mounted one often belongs to somebody else.
    refused(&git, "borrowed-objects");
    for place in ["", ".git/objects"] {
        std::os::unix::fs::chown(git.path().join(place), Some(12_345), None).unwrap();
    }
    assert_eq!(git.check(ID).facts["history"]["commits"], 1);
}

/// Gives the path away. Whoever is not root cannot, and has nobody else's repository to be led into by this process.
fn given_away(path: &Path) -> bool {
    let given = std::os::unix::fs::lchown(path, Some(65_534), None);
    assert_eq!(given.is_ok(), rustix::process::geteuid().is_root());
    given.is_ok()
}

#[test]
fn nothing_leads_into_a_repository_of_another_user() {
    let victim = git().commit(&[("secret.txt", b"x")]);
    let theirs = victim.path().join(".git");
    let (git_file, link) = (repo().file("a", "x"), repo().file("a", "x"));
    fs::write(git_file.path().join(".git"), format!("gitdir: {}\n", theirs.display())).unwrap();
    symlink(&theirs, link.path().join(".git")).unwrap();
    let common = repo().file("a", "x").file(".git/HEAD", "ref: refs/heads/main\n");
    fs::write(common.path().join(".git/commondir"), format!("{}\n", theirs.display())).unwrap();
    for led in [git_file, link, common] {
        if !given_away(led.path()) {
            return;
        }
        given_away(&led.path().join(".git"));
        let item = led.check(ID);
        assert_eq!(
            (item.result, &item.facts["reason"]),
            (EvidenceResult::NotApplicable, &"borrowed-objects".into()),
            "{item:#?}"
        );
        // The index is of that repository, too.
        let tree = led.tree();
        assert_eq!((tree.origin(), tree.files().len()), (FileOrigin::Walk, 1));
    }
}

#[test]
fn a_link_within_the_git_directory_leads_to_nothing_of_another_user() {
    let victim = git().commit(&[("secret.txt", b"x")]);
    let theirs = victim.path().join(".git");
    let head = victim.head().unwrap().to_string();
    let object = format!("objects/{}", &head[..2]);
    for place in ["objects", "refs", "HEAD", "refs/heads/main", object.as_str()] {
        let git = git().commit(&[("a", b"x")]);
        let own = git.path().join(".git").join(place);
        match fs::symlink_metadata(&own) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&own).unwrap(),
            Ok(_) => fs::remove_file(&own).unwrap(),
            Err(_) => {}
        }
        symlink(theirs.join(place), &own).unwrap();
        for path in [git.path().to_owned(), git.path().join(".git"), git.path().join(".git/objects"), own] {
            let is_link = fs::symlink_metadata(&path).unwrap().is_symlink();
            if !is_link && !given_away(&path) {
                return;
            }
        }
        refused(&git, "borrowed-objects");
    }
}

#[test]
fn no_program_that_the_configuration_names_is_run() {
    let git = git().commit(&[(".gitattributes", b"* filter=evil diff=evil\n"), ("a", b"x")]).lightweight("v1.0");
    let (marker, script) = (git.path().join("ran"), git.path().join("evil.sh"));
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", marker.display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let evil = script.display();
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {evil}\n\thooksPath = {parent}\n\tpager = {evil}\n\tsshCommand = {evil}\n\
         [filter \"evil\"]\n\tsmudge = {evil}\n\tclean = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n[gpg]\n\tprogram = {evil}\n[include]\n\tpath = /dev/zero\n",
        parent = git.path().display(),
    );
    fs::write(git.path().join(".git/config"), config).unwrap();
    for check in ["history-secrets", "history-large-files", "history-binary-files", "signed-tags", "secrets"] {
        assert_ne!(git.check(check).result, EvidenceResult::Unknown);
    }
    assert_eq!(git.check(ID).facts["history"]["commits"], 1);
    assert!(!marker.exists());
}

#[test]
fn replacement_references_hide_nothing() {
    let mut git = git().commit(&[("a", &vec![b'x'; 6 * 1024 * 1024])]);
    let parents = [git.head().unwrap()];
    let shown = git.commit_on(&parents, &[("a", b"y")], "Shrink\n");
    let innocent = git.commit_on(&[], &[("a", b"y")], "Nothing before\n");
    git.point("refs/heads/main", shown);
    git.point(&format!("refs/replace/{shown}"), innocent);
    let item = git.check(ID);
    assert_eq!((item.result, &item.facts["history"]["commits"]), (EvidenceResult::Warning, &2.into()), "{item:#?}");
}

#[test]
fn an_object_that_claims_a_tebibyte_is_not_decoded() {
    let mut git = git().commit(&[("a", b"x")]);
    let id = some_id("1");
    git.put_object(id, &stored(b"blob 1099511627776\0not that much"));
    git.commit_entry(EntryKind::Blob, id);
    let git = git.commit(&[("a", b"y")]);
    let item = git.check(ID);
    assert_eq!(item.result, EvidenceResult::Fail, "by its own word it is large: {item:#?}");
    assert_eq!((&item.facts["history"]["too_large_to_read"], place(&item).0), (&1.into(), "x"));
}

#[test]
fn a_directory_that_claims_a_tebibyte_is_not_decoded() {
    let mut git = git().commit(&[("a", b"x")]);
    let id = some_id("2");
    git.put_object(id, &stored(b"tree 1099511627776\0"));
    git.commit_entry(EntryKind::Tree, id);
    refused(&git, "damaged-objects");
}

#[test]
fn a_directory_that_holds_itself_is_walked_once() {
    let mut git = git().commit(&[("a", b"x")]);
    let id = some_id("3");
    let entry = [b"40000 x\0", id.as_slice()].concat();
    git.put_object(id, &stored(&[format!("tree {}\0", entry.len()).as_bytes(), &entry].concat()));
    git.commit_entry(EntryKind::Tree, id);
    let item = git.check(ID);
    assert!(matches!(item.result, EvidenceResult::Pass | EvidenceResult::NotApplicable), "{item:#?}");
    assert_eq!(item.facts["history"]["commits"], 2);
}

#[test]
fn a_commit_that_is_its_own_parent_is_looked_at_once() {
    let git = git().commit(&[("a", b"x")]);
    let tree = gix::open(git.path()).unwrap().find_commit(git.head().unwrap()).unwrap().tree_id().unwrap().detach();
    let id = some_id("4");
    let body = format!(
        "tree {tree}\nparent {id}\nauthor A <a@b> 1767225600 +0000\ncommitter A <a@b> 1767225600 +0000\n\nloop\n"
    );
    git.put_object(id, &stored(format!("commit {}\0{body}", body.len()).as_bytes()));
    git.point("refs/heads/main", id);
    assert_eq!(git.check(ID).facts["history"]["commits"], 1);
}

#[test]
fn a_tag_that_is_its_own_target_leads_nowhere() {
    let git = git().commit(&[("a", b"x")]);
    let id = some_id("5");
    let body = format!("object {id}\ntype tag\ntag v1.0\ntagger A <a@b> 1767225600 +0000\n\nloop\n");
    git.put_object(id, &stored(format!("tag {}\0{body}", body.len()).as_bytes()));
    git.point("refs/tags/v1.0", id);
    assert_eq!(git.check("signed-tags").facts["tags"], 0);
    assert_eq!(git.check(ID).facts["history"]["commits"], 1);
}

#[test]
fn directories_deeper_than_the_bound_are_not_walked_and_that_is_said() {
    let deep = format!("{}f", "d/".repeat(70));
    let git = git().commit(&[("a", b"x")]).branch("deep", &[(deep.as_str(), b"y")]);
    let item = git.check(ID);
    assert_eq!(
        (item.result, &item.facts["history"]["unreadable_objects"]),
        (EvidenceResult::NotApplicable, &1.into()),
        "{item:#?}"
    );
}

#[test]
fn garbage_in_place_of_an_object_is_no_panic() {
    for garbage in
        [&b""[..], b"\x78\x01", b"no zlib at all", &stored(b"blob x\0"), &stored(b"blob 5\0"), &stored(b"what 1\0a")]
    {
        let mut git = git().commit(&[("a", b"x")]);
        let id = some_id("6");
        git.put_object(id, garbage);
        git.commit_entry(EntryKind::Blob, id);
        refused(&git, "damaged-objects");
    }
    let git = git().commit(&[("a", b"x")]);
    let pack = git.path().join(".git/objects/pack");
    fs::create_dir_all(&pack).unwrap();
    fs::write(pack.join("pack-0000000000000000000000000000000000000000.idx"), "\u{ff}tOc garbage").unwrap();
    fs::write(pack.join("pack-0000000000000000000000000000000000000000.pack"), "PACK garbage").unwrap();
    let item = git.check(ID);
    assert!(matches!(item.result, EvidenceResult::Pass | EvidenceResult::NotApplicable), "{item:#?}");
}
