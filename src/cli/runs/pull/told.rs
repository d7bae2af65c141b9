//! What came of a pull, for a person or a script.

use serde_json::json;

use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::wire::pb;

/// How many problems are held and given out; the others are counted.
const HELD: usize = 1000;
/// How many problems are shown to a person.
const SHOWN: usize = 20;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) pulled: u64,
    pub(super) bytes: u64,
    pub(super) kept: u64,
    pub(super) has_summary: bool,
    problems: Vec<Problem>,
    problem_count: u64,
    /// How many of them another try may mend.
    mendable_count: u64,
    code: u8,
}

#[derive(Debug)]
struct Problem {
    path: String,
    state: String,
    sentence: String,
}

impl Told {
    /// Something that stands in the way, or that changed: once it is mended, another try gives the whole copy.
    pub(super) fn mendable(&mut self, path: &str, sentence: &str) {
        self.mendable_count = self.mendable_count.saturating_add(1);
        self.problem(path, "refused", sentence, exit::REFUSED);
    }

    /// The run itself is so, and another try would not mend it.
    pub(super) fn of_run(&mut self, path: &str, state: &str, sentence: &str, code: u8) {
        self.problem(path, state, sentence, code);
    }

    /// Whether the copy has all that can be had of the run.
    pub(super) const fn is_whole(&self) -> bool {
        self.mendable_count == 0
    }

    fn problem(&mut self, path: &str, state: &str, sentence: &str, code: u8) {
        self.problem_count = self.problem_count.saturating_add(1);
        self.code = self.code.max(code);
        if self.problems.len() < HELD {
            let (path, state, sentence) = (path.to_owned(), state.to_owned(), sentence.to_owned());
            self.problems.push(Problem { path, state, sentence });
        }
    }

    /// Prints it, and gives the exit code.
    pub(super) fn tell(&self, run: &pb::RetainedRun, shown: &str, as_json: bool) -> Result<u8, Failure> {
        if as_json {
            terminal::print_json(&self.json(run))?;
        } else {
            let files = terminal::counted(self.pulled, "file");
            let mut text = format!("{files}, {}, into {shown}", terminal::size(self.bytes));
            if self.kept > 0 {
                text.push_str(&format!("; {} there already", terminal::counted(self.kept, "file")));
            }
            terminal::print(&format!("{text}\n"))?;
        }
        if self.is_whole() && !self.has_summary {
            terminal::note("the run has no summary: it is incomplete, and so is the copy");
        }
        if self.problem_count == 0 {
            return Ok(exit::DONE);
        }
        for problem in self.problems.iter().take(SHOWN) {
            let path = if problem.path.is_empty() { "(no path)".to_owned() } else { terminal::cell(&problem.path) };
            terminal::note(&format!("{path}: {}", problem.sentence));
        }
        let unshown = self.problem_count.saturating_sub(u64::try_from(SHOWN).unwrap_or(0));
        if unshown > 0 {
            terminal::note(&format!("and {unshown} more"));
        }
        let count = terminal::counted(self.problem_count, "problem");
        let message = if self.is_whole() {
            format!("the copy has what can be had of the run; the run itself has {count}")
        } else {
            format!("the copy is not whole: {count}; mend what stands in the way and run the command again")
        };
        Err(Failure::new(self.code, message))
    }

    fn json(&self, run: &pb::RetainedRun) -> serde_json::Value {
        let problem =
            |problem: &Problem| json!({"path": problem.path, "state": problem.state, "message": problem.sentence});
        json!({
            "run_id": run.run_id,
            "directory": run.directory,
            "files_pulled": self.pulled,
            "bytes_pulled": self.bytes,
            "files_kept": self.kept,
            "has_summary": self.has_summary,
            "is_whole": self.is_whole(),
            "problem_count": self.problem_count,
            "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
        })
    }
}
