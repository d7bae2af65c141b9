//! `token-permissions`: workflows ask for no more of their token than they need.
//!
//! A workflow that is only called by others takes its caller's permissions, and one of a single job may ask at the top what
//! the job needs: neither is found.

use crate::baseline::found::{Found, outcome};
use crate::baseline::outcome::Outcome;
use crate::baseline::workflows::{Job, Source, Sources};
use crate::baseline::yaml::Node;
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

/// The scopes that OpenSSF Scorecard warns of when they are written to.
const SCOPES: [&str; 7] = ["actions", "checks", "contents", "deployments", "packages", "security-events", "statuses"];

/// Looks at the permissions of every workflow and its jobs.
pub fn run(tree: &TargetTree) -> Outcome {
    let sources = Sources::workflows(tree);
    let mut found = Vec::new();
    for source in &sources.read {
        examine(source, &mut found);
    }
    let clean = if sources.read.is_empty() {
        Outcome::not_applicable().observe("No workflow was found.")
    } else {
        Outcome::pass().observe("Every workflow says what its token may do, and none asks for everything.")
    };
    let writing: usize = sources.read.iter().flat_map(Source::jobs).map(writes).sum();
    sources.admit(outcome(found, clean).fact("job_level_writes", writing))
}

/// How many scopes a job asks to write.
fn writes(job: Job<'_>) -> usize {
    let scopes = job.node.get("permissions").into_iter().flat_map(Node::entries);
    scopes.filter(|(_, level)| level.text() == "write").count()
}

fn examine(source: &Source, found: &mut Vec<Found>) {
    let Some(root) = source.root().filter(|root| root.is_mapping()) else {
        return;
    };
    let jobs = source.jobs();
    let mut add = |rule, fails, severity, node: Node<'_>, sentence: String| {
        found.push(Found { rule, fails, severity, path: source.path.clone(), line: node.line(), sentence });
    };
    for (place, node) in std::iter::once(("the whole workflow", root)).chain(jobs.iter().map(|job| (job.id, job.node)))
    {
        if let Some(all) = node.get("permissions").filter(|permissions| permissions.text() == "write-all") {
            let sentence =
                format!("`{place}` may write everything: name the scopes that it needs instead of write-all.");
            add("write-all", true, Severity::High, all, sentence);
        }
    }
    match root.get("permissions") {
        Some(permissions) if jobs.len() > 1 => {
            let writes = permissions
                .entries()
                .filter(|(scope, level)| SCOPES.contains(&scope.text()) && level.text() == "write");
            for (scope, _) in writes {
                let sentence = format!("every job may write `{}`: move it to the job that needs it.", scope.text());
                add("top-level-write", false, Severity::Medium, scope, sentence);
            }
        }
        Some(_) => {}
        // What is cut may say it further down.
        None if source.is_cut || is_only_called(source) => {}
        None => {
            if let Some(open) = jobs.iter().find(|job| job.node.get("permissions").is_none()) {
                let sentence = format!(
                    "the token of job `{}` has whatever the repository's settings give: write `permissions: contents: read` at \
                     the top, and more only at the jobs that need it.",
                    open.id
                );
                add("no-permissions", false, Severity::Medium, root.get("jobs").unwrap_or(root), sentence);
            }
        }
    }
}

fn is_only_called(source: &Source) -> bool {
    let triggers = source.triggers();
    !triggers.is_empty() && triggers.iter().all(|trigger| *trigger == "workflow_call")
}
