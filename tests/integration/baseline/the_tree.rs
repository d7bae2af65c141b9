//! Which files count, and what is never opened.

use super::*;

#[test]
fn only_tracked_files_that_still_stand_count() {
    let repo = repo().file("README.md", "x").file("build/out.bin", "\x7fELF....").tracked(&["README.md", "gone.txt"]);
    let tree = repo.tree();
    assert_eq!(tree.origin(), FileOrigin::GitIndex);
    assert_eq!(tree.files().iter().map(|file| file.path()).collect::<Vec<_>>(), ["README.md"]);
    repo.passes("binary-files");
}

#[test]
fn a_worktree_whose_git_entry_is_a_file_is_a_checkout() {
    let main = repo().file("a", "x").tracked(&["a"]);
    let linked = repo().file("a", "x").file("b", "x");
    let state = main.path().join(".git/worktrees/linked");
    fs::create_dir_all(&state).unwrap();
    fs::copy(main.path().join(".git/index"), state.join("index")).unwrap();
    fs::write(state.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(state.join("commondir"), "../..\n").unwrap();
    fs::write(state.join("gitdir"), format!("{}\n", linked.path().join(".git").display())).unwrap();
    let linked = linked.file(".git", format!("gitdir: {}\n", state.display()));
    let tree = linked.tree();
    assert_eq!((tree.origin(), tree.files().len()), (FileOrigin::GitIndex, 1));
}

#[test]
fn a_repository_with_nothing_tracked_is_walked_and_says_so() {
    let repo = repo().file("a", "x").tracked(&[]);
    assert_eq!(repo.tree().origin(), FileOrigin::Walk);
    assert_eq!(repo.tree().notes().len(), 1);
    assert_eq!(repo.tree().files().len(), 1);
}

#[test]
fn a_broken_index_is_walked_and_says_so() {
    let repo = repo().file("a", "x").tracked(&["a"]).file(".git/index", "not an index");
    assert_eq!(repo.tree().origin(), FileOrigin::Walk);
    assert_eq!(repo.tree().notes().len(), 1);
}

#[test]
fn a_bare_repository_is_refused() {
    let repo = repo();
    gix::init_bare(repo.path()).unwrap();
    assert!(matches!(TargetTree::open(repo.path()), Err(TreeError::BareRepository)));
    assert!(matches!(TargetTree::open(&repo.path().join("HEAD")), Err(TreeError::NotADirectory(_))));
}

#[test]
fn links_lead_to_listed_files_only() {
    let outside = repo().file("secret", "words");
    let repo = repo()
        .file("docs/real.md", "words")
        .link("inside", "docs/real.md")
        .link("outside", outside.path().join("secret").to_str().unwrap())
        .link("loop", "loop")
        .link("climb", "../../../../etc/hostname");
    let tree = repo.tree();
    assert!(tree.read_head(tree.get("inside").unwrap(), 100).is_ok());
    for name in ["outside", "loop", "climb"] {
        assert!(tree.read_head(tree.get(name).unwrap(), 100).is_err(), "{name}");
    }
}

#[test]
fn a_directory_swapped_for_a_link_after_listing_is_not_followed() {
    let outside = repo().file("f", "secret");
    let repo = repo().file("d/f", "x");
    let tree = repo.tree();
    fs::remove_dir_all(repo.path().join("d")).unwrap();
    symlink(outside.path(), repo.path().join("d")).unwrap();
    assert!(tree.read_head(tree.get("d/f").unwrap(), 100).is_err());
}

#[test]
fn a_fifo_is_listed_and_never_opened() {
    let repo = repo();
    rustix::fs::mkfifoat(rustix::fs::CWD, repo.path().join("README.md"), rustix::fs::Mode::RWXU).unwrap();
    repo.fails("readme-present");
}

#[test]
fn a_name_that_is_not_utf8_is_escaped() {
    let repo = repo();
    fs::write(repo.path().join(std::ffi::OsStr::from_bytes(b"a\xff")), "\x7fELF-----").unwrap();
    let item = repo.fails("binary-files");
    assert_eq!(item.locations[0].path, "a\\xff");
}

#[test]
fn a_tagged_cache_is_passed_over_in_a_walk() {
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n";
    let repo =
        repo().file("target/CACHEDIR.TAG", signature).file("target/a.o", "\x7fELF").file("b/CACHEDIR.TAG", "other");
    assert_eq!(repo.tree().files().len(), 1);
}

#[test]
fn depth_is_bounded_and_said() {
    let repo = repo().file(&format!("{}f", "d/".repeat(70)), "x");
    let tree = repo.tree();
    assert!(tree.truncated());
    assert_eq!(repo.check("large-files").facts["listing_truncated"], true);
}

#[test]
fn a_git_directory_with_a_fifo_is_left_alone() {
    let repo = repo().file("a", "x").tracked(&["a"]);
    let head = repo.path().join(".git/HEAD");
    fs::remove_file(&head).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, head, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(repo.tree().origin(), FileOrigin::Walk);
    assert_eq!(repo.tree().notes().len(), 1);
}

#[test]
fn an_index_that_is_a_fifo_is_left_alone() {
    let repo = repo().file("a", "x").tracked(&["a"]);
    let index = repo.path().join(".git/index");
    fs::remove_file(&index).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, index, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(repo.tree().origin(), FileOrigin::Walk);
}

#[test]
fn hostile_documents_cost_no_more_than_their_length() {
    let ids: Vec<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    let dotted = format!("{}a = 1\n", "a.".repeat(400_000));
    let repo = repo()
        .file("Cargo.toml", &dotted)
        .file("pyproject.toml", format!("a = {}", "[".repeat(400_000)))
        .file("package.json", "[".repeat(400_000))
        .file(".github/workflows/a.yml", "- ".repeat(400_000))
        .file(
            ".github/workflows/b.yml",
            format!("jobs: &j\n{}", "  a: &a {steps: [&s {run: \"${{ env.A }}\"}, *s]}\n".repeat(5_000)),
        )
        .file(".github/workflows/c.yml", format!("jobs: {{a: {{steps: [&s {{run: x}}{}]}}}}\n", ", *s".repeat(50_000)))
        .file(
            ".github/workflows/d.yml",
            format!("on: issues\njobs: {{a: {{steps: [{{run: \"{}\"}}]}}}}\n", "${{ a[".repeat(50_000)),
        )
        .file("Dockerfile", format!("ARG A={}\n{}", "a".repeat(400_000), "FROM $A$A\n".repeat(20_000)))
        .file("a.sh", "sh|".repeat(20_000))
        .file("b.sh", "$(\"`<(".repeat(150_000))
        .file("c.sh", "pip install x\n".repeat(10_000))
        .file("d.sh", "cat <<E\n".repeat(100_000))
        .file(".gitlab-ci.yml", "script:\n".repeat(100_000))
        .file("README.md", "![[](<".repeat(150_000))
        .file("SECURITY.md", "a@".repeat(400_000))
        .file("requirements.txt", "\\\n".repeat(300_000));
    assert_eq!(assess(&repo.tree(), Limits::default(), "target", &ids, &mut |_| {}).unwrap().evidence.len(), ids.len());
}
