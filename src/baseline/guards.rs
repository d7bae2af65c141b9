//! Conditions of jobs and steps that let through only what people with write access sent.

use super::workflows::{Job, Step, squeezed};

/// What compares the event with the repository. The condition has no blanks and is in lower case.
const GUARDS: [&str; 8] = [
    "head.repo.full_name==github.repository",
    "github.repository==github.event.pull_request.head.repo.full_name",
    "head.repo.fork==false",
    "!github.event.pull_request.head.repo.fork",
    "head_repository.full_name==github.repository",
    "workflow_run.event=='push'",
    "workflow_run.event!='pull_request'",
    "workflow_run.event=='schedule'",
];
/// What GitHub calls an author who may write, or whom the owners asked.
const TRUSTED: [&str; 3] = ["owner", "member", "collaborator"];
/// Parentheses are followed so deep.
const MAX_DEPTH: usize = 40;

/// Whether the condition of a job or of its step lets through only what people with write access sent.
pub fn is_guarded(job: Job<'_>, step: Option<Step<'_>>) -> bool {
    [job.condition(), step.map(Step::condition).unwrap_or_default()]
        .iter()
        .any(|condition| holds(&squeezed(condition).to_lowercase(), MAX_DEPTH))
}

/// Every side of an `||` has to guard, and one of an `&&`.
fn holds(condition: &str, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let condition = condition
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .filter(|rest| !rest.contains("${{"))
        .unwrap_or(condition);
    let sides = split(condition, "||");
    if sides.len() > 1 {
        return sides.into_iter().all(|side| holds(side, depth));
    }
    let sides = split(condition, "&&");
    if sides.len() > 1 {
        return sides.into_iter().any(|side| holds(side, depth));
    }
    match condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => holds(inner, depth),
        None => is_guard(condition),
    }
}

/// The parts between an operator that stands outside of parentheses and quotes.
fn split<'a>(condition: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut begin, mut nesting, mut quoted) = (Vec::new(), 0_usize, 0_usize, false);
    let is_operator = |at: usize| condition.get(at..).is_some_and(|rest| rest.starts_with(operator));
    for (at, letter) in condition.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => nesting = nesting.saturating_add(1),
            ')' if !quoted => nesting = nesting.saturating_sub(1),
            _ if !quoted && nesting == 0 && at >= begin && is_operator(at) => {
                parts.push(condition.get(begin..at).unwrap_or_default());
                begin = at.saturating_add(operator.len());
            }
            _ => {}
        }
    }
    parts.push(condition.get(begin..).unwrap_or_default());
    parts
}

/// Whether one comparison or call guards.
fn is_guard(condition: &str) -> bool {
    if condition.contains("author_association") {
        return is_trusted_author(condition);
    }
    !condition.starts_with("!(") && GUARDS.iter().any(|guard| condition.contains(guard))
}

/// Equality with one who is trusted, or membership in a list of none but such.
fn is_trusted_author(condition: &str) -> bool {
    let is_author = |side: &str| side.starts_with("github.event.") && side.ends_with(".author_association");
    let is_trusted = |side: &str| {
        side.strip_prefix('\'').and_then(|side| side.strip_suffix('\'')).is_some_and(|word| TRUSTED.contains(&word))
    };
    if let Some((left, right)) = condition.split_once("==") {
        return (is_author(left) && is_trusted(right)) || (is_trusted(left) && is_author(right));
    }
    let listed = || {
        let (list, author) = condition.strip_prefix("contains(fromjson('[")?.split_once("]'),")?;
        let listed = list.split(',').all(|word| {
            word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).is_some_and(|word| TRUSTED.contains(&word))
        });
        Some(listed && is_author(author.strip_suffix(')')?))
    };
    listed().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards(condition: &str) -> bool {
        holds(&squeezed(condition).to_lowercase(), MAX_DEPTH)
    }

    #[test]
    fn an_author_is_asked_for_by_a_trusted_name() {
        for condition in [
            "github.event.comment.author_association == 'OWNER'",
            "'MEMBER' == github.event.comment.author_association",
            "${{ github.event.issue.author_association == 'COLLABORATOR' && github.actor != 'x' }}",
            "(github.event.comment.author_association == 'OWNER' || github.event.comment.author_association == 'MEMBER')",
            "contains(fromJSON('[\"OWNER\", \"MEMBER\"]'), github.event.comment.author_association)",
            "startsWith(github.event.comment.body, '/run (') && contains(fromJSON('[\"OWNER\"]'), github.event.comment.author_association)",
        ] {
            assert!(guards(condition), "{condition}");
        }
    }

    #[test]
    fn a_mention_of_the_author_is_no_guard() {
        for condition in [
            "github.event.comment.author_association == 'NONE'",
            "github.event.comment.author_association != 'NONE'",
            "github.event.comment.author_association",
            "github.event.comment.author_association == 'OWNER' || github.event.comment.author_association == 'CONTRIBUTOR'",
            "github.event.comment.author_association == 'OWNER' || true",
            "!(github.event.comment.author_association == 'OWNER')",
            "!contains(fromJSON('[\"OWNER\"]'), github.event.comment.author_association)",
            "contains(fromJSON('[\"OWNER\", \"NONE\"]'), github.event.comment.author_association)",
            "contains(fromJSON('[]'), github.event.comment.author_association)",
            "contains('OWNER NONE', github.event.comment.author_association)",
            "github.event.comment.body == 'author_association'",
            "!(github.event.pull_request.head.repo.full_name == github.repository)",
            "github.event.pull_request.head.repo.full_name == github.repository || github.actor == 'x'",
        ] {
            assert!(!guards(condition), "{condition}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(!guards(&"(".repeat(1_900)));
        assert!(!guards(&format!("{}{GUARD}{}", "(".repeat(900), ")".repeat(900), GUARD = GUARDS[0])));
    }
}
