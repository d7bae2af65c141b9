//! `license-present`: a licence text stands where people and platforms look for it.

use serde_json::{Value, json};

use crate::baseline::documents::{Document, Text, find, is_text_extension, line_of, read_text};
use crate::baseline::outcome::Outcome;
use crate::baseline::prose::words_in;
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

use super::license_text::{reads_like_a_license, recognise, spdx_tag};

/// Directories of licence texts: that of REUSE, and what the OSPS Baseline names.
const EXPECTED_IN: [&str; 3] = ["LICENSES", "LICENSE", "LICENCE"];
const ELSEWHERE: [&str; 4] = [".github", "docs", "doc", "legal"];
/// A text with fewer words names a licence at best.
const MIN_WORDS: usize = 20;

enum Verdict {
    Good(String),
    Restricted(String),
    Unrecognised,
    NameOnly(String),
    Empty,
    Unreadable,
    NoLicense,
}

/// Looks for licence files, then judges their texts; the best one decides.
pub fn run(tree: &TargetTree) -> Outcome {
    let mut found = find(tree, &[""], is_license_name);
    found.extend(
        find(tree, &EXPECTED_IN, |name| name.ends_with(".txt") || name.ends_with(".md") || !name.contains('.'))
            .into_iter()
            .filter(|document| {
                // A directory in lower case usually gathers the licences of dependencies.
                EXPECTED_IN.iter().any(|directory| document.path.starts_with(directory))
            }),
    );
    let declared = declarations(tree);
    for path in declared.iter().filter_map(|declaration| declaration.file.as_deref()) {
        if let Some(file) = tree.get(path)
            && !found.iter().any(|document| document.path == path)
        {
            found.push(Document::read(tree, file));
        }
    }
    if found.is_empty() {
        return without_file(tree, &declared);
    }
    let judged: Vec<(&Document, Verdict)> = found.iter().map(|document| (document, judge(document))).collect();
    let ids: Vec<&str> = judged.iter().filter_map(|(_, verdict)| verdict.id()).collect();
    let paths: Vec<&str> = found.iter().map(|document| document.path.as_str()).collect();
    let Some((document, verdict)) = judged.iter().min_by_key(|(_, verdict)| verdict.rank()) else {
        return Outcome::unknown();
    };
    let good: Vec<String> = judged
        .iter()
        .filter(|(_, verdict)| verdict.rank() == 0)
        .filter_map(|(document, verdict)| Some(format!("{} ({})", verdict.id()?, document.path)))
        .collect();
    let outcome = if good.is_empty() {
        verdict.outcome(&document.path)
    } else {
        Outcome::pass().observe(format!("Licence texts were found: {}.", good.get(..8).unwrap_or(&good).join(", ")))
    };
    outcome.fact("license_files", paths).fact("spdx_ids", ids)
}

impl Verdict {
    /// The lower, the better.
    fn rank(&self) -> u8 {
        match self {
            Self::Good(_) => 0,
            Self::Unrecognised => 1,
            Self::Restricted(_) => 2,
            Self::NameOnly(_) => 3,
            Self::NoLicense => 4,
            Self::Unreadable => 5,
            Self::Empty => 6,
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Good(id) | Self::Restricted(id) | Self::NameOnly(id) => Some(id),
            Self::Unrecognised => Some("unrecognised"),
            Self::Empty | Self::Unreadable | Self::NoLicense => None,
        }
    }

    fn outcome(&self, path: &str) -> Outcome {
        match self {
            Self::Good(_) | Self::Unrecognised => Outcome::pass().observe(format!(
                "{path} reads like a licence, but not like one of the common texts; an SPDX-License-Identifier line would \
                 let tools recognise it."
            )),
            Self::Restricted(id) => Outcome::warning(Severity::Medium)
                .observe(format!(
                    "{path} holds {id}, which is neither OSI-approved nor a free licence; say so plainly in the README, or \
                     choose an open source licence."
                ))
                .at(path),
            Self::NameOnly(id) => Outcome::warning(Severity::Medium)
                .observe(format!("{path} only names a licence ({id}); put the licence's full text there."))
                .at_line(path, 1),
            Self::NoLicense => Outcome::warning(Severity::Medium)
                .observe(format!(
                    "{path} does not read like a licence: replace it by the full text of the licence you chose."
                ))
                .at_line(path, 1),
            Self::Unreadable => Outcome::fail(Severity::High)
                .observe(format!("{path} is a link that leads to no file of this tree, or cannot be read: put the text there."))
                .at(path),
            Self::Empty => Outcome::fail(Severity::High)
                .observe(format!("{path} is empty: put the full text of the licence there."))
                .at_line(path, 1),
        }
    }
}

fn judge(document: &Document) -> Verdict {
    let Text::Read(text) = &document.text else {
        return Verdict::Unreadable;
    };
    let words: usize = text.lines().map(words_in).sum();
    if words == 0 {
        return Verdict::Empty;
    }
    if let Some(found) = recognise(text) {
        let id = found.spdx.to_owned();
        return match (words < MIN_WORDS, found.open) {
            (true, _) => Verdict::NameOnly(id),
            (false, true) => Verdict::Good(id),
            (false, false) => Verdict::Restricted(id),
        };
    }
    match spdx_tag(text) {
        Some(tag) if words < MIN_WORDS => Verdict::NameOnly(tag),
        Some(tag) => Verdict::Good(tag),
        None if words < MIN_WORDS && names_a_license(text) => Verdict::NameOnly(text.trim().chars().take(60).collect()),
        None if words >= MIN_WORDS && reads_like_a_license(text) => Verdict::Unrecognised,
        None => Verdict::NoLicense,
    }
}

