//! `runs problems`: what is not a readable run, and why.

use clap::Args;

use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::wire::{pb, to_json};

/// The largest page, which takes the fewest calls.
const PAGE: i32 = 500;

const EXAMPLES: &str = "\
Examples:
  guide-board runs problems
  guide-board runs problems --reason incomplete --json \\
    | jq -r '.problems[].directory'

Exit codes:
  0 done, also when there are problems; 2 wrong usage; 6 no such directory;
  8 the server cannot be reached or refuses";

/// Lists what is not a readable run, and why
///
/// Runs that are being made are listed too, as in_progress; they are no defect. The reasons are in_progress, incomplete, summary_unreadable,
/// summary_too_large, summary_not_json, summary_not_object, summary_not_regular, run_id_missing, run_id_invalid, directory_is_link,
/// directory_name_not_utf8 and run_id_duplicate.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ProblemsArgs {
    /// Only problems for this reason, for example incomplete; may be repeated
    #[arg(long = "reason", value_name = "WORD")]
    reasons: Vec<String>,
}

pub(super) async fn problems(args: &ProblemsArgs, history: &History) -> Result<u8, Failure> {
    let mut whole = pb::ListProblemsResponse::default();
    loop {
        let request = pb::ListProblemsRequest {
            reasons: args.reasons.clone(),
            page_size: PAGE,
            page_token: whole.next_page_token.clone(),
            ..Default::default()
        };
        let mut page = call!(history, list_problems, request)?;
        page.problems.splice(0..0, whole.problems);
        whole = page;
        if whole.next_page_token.is_empty() {
            break;
        }
    }
    if history.json {
        terminal::print_json(&to_json(&whole)?)?;
        return Ok(exit::DONE);
    }
    if whole.problems.is_empty() {
        let found = if args.reasons.is_empty() { "no problems" } else { "no such problems" };
        terminal::print(&format!("{found} {}\n", history.at()))?;
        return Ok(exit::DONE);
    }
    let rows: Vec<Vec<String>> = whole
        .problems
        .iter()
        .map(|problem| {
            let reason = problem.reason().as_str_name().trim_start_matches("PROBLEM_REASON_").to_ascii_lowercase();
            vec![terminal::cell(&problem.directory), reason, terminal::cell(&problem.message)]
        })
        .collect();
    terminal::print(&terminal::table(&["DIRECTORY", "REASON", "WHAT"], &rows))?;
    Ok(exit::DONE)
}
