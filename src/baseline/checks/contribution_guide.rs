//! `contribution-guide`: an explanation of how to contribute.

use crate::baseline::documents::{Document, MAX_DOCUMENTS, Text, find, is_text_named, line_of};
use crate::baseline::outcome::Outcome;
use crate::baseline::prose::{measure, sections, words_in};
use crate::model::Severity;
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

const STEMS: [&str; 5] = ["contributing", "contribute", "contribution", "contributions", "hacking"];
const MIN_WORDS: usize = 10;
const MIN_SECTION_WORDS: usize = 5;

/// Looks for a guide where platforms look and in the documentation, then for a section of the README.
pub fn run(tree: &TargetTree) -> Outcome {
    let guides: Vec<Document> = tree
        .files()
        .iter()
        .filter(|file| is_guide(file))
        .take(MAX_DOCUMENTS)
        .map(|file| Document::read(tree, file))
        .collect();
    let Some((document, prose)) = guides
        .iter()
        .map(|document| (document, measure(document.as_str())))
        .max_by_key(|(_, prose)| (prose.words, prose.links))
    else {
        return from_readme(tree);
    };
    let path = document.path.as_str();
    let outcome = if document.text == Text::Unreadable {
        Outcome::fail(Severity::Low)
            .observe(format!(
                "{path} is a link that leads to no file of this tree, or cannot be read: put the guide there."
            ))
            .at(path)
    } else if prose.words == 0 && !prose.links {
        Outcome::fail(Severity::Low)
            .observe(format!("{path} holds no text: say how to propose a change, run the tests and what is accepted."))
            .at_line(path, 1)
    } else if prose.words < MIN_WORDS && !prose.links {
        Outcome::warning(Severity::Low)
            .observe(format!(
                "{path} says very little ({} words): say how to propose a change and run the tests.",
                prose.words
            ))
            .at_line(path, 1)
    } else {
        Outcome::pass().observe(format!("{path} explains how to contribute."))
    };
    outcome.fact("guide", path).fact("words", prose.words)
}

fn is_guide(file: &TreeFile) -> bool {
    let name = file.name().to_lowercase();
    let directory = file.directory().to_lowercase();
    let mut parts = directory.split('/');
    let top = parts.next().unwrap_or_default();
    let looked_at = ["", ".github", ".gitlab", "docs", "doc", "documentation", "contributing"].contains(&top);
    let named = STEMS.iter().any(|stem| is_text_named(&name, stem));
    let gathered = directory.rsplit('/').next() == Some("contributing")
        && (is_text_named(&name, "readme") || is_text_named(&name, "index"));
    looked_at && (named || gathered)
}

fn from_readme(tree: &TargetTree) -> Outcome {
    for readme in find(tree, &["", ".github", "docs"], |name| is_text_named(name, "readme")) {
        let section = sections(readme.as_str()).into_iter().find(|section| {
            let title = section.title.as_str();
            ["contribut", "how to help", "get involved", "hacking"].iter().any(|mark| title.contains(mark))
                && title != "contributors"
                && section.body.lines().map(words_in).sum::<usize>() >= MIN_SECTION_WORDS
        });
        if let Some(section) = section {
            return Outcome::pass()
                .observe(format!("{} explains how to contribute in the section at line {}.", readme.path, section.line))
                .fact("guide", readme.path.as_str());
        }
    }
    for readme in find(tree, &["", ".github", "docs"], |name| is_text_named(name, "readme")) {
        if let Some(line) = line_of(readme.as_str(), links_to_a_guide) {
            return Outcome::pass()
                .observe(format!(
                    "{} links to a guide on contributing at line {line}; what is written there was not looked at.",
                    readme.path
                ))
                .fact("guide", readme.path.as_str());
        }
    }
    Outcome::fail(Severity::Low).observe(
        "No contribution guide was found. Add CONTRIBUTING.md: how to propose a change, how to build and test it, what is \
         accepted. (A guide inherited from the organisation cannot be seen here.)",
    )
}

/// Whether a line links to a page whose path names contributing, as the page of contributors does not.
fn links_to_a_guide(line: &str) -> bool {
    line.split(|letter: char| letter.is_whitespace() || "<>()[]\"'`".contains(letter)).any(|word| {
        let Some((_, path)) = word.split_once("://").and_then(|(_, rest)| rest.split_once('/')) else {
            return false;
        };
        path.split(['/', '#', '?']).any(|part| {
            let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
            ["contribute", "contributing", "contribution-guide", "contributing-guide", "how-to-contribute"]
                .contains(&stem.as_str())
        })
    })
}
