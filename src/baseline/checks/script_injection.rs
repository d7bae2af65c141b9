//! Rule `script-injection`: what strangers write ends up in the text of a script.

use std::collections::{HashMap, HashSet};

use crate::baseline::expressions::{expressions, is_untrusted, values};
use crate::baseline::found::{Found, shorten};
use crate::baseline::guards::is_guarded;
use crate::baseline::workflows::{Source, Step, is_action};
use crate::baseline::yaml::Node;
use crate::model::Severity;

use super::dangerous_workflows::note;

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
    let mut variables = Variables::default();
    for (job, step) in source.steps() {
        let Some(script) = script(step).filter(|script| script.text().contains("${{")) else {
            continue;
        };
        if is_guarded(job, Some(step)) {
            continue;
        }
        let scopes = [source.root(), Some(job.node), Some(step.node)];
        let mut is_bad = |path: &str| match path.strip_prefix("env.") {
            Some(name) => scopes.iter().flatten().any(|scope| variables.is_untrusted(*scope, name)),
            None => is_untrusted(path) && (any || is_carried(path, &triggers)),
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

/// The names of variables, in lower case, whose values strangers write, by the number of their mapping.
#[derive(Default)]
struct Variables(HashMap<usize, HashSet<String>>);

impl Variables {
    fn is_untrusted(&mut self, scope: Node<'_>, name: &str) -> bool {
        let Some(env) = scope.get("env") else {
            return false;
        };
        self.0.entry(env.id()).or_insert_with(|| untrusted_names(env)).contains(name)
    }
}

fn untrusted_names(env: Node<'_>) -> HashSet<String> {
    let is_untrusted = |value: Node<'_>| {
        expressions(value.text())
            .iter()
            .any(|expression| values(expression.source).iter().any(|path| is_untrusted(path)))
    };
    let named = env.entries().filter(|(_, value)| is_untrusted(*value));
    named.map(|(name, _)| name.text().to_ascii_lowercase()).collect()
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
