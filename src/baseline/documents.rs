//! Finding and reading the documents of a repository where hosting platforms look for them.

use crate::repository::ambient::target_tree::{MAX_TEXT_BYTES, TargetTree, TreeFile};

/// At most so many documents of one kind are read.
pub const MAX_DOCUMENTS: usize = 64;

/// A document that was found, read as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its path in the tree, as listed (the link's when it is one).
    pub path: String,
    /// Its text, or why there is none.
    pub text: Text,
    /// Whether the file goes on after the text, beyond the bound.
    pub cut: bool,
}

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The beginning of the file, decoded.
    Read(String),
    /// A link that leads to no listed file, a special file, or one that cannot be read.
    Unreadable,
}

impl Document {
    /// Reads one listed file.
    pub fn read(tree: &TargetTree, file: &TreeFile) -> Self {
        let (text, cut) = tree
            .read_head(file, MAX_TEXT_BYTES)
            .map_or((Text::Unreadable, false), |head| (Text::Read(decode(&head.bytes)), head.truncated));
        Self { path: file.path().to_owned(), text, cut }
    }

    /// The text; empty when unreadable.
    pub fn as_str(&self) -> &str {
        match &self.text {
            Text::Read(text) => text,
            Text::Unreadable => "",
        }
    }
}

/// The whole text of the file with exactly this path; none where it cannot be read, or not to its end.
pub fn read_text(tree: &TargetTree, path: &str) -> Option<String> {
    match Document::read(tree, tree.get(path)?) {
        Document { text: Text::Read(text), cut: false, .. } => Some(text),
        _ => None,
    }
}

/// Documents directly in the given directories (compared without case, `""` is the root) whose lower-case name is
/// accepted, in the order of the directories.
pub fn find(tree: &TargetTree, directories: &[&str], accept: impl Fn(&str) -> bool) -> Vec<Document> {
    directories
        .iter()
        .flat_map(|directory| {
            tree.files()
                .iter()
                .filter(|file| file.directory().eq_ignore_ascii_case(directory))
                .filter(|file| accept(&file.name().to_lowercase()))
                .map(|file| Document::read(tree, file))
        })
        .take(MAX_DOCUMENTS)
        .collect()
}

/// Decodes UTF-8 and, by its byte order mark, UTF-16; what is neither is replaced.
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(unit).collect();
    String::from_utf16_lossy(&units)
}

/// Whether a lower-case file name is a text document with this stem: bare, or with a documentation extension, a
/// language between them allowed (`readme.de.md`).
pub fn is_text_named(name: &str, stem: &str) -> bool {
    let Some(rest) = name.strip_prefix(stem) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = rest.strip_prefix('.') else {
        return false;
    };
    match rest.rsplit_once('.') {
        None => is_text_extension(rest),
        Some((language, extension)) => language.len() <= 7 && !language.contains('.') && is_text_extension(extension),
    }
}

/// Whether an extension is one of written documents.
pub fn is_text_extension(extension: &str) -> bool {
    const TEXT: [&str; 18] = [
        "md", "markdown", "mdown", "mkd", "mkdn", "rst", "rest", "txt", "text", "adoc", "asciidoc", "asc", "org",
        "textile", "rdoc", "pod", "html", "mdx",
    ];
    TEXT.contains(&extension)
}

/// The number of a line, counted from 1, that the predicate accepts first.
pub fn line_of(text: &str, accept: impl Fn(&str) -> bool) -> Option<u64> {
    text.lines().position(accept).and_then(|at| u64::try_from(at).ok()).map(|at| at.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_with_a_mark_is_text() {
        assert_eq!(decode(&[0xff, 0xfe, b'H', 0, b'i', 0, 0]), "Hi");
        assert_eq!(decode(&[0xfe, 0xff, 0, b'H', 0, b'i']), "Hi");
        assert_eq!(decode(&[0xef, 0xbb, 0xbf, b'H']), "H");
    }

    #[test]
    fn names_that_only_start_alike_are_other_documents() {
        for name in ["readme", "readme.md", "readme.zh-cn.md", "readme.rst"] {
            assert!(is_text_named(name, "readme"), "{name}");
        }
        for name in ["readmes.md", "readme.py", "readme.md.bak", "readme-old.md", "readme."] {
            assert!(!is_text_named(name, "readme"), "{name}");
        }
    }
}
