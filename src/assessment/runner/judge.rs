//! How a runner ended, in words and facts.

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::program::Ran;
use crate::assessment::extensions::RunnerEntrypoint;
use crate::model::{EvidenceResult, RunnerKind, printable};
use crate::process::{Ending, StartFailure};

/// Why a program ended otherwise than well, in a sentence; `None` when it exited with 0.
pub(in crate::assessment) fn ended(ending: &Ending, who: &str, timeout_seconds: u64) -> Option<String> {
    if ending.timed_out {
        return Some(format!("{who} took longer than {timeout_seconds} s and was ended"));
    }
    if ending.supervisor_lost {
        return Some(format!("{who}'s supervisor was killed; nothing is known about {who}"));
    }
    if let Some(signal) = ending.signal {
        return Some(format!("{who} was ended by signal {signal}{}", signal_name(signal)));
    }
    ending.exit_code.filter(|code| *code != 0).map(|code| format!("{who} ended with exit code {code}"))
}

/// Whether a program ended otherwise than by itself: nothing says that it did all it was to do.
pub(super) fn is_cut_short(ending: &Ending) -> bool {
    ending.timed_out || ending.supervisor_lost || ending.signal.is_some()
}

/// The sentence of [`ended`] with the last line of standard error behind an exit code: it mostly says why.
pub(super) fn ended_with(ran: &Ran, who: &str, timeout_seconds: u64) -> Option<String> {
    let sentence = ended(&ran.ending, who, timeout_seconds)?;
    if is_cut_short(&ran.ending) {
        return Some(sentence);
    }
    let last = ran.stderr.tail.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Some(last.map_or(sentence.clone(), |line| format!("{sentence}: {}", printable(&spaced(line), 200))))
}

/// That a runner's program could not be started, and what may help.
pub(super) fn not_started(failure: &StartFailure, runner: &RunnerEntrypoint, who: &str) -> Vec<String> {
    let program = match runner.kind {
        RunnerKind::PythonModule => "python3",
        RunnerKind::Command | RunnerKind::External => runner.command.first().map(String::as_str).unwrap_or_default(),
    };
    let program = printable(program, 200);
    if !failure.program_missing {
        let message = &failure.message;
        return vec![format!("{who}'s program {program} could not be started: {message}; is it executable?")];
    }
    let mut said = vec![format!("{who}'s program {program} is not installed, or not on PATH")];
    if runner.kind == RunnerKind::Command && !program.contains('/') {
        said.push(format!("a program of the extension itself is written ./{program}"));
    }
    said
}

/// Text whose tabs are blanks: an escaped tab helps nobody.
fn spaced(text: &str) -> String {
    text.replace('\t', "    ")
}

/// What stands for the checks that have no item, given the reasons; `None` without a reason.
pub(super) fn problem(ran: &Ran, reasons: Vec<String>) -> Option<Problem> {
    if reasons.is_empty() {
        return None;
    }
    let mut observations = reasons;
    observations.extend(last_words(ran));
    Some(Problem { result: EvidenceResult::InfrastructureError, observations, facts: facts(&ran.ending) })
}

/// The last lines of both streams, as observations.
pub(in crate::assessment) fn last_words(ran: &Ran) -> Vec<String> {
    let mut observations = Vec::new();
    for (name, captured) in [("error", &ran.stderr), ("output", &ran.stdout)] {
        let lines = last_lines(&captured.tail);
        if !lines.is_empty() {
            observations.push(format!("last lines of standard {name}:\n{lines}"));
        }
    }
    observations
}

/// How it ended, as facts of an item.
fn facts(ending: &Ending) -> Map<String, Value> {
    Map::from_iter([
        ("exit_code".to_owned(), json!(ending.exit_code)),
        ("signal".to_owned(), json!(ending.signal)),
        ("timed_out".to_owned(), json!(ending.timed_out)),
    ])
}

/// How it ended, as the submission package tells it.
pub(super) fn ending_facts(ran: &Ran) -> Map<String, Value> {
    let mut facts = facts(&ran.ending);
    facts.insert("killed_descendants".to_owned(), json!(ran.ending.killed_descendants));
    facts.insert("survivors".to_owned(), json!(ran.ending.survivors));
    facts.insert("stdout_bytes".to_owned(), json!(ran.stdout.total_bytes));
    facts.insert("stderr_bytes".to_owned(), json!(ran.stderr.total_bytes));
    facts.insert("output_truncated".to_owned(), json!(ran.stdout.truncated || ran.stderr.truncated));
    facts
}

/// The last ten lines, each cut at 300 characters.
fn last_lines(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().rev().filter(|line| !line.trim().is_empty()).take(10).collect();
    let shown: Vec<String> = lines.iter().rev().map(|line| printable(&spaced(line), 300)).collect();
    shown.join("\n")
}

const fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
