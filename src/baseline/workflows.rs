//! GitHub Actions workflows and composite actions, as far as the checks ask about them.

use std::collections::HashSet;

use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::checks::lock_files::is_ignored;
use super::documents::{Document, Text};
use super::outcome::Outcome;
use super::yaml::{Node, Yaml};

/// At most so many workflows and actions are read.
pub const MAX_FILES: usize = 1_000;
/// Once this many bytes of them were read, no more are.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// A condition is looked at up to this many letters.
const MAX_CONDITION: usize = 2_000;

/// A workflow or an action in the tree.
#[derive(Debug)]
pub struct Source {
    /// Its path.
    pub path: String,
    /// Whether it is a workflow; otherwise an action.
    pub is_workflow: bool,
    yaml: Yaml,
}

/// The workflows and actions of a tree.
#[derive(Debug, Default)]
pub struct Sources {
    /// Those that could be read.
    pub read: Vec<Source>,
    /// The path, line and reason of those that could not.
    pub unreadable: Vec<(String, u64, String)>,
}

/// A job of a workflow, or the one body of a composite action.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its mapping.
    pub node: Node<'a>,
    /// Its key; `runs` for an action.
    pub id: &'a str,
}

/// A step of a job.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its mapping.
    pub node: Node<'a>,
}

impl Sources {
    /// Reads the files of `.github/workflows`.
    pub fn workflows(tree: &TargetTree) -> Self {
        Self::of(tree, |file| file.directory() == ".github/workflows" && is_yaml(file.name()))
    }

    /// Reads the workflows and every `action.yml` outside examples and tests.
    pub fn workflows_and_actions(tree: &TargetTree) -> Self {
        Self::of(tree, |file| {
            (file.directory() == ".github/workflows" && is_yaml(file.name()))
                || (["action.yml", "action.yaml"].contains(&file.name()) && !is_ignored(file.directory()))
        })
    }

    fn of(tree: &TargetTree, accept: impl Fn(&TreeFile) -> bool) -> Self {
        let mut sources = Self::default();
        let mut bytes = 0_usize;
        for file in tree.files().iter().filter(|file| accept(file)).take(MAX_FILES) {
            if bytes > MAX_BYTES {
                let reason = format!("not looked at after the first {MAX_BYTES} bytes of workflows");
                sources.unreadable.push((file.path().to_owned(), 1, reason));
                continue;
            }
            let document = Document::read(tree, file);
            bytes = bytes.saturating_add(document.as_str().len());
            match Yaml::read(document.as_str()) {
                _ if document.text == Text::Unreadable => {
                    sources.unreadable.push((document.path, 1, "the file cannot be opened".to_owned()));
                }
                Ok(yaml) => {
                    let is_workflow = file.directory() == ".github/workflows";
                    sources.read.push(Source { path: document.path, is_workflow, yaml });
                }
                Err(error) => sources.unreadable.push((document.path, error.line, error.reason)),
            }
        }
        sources
    }

    /// Says which files could not be read; an outcome that would pass without them is unknown.
    pub fn admit(&self, outcome: Outcome) -> Outcome {
        self.unreadable.iter().fold(outcome.unknown_unless_sure(!self.unreadable.is_empty()), |outcome, unreadable| {
            let (path, line, reason) = unreadable;
            outcome
                .observe(format!("{path} could not be read as YAML ({reason}): mend it at line {line}."))
                .at_line(path, *line)
        })
    }
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}

impl Source {
    /// The top of the document.
    pub fn root(&self) -> Option<Node<'_>> {
        self.yaml.root()
    }

    /// Every key of every mapping with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Node<'_>)> {
        self.yaml.pairs()
    }

    /// The names of the events that start a workflow.
    pub fn triggers(&self) -> Vec<&str> {
        let Some(on) = self.root().and_then(|root| root.get("on")) else {
            return Vec::new();
        };
        if on.is_mapping() {
            return on.entries().map(|(name, _)| name.text()).collect();
        }
        on.one_or_many().into_iter().map(Node::text).collect()
    }

    /// Whether one of the events starts it.
    pub fn is_triggered_by(&self, events: &[&str]) -> bool {
        self.triggers().iter().any(|trigger| events.contains(trigger))
    }

    /// The jobs of a workflow, or the body of a composite action. What is aliased comes once.
    pub fn jobs(&self) -> Vec<Job<'_>> {
        let Some(root) = self.root() else {
            return Vec::new();
        };
        if !self.is_workflow {
            return root.get("runs").map(|node| Job { node, id: "runs" }).into_iter().collect();
        }
        let mut seen = HashSet::new();
        root.get("jobs")
            .into_iter()
            .flat_map(Node::entries)
            .filter(|(_, node)| seen.insert(node.id()))
            .map(|(id, node)| Job { node, id: id.text() })
            .collect()
    }

    /// Every step with its job. What is aliased comes once.
    pub fn steps(&self) -> Vec<(Job<'_>, Step<'_>)> {
        let mut seen = HashSet::new();
        let mut lists = HashSet::new();
        let mut found = Vec::new();
        for job in self.jobs() {
            let Some(steps) = job.node.get("steps").filter(|steps| lists.insert(steps.id())) else {
                continue;
            };
            for node in steps.items() {
                let script = node.get("run").or_else(|| node.get("with"));
                // A script that is an alias was read where it is anchored.
                if seen.insert(node.id()) && script.is_none_or(|script| seen.insert(script.id())) {
                    found.push((job, Step { node }));
                }
            }
        }
        found
    }
}

