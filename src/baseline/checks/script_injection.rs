//! Rule `script-injection`: what strangers write ends up in the text of a script.

use std::collections::HashSet;

use crate::baseline::expressions::{expressions, is_untrusted, values};
use crate::baseline::found::{Found, shorten};
use crate::baseline::workflows::{Source, Step, is_action};
use crate::baseline::yaml::{MAX_KEYS, Node};
use crate::model::Severity;

use super::dangerous_workflows::{is_guarded, note};

/// Events that strangers set off and that run with the repository's token and secrets.
const PRIVILEGED: [&str; 7] = [
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "issues",
    "discussion",
    "discussion_comment",
    "pull_request_review_comment",
];

/// The events that carry a part of the event: beneath the path, the names.
const CARRIERS: [(&str, &[&str]); 10] = [
    ("github.head_ref", &["pull_request", "pull_request_"]),
    ("github.event.pull_request.", &["pull_request", "pull_request_"]),
    ("github.event.issue.", &["issues", "issue_comment"]),
    (
        "github.event.comment.",
        &["issue_comment", "commit_comment", "discussion_comment", "pull_request_review_comment"],
    ),
    ("github.event.review.", &["pull_request_review"]),
    ("github.event.discussion.", &["discussion", "discussion_comment"]),
    ("github.event.pages.", &["gollum"]),
    ("github.event.commits.", &["push"]),
    ("github.event.head_commit.", &["push"]),
    ("github.event.workflow_run.", &["workflow_run"]),
];

/// Looks at the scripts of every step: `run`, and `script` of `actions/github-script`.
pub fn injections(source: &Source, found: &mut Vec<Found>) {
    let triggers = source.triggers();
    // An action and a called workflow see the event of whoever calls them.
    let any = !source.is_workflow || triggers.contains(&"workflow_call");
    let severity =
        if triggers.iter().any(|trigger| PRIVILEGED.contains(trigger)) { Severity::Critical } else { Severity::High };
    let of_workflow = untrusted_variables(source.root());
    for (job, step) in source.steps() {
        let Some(script) = script(step).filter(|script| script.text().contains("${{")) else {
            continue;
        };
        if is_guarded(job, Some(step)) {
            continue;
        }
        let of_job = untrusted_variables(Some(job.node));
        let of_step = untrusted_variables(Some(step.node));
        let is_bad = |path: &str| {
            let variable = path
                .strip_prefix("env.")
                .is_some_and(|name| of_workflow.contains(name) || of_job.contains(name) || of_step.contains(name));
            variable || (is_untrusted(path) && (any || is_carried(path, &triggers)))
        };
        for expression in expressions(script.text()) {
            if values(expression.source).iter().any(|path| is_bad(path)) {
                let sentence = format!(
                    "`${{{{ {} }}}}` is put into a script, and its author may make it code: hand it over in `env` and use \
                     \"$VARIABLE\".",
                    shorten(expression.source)
                );
                let line = script.line_within(expression.line);
                found.push(note(source, "script-injection", severity, line, sentence));
            }
        }
    }
}

fn script(step: Step<'_>) -> Option<Node<'_>> {
    if step.uses().is_some_and(|uses| is_action(uses.text(), &["actions/github-script"])) {
        return step.with("script");
    }
    step.run()
}

/// The names of variables, in lower case, whose values strangers write.
fn untrusted_variables(node: Option<Node<'_>>) -> HashSet<String> {
    node.and_then(|node| node.get("env"))
        .into_iter()
        .flat_map(Node::entries)
        .take(MAX_KEYS)
        .filter(|(_, value)| {
            expressions(value.text())
                .iter()
                .any(|expression| values(expression.source).iter().any(|path| is_untrusted(path)))
        })
        .map(|(name, _)| name.text().to_ascii_lowercase())
        .collect()
}

/// Whether one of the events fills the path at all.
fn is_carried(path: &str, triggers: &[&str]) -> bool {
    let Some((_, events)) = CARRIERS.iter().find(|(beneath, _)| path.starts_with(beneath)) else {
        return true;
    };
    triggers.iter().any(|trigger| {
        events.iter().any(|event| trigger == event || (event.ends_with('_') && trigger.starts_with(event)))
    })
}
