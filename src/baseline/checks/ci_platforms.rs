//! The CI platforms: where each keeps its configuration, and what makes one more than an empty shell.

use crate::baseline::yaml::{Node, Yaml};
use crate::repository::ambient::target_tree::TreeFile;

/// A CI platform.
pub struct Platform {
    /// Its name for people.
    pub name: &'static str,
    /// Whether a file, by its directory and its lower-case name, is one of its configurations.
    pub owns: fn(directory: &str, name: &str) -> bool,
    /// Whether the text configures any work.
    pub does_work: fn(text: &str) -> bool,
    /// What a configuration needs, for the observation.
    pub needs: &'static str,
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}

fn root(directory: &str, name: &str, names: &[&str]) -> bool {
    directory.is_empty() && names.contains(&name)
}

/// Every platform that is known.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "GitHub Actions",
        owns: |directory, name| directory == ".github/workflows" && is_yaml(name),
        does_work: workflow,
        needs: "a job with steps",
    },
    Platform {
        name: "Forgejo or Gitea Actions",
        owns: |directory, name| [".forgejo/workflows", ".gitea/workflows"].contains(&directory) && is_yaml(name),
        does_work: workflow,
        needs: "a job with steps",
    },
    Platform {
        name: "GitLab CI",
        owns: |directory, name| root(directory, name, &[".gitlab-ci.yml", ".gitlab-ci.yaml"]),
        does_work: |text| any_filled(text, &["script", "run", "trigger", "include", "extends"]),
        needs: "a job with a script",
    },
    Platform {
        name: "CircleCI",
        owns: |directory, name| directory == ".circleci" && is_yaml(name),
        does_work: |text| any_filled(text, &["steps", "orbs"]),
        needs: "a job with steps",
    },
    Platform {
        name: "Travis CI",
        owns: |directory, name| root(directory, name, &[".travis.yml", ".travis.yaml"]),
        does_work: |text| top_filled(text, &["language", "script", "jobs", "matrix", "install", "import"]),
        needs: "a language or a script",
    },
    Platform {
        name: "Jenkins",
        owns: |directory, name| {
            (name.starts_with("jenkinsfile") && !directory.contains("test"))
                || (directory.is_empty() && name.ends_with(".jenkinsfile"))
        },
        does_work: code,
        needs: "a pipeline",
    },
    Platform {
        name: "Azure Pipelines",
        owns: |directory, name| {
            is_yaml(name)
                && ((directory.is_empty()
                    && (name.starts_with("azure-pipelines") || name.starts_with(".azure-pipelines")))
                    || [".azure-pipelines", "azure-pipelines", ".azuredevops", ".azure/pipelines", ".pipelines"]
                        .contains(&directory))
        },
        does_work: |text| top_filled(text, &["steps", "jobs", "stages", "extends"]),
        needs: "steps, jobs, stages or a template",
    },
    Platform {
        name: "Drone",
        owns: |directory, name| root(directory, name, &[".drone.yml", ".drone.yaml", ".drone.star", ".drone.jsonnet"]),
        does_work: |text| any_filled(text, &["steps", "pipeline"]) || (!text.contains("kind:") && code(text)),
        needs: "steps",
    },
    Platform {
        name: "Woodpecker",
        owns: |directory, name| {
            root(directory, name, &[".woodpecker.yml", ".woodpecker.yaml"])
                || (is_yaml(name) && (directory == ".woodpecker" || directory.starts_with(".woodpecker/")))
        },
        does_work: |text| any_filled(text, &["steps", "pipeline"]),
        needs: "steps",
    },
    Platform {
        name: "Buildkite",
        owns: |directory, name| {
            (directory == ".buildkite" || directory.starts_with(".buildkite/")) && is_yaml(name)
                || root(directory, name, &["buildkite.yml"])
        },
        does_work: |text| any_filled(text, &["steps"]) || is_list(text),
        needs: "steps",
    },
    Platform {
        name: "Cirrus CI",
        owns: |directory, name| root(directory, name, &[".cirrus.yml", ".cirrus.yaml", ".cirrus.star"]),
        does_work: |text| {
            any_filled_by(text, |key| key.ends_with("task") || key.ends_with("script")) || text.contains("def main(")
        },
        needs: "a task with a script",
    },
    Platform {
        name: "AppVeyor",
        owns: |directory, name| {
            root(directory, name, &["appveyor.yml", ".appveyor.yml", "appveyor.yaml", ".appveyor.yaml"])
        },
        does_work: |text| {
            top_filled(
                text,
                &["build", "build_script", "test_script", "before_build", "install", "for", "after_build", "test"],
            )
        },
        needs: "a build or test script",
    },
    Platform {
        name: "Bitbucket Pipelines",
        owns: |directory, name| root(directory, name, &["bitbucket-pipelines.yml"]),
        does_work: |text| any_filled(text, &["script", "pipe", "import"]),
        needs: "a step with a script",
    },
    Platform {
        name: "Tekton",
        owns: |directory, name| directory == ".tekton" && is_yaml(name),
        does_work: |text| any_filled(text, &["steps", "tasks", "pipelineRef", "pipelineSpec", "taskRef", "taskSpec"]),
        needs: "a pipeline with tasks",
    },
    Platform {
        name: "Semaphore",
        owns: |directory, name| directory == ".semaphore" && is_yaml(name),
        does_work: |text| any_filled(text, &["commands"]),
        needs: "a block with commands",
    },
    Platform {
        name: "SourceHut builds",
        owns: |directory, name| root(directory, name, &[".build.yml"]) || (directory == ".builds" && is_yaml(name)),
        does_work: |text| any_filled(text, &["tasks"]),
        needs: "tasks",
    },
    Platform {
        name: "Google Cloud Build",
        owns: |directory, name| root(directory, name, &["cloudbuild.yaml", "cloudbuild.yml"]),
        does_work: |text| any_filled(text, &["steps"]),
        needs: "steps",
    },
    Platform {
        name: "AWS CodeBuild",
        owns: |directory, name| root(directory, name, &["buildspec.yml", "buildspec.yaml"]),
        does_work: |text| any_filled(text, &["commands"]),
        needs: "phases with commands",
    },
    Platform {
        name: "Prow",
        owns: |directory, name| root(directory, name, &[".prow.yaml"]) || (directory == ".prow" && is_yaml(name)),
        does_work: |text| top_filled(text, &["presubmits", "postsubmits", "periodics"]),
        needs: "presubmits",
    },
    Platform {
        name: "Zuul",
        owns: |directory, name| {
            root(directory, name, &[".zuul.yaml", "zuul.yaml"])
                || (["zuul.d", ".zuul.d"].contains(&directory) && is_yaml(name))
        },
        does_work: |text| any_filled(text, &["job", "project"]),
        needs: "jobs",
    },
    Platform {
        name: "TeamCity",
        owns: |directory, name| directory == ".teamcity" && name.ends_with(".kts"),
        does_work: code,
        needs: "build types",
    },
    Platform {
        name: "scripts under .ci",
        owns: |directory, name| {
            (directory == ".ci" || directory.starts_with(".ci/")) && (name.ends_with(".sh") || !name.contains('.'))
        },
        does_work: script,
        needs: "commands that build or test",
    },
];

