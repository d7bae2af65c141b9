//! GitHub Actions workflows and composite actions, as far as the checks ask about them.

use std::collections::HashSet;

use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::checks::lock_files::is_ignored;
use super::checks::lock_manifests::join;
use super::documents::{Document, Text};
use super::outcome::Outcome;
use super::unseen::Unseen;
use super::yaml::{Node, Yaml, YamlError};

/// At most so many workflows and actions are read.
pub const MAX_FILES: usize = 1_000;
/// Once this many bytes of them were read, no more are.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What the file of an action may be called.
const ACTION_FILES: [&str; 2] = ["action.yml", "action.yaml"];
/// So many letters of the steps of one file are looked at. Without aliases no file that is read has as many.
const MAX_WORK: usize = 4 * 1024 * 1024;
const WEIGHT_OF_STEP: usize = 16;
const WEIGHT_OF_KEY: usize = 4;
/// A condition is looked at up to this many letters.
const MAX_CONDITION: usize = 2_000;

/// A workflow or an action in the tree.
#[derive(Debug)]
pub struct Source {
    /// Its path.
    pub path: String,
    /// Whether it is a workflow; otherwise an action.
    pub is_workflow: bool,
    /// Whether it goes on after what was read.
    pub is_cut: bool,
    yaml: Yaml,
}

/// The workflows and actions of a tree.
#[derive(Debug, Default)]
pub struct Sources {
    /// Those that could be read.
    pub read: Vec<Source>,
    unseen: Unseen,
    /// The paths that had their turn.
    known: HashSet<String>,
    bytes: usize,
    left_out: usize,
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
        let mut sources = Self::default();
        sources.add_workflows(tree);
        sources.finish()
    }

    /// Reads the workflows, every `action.yml` outside examples and tests, and those that a workflow or an action names.
    pub fn workflows_and_actions(tree: &TargetTree) -> Self {
        let mut sources = Self::default();
        sources.add_workflows(tree);
        let is_action = |file: &&TreeFile| ACTION_FILES.contains(&file.name()) && !is_passed_over(file.directory());
        tree.files().iter().filter(is_action).for_each(|file| sources.add(tree, file, false));
        let mut at = 0;
        while let Some(source) = sources.read.get(at) {
            let named: HashSet<String> =
                source.steps().iter().filter_map(|(_, step)| local_action(step.uses()?.text())).collect();
            for path in named.iter().flat_map(|directory| ACTION_FILES.map(|name| join(directory, name))) {
                if let Some(file) = tree.get(&path) {
                    sources.add(tree, file, false);
                }
            }
            at = at.saturating_add(1);
        }
        sources.finish()
    }

    fn add_workflows(&mut self, tree: &TargetTree) {
        let is_workflow = |file: &&TreeFile| file.directory() == ".github/workflows" && is_yaml(file.name());
        tree.files().iter().filter(is_workflow).for_each(|file| self.add(tree, file, true));
    }

    fn add(&mut self, tree: &TargetTree, file: &TreeFile, is_workflow: bool) {
        if !self.known.insert(file.path().to_owned()) {
            return;
        }
        if self.known.len() > MAX_FILES || self.bytes > MAX_BYTES {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let document = Document::read(tree, file);
        self.bytes = self.bytes.saturating_add(document.as_str().len());
        self.unseen.add_document(&document);
        match Yaml::read(document.as_str()) {
            _ if document.text == Text::Unreadable => {}
            Ok(yaml) => {
                let source = Source { path: document.path, is_workflow, is_cut: document.cut, yaml };
                if !source.bounded_steps().1 {
                    let path = &source.path;
                    let sentence =
                        format!("{path} repeats so much by aliases that not every step of it was looked at.");
                    self.unseen.add_at(path, 1, sentence);
                }
                self.read.push(source);
            }
            // What is cut need be no YAML; that it is cut was said.
            Err(_) if document.cut => {}
            Err(YamlError { reason, line }) => {
                let path = &document.path;
                let sentence = format!("{path} could not be read as YAML ({reason}): mend it at line {line}.");
                self.unseen.add_at(path, line, sentence);
            }
        }
    }

    fn finish(mut self) -> Self {
        self.unseen.add_some(self.left_out, |count| {
            format!(
                "{count} workflows and actions were not looked at: the bounds are {MAX_FILES} files and {MAX_BYTES} bytes of all together."
            )
        });
        self
    }

    /// Says which files could not be read; an outcome that would pass without them is unknown.
    pub fn admit(&self, outcome: Outcome) -> Outcome {
        self.unseen.admit(outcome)
    }
}

