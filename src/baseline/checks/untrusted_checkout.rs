//! Rule `untrusted-checkout`: a workflow that runs with the repository's token and secrets checks out what a stranger sent.
//!
//! That what was checked out is also run is likely, and not looked at.

use crate::baseline::expressions::{expressions, values};
use crate::baseline::found::{Found, shorten};
use crate::baseline::guards::is_guarded;
use crate::baseline::shell::commands;
use crate::baseline::workflows::{Job, Source, Step, is_action, squeezed};
use crate::model::Severity;

use super::dangerous_workflows::note;

/// Looks at the checkouts of workflows that are started by `pull_request_target`, `workflow_run` or `issue_comment`.
pub fn checkouts(source: &Source, found: &mut Vec<Found>) {
    let severity = if source.is_triggered_by(&["pull_request_target", "workflow_run"]) {
        Severity::High
    } else if source.is_triggered_by(&["issue_comment"]) {
        // Usually an answer to a command of a maintainer, whose name is asked in a way that the text does not show.
        Severity::Medium
    } else {
        return;
    };
    for (job, step) in source.steps() {
        if is_guarded(job, Some(step)) || is_merged(job, step) {
            continue;
        }
        if let Some((line, what)) = by_action(step).or_else(|| by_command(step)) {
            let sentence = format!(
                "`{}` checks out what a stranger sent, where the token may write and secrets are there: build pull requests in a \
                 workflow on `pull_request`, and hand over only results.",
                shorten(&what)
            );
            found.push(note(source, "untrusted-checkout", severity, line, sentence));
        }
    }
}

/// What was merged has been looked at.
fn is_merged(job: Job<'_>, step: Step<'_>) -> bool {
    [job.condition(), step.condition()].iter().any(|condition| {
        let condition = squeezed(condition);
        condition.contains("pull_request.merged") && !condition.contains("!github.event.pull_request.merged")
    })
}

fn by_action(step: Step<'_>) -> Option<(u64, String)> {
    step.uses().filter(|uses| is_action(uses.text(), &["actions/checkout"]))?;
    ["ref", "repository"].iter().find_map(|input| {
        let value = step.with(input)?;
        let text = value.text();
        let pull = text.contains("refs/pull/") && text.contains("${{");
        let head =
            || expressions(text).iter().any(|expression| values(expression.source).iter().any(|path| is_head(path)));
        (pull || head()).then(|| (value.line(), format!("{input}: {text}")))
    })
}

/// Whether a path names what the author of a pull request pushed.
fn is_head(path: &str) -> bool {
    path == "github.head_ref"
        || path == "github.event.pull_request.merge_commit_sha"
        || path.starts_with("github.event.pull_request.head.")
        || path.starts_with("github.event.workflow_run.head_")
        || path.starts_with("github.event.workflow_run.pull_requests.*.head.")
}

fn by_command(step: Step<'_>) -> Option<(u64, String)> {
    let run = step.run()?;
    if !["gh ", "git "].iter().any(|program| run.text().contains(program)) {
        return None;
    }
    commands(run.text()).iter().find_map(|command| {
        let words: Vec<&str> = command.argv().iter().map(|word| word.text.as_str()).collect();
        let is_checkout = match words.as_slice() {
            ["gh", "pr", "checkout", ..] => true,
            ["git", "fetch" | "pull", rest @ ..] => rest.iter().any(|word| {
                let source = word.trim_start_matches('+').split(':').next().unwrap_or_default();
                let source = source.strip_prefix("refs/").unwrap_or(source);
                source.starts_with("pull/") && (source.ends_with("/head") || source.ends_with("/merge"))
            }),
            ["git", "checkout" | "switch" | "merge", rest @ ..] => rest.iter().any(|word| {
                expressions(word).iter().any(|expression| values(expression.source).iter().any(|path| is_head(path)))
            }),
            _ => false,
        };
        is_checkout.then(|| (run.line_within(command.line), words.join(" ")))
    })
}