impl<'a> Job<'a> {
    /// The text of its condition; empty without one.
    pub fn condition(self) -> &'a str {
        self.node.get("if").map(Node::text).unwrap_or_default()
    }

    /// The labels of the runner it asks for.
    pub fn runner_labels(self) -> Vec<&'a str> {
        let Some(node) = self.node.get("runs-on") else {
            return Vec::new();
        };
        let labels = node.get("labels").unwrap_or(node);
        labels.one_or_many().into_iter().map(Node::text).collect()
    }
}

impl<'a> Step<'a> {
    /// The action it uses.
    pub fn uses(self) -> Option<Node<'a>> {
        self.node.get("uses").filter(|uses| !uses.text().is_empty())
    }

    /// The script it runs.
    pub fn run(self) -> Option<Node<'a>> {
        self.node.get("run").filter(|run| run.as_str().is_some())
    }

    /// An input of the action it uses.
    pub fn with(self, input: &str) -> Option<Node<'a>> {
        self.node.get("with")?.get(input)
    }

    /// The text of its condition; empty without one.
    pub fn condition(self) -> &'a str {
        self.node.get("if").map(Node::text).unwrap_or_default()
    }

    /// Whether its script is read by a POSIX shell, as far as the workflow says.
    pub fn runs_in_posix_shell(self, job: Job<'a>, source: &'a Source) -> bool {
        let of_defaults = |node: Node<'a>| node.get("defaults")?.get("run")?.get("shell");
        let shell = self
            .node
            .get("shell")
            .or_else(|| of_defaults(job.node))
            .or_else(|| source.root().and_then(of_defaults))
            .map(Node::text);
        match shell {
            Some(shell) => {
                let program = shell.split_whitespace().next().unwrap_or_default();
                ["bash", "sh", "dash", "zsh"].contains(&program.rsplit('/').next().unwrap_or_default())
            }
            None => !job.runner_labels().iter().any(|label| label.starts_with("windows")),
        }
    }
}

/// A condition without blanks.
pub fn squeezed(condition: &str) -> String {
    condition.chars().take(MAX_CONDITION).filter(|letter| !letter.is_whitespace()).collect()
}

/// Whether an action is one of these, by what stands before its `@`.
pub fn is_action(uses: &str, names: &[&str]) -> bool {
    let name = uses.split('@').next().unwrap_or_default();
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "w.yml".to_owned(), is_workflow: true, yaml: Yaml::read(text).unwrap() }
    }

    #[test]
    fn triggers_may_be_a_name_a_list_or_a_mapping() {
        for on in ["pull_request_target", "[push, pull_request_target]", "{pull_request_target: {types: [x]}}"] {
            assert!(source(&format!("on: {on}\n")).is_triggered_by(&["pull_request_target"]), "{on}");
        }
        assert!(source("name: x\n").triggers().is_empty());
        assert!(source("just words\n").triggers().is_empty());
    }

    #[test]
    fn aliased_jobs_and_steps_come_once() {
        let text = "jobs:\n  a: &a\n    steps: &s\n    - &x {run: a}\n    - *x\n  b: *a\n  c:\n    steps: *s\n";
        assert_eq!((source(text).jobs().len(), source(text).steps().len()), (2, 1));
    }

    #[test]
    fn the_shell_comes_from_the_step_the_job_or_the_runner() {
        let text = "defaults: {run: {shell: pwsh}}\njobs:\n  a:\n    defaults: {run: {shell: 'bash -e {0}'}}\n    steps:\n    - run: x\n    - {run: x, shell: python}\n";
        let source = source(text);
        let posix: Vec<bool> =
            source.steps().into_iter().map(|(job, step)| step.runs_in_posix_shell(job, &source)).collect();
        assert_eq!(posix, [true, false]);
    }
}