/// The platform that a file belongs to.
pub fn platform_of(file: &TreeFile) -> Option<&'static Platform> {
    let name = file.name().to_lowercase();
    PLATFORMS.iter().find(|platform| (platform.owns)(file.directory(), &name))
}

/// A workflow in the manner of GitHub: a job with a step, or a called workflow.
fn workflow(text: &str) -> bool {
    let has_work = |job: Node<'_>| {
        job.get("steps").is_some_and(|steps| steps.items().next().is_some())
            || ["uses", "<<"].iter().any(|key| job.get(key).is_some_and(Node::is_filled))
    };
    Yaml::read(text).is_ok_and(|yaml| {
        yaml.root().and_then(|root| root.get("jobs")).is_some_and(|jobs| jobs.entries().any(|(_, job)| has_work(job)))
    })
}

fn is_list(text: &str) -> bool {
    Yaml::read(text).is_ok_and(|yaml| yaml.root().is_some_and(Node::is_sequence))
}

fn any_filled(text: &str, keys: &[&str]) -> bool {
    any_filled_by(text, |key| keys.contains(&key))
}

fn any_filled_by(text: &str, accept: impl Fn(&str) -> bool) -> bool {
    match Yaml::read(text) {
        Ok(yaml) => yaml.pairs().any(|(key, value)| accept(key) && value.is_filled()),
        Err(_) => names_key(text, accept),
    }
}

