//! `pinned-actions`: workflows and composite actions name what they use by commit or digest.

use crate::baseline::containers::{ImagePin, image_pin};
use crate::baseline::found::{Found, outcome, shorten};
use crate::baseline::outcome::Outcome;
use crate::baseline::workflows::{Source, Sources};
use crate::baseline::yaml::Node;
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

/// How an action, or a called workflow, is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionPin {
    /// In this repository, by a full commit or by digest.
    Fixed,
    /// By a version tag.
    Tag,
    /// By a branch, or by nothing.
    Branch,
    /// By an expression: the text does not say.
    Unknown,
}

/// Looks at every `uses:` of the workflows and composite actions.
pub fn run(tree: &TargetTree) -> Outcome {
    let sources = Sources::workflows_and_actions(tree);
    let (mut found, mut pinned) = (Vec::new(), 0_usize);
    for source in &sources.read {
        for uses in uses(source) {
            match judge(source, uses) {
                Some(unpinned) => found.push(unpinned),
                None => pinned = pinned.saturating_add(1),
            }
        }
    }
    let clean = if pinned == 0 {
        Outcome::not_applicable().observe("No workflow or action that uses another was found.")
    } else {
        Outcome::pass().observe(format!("Every action in use ({pinned}) is named by commit or digest, or is local."))
    };
    sources.admit(outcome(found, clean).fact("pinned", pinned))
}

fn uses(source: &Source) -> Vec<Node<'_>> {
    let called = source.jobs().into_iter().filter_map(|job| job.node.get("uses"));
    let used = source.steps().into_iter().filter_map(|(_, step)| step.uses());
    let image = source.jobs().into_iter().filter(|_| !source.is_workflow).filter_map(|runs| runs.node.get("image"));
    let image = image.filter(|image| image.text().starts_with("docker://"));
    called.chain(used).chain(image).collect()
}

/// Tells how an action is named.
pub fn action_pin(uses: &str) -> ActionPin {
    let uses = uses.trim();
    // `$/` is this repository at the commit that runs.
    if ["./", "../", "$/"].iter().any(|local| uses.starts_with(local)) || uses == "." {
        return ActionPin::Fixed;
    }
    if let Some(image) = uses.strip_prefix("docker://") {
        return match image_pin(image) {
            ImagePin::Digest => ActionPin::Fixed,
            ImagePin::Open => ActionPin::Tag,
            ImagePin::Unknown => ActionPin::Unknown,
        };
    }
    if uses.contains("${{") {
        return ActionPin::Unknown;
    }
    let Some((_, reference)) = uses.split_once('@') else {
        return ActionPin::Branch;
    };
    let hexadecimal = reference.chars().all(|letter| letter.is_ascii_hexdigit());
    let version = reference.strip_prefix(['v', 'V']).unwrap_or(reference);
    match reference.len() {
        40 | 64 if hexadecimal => ActionPin::Fixed,
        _ if version.starts_with(|first: char| first.is_ascii_digit()) => ActionPin::Tag,
        _ if reference.contains(|letter: char| letter.is_ascii_digit()) && reference.contains(['v', '.', '-']) => {
            ActionPin::Tag
        }
        _ => ActionPin::Branch,
    }
}

/// Workflows whose provenance can only be verified when they are called by their version's tag.
const BY_TAG_ONLY: &str = "slsa-framework/slsa-github-generator/";

fn judge(source: &Source, node: Node<'_>) -> Option<Found> {
    let uses = node.text();
    if uses.starts_with(BY_TAG_ONLY) && action_pin(uses) == ActionPin::Tag {
        return None;
    }
    let by_github = ["actions/", "github/"].iter().any(|owner| uses.starts_with(owner));
    let (rule, fails, severity, what) = match (action_pin(uses), by_github) {
        (ActionPin::Fixed | ActionPin::Unknown, _) => return None,
        (ActionPin::Branch, _) => ("action-by-branch", true, Severity::Medium, "a branch, or another name that moves"),
        (ActionPin::Tag, false) => ("action-by-tag", true, Severity::Medium, "a tag, which its owner can move"),
        (ActionPin::Tag, true) => ("github-action-by-tag", false, Severity::Low, "a tag, which GitHub can move"),
    };
    let remedy = if uses.starts_with("docker://") {
        "name the image by digest (`@sha256:…`)"
    } else {
        "name the full commit, with the version in a comment"
    };
    let sentence = format!("`{}` is named by {what}: {remedy}.", shorten(uses));
    Some(Found { rule, fails, severity, path: source.path.clone(), line: node.line(), sentence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_commits_and_digests_are_fixed() {
        let (commit, digest) = ("0123456789abcdef0123456789abcdef01234567", "0".repeat(64));
        for (uses, pin) in [
            (format!("a/b@{commit}"), ActionPin::Fixed),
            (format!("a/b/c/d@{digest}"), ActionPin::Fixed),
            (format!("docker://a/b@sha256:{digest}"), ActionPin::Fixed),
            ("./.github/actions/x".to_owned(), ActionPin::Fixed),
            ("$/.github/actions/x".to_owned(), ActionPin::Fixed),
            ("a/b@0123456".to_owned(), ActionPin::Tag),
            ("a/b@v4".to_owned(), ActionPin::Tag),
            ("a/b@release-1.2".to_owned(), ActionPin::Tag),
            ("docker://a:3".to_owned(), ActionPin::Tag),
            ("a/b@main".to_owned(), ActionPin::Branch),
            ("a/b@release/v1".to_owned(), ActionPin::Tag),
            ("a/b@stable".to_owned(), ActionPin::Branch),
            ("a/b".to_owned(), ActionPin::Branch),
            ("a/b@${{ matrix.ref }}".to_owned(), ActionPin::Unknown),
        ] {
            assert_eq!(action_pin(&uses), pin, "{uses}");
        }
    }
}
