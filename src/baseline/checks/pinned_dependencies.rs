//! `pinned-dependencies`: images, downloads and packages that workflows, Dockerfiles and scripts bring in are fixed.

use std::io;

use crate::baseline::containers::{ImagePin, base_images, image_pin, instructions, scripts};
use crate::baseline::documents::Document;
use crate::baseline::found::{Found, outcome, shorten};
use crate::baseline::outcome::Outcome;
use crate::baseline::unseen::Unseen;
use crate::baseline::workflows::{Job, Source, Sources, is_passed_over};
use crate::baseline::yaml::Node;
use crate::model::Severity;
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::unpinned_commands::{Downloads, unpinned};

/// At most so many Dockerfiles are read.
const MAX_DOCKERFILES: usize = 1_000;
/// At most so many scripts are read.
const MAX_SCRIPTS: usize = 5_000;
/// At most so many findings of commands are kept.
const MAX_FOUND: usize = 10_000;

/// Looks at images, then at the commands of workflows, Dockerfiles and shell scripts.
pub fn run(tree: &TargetTree) -> Outcome {
    let sources = Sources::workflows_and_actions(tree);
    let mut found = Vec::new();
    let mut looked_at = sources.read.len();
    for source in &sources.read {
        in_source(source, &mut found);
    }
    let mut unseen = Unseen::new();
    let mut dockerfiles = tree.files().iter().filter(|file| is_dockerfile(file));
    for file in dockerfiles.by_ref().take(MAX_DOCKERFILES) {
        looked_at = looked_at.saturating_add(1);
        let document = Document::read(tree, file);
        unseen.add_document(&document);
        in_dockerfile(&document, &mut found);
    }
    unseen.add_some(dockerfiles.count(), |count| {
        format!("{count} Dockerfiles were not looked at: the bound is {MAX_DOCKERFILES}.")
    });
    let (mut scripts, mut left_out) = (0_usize, 0_usize);
    for file in tree.files() {
        match is_shell_script(tree, file) {
            Ok(true) if scripts < MAX_SCRIPTS => scripts = scripts.saturating_add(1),
            Ok(true) => {
                left_out = left_out.saturating_add(1);
                continue;
            }
            Ok(false) => continue,
            Err(_) => {
                let path = file.path();
                unseen.add_at(path, 1, format!("{path} could not be opened and was not looked at."));
                continue;
            }
        }
        looked_at = looked_at.saturating_add(1);
        let document = Document::read(tree, file);
        unseen.add_document(&document);
        let line_of = |line: u64| line.saturating_add(1);
        in_script(document.as_str(), &document.path, line_of, &mut Downloads::new(), &mut found);
    }
    unseen.add_some(left_out, |count| format!("{count} scripts were not looked at: the bound is {MAX_SCRIPTS}."));
    let clean = if looked_at == 0 {
        Outcome::not_applicable().observe("No workflow, Dockerfile or shell script was found.")
    } else {
        Outcome::pass()
            .observe(format!("Nothing unpinned is brought in by the workflows, Dockerfiles and scripts ({looked_at})."))
    };
    unseen.admit(sources.admit(outcome(found, clean).fact("looked_at", looked_at)))
}

fn is_dockerfile(file: &TreeFile) -> bool {
    let name = file.name().to_ascii_lowercase();
    let named = ["dockerfile", "containerfile"].iter().any(|stem| {
        name == *stem
            || name.strip_suffix(stem).is_some_and(|before| before.ends_with('.'))
            || name.strip_prefix(stem).is_some_and(|after| after.starts_with(['.', '-', '_']) && !is_template(after))
    });
    named && !is_passed_over(file.directory())
}

fn is_template(name: &str) -> bool {
    const OTHER: [&str; 30] = [
        "tmpl",
        "template",
        "tpl",
        "j2",
        "jinja",
        "jinja2",
        "erb",
        "in",
        "dockerignore",
        "md",
        "rst",
        "txt",
        "html",
        "json",
        "yml",
        "yaml",
        "toml",
        "go",
        "py",
        "pyc",
        "rs",
        "c",
        "cpp",
        "js",
        "ts",
        "java",
        "rb",
        "sh",
        "vim",
        "snap",
    ];
    name.rsplit_once('.').is_some_and(|(_, extension)| OTHER.contains(&extension))
}

fn is_shell_script(tree: &TargetTree, file: &TreeFile) -> io::Result<bool> {
    if !file.is_regular() || is_passed_over(file.directory()) {
        return Ok(false);
    }
    let extension = file.name().rsplit_once('.').map(|(_, extension)| extension);
    match extension {
        Some("sh" | "bash") => Ok(true),
        Some(_) => Ok(false),
        None => tree.read_head(file, 64).map(|head| {
            let line = head.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            line.strip_prefix("#!").is_some_and(|line| {
                line.split_whitespace()
                    .find(|word| !word.ends_with("/env") && !word.starts_with('-'))
                    .is_some_and(crate::baseline::containers::is_shell)
            })
        }),
    }
}

fn in_source(source: &Source, found: &mut Vec<Found>) {
    for job in source.jobs() {
        for image in images(job) {
            in_image(image.text(), &source.path, image.line(), found);
        }
    }
    let (mut downloaded, mut of_job) = (Downloads::new(), None);
    for (job, step) in source.steps() {
        if of_job.replace(job.node.id()) != Some(job.node.id()) {
            downloaded.clear();
        }
        if let Some(run) = step.run().filter(|_| step.runs_in_posix_shell(job, source)) {
            in_script(run.text(), &source.path, |line| run.line_within(line), &mut downloaded, found);
        }
    }
}

/// The images that a job and its services run in.
fn images(job: Job<'_>) -> Vec<Node<'_>> {
    let services = job.node.get("services").into_iter().flat_map(Node::entries).map(|(_, service)| service);
    let containers = job.node.get("container").into_iter().chain(services);
    containers
        .filter_map(|container| if container.is_mapping() { container.get("image") } else { Some(container) })
        .collect()
}

fn in_image(name: &str, path: &str, line: u64, found: &mut Vec<Found>) {
    if image_pin(name) != ImagePin::Open {
        return;
    }
    let sentence = format!("the image `{}` is not named by digest: add `@sha256:…` after its tag.", shorten(name));
    found.push(Found { rule: "image", fails: false, severity: Severity::Low, path: path.to_owned(), line, sentence });
}

fn in_dockerfile(document: &Document, found: &mut Vec<Found>) {
    let instructions = instructions(document.as_str());
    for (line, image) in base_images(&instructions) {
        in_image(&image, &document.path, line, found);
    }
    let mut downloaded = Downloads::new();
    for (first, script) in instructions.iter().flat_map(scripts) {
        in_script(&script, &document.path, |line| first.saturating_add(line), &mut downloaded, found);
    }
}

fn in_script(
    script: &str,
    path: &str,
    line_of: impl Fn(u64) -> u64,
    downloaded: &mut Downloads,
    found: &mut Vec<Found>,
) {
    let room = MAX_FOUND.saturating_sub(found.len());
    found.extend(unpinned(script, downloaded).into_iter().take(room).map(|unpinned| {
        let fails = unpinned.rule == "download-then-run";
        let severity = if fails { Severity::Medium } else { Severity::Low };
        let (line, sentence) = (line_of(unpinned.line), unpinned.sentence);
        Found { rule: unpinned.rule, fails, severity, path: path.to_owned(), line, sentence }
    }));
}