fn top_filled(text: &str, keys: &[&str]) -> bool {
    match Yaml::read(text) {
        Ok(yaml) => yaml.documents().any(|top| keys.iter().any(|key| top.get(key).is_some_and(Node::is_filled))),
        Err(_) => names_key(text, |key| keys.contains(&key)),
    }
}

/// Whether a line of a text that is no YAML, as where a template makes it, begins with a key.
fn names_key(text: &str, accept: impl Fn(&str) -> bool) -> bool {
    text.lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).split_once(':'))
        .any(|(key, _)| accept(key.trim()))
}

/// Source of a general language: anything but comments that calls or opens something.
fn code(text: &str) -> bool {
    let mut commented = false;
    text.lines().map(str::trim).any(|line| {
        if line.starts_with("/*") {
            commented = true;
        }
        let skipped = commented || line.starts_with("//") || line.starts_with('#') || line.starts_with('*');
        if line.ends_with("*/") {
            commented = false;
        }
        !skipped && (line.contains('(') || line.contains("sh ") || line.contains("steps"))
    })
}

/// A shell script with at least one command that does something.
fn script(text: &str) -> bool {
    const IDLE: [&str; 9] = ["set", "echo", "true", ":", "exit", "export", "shopt", "trap", "printf"];
    text.lines().map(str::trim).any(|line| {
        let word = line.split_whitespace().next().unwrap_or_default();
        !word.is_empty() && !word.starts_with('#') && !IDLE.contains(&word) && word.chars().any(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_called_workflow_is_work() {
        assert!(workflow("on: push\njobs:\n  call:\n    uses: o/r/.github/workflows/ci.yml@v1\n"));
    }

    #[test]
    fn jobs_named_only_in_a_script_are_no_jobs() {
        assert!(!workflow("on: push\nname: |\n  jobs:\n    a:\n      steps:\n        - run: x\n"));
        assert!(!workflow("on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps: []\n"));
        assert!(!workflow("# jobs:\n#   a:\n"));
    }

    #[test]
    fn flow_style_is_read() {
        assert!(workflow("on: push\njobs: {build: {runs-on: x, steps: [{run: make}]}}\n"));
        assert!(workflow("{\"on\": \"push\", \"jobs\": {\"a\": {\"steps\": [{\"run\": \"x\"}]}}}"));
    }

    #[test]
    fn a_template_that_is_no_yaml_is_read_by_its_keys() {
        assert!(any_filled("{% if x %}\ntest:\n  script:\n  - make\n", &["script"]));
        assert!(!any_filled("{% if x %}\n# script:\n", &["script"]));
    }

    #[test]
    fn a_shared_library_call_is_a_pipeline() {
        assert!(code("// build\nbuildPlugin()\n"));
        assert!(!code("// pipeline { }\n/* node(\n stage() */\n"));
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked(text in "[-a-e: |{}()#\n]{0,150}|\\PC{0,100}") {
            for platform in PLATFORMS {
                let _ = (platform.does_work)(&text);
            }
        }
    }
}
