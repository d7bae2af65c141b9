//! The tags of a repository, and whether they carry a signature.

use gix::objs::{CommitRef, Kind, TagRef};

use super::walk::MAX_COMMIT_BYTES;
use super::{History, unwinding};

/// What stands behind a tag's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagForm {
    /// The name of a commit: no author, no date, no signature.
    Lightweight,
    /// A tag object without a signature.
    Annotated,
    /// A tag object with a signature block of this kind: `openpgp`, `ssh` or `x509`. It is seen, not verified.
    Signed(&'static str),
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name beneath `refs/tags/`, printable.
    pub name: String,
    /// What it is.
    pub form: TagForm,
    /// When it was made, in seconds since 1970; of a lightweight tag when its commit was made.
    pub time: i64,
}

impl History {
    /// Every tag that leads to a commit, in no particular order. Tags of other objects and those that cannot be read are left out.
    #[must_use]
    pub fn tags(&self) -> Vec<Tag> {
        unwinding(|| self.tags.iter().filter_map(|(name, id)| self.tag(name, *id)).collect()).unwrap_or_default()
    }

    fn tag(&self, name: &str, id: gix::ObjectId) -> Option<Tag> {
        let hash = self.repository.object_hash();
        let mut buffer = Vec::new();
        let (kind, data) = self.read(id, MAX_COMMIT_BYTES, &mut buffer)?;
        let (form, time) = match kind {
            Kind::Commit => {
                let commit = CommitRef::from_bytes(data, hash).ok()?;
                (TagForm::Lightweight, commit.committer().ok()?.seconds())
            }
            Kind::Tag => {
                let tag = TagRef::from_bytes(data, hash).ok()?;
                let form = signature_kind(data).map_or(TagForm::Annotated, TagForm::Signed);
                let time = tag.tagger().ok().flatten().map_or(0, |tagger| tagger.seconds());
                let target = tag.target();
                self.commit_of(target)?;
                (form, time)
            }
            _ => return None,
        };
        Some(Tag { name: name.to_owned(), form, time })
    }
}

/// The kind of the signature block that a tag object ends with: git takes the last line that begins one.
fn signature_kind(tag: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 4] = [
        (b"-----BEGIN PGP SIGNATURE-----", "openpgp"),
        (b"-----BEGIN PGP MESSAGE-----", "openpgp"),
        (b"-----BEGIN SSH SIGNATURE-----", "ssh"),
        (b"-----BEGIN SIGNED MESSAGE-----", "x509"),
    ];
    let kind_of =
        |line: &[u8]| BEGINNINGS.iter().find(|(begin, _)| line.trim_ascii_end() == *begin).map(|(_, kind)| *kind);
    let lines: Vec<&[u8]> = tag.split(|byte| *byte == b'\n').collect();
    let (at, kind) = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, kind_of(line)?)))?;
    let closed = lines.iter().skip(at).any(|line| line.starts_with(b"-----END "));
    // A block of a few lines without content is a forgery or a quotation.
    (closed && lines.len().saturating_sub(at) > 2).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_a_closed_block_at_the_start_of_a_line() {
        let block = |kind: &str| format!("object 00\n\nwords\n-----BEGIN {kind}-----\n\nabc\n-----END {kind}-----\n");
        assert_eq!(signature_kind(block("PGP SIGNATURE").as_bytes()), Some("openpgp"));
        assert_eq!(signature_kind(block("SSH SIGNATURE").as_bytes()), Some("ssh"));
        assert_eq!(signature_kind(block("SIGNED MESSAGE").as_bytes()), Some("x509"));
        assert_eq!(signature_kind(block("PUBLIC KEY").as_bytes()), None);
        assert_eq!(signature_kind(b"words\n-----BEGIN PGP SIGNATURE-----\nabc\n"), None);
        assert_eq!(
            signature_kind(b"words > -----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"),
            None
        );
    }
}