/// Whether actions, Dockerfiles and scripts in a directory are examples, inputs of tests or other people's. Where GitHub looks for actions,
/// they are none, whatever they are called.
pub fn is_passed_over(directory: &str) -> bool {
    let of_actions = directory == ".github/actions" || directory.starts_with(".github/actions/");
    !of_actions && is_ignored(directory)
}

/// The directory of an action that is named as one of this repository.
fn local_action(uses: &str) -> Option<String> {
    let uses = uses.trim();
    let path = uses.strip_prefix("./").or_else(|| uses.strip_prefix("$/"))?;
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
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

    /// Every step with its job; of a list that is aliased, once for each job. Beyond a bound on what there is to look at, aliases counted
    /// each time, they are left out, and the checks say so.
    pub fn steps(&self) -> Vec<(Job<'_>, Step<'_>)> {
        self.bounded_steps().0
    }

    /// The steps, and whether they are all of them.
    fn bounded_steps(&self) -> (Vec<(Job<'_>, Step<'_>)>, bool) {
        let (mut seen, mut found, mut work) = (HashSet::new(), Vec::new(), 0_usize);
        for job in self.jobs() {
            for node in job.node.get("steps").into_iter().flat_map(Node::items) {
                // One step in two jobs may be guarded in one of them, and run in another shell.
                if seen.insert((job.node.id(), node.id())) {
                    work = weight(node, work, 2);
                    found.push((job, Step { node }));
                }
                work = work.saturating_add(WEIGHT_OF_STEP);
                if work > MAX_WORK {
                    return (found, false);
                }
            }
        }
        (found, true)
    }
}

/// Adds the letters of a mapping's values, and of those beneath it, up to the bound.
fn weight(node: Node<'_>, mut work: usize, depth: usize) -> usize {
    for (_, value) in node.entries() {
        work = work.saturating_add(value.text().len()).saturating_add(WEIGHT_OF_KEY);
        if depth > 0 {
            work = weight(value, work, depth.saturating_sub(1));
        }
        if work > MAX_WORK {
            break;
        }
    }
    work
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
        Source { path: "w.yml".to_owned(), is_workflow: true, is_cut: false, yaml: Yaml::read(text).unwrap() }
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
    fn aliased_jobs_and_steps_come_once_in_a_job() {
        let text = "jobs:\n  a: &a\n    steps: &s\n    - &x {run: a}\n    - *x\n  b: *a\n  c:\n    steps: *s\n";
        assert_eq!((source(text).jobs().len(), source(text).steps().len()), (2, 2));
    }

    #[test]
    fn a_step_counts_though_its_inputs_or_its_script_are_aliases() {
        let text = "jobs:\n  a:\n    steps:\n    - {uses: a, with: &w {x: y}}\n    - {uses: b, with: *w}\n    - {run: &r z}\n    - {run: *r, shell: pwsh}\n";
        assert_eq!(source(text).steps().len(), 4);
    }

    #[test]
    fn what_aliases_repeat_is_bounded_and_no_plain_file_reaches_it() {
        let aliased =
            format!("x: &s {}\njobs:\n  a:\n    steps:\n{}", "y".repeat(1_000), "    - run: *s\n".repeat(9_000));
        let aliased = source(&aliased);
        let (steps, all) = aliased.bounded_steps();
        assert!(!all && (1_000..9_000).contains(&steps.len()), "{}", steps.len());
        for step in ["- {run: x}\n", "- x\n"] {
            let plain = format!("jobs:\n  a:\n    steps:\n{}", format!("    {step}").repeat(66_000));
            assert!(source(&plain).bounded_steps().1, "{step}");
        }
    }

    #[test]
    fn local_actions_are_named_from_the_top() {
        for (uses, path) in [("./tests/a", "tests/a"), ("$/a/", "a"), ("./a/../b", "b"), ("./", "")] {
            assert_eq!(local_action(uses).as_deref(), Some(path), "{uses}");
        }
        assert_eq!((local_action("./../a"), local_action("o/r@v1")), (None, None));
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
