//! `signed-tags`: the newest releases carry a signature, in their tag or by a step of a workflow.

use serde_json::{Value, json};

use crate::baseline::documents::Document;
use crate::baseline::outcome::Outcome;
use crate::baseline::survey::Survey;
use crate::baseline::unseen::Unseen;
use crate::baseline::workflows::{MAX_BYTES, MAX_FILES};
use crate::model::Severity;
use crate::repository::ambient::git_history::{Tag, TagForm};
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::history_coverage::{not_applicable, references_left_out};

/// So many of the newest releases are judged: a project that begins to sign need not sign its past.
const JUDGED: usize = 5;

/// At most so many steps that sign are looked for.
const MAX_STEPS: usize = 20;

/// What a workflow or release configuration says where it signs what is released.
const SIGNING_STEPS: [&str; 16] = [
    "sigstore/cosign-installer",
    "cosign sign",
    "sigstore/gh-action-sigstore",
    "actions/attest-build-provenance",
    "actions/attest@",
    "slsa-framework/slsa-github-generator",
    "slsa-github-generator/",
    "gpg --detach-sign",
    "gpg --armor --detach-sign",
    "--detach-sign",
    "minisign -s",
    "signify -s",
    "rpm --addsign",
    "npm publish --provenance",
    "gh attestation",
    "jreleaser sign",
];

/// Looks at the newest tags that are named like releases.
pub fn run(survey: &Survey<'_>) -> Outcome {
    let tags = match survey.tags() {
        Ok(tags) => tags,
        Err(reason) => return not_applicable(reason),
    };
    let total = tags.len();
    let mut releases: Vec<Tag> = tags.into_iter().filter(|tag| is_release(&tag.name)).collect();
    if releases.is_empty() {
        return Outcome::not_applicable()
            .observe("No tag is named like a release, so there is nothing to be signed. (A clone made without tags has none.)")
            .fact("reason", "no-release-tags")
            .fact("tags", total);
    }
    releases.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| b.name.cmp(&a.name)));
    let count = releases.len();
    let signed = releases.iter().filter(|tag| is_signed(tag)).count();
    releases.truncate(JUDGED);
    let unsigned: Vec<&Tag> = releases.iter().filter(|tag| !is_signed(tag)).collect();
    let (steps, mut unseen) = signing_steps(survey.tree());
    if !steps.is_empty() {
        // One was found: whatever else there is need not be looked at.
        unseen = Unseen::new();
    }
    if unsigned.is_empty() {
        unseen = Unseen::new();
        unseen.add_some(survey.references_left_out(), references_left_out);
    }
    let newest = releases.len();
    let outcome = match (unsigned.len(), steps.first()) {
        (0, _) => Outcome::pass().observe(format!("The newest {newest} release tags are signed.")),
        (missing, Some((path, line, _))) => Outcome::pass()
            .observe(format!(
                "{missing} of the newest {newest} release tags are not signed, but {path}:{line} signs what is released. Whether its \
                 signatures are published cannot be seen here."
            ))
            .at_line(path, *line),
        (missing, None) => {
            let all = missing == newest;
            let outcome = Outcome::warning(if all { Severity::Medium } else { Severity::Low });
            unsigned.iter().fold(outcome, |outcome, tag| outcome.observe(sentence(tag)))
        }
    };
    let listed: Vec<Value> = releases.iter().map(fact).collect();
    let steps: Vec<Value> =
        steps.iter().map(|(path, line, step)| json!({"path": path, "line": line, "step": step})).collect();
    unseen
        .admit(outcome)
        .observe("A signature is seen, not verified: who may sign, and with which key, is for the project to say.")
        .fact("tags", total)
        .fact("release_tags", count)
        .fact("signed_release_tags", signed)
        .fact("newest", listed)
        .fact("signing_steps", steps)
}

/// Whether a tag is named like a release: its last part has a version or a date (`v1.2`, `pkg@1.2.3`, `2026-02-19`, `v3`).
fn is_release(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    let bare = last.trim_start_matches(['v', 'V', 'r', 'R']);
    let is_number = !bare.is_empty() && bare.len() <= 8 && bare.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = last.as_bytes();
    is_number
        || bytes.windows(3).any(|three| {
            matches!(three, [left, b'.' | b'-' | b'_', right] if left.is_ascii_digit() && right.is_ascii_digit())
        })
}

fn is_signed(tag: &Tag) -> bool {
    matches!(tag.form, TagForm::Signed(_))
}

fn sentence(tag: &Tag) -> String {
    let what = if tag.form == TagForm::Lightweight { "is a lightweight tag" } else { "is annotated but not signed" };
    format!("The release tag {} {what}: make release tags with `git tag --sign`.", tag.name)
}

fn fact(tag: &Tag) -> Value {
    let (form, signature) = match tag.form {
        TagForm::Lightweight => ("lightweight", None),
        TagForm::Annotated => ("annotated", None),
        TagForm::Signed(kind) => ("signed", Some(kind)),
    };
    json!({"tag": tag.name, "form": form, "signature": signature})
}

/// A step that signs what is released: the file, the line and what it says.
type Step = (String, u64, &'static str);

/// The first steps that sign what is released, and what was not looked at for them.
fn signing_steps(tree: &TargetTree) -> (Vec<Step>, Unseen) {
    let of_release = |file: &&TreeFile| {
        file.directory() == ".github/workflows"
            || file.directory().is_empty()
                && [".gitlab-ci.yml", ".goreleaser.yml", ".goreleaser.yaml", "Makefile", "Jenkinsfile"]
                    .contains(&file.name())
    };
    let (mut steps, mut unseen) = (Vec::new(), Unseen::new());
    let (mut files, mut bytes, mut left_out) = (0_usize, 0_usize, 0_usize);
    for file in tree.files().iter().filter(of_release) {
        if files >= MAX_FILES || bytes > MAX_BYTES {
            left_out = left_out.saturating_add(1);
            continue;
        }
        let document = Document::read(tree, file);
        files = files.saturating_add(1);
        bytes = bytes.saturating_add(document.as_str().len());
        unseen.add_document(&document);
        steps.extend(steps_in(&document, file.name()).take(MAX_STEPS.saturating_sub(steps.len())));
        if steps.len() >= MAX_STEPS {
            break;
        }
    }
    unseen.add_some(left_out, |count| {
        format!("{count} workflows were not looked at: the bounds are {MAX_FILES} files and {MAX_BYTES} bytes of all together.")
    });
    (steps, unseen)
}

fn steps_in<'a>(document: &'a Document, name: &'a str) -> impl Iterator<Item = Step> + 'a {
    (1_u64..).zip(document.as_str().lines()).filter_map(move |(number, line)| {
        let line = line.trim_start();
        if line.starts_with('#') {
            return None;
        }
        let step = SIGNING_STEPS.iter().find(|step| line.contains(**step)).copied();
        let signs = || (name.starts_with(".goreleaser") && line.starts_with("signs:")).then_some("signs:");
        Some((document.path.clone(), number, step.or_else(signs)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_tags_are_told_by_their_names() {
        for name in
            ["v1.0", "1.2.3", "release-1.2", "pkg@1.2.3", "api/v2.0.1", "2026-02-19", "v3", "20260101", "REL_14_2"]
        {
            assert!(is_release(name), "{name}");
        }
        for name in ["nightly", "latest", "before-rewrite", "v", "demo-a1", "backup/main", "123456789012"] {
            assert!(!is_release(name), "{name}");
        }
    }
}