fn names_a_license(text: &str) -> bool {
    const NAMES: [&str; 14] = [
        "MIT",
        "Apache",
        "BSD",
        "GPL",
        "LGPL",
        "AGPL",
        "MPL",
        "ISC",
        "Unlicense",
        "CC0",
        "Zlib",
        "EUPL",
        "EPL",
        "proprietary",
    ];
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| NAMES.iter().any(|name| word.starts_with(name)))
}

/// Whether a lower-case name at the root is a licence file's: `license`, `copying`, `license-mit`, `mit-license.txt`.
pub fn is_license_name(name: &str) -> bool {
    const WORDS: [&str; 8] =
        ["license", "licence", "licenses", "licences", "copying", "unlicense", "unlicence", "copyright"];
    const OTHER: [&str; 14] = [
        "header",
        "headers",
        "template",
        "checker",
        "check",
        "report",
        "third",
        "thirdparty",
        "3rdparty",
        "dependencies",
        "notices",
        "config",
        "list",
        "bundled",
    ];
    const CODE: [&str; 24] = [
        "rs", "go", "py", "js", "ts", "mjs", "cjs", "jsx", "tsx", "java", "kt", "c", "h", "cc", "cpp", "rb", "php",
        "sh", "cs", "json", "toml", "yml", "yaml", "xml",
    ];
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    if extension.is_some_and(|extension| CODE.contains(&extension) || extension == "tmpl" || extension == "tt") {
        return false;
    }
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if is_text_extension(extension) => stem,
        _ => name,
    };
    let mut tokens = stem.split(['.', '-', '_', ' ']);
    let (first, rest) = (tokens.next().unwrap_or_default(), tokens.collect::<Vec<_>>());
    let version_free = |token: &str| WORDS.contains(&token.trim_end_matches(|letter: char| letter.is_ascii_digit()));
    let named = version_free(first) || rest.last().is_some_and(|last| version_free(last));
    named && !OTHER.contains(&first) && !rest.iter().any(|token| OTHER.contains(token))
}

struct Declaration {
    manifest: &'static str,
    line: u64,
    value: String,
    file: Option<String>,
}

/// What the package manifests at the root say about the licence.
fn declarations(tree: &TargetTree) -> Vec<Declaration> {
    const MANIFESTS: [&str; 6] =
        ["Cargo.toml", "package.json", "pyproject.toml", "composer.json", "setup.cfg", "pom.xml"];
    MANIFESTS
        .into_iter()
        .filter_map(|manifest| {
            let text = read_text(tree, manifest)?;
            let is_declaration = |line: &str| {
                let key = line.trim_start().trim_start_matches(['"', '<']);
                key.strip_prefix("license").is_some_and(|rest| {
                    rest.trim_start_matches("-file")
                        .trim_start_matches(".workspace")
                        .trim_start_matches('s')
                        .trim_start_matches('"')
                        .trim_start()
                        .starts_with(['=', ':', '>'])
                })
            };
            let line = line_of(&text, is_declaration)?;
            let value = text.lines().find(|line| is_declaration(line)).unwrap_or_default().trim().to_owned();
            let file = value
                .contains("file")
                .then(|| {
                    value.split_once('=').map(|(_, file)| file.trim_matches([' ', '"', '\'', '{', '}']).to_owned())
                })
                .flatten();
            Some(Declaration { manifest, line, value: value.chars().take(120).collect(), file })
        })
        .collect()
}

fn without_file(tree: &TargetTree, declared: &[Declaration]) -> Outcome {
    let elsewhere = find(tree, &ELSEWHERE, is_license_name);
    if let Some(document) =
        elsewhere.iter().find(|document| matches!(judge(document), Verdict::Good(_) | Verdict::Unrecognised))
    {
        return Outcome::warning(Severity::Low)
            .observe(format!(
                "The licence stands in {}, where hosting platforms do not look: move it to the root of the repository.",
                document.path
            ))
            .at(&document.path);
    }
    if let Some(declaration) = declared.first() {
        let facts: Vec<Value> = declared
            .iter()
            .map(|declaration| json!({"manifest": declaration.manifest, "declaration": declaration.value}))
            .collect();
        return Outcome::warning(Severity::Medium)
            .observe(format!(
                "{} declares a licence, but the tree holds no licence text: add a LICENSE file at the root.",
                declaration.manifest
            ))
            .fact("declared", facts)
            .at_line(declaration.manifest, declaration.line);
    }
    Outcome::fail(Severity::High).observe(
        "No licence was found: without one nobody may use, change or share this code. Add the full text of a licence as \
         LICENSE at the root (choosealicense.com helps to choose).",
    )
}

#[cfg(test)]
mod tests {
    use super::is_license_name;
    use proptest::prelude::*;

    #[test]
    fn names_of_licence_files() {
        for name in [
            "license",
            "licence.md",
            "copying",
            "copying.lesser",
            "copying3",
            "license-mit",
            "license.apache",
            "mit-license.txt",
            "unlicense",
            "license_apache_2.0.txt",
        ] {
            assert!(is_license_name(name), "{name}");
        }
        for name in [
            "license.rs",
            "license-header.txt",
            "licensing_tools",
            "license.json",
            "third-party-licenses.txt",
            "license_check.sh",
            "licensee",
            "license-list.md",
        ] {
            assert!(!is_license_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_can_be_asked(name in "\\PC{0,40}") {
            let _ = is_license_name(&name);
        }
    }
}
