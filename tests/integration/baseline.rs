//! The fixtures of `repository-baseline`: what each check flags, and what only looks like it.

mod binary_files;
mod ci_configuration;
mod contribution_guide;
mod dangerous_workflows;
mod git_fixture;
mod history;
mod history_files;
mod history_secrets;
mod hostile_history;
mod large_files;
mod license_present;
mod lock_files;
mod pinned_actions;
mod pinned_dependencies;
mod readme_present;
mod secret_rules;
mod secrets;
mod security_policy;
mod signed_tags;
mod the_canaries;
mod the_extension;
mod the_tree;
mod token_permissions;
mod unseen;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use guide_board::baseline::checks::CHECKS;
use guide_board::baseline::result::EvidenceItem;
use guide_board::baseline::{EXTENSION_ID, assess};
use guide_board::model::{EvidenceResult, Severity};
use guide_board::repository::ambient::git_history::Limits;
use guide_board::repository::ambient::target_tree::{FileOrigin, TargetTree, TreeError};
use tempfile::TempDir;

const MIT: &str = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software.\n\
    The above copyright notice and this permission notice shall be included in all copies.\n";
const WORKFLOW: &str = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make test\n";

/// A directory under construction.
struct Repo {
    directory: TempDir,
}

fn repo() -> Repo {
    Repo { directory: TempDir::new().unwrap() }
}

impl Repo {
    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let full = self.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, content).unwrap();
        self
    }

    fn sized(self, path: &str, bytes: u64) -> Self {
        let this = self.file(path, "");
        fs::File::options().write(true).open(this.path().join(path)).unwrap().set_len(bytes).unwrap();
        this
    }

    fn link(self, path: &str, target: &str) -> Self {
        let full = self.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        symlink(target, full).unwrap();
        self
    }

    /// Makes a git repository whose index tracks exactly these paths.
    fn tracked(self, paths: &[&str]) -> Self {
        gix::init(self.path()).unwrap();
        self.tracked_again(paths)
    }

    /// Has the index of the repository track exactly these paths.
    fn tracked_again(self, paths: &[&str]) -> Self {
        let repository = gix::open(self.path()).unwrap();
        let mut state = gix::index::State::new(repository.object_hash());
        for path in paths {
            state.dangerously_push_entry(
                gix::index::entry::Stat::default(),
                repository.object_hash().null(),
                gix::index::entry::Flags::empty(),
                gix::index::entry::Mode::FILE,
                path.as_bytes().into(),
            );
        }
        state.sort_entries();
        let mut file = gix::index::File::from_state(state, repository.index_path());
        file.write(gix::index::write::Options::default()).unwrap();
        self
    }

    fn tree(&self) -> TargetTree {
        TargetTree::open(self.path()).unwrap()
    }

    fn check(&self, id: &str) -> EvidenceItem {
        let mut result = assess(&self.tree(), Limits::default(), "target", &[id.to_owned()], &mut |_| {}).unwrap();
        result.evidence.remove(0)
    }

    #[track_caller]
    fn expect(self, id: &str, expected: EvidenceResult) -> EvidenceItem {
        let item = self.check(id);
        assert_eq!(item.result, expected, "{item:#?}");
        assert!(!item.observations.is_empty(), "{item:#?}");
        assert_eq!(item.severity.is_some(), matches!(expected, EvidenceResult::Fail | EvidenceResult::Warning));
        item
    }

    #[track_caller]
    fn fails(self, id: &str) -> EvidenceItem {
        self.expect(id, EvidenceResult::Fail)
    }

    #[track_caller]
    fn warns(self, id: &str) -> EvidenceItem {
        self.expect(id, EvidenceResult::Warning)
    }

    #[track_caller]
    fn passes(self, id: &str) -> EvidenceItem {
        self.expect(id, EvidenceResult::Pass)
    }
}

/// The rules that found something, each with its line.
fn rules(item: &EvidenceItem) -> Vec<(&str, u64)> {
    let found = item.facts["findings"].as_array().unwrap();
    found.iter().map(|found| (found["rule"].as_str().unwrap(), found["line"].as_u64().unwrap())).collect()
}

fn place(item: &EvidenceItem) -> (&str, Option<u64>) {
    (item.locations[0].path.as_str(), item.locations[0].line)
}
