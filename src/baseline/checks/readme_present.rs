//! `readme-present`: a README that says what the project is.

use crate::baseline::documents::{Document, Text, find, is_text_named};
use crate::baseline::outcome::Outcome;
use crate::baseline::prose::measure;
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

const DIRECTORIES: [&str; 3] = ["", ".github", "docs"];
/// Running text of fewer words cannot say what a project does and how to start with it.
const MIN_WORDS: usize = 12;

/// Looks where platforms look for a README; the one with the most text decides.
pub fn run(tree: &TargetTree) -> Outcome {
    let found = find(tree, &DIRECTORIES, |name| is_text_named(name, "readme"));
    let measured = found.iter().map(|document| (document, measure(document.as_str())));
    let Some((document, prose)) = measured.rev().max_by_key(|(_, prose)| prose.words) else {
        return Outcome::fail(Severity::Medium).observe(
            "No README was found. Add README.md at the root: what the project does, how to install it, how to use it, where to \
             ask.",
        );
    };
    let path = document.path.as_str();
    judge(document, path, prose.words, prose.links).fact("readme", path).fact("words", prose.words)
}

fn judge(document: &Document, path: &str, words: usize, links: bool) -> Outcome {
    if document.text == Text::Unreadable {
        return Outcome::fail(Severity::Medium)
            .observe(format!(
                "{path} is a link that leads to no file of this tree, or cannot be read: put the text there."
            ))
            .at(path);
    }
    if document.as_str().trim().is_empty() {
        return Outcome::fail(Severity::Medium)
            .observe(format!("{path} is empty: say what the project does and how to use it."))
            .at_line(path, 1);
    }
    if words == 0 {
        return Outcome::warning(Severity::Medium)
            .observe(format!("{path} holds titles or badges only: say what the project does and how to use it."))
            .at_line(path, 1);
    }
    if words < MIN_WORDS && !links {
        return Outcome::warning(Severity::Low)
            .observe(format!(
                "{path} says very little ({words} words) and links nowhere: say how to install and use the project."
            ))
            .at_line(path, 1);
    }
    Outcome::pass().observe(format!("{path} describes the project."))
}
