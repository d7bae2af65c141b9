//! Real git repositories, made object by object, without a git program.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Kind, Tag, Tree};

use super::*;

/// 2026-01-01, and each commit a day later.
const FIRST_DAY: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// A repository in the making: every commit holds exactly the files it is given.
pub(crate) struct Git {
    pub(crate) repo: Repo,
    repository: gix::Repository,
    days: i64,
}

/// Bytes as a zlib stream, not compressed.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    let mut stream = vec![0x78, 0x01];
    let last = bytes.chunks(65_535).count().max(1) - 1;
    for number in 0..=last {
        let block = bytes.chunks(65_535).nth(number).unwrap_or_default();
        let length = u16::try_from(block.len()).unwrap();
        stream.push(u8::from(number == last));
        stream.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        stream.extend(block);
    }
    stream.extend(((high << 16) | low).to_be_bytes());
    stream
}

/// An empty repository on the branch `main`.
pub(crate) fn git() -> Git {
    let repo = repo();
    let repository =
        gix::ThreadSafeRepository::init(repo.path(), gix::create::Kind::WithWorktree, gix::create::Options::default())
            .unwrap()
            .to_thread_local();
    fs::write(repo.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    Git { repo, repository, days: 0 }
}

impl Git {
    pub(crate) fn path(&self) -> &Path {
        self.repo.path()
    }

    /// Writes a commit of these files with these parents, on no branch.
    pub(crate) fn commit_on(&mut self, parents: &[ObjectId], files: &[(&str, &[u8])], message: &str) -> ObjectId {
        let files: Vec<(&str, ObjectId)> = files.iter().map(|(path, content)| (*path, self.blob(content))).collect();
        let tree = self.tree(&files);
        self.commit_tree(parents, tree, message)
    }

    /// A large blob is written as it is, under a name that is made up: compressing and hashing it would take seconds, and nobody looks.
    fn blob(&self, content: &[u8]) -> ObjectId {
        if content.len() < 1 << 20 {
            return self.repository.write_blob(content).unwrap().detach();
        }
        let id = self.repository.write_blob(format!("{} {}", content.len(), content[0])).unwrap().detach();
        fs::remove_file(self.object(id)).unwrap();
        self.put_object(id, &stored(&[format!("blob {}\0", content.len()).as_bytes(), content].concat()));
        id
    }

    /// Writes the file of a loose object.
    pub(crate) fn put_object(&self, id: ObjectId, bytes: &[u8]) {
        let path = self.object(id);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Commits, on `main`, a directory with the one entry `x`, of this kind and id.
    pub(crate) fn commit_entry(&mut self, kind: EntryKind, oid: ObjectId) {
        let entries = vec![Entry { mode: kind.into(), filename: "x".into(), oid }];
        let tree = self.repository.write_object(&Tree { entries }).unwrap().detach();
        let parents: Vec<ObjectId> = self.head().into_iter().collect();
        let id = self.commit_tree(&parents, tree, "Add x\n");
        self.point("refs/heads/main", id);
    }

    /// Writes a commit of this tree object.
    pub(crate) fn commit_tree(&mut self, parents: &[ObjectId], tree: ObjectId, message: &str) -> ObjectId {
        self.days += 1;
        let someone = gix::actor::Signature {
            name: "Someone".into(),
            email: "someone@example.invalid".into(),
            time: gix::date::Time::new(FIRST_DAY + self.days * DAY, 0),
        };
        let commit = Commit {
            tree,
            parents: parents.iter().copied().collect(),
            author: someone.clone(),
            committer: someone,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        self.repository.write_object(&commit).unwrap().detach()
    }

    fn tree(&self, files: &[(&str, ObjectId)]) -> ObjectId {
        let mut children: BTreeMap<&str, Vec<(&str, ObjectId)>> = BTreeMap::new();
        let mut entries = Vec::new();
        for (path, id) in files {
            match path.split_once('/') {
                Some((directory, rest)) => children.entry(directory).or_default().push((rest, *id)),
                None => entries.push(Entry { mode: EntryKind::Blob.into(), filename: (*path).into(), oid: *id }),
            }
        }
        for (directory, files) in children {
            let oid = self.tree(&files);
            entries.push(Entry { mode: EntryKind::Tree.into(), filename: directory.into(), oid });
        }
        entries.sort();
        self.repository.write_object(&Tree { entries }).unwrap().detach()
    }

    pub(crate) fn point(&self, reference: &str, id: ObjectId) {
        let path = self.path().join(".git").join(reference);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{id}\n")).unwrap();
    }

    pub(crate) fn head(&self) -> Option<ObjectId> {
        let text = fs::read_to_string(self.path().join(".git/refs/heads/main")).ok()?;
        ObjectId::from_hex(text.trim().as_bytes()).ok()
    }

    /// Commits these files on `main`, and has them stand in the work tree and the index.
    pub(crate) fn commit(mut self, files: &[(&str, &[u8])]) -> Self {
        let parents: Vec<ObjectId> = self.head().into_iter().collect();
        let id = self.commit_on(&parents, files, "Change things\n");
        self.point("refs/heads/main", id);
        for entry in fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with(".git") {
                fs::remove_dir_all(entry).unwrap();
            } else if entry.is_file() {
                fs::remove_file(entry).unwrap();
            }
        }
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        for (path, content) in files {
            self.repo = self.repo.file(path, content);
        }
        self.repo = self.repo.tracked_again(&paths);
        self
    }

    /// A branch with one commit of these files on top of `main`.
    pub(crate) fn branch(mut self, name: &str, files: &[(&str, &[u8])]) -> Self {
        let parents: Vec<ObjectId> = self.head().into_iter().collect();
        let id = self.commit_on(&parents, files, "Try things\n");
        self.point(&format!("refs/heads/{name}"), id);
        self
    }

    /// A tag object on `main` whose message is followed by this signature block.
    pub(crate) fn tag(mut self, name: &str, message: &str, signature: Option<&str>) -> Self {
        self.days += 1;
        let tag = Tag {
            target: self.head().unwrap(),
            target_kind: Kind::Commit,
            name: name.into(),
            tagger: Some(gix::actor::Signature {
                name: "Someone".into(),
                email: "someone@example.invalid".into(),
                time: gix::date::Time::new(FIRST_DAY + self.days * DAY, 0),
            }),
            message: message.into(),
            signature: signature.map(|kind| format!("-----BEGIN {kind}-----\n\nabc\n-----END {kind}-----\n").into()),
        };
        let id = self.repository.write_object(&tag).unwrap().detach();
        self.point(&format!("refs/tags/{name}"), id);
        self
    }

    pub(crate) fn lightweight(self, name: &str) -> Self {
        self.point(&format!("refs/tags/{name}"), self.head().unwrap());
        self
    }

    /// The file of a loose object.
    pub(crate) fn object(&self, id: ObjectId) -> std::path::PathBuf {
        let name = id.to_string();
        self.path().join(".git/objects").join(&name[..2]).join(&name[2..])
    }

    /// The object at a path of the checked-out commit.
    pub(crate) fn id_of(&self, path: &str) -> ObjectId {
        let tree = self.repository.find_commit(self.head().unwrap()).unwrap().tree().unwrap();
        tree.lookup_entry_by_path(path).unwrap().unwrap().object_id()
    }

    pub(crate) fn check_within(&self, limits: Limits, id: &str) -> EvidenceItem {
        let mut result = assess(&self.repo.tree(), limits, "target", &[id.to_owned()], &mut |_| {}).unwrap();
        result.evidence.remove(0)
    }

    pub(crate) fn check(&self, id: &str) -> EvidenceItem {
        self.repo.check(id)
    }
}
