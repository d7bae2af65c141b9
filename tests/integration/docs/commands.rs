//! Executes the `console` blocks of the documents.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::service::cluster::{Cluster, Fate};
use crate::support::{World, eventually};

/// How long the commands of one document may take together.
const PATIENCE: Duration = Duration::from_secs(300);

/// A command of a document and what it should print.
struct Step {
    line: usize,
    command: String,
    expected: Vec<String>,
    code: i32,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut within = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            within = line == "```console";
            continue;
        }
        if !within {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            let step = Step { line: number + 1, command: command.to_owned(), expected: Vec::new(), code: 0 };
            steps.push(step);
            continue;
        }
        let step = steps.last_mut().unwrap_or_else(|| panic!("line {}: a block begins with `$ `", number + 1));
        if let Some(more) = line.strip_prefix('>') {
            let more = more.strip_prefix(' ').unwrap_or(more);
            let _ = write!(step.command, "\n{more}");
        } else if let Some(code) = line.strip_prefix("? ") {
            step.code = code.parse().expect("an exit code");
        } else {
            step.expected.push(line.to_owned());
        }
    }
    steps
}

/// Whether a line is as written, `[..]` standing for anything.
fn line_matches(written: &str, printed: &str) -> bool {
    let mut parts = written.split("[..]");
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether an output is as written, a line `...` standing for any lines.
fn output_matches(written: &[String], printed: &[&str]) -> bool {
    match (written.split_first(), printed.split_first()) {
        (None, printed) => printed.is_none(),
        (Some((any, after)), _) if any == "..." => {
            (0..=printed.len()).any(|skipped| output_matches(after, printed.get(skipped..).unwrap_or_default()))
        }
        (Some((line, after)), Some((first, rest))) => line_matches(line, first) && output_matches(after, rest),
        (Some(_), None) => false,
    }
}

/// Executes a document's commands in one shell and compares.
fn execute(document: &str) {
    let place = tempfile::tempdir().expect("a directory");
    execute_in(document, place.path(), "", |_| ());
    // That one damages its runs, to show how to recover.
    if document != "docs/operations.md" {
        crate::support::whole::all_beneath(place.path());
    }
}

/// Does so in this directory, with a shell that is prepared, after lines that are not the document's.
fn execute_in(document: &str, place: &Path, before: &str, prepare: impl FnOnce(&mut Command)) {
    let text = std::fs::read_to_string(repository().join(document)).expect("the document");
    let scripts = repository().join("deploy/kubernetes");
    let here = |text: &str| -> String {
        let text = text.replace("/srv/guide-board", &place.to_string_lossy());
        text.replace("/opt/guide-board", &scripts.to_string_lossy())
    };
    let steps = steps(&here(&text));
    assert!(!steps.is_empty(), "{document} has no commands");
    let record = tempfile::tempdir().expect("a directory");
    let at = |name: &str, number: usize| -> PathBuf { record.path().join(format!("{name}.{number}")) };
    let mut script = format!("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{before}\n");
    for (number, step) in steps.iter().enumerate() {
        std::fs::write(at("command", number), &step.command).expect("written");
        let [command, output, code] =
            ["command", "output", "code"].map(|name| at(name, number).to_string_lossy().into_owned());
        let _ = writeln!(script, "eval \"$(cat '{command}')\" >'{output}' 2>&1 </dev/null; echo $? >'{code}'");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_guide-board")).parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path))).expect("a path");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).current_dir(place).env_clear();
    shell.env("PATH", path).env("HOME", place).env("LC_ALL", "C");
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    prepare(&mut shell);
    let mut shell = shell.spawn().expect("bash");
    eventually(document, Some(PATIENCE), || shell.try_wait().expect("a child"));
    for (number, step) in steps.iter().enumerate() {
        let read = |name: &str| std::fs::read_to_string(at(name, number)).unwrap_or_default();
        let (printed, code) = (read("output"), read("code"));
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        assert!(
            code.trim() == step.code.to_string() && output_matches(&step.expected, &lines),
            "{document}:{}: `{}` ended with {} and printed\n{printed}",
            step.line,
            step.command,
            code.trim()
        );
    }
}

#[test]
fn of_the_readme() {
    execute("README.md");
}

#[test]
fn of_operations() {
    execute("docs/operations.md");
}

#[test]
fn of_jobs() {
    execute("docs/jobs.md");
}

#[test]
fn of_jobs_on_kubernetes() {
    let world = World::new();
    let cluster = Cluster::new(&world, Fate::Runs);
    // The cluster's `bin` takes the place of the path.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_guide-board"), world.path("bin/guide-board")).expect("a link");
    execute_in("docs/kubernetes-jobs.md", &world.path(""), "", |shell| {
        cluster.serve_to(shell).env_remove("RUN_AS_JOB_NAMESPACE");
    });
}

#[test]
fn of_the_sidecar() {
    execute("docs/sidecar.md");
}

#[test]
fn of_extensions() {
    execute("docs/extensions.md");
}

#[test]
#[ignore = "needs curl: scripts/test curl"]
fn of_the_service() {
    execute("docs/api.md");
}

#[test]
#[ignore = "needs grpcurl, buf and ghz: scripts/test grpcurl"]
fn of_grpcurl() {
    execute("docs/grpcurl.md");
}

#[test]
fn every_call_stands_in_the_page_of_grpcurl_with_all_three_programs() {
    let page = std::fs::read_to_string(repository().join("docs/grpcurl.md")).expect("the page");
    let pool = guide_board::wire::pool().expect("the descriptors");
    let mut missing = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let call = format!("{}/{}", method.parent_service().full_name(), method.name());
        for program in ["grpcurl ", "buf curl ", "ghz "] {
            let asks = |line: &str| {
                line.starts_with(&format!("$ {program}"))
                    && line.split(['/', ' ']).any(|word| word == method.name())
                    && line.contains(&call)
            };
            if !page.lines().any(asks) {
                missing.push(format!("{program}{call}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/grpcurl.md lacks {missing:?}");
}

/// `scripts/container-smoke --documents` says which engine, which image, and which options this machine needs.
#[test]
#[ignore = "needs podman or docker: scripts/test container"]
fn of_containers() {
    let from = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by scripts/container-smoke"));
    let (engine, flags, image) = (from("SMOKE_ENGINE"), from("SMOKE_FLAGS"), from("SMOKE_IMAGE"));
    let place = tempfile::tempdir().expect("a directory");
    // The document's names are what an operator takes, too: the engine gets names of this test's own, and what it prints is read as the document's.
    let own = place.path().file_name().expect("a name").to_string_lossy().into_owned();
    let podman = format!(
        "podman() {{
           local words=() word printed code
           for word; do
             case \"$word\" in
               board | board-runs | board-socket) word+='{own}' ;;
               board-runs:* | board-socket:*) word=\"${{word%%:*}}{own}:${{word#*:}}\" ;;
             esac
             words+=(\"${{word/#localhost\\/guide-board/{image}}}\")
           done
           if [[ $1 == run ]]; then words=(run {flags} \"${{words[@]:1}}\"); fi
           printed=$({engine} \"${{words[@]}}\" 2>&1)
           code=$?
           if [[ -n $printed ]]; then printf '%s\\n' \"${{printed//'{own}'/}}\"; fi
           return $code
         }}
         trap 'podman rm --force board; podman volume rm --force board-runs board-socket' EXIT"
    );
    execute_in("docs/container.md", place.path(), &podman, |_| ());
    crate::support::whole::all_beneath(place.path());
}

#[test]
#[ignore = "installs pytest with pip: scripts/test examples"]
fn of_the_example_with_pytest() {
    execute("docs/example-pytest.md");
}

#[test]
#[ignore = "installs bandit with pip: scripts/test examples"]
fn of_the_example_with_bandit() {
    execute("docs/example-bandit.md");
}

#[test]
fn every_document_with_commands_is_executed() {
    let mut documents: Vec<String> = Vec::new();
    for directory in ["", "docs"] {
        for entry in std::fs::read_dir(repository().join(directory)).expect("listed") {
            let path = entry.expect("an entry").path();
            let is_document = path.extension().is_some_and(|extension| extension == "md");
            if is_document && std::fs::read_to_string(&path).expect("text").contains("```console") {
                documents.push(path.strip_prefix(repository()).expect("within").to_string_lossy().into_owned());
            }
        }
    }
    documents.sort();
    let executed = [
        "README.md",
        "docs/api.md",
        "docs/container.md",
        "docs/example-bandit.md",
        "docs/example-pytest.md",
        "docs/extensions.md",
        "docs/grpcurl.md",
        "docs/jobs.md",
        "docs/kubernetes-jobs.md",
        "docs/operations.md",
        "docs/sidecar.md",
    ];
    assert_eq!(documents, executed, "give each of them a test here");
}

/// The documents that an operator works by: no command stands there that is not executed.
const OF_OPERATION: [&str; 4] = ["docs/durability.md", "docs/jobs.md", "docs/kubernetes-jobs.md", "docs/operations.md"];

/// The blocks of a document that hold commands and are not executed, by the number of their first line.
fn unexecuted(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), block) {
            (Some(_), Some(_)) => block = None,
            (Some(kind), None) => {
                // What is indented is no block to `steps`, and of an unknown kind nobody knows what it holds.
                if !line.starts_with("```") || !matches!(kind, "console" | "yaml" | "toml" | "json") {
                    found.push(number + 1);
                }
                block = Some(kind);
            }
            (None, Some(kind)) => {
                let is_command = ["$ ", "guide-board ", "kubectl "].iter().any(|start| line.starts_with(start));
                if kind != "console" && is_command {
                    found.push(number + 1);
                }
            }
            (None, None) => {}
        }
    }
    found
}

#[test]
fn no_command_of_operations_is_left_unexecuted() {
    for document in OF_OPERATION {
        let text = std::fs::read_to_string(repository().join(document)).expect("the document");
        let lines = unexecuted(&text);
        assert!(lines.is_empty(), "{document}: not executed: lines {lines:?}; make them ```console blocks");
    }
    assert_eq!(unexecuted("```console\n$ true\n```\n```yaml\na: b\n```\n"), [0; 0]);
    assert_eq!(unexecuted("```sh\nguide-board serve\n```\n- x\n  ```console\n  $ true\n  ```\n"), [1, 2, 5]);
    assert_eq!(unexecuted("```\ntext\n```\n\n```yaml\nkubectl get jobs\n```\n"), [1, 6]);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut lost = Vec::new();
    for directory in ["", "docs"] {
        for entry in std::fs::read_dir(repository().join(directory)).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(link, _)| link)) {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                if link.contains("://") {
                    continue;
                }
                let target = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
                let there =
                    std::fs::read_to_string(&target).or_else(|_| std::fs::read_dir(&target).map(|_| String::new()));
                let anchors: Vec<String> = there.iter().flat_map(|text| text.lines()).filter_map(anchor_of).collect();
                if there.is_err() || !anchor.is_empty() && !anchors.iter().any(|known| known == anchor) {
                    lost.push(format!("{}: {link}", path.display()));
                }
            }
        }
    }
    assert!(lost.is_empty(), "links that lead nowhere:\n{}", lost.join("\n"));
}

/// The anchor that a heading has.
fn anchor_of(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

#[test]
fn wildcards_stand_for_what_they_say() {
    let written = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(line_matches("run-[..] ok", "run-1 ok") && !line_matches("run-[..] ok", "run-1 no"));
    assert!(line_matches("a", "a") && !line_matches("a", "ab"));
    assert!(output_matches(&written(&["a", "...", "b"]), &["a", "x", "y", "b"]));
    assert!(output_matches(&written(&["a", "..."]), &["a"]) && !output_matches(&written(&["a"]), &["a", "b"]));
    assert!(!output_matches(&written(&["a"]), &[]));
}
