//! `runs list` and `runs latest`.

use clap::Args;
use jiff::Timestamp;

use super::select::{self, Filters};
use super::{History, call, show};
use crate::cli::distinct_labels;
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::cli::values::count;
use crate::model::format_timestamp;
use crate::wire::{pb, to_json};

/// The largest page, which takes the fewest calls.
const PAGE: i32 = 500;

const LIST_EXAMPLES: &str = "\
Examples:
  guide-board runs list --limit 10
  guide-board runs list --status failed --status blocked --since 30d
  guide-board runs list --commit 4b3f655 --json | jq -r '.runs[].run_id'

Exit codes:
  0 done, also when no run matches; 2 wrong usage; 6 no such directory; 8 the
  server cannot be reached or refuses";

const LATEST_EXAMPLES: &str = "\
Examples:
  guide-board runs latest --target my-repository --label branch=main
  guide-board runs latest --require completed --max-age 24h

Exit codes:
  0  found, and the conditions are met
  2  wrong usage
  3  found, and a condition is not met
  6  no run matches, or no such directory
  7  the run's id stands in two directories
  8  the server cannot be reached or refuses";

/// Lists runs, newest first
///
/// Without --limit all that match are listed. Runs without a completion time come last. Problems are counted at the end: see `runs problems`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filters: Filters,
    /// List at most so many
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<u64>,
}

/// Shows the newest run that matches; with --require and --max-age a gate
///
/// The run is shown in any case; the exit code tells whether the conditions are met.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = LATEST_EXAMPLES)]
pub(super) struct LatestArgs {
    #[command(flatten)]
    filters: Filters,
    /// Fail unless its result is this word, for example completed
    #[arg(long, value_name = "WORD")]
    require: Option<String>,
    /// Fail when it completed longer ago than this: 24h, 7d
    #[arg(long, value_name = "AGE", value_parser = select::age)]
    max_age: Option<jiff::SignedDuration>,
}

pub(super) async fn list(args: &ListArgs, history: &History) -> Result<u8, Failure> {
    let limit = args.limit.unwrap_or(u64::MAX);
    let mut whole: Option<pb::ListRetainedRunsResponse> = None;
    loop {
        let have = whole.as_ref().map_or(0, |page| page.runs.len());
        let left = limit.saturating_sub(u64::try_from(have).unwrap_or(u64::MAX));
        let request = pb::ListRetainedRunsRequest {
            target: args.filters.target.clone().unwrap_or_default(),
            assessment: args.filters.assessment.clone().unwrap_or_default(),
            statuses: args.filters.statuses.clone(),
            completed_after: args.filters.since.map(select::wire_time),
            completed_before: None,
            source_commit: args.filters.commit.clone().unwrap_or_default(),
            labels: distinct_labels(&args.filters.labels)?,
            page_size: i32::try_from(left).unwrap_or(PAGE).clamp(1, PAGE),
            page_token: whole.as_ref().map(|page| page.next_page_token.clone()).unwrap_or_default(),
            ..Default::default()
        };
        let page = call!(history, list_retained_runs, request)?;
        let is_last = page.next_page_token.is_empty();
        let whole = whole.get_or_insert_with(|| pb::ListRetainedRunsResponse { runs: Vec::new(), ..page.clone() });
        whole.runs.extend(page.runs);
        whole.next_page_token = page.next_page_token;
        let have = u64::try_from(whole.runs.len()).unwrap_or(u64::MAX);
        if is_last || have >= limit {
            if limit == 0 {
                // The least page has one run; the token of the page after it would skip that one.
                whole.runs.clear();
                whole.next_page_token.clear();
            }
            break;
        }
    }
    let whole = whole.unwrap_or_default();
    if history.json {
        terminal::print_json(&to_json(&whole)?)?;
    } else {
        terminal::print(&render(&whole, history))?;
    }
    Ok(exit::DONE)
}

fn render(list: &pb::ListRetainedRunsResponse, history: &History) -> String {
    let with_directory = list.runs.iter().any(|run| run.directory != run.run_id);
    let mut head = vec!["COMPLETED", "RESULT", "RUN ID", "TARGET", "ASSESSMENT", "FINDINGS"];
    if with_directory {
        head.push("DIRECTORY");
    }
    let rows: Vec<Vec<String>> = list
        .runs
        .iter()
        .map(|run| {
            let mut row = vec![
                show::time(run.completed_at.as_ref()),
                terminal::coloured(&show::result_word(run.result_status(), &run.result_status_word)),
                terminal::cell(&run.run_id),
                terminal::cell_or_dash(&run.target_profile_ref),
                terminal::cell_or_dash(&run.assessment_profile_ref),
                show::findings(&run.finding_counts),
            ];
            if with_directory {
                row.push(terminal::cell(&run.directory));
            }
            row
        })
        .collect();
    let mut text = if rows.is_empty() { String::new() } else { terminal::table(&head, &rows) };
    let counts: Vec<String> = list
        .status_counts
        .iter()
        .map(|(word, count)| {
            format!("{count} {}", if word.is_empty() { "without result".to_owned() } else { terminal::cell(word) })
        })
        .collect();
    let (shown, total) = (list.runs.len(), u64::try_from(list.total_size).unwrap_or_default());
    if total == 0 {
        text.push_str(&format!("no run {} matches", history.at()));
    } else if u64::try_from(shown).is_ok_and(|shown| shown < total) {
        text.push_str(&format!("{shown} of {}", terminal::counted(total, "run")));
    } else {
        text.push_str(&terminal::counted(total, "run"));
    }
    if !counts.is_empty() {
        text.push_str(&format!(" ({})", counts.join(", ")));
    }
    if list.in_progress_count > 0 {
        text.push_str(&format!(", {} being made", list.in_progress_count));
    }
    if list.problem_count > 0 {
        let count = u64::try_from(list.problem_count).unwrap_or_default();
        text.push_str(&format!(", {}: see {}", terminal::counted(count, "problem"), history.command("problems")));
    }
    text.push('\n');
    text
}

pub(super) async fn latest(args: &LatestArgs, history: &History) -> Result<u8, Failure> {
    let request = pb::GetLatestRetainedRunRequest {
        target: args.filters.target.clone().unwrap_or_default(),
        assessment: args.filters.assessment.clone().unwrap_or_default(),
        statuses: args.filters.statuses.clone(),
        completed_after: args.filters.since.map(select::wire_time),
        completed_before: None,
        source_commit: args.filters.commit.clone().unwrap_or_default(),
        labels: distinct_labels(&args.filters.labels)?,
        ..Default::default()
    };
    let latest = call!(history, get_latest_retained_run, request)?;
    if history.json {
        terminal::print_json(&to_json(&latest)?)?;
    } else {
        terminal::print(&show::render(latest.run.as_ref(), latest.summary.as_ref()))?;
    }
    let run = latest.run.unwrap_or_default();
    let word = show::result_word(run.result_status(), &run.result_status_word);
    if let Some(required) = args.require.as_ref().filter(|required| **required != word) {
        return Err(Failure::new(exit::FAILED, format!("the latest run is `{word}`, not `{required}`")));
    }
    if let Some(max_age) = args.max_age {
        let completed = run.completed_at.as_ref().and_then(select::model_time);
        let Some(completed) = completed else {
            return Err(Failure::new(exit::FAILED, "the latest run has no completion time, so its age is unknown"));
        };
        if Timestamp::now().duration_since(completed) > max_age {
            let message =
                format!("the latest run completed {}, longer ago than {max_age:#}", format_timestamp(completed));
            return Err(Failure::new(exit::FAILED, message));
        }
    }
    Ok(exit::DONE)
}
