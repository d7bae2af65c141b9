//! `dangerous-workflows`: patterns that let strangers run code with a workflow's token and secrets.

use crate::baseline::found::{Found, outcome};
use crate::baseline::guards::is_guarded;
use crate::baseline::outcome::Outcome;
use crate::baseline::shell::commands;
use crate::baseline::workflows::{Job, Source, Sources};
use crate::baseline::yaml::Node;
use crate::baseline::{expressions, expressions::values};
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

use super::script_injection::injections;
use super::untrusted_checkout::checkouts;

const UNSECURE: &str = "ACTIONS_ALLOW_UNSECURE_COMMANDS";
/// Events that a stranger's pull request sets off.
const FROM_STRANGERS: [&str; 4] =
    ["pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"];

/// Looks at every workflow, and at the scripts of composite actions.
pub fn run(tree: &TargetTree) -> Outcome {
    let sources = Sources::workflows_and_actions(tree);
    let mut found = Vec::new();
    for source in &sources.read {
        injections(source, &mut found);
        checkouts(source, &mut found);
        unsecure_commands(source, &mut found);
        secrets(source, &mut found);
        for job in source.jobs() {
            runner(source, job, &mut found);
        }
    }
    let clean = if sources.read.is_empty() {
        Outcome::not_applicable().observe("No workflow was found.")
    } else {
        Outcome::pass()
            .observe(format!("None of the patterns was found in the workflows and actions ({}).", sources.read.len()))
    };
    sources.admit(outcome(found, clean))
}

/// What every rule of this check notes down.
pub fn note(source: &Source, rule: &'static str, severity: Severity, line: u64, sentence: String) -> Found {
    Found { rule, fails: severity >= Severity::High, severity, path: source.path.clone(), line, sentence }
}

fn unsecure_commands(source: &Source, found: &mut Vec<Found>) {
    let mut add = |line| {
        let sentence = format!(
            "{UNSECURE} turns commands back on with which any output can set variables and paths: write to $GITHUB_ENV and \
             $GITHUB_PATH instead."
        );
        found.push(note(source, "unsecure-commands", Severity::High, line, sentence));
    };
    for (_, value) in
        source.pairs().filter(|(key, value)| *key == UNSECURE && value.text().eq_ignore_ascii_case("true"))
    {
        add(value.line());
    }
    for (_, step) in source.steps() {
        let Some(run) = step.run().filter(|run| run.text().contains(UNSECURE)) else {
            continue;
        };
        let sets = |line: &&str| line.replace(['"', '\''], "").contains(&format!("{UNSECURE}=true"));
        if let Some(at) = run.text().lines().position(|line| sets(&line)) {
            add(run.line_within(u64::try_from(at).unwrap_or(0)));
        }
    }
}

fn secrets(source: &Source, found: &mut Vec<Found>) {
    for (_, value) in source.pairs().filter(|(_, value)| value.text().contains("${{")) {
        for expression in expressions::expressions(value.text()) {
            if values(expression.source).iter().any(|path| path == "secrets.**") {
                let sentence = "`toJSON(secrets)` hands over every secret, and its parts are not masked in logs: name those that are needed.";
                let line = value.line_within(expression.line);
                found.push(note(source, "all-secrets", Severity::Medium, line, sentence.to_owned()));
            }
        }
    }
    for job in source.jobs() {
        let called = job.node.get("uses").map(Node::text).unwrap_or_default();
        if let Some(secrets) = job.node.get("secrets").filter(|secrets| {
            secrets.text() == "inherit" && !["./", "$/"].iter().any(|local| called.starts_with(local))
        }) {
            let sentence = "a workflow of another repository inherits every secret: name those that it needs.";
            found.push(note(source, "secrets-inherited", Severity::Low, secrets.line(), sentence.to_owned()));
        }
    }
    for (job, step) in source.steps() {
        if let Some(run) = step.run().filter(|_| step.runs_in_posix_shell(job, source)) {
            printed_secrets(source, run, found);
        }
    }
}

fn printed_secrets(source: &Source, run: Node<'_>, found: &mut Vec<Found>) {
    if !run.text().contains("secrets") {
        return;
    }
    for command in commands(run.text()).iter().filter(|command| !command.is_captured) {
        let prints = ["echo", "printf"].contains(&command.program());
        let masked = command.arguments().iter().any(|word| word.text.contains("::add-mask::"));
        let secret = || {
            command.arguments().iter().flat_map(|word| expressions::expressions(&word.text)).any(|expression| {
                values(expression.source).iter().any(|path| path.starts_with("secrets.") && path != "secrets.**")
            })
        };
        if prints && !masked && secret() {
            let sentence = "a secret is printed to the log, where only its exact text is masked: leave it out.";
            let line = run.line_within(command.line);
            found.push(note(source, "secret-printed", Severity::Medium, line, sentence.to_owned()));
        }
    }
}

fn runner(source: &Source, job: Job<'_>, found: &mut Vec<Found>) {
    let own = job.runner_labels().iter().any(|label| label.eq_ignore_ascii_case("self-hosted"));
    if own && source.is_triggered_by(&FROM_STRANGERS) && !is_guarded(job, None) {
        let sentence = format!(
            "job `{}` runs pull requests on a self-hosted runner: in a public repository strangers' code runs on your machine. \
             Use a hosted or an ephemeral runner, or require approval.",
            job.id
        );
        let line = job.node.get("runs-on").map_or(1, Node::line);
        found.push(note(source, "self-hosted-runner", Severity::Medium, line, sentence));
    }
}
