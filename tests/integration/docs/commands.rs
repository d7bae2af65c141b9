//! Executes the `console` blocks of the documents.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::eventually;

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
    let text = std::fs::read_to_string(repository().join(document)).expect("the document");
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{document} has no commands");
    let (place, record) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let at = |name: &str, number: usize| -> PathBuf { record.path().join(format!("{name}.{number}")) };
    let mut script = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n".to_owned();
    for (number, step) in steps.iter().enumerate() {
        std::fs::write(at("command", number), &step.command).expect("written");
        let [command, output, code] =
            ["command", "output", "code"].map(|name| at(name, number).to_string_lossy().into_owned());
        let _ = writeln!(script, "eval \"$(cat '{command}')\" >'{output}' 2>&1 </dev/null; echo $? >'{code}'");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_guide-board")).parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path))).expect("a path");
    let mut shell = Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(place.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path())
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash");
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
    // That one damages its runs, to show how to recover.
    if document != "docs/durability.md" {
        crate::support::whole::all_beneath(place.path());
    }
}

#[test]
fn of_the_readme() {
    execute("README.md");
}

#[test]
fn of_durability() {
    execute("docs/durability.md");
}

#[test]
fn of_operations() {
    execute("docs/operations.md");
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
        "docs/durability.md",
        "docs/example-bandit.md",
        "docs/example-pytest.md",
        "docs/extensions.md",
        "docs/operations.md",
        "docs/sidecar.md",
    ];
    assert_eq!(documents, executed, "give each of them a test here");
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
