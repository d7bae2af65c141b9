//! `jobs list`.

use clap::Args;

use super::{Server, checks, state_word};
use crate::cli::exit::{self, Failure};
use crate::cli::runs::time_cell;
use crate::cli::terminal;
use crate::cli::values::count;
use crate::wire::{pb, to_json};

/// The largest page, which takes the fewest calls.
const PAGE: i32 = 500;

const EXAMPLES: &str = "\
Examples:
  guide-board jobs list --status running --status queued
  guide-board jobs list --json | jq -r '.runs[].job_id'

Exit codes:
  0 done, also when no job matches; 2 wrong usage; 8 the server cannot be
  reached or refuses";

/// Lists the server's jobs, newest first
///
/// Without --limit all that match are listed. A server knows the jobs since its start, of those that ended the last ones.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// Only jobs in this state: queued, running, succeeded, failed, cancelled; may be repeated
    #[arg(long = "status", value_name = "WORD")]
    statuses: Vec<String>,
    /// List at most so many
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<u64>,
}

pub(super) async fn list(args: &ListArgs, server: &Server) -> Result<u8, Failure> {
    let limit = args.limit.unwrap_or(u64::MAX);
    let mut whole = pb::ListRunsResponse::default();
    loop {
        let left = limit.saturating_sub(u64::try_from(whole.runs.len()).unwrap_or(u64::MAX));
        let request = pb::ListRunsRequest {
            statuses: args.statuses.clone(),
            page_size: i32::try_from(left).unwrap_or(PAGE).clamp(1, PAGE),
            page_token: whole.next_page_token,
        };
        let page = server.client.runs().list_runs(request).await.map_err(|status| server.failure(status))?.into_inner();
        whole.runs.extend(page.runs);
        (whole.next_page_token, whole.total_size) = (page.next_page_token, page.total_size);
        let have = u64::try_from(whole.runs.len()).unwrap_or(u64::MAX);
        if whole.next_page_token.is_empty() || have >= limit {
            break;
        }
    }
    if limit == 0 {
        // The least page has one job; the token of the page after it would skip that one.
        whole.runs.clear();
        whole.next_page_token.clear();
    }
    if server.json {
        terminal::print_json(&to_json(&whole)?)?;
    } else {
        terminal::print(&render(&whole, server, !args.statuses.is_empty()))?;
    }
    Ok(exit::DONE)
}

fn render(list: &pb::ListRunsResponse, server: &Server, is_filtered: bool) -> String {
    let row = |job: &pb::Job| {
        vec![
            time_cell(job.created_at.as_ref()),
            terminal::coloured(&state_word(job)),
            terminal::cell(&job.job_id),
            terminal::cell_or_dash(&job.target),
            terminal::cell_or_dash(&job.assessment),
            checks(job.progress.as_ref()),
            terminal::cell_or_dash(&job.directory),
        ]
    };
    let rows: Vec<Vec<String>> = list.runs.iter().map(row).collect();
    let head = ["CREATED", "STATUS", "JOB ID", "TARGET", "ASSESSMENT", "CHECKS", "DIRECTORY"];
    let mut text = if rows.is_empty() { String::new() } else { terminal::table(&head, &rows) };
    let (shown, total) = (list.runs.len(), u64::try_from(list.total_size).unwrap_or_default());
    if total == 0 && !is_filtered {
        text.push_str(&format!("no jobs at {}\n", server.address()));
    } else if total == 0 {
        text.push_str(&format!("no job at {} matches\n", server.address()));
    } else if u64::try_from(shown).is_ok_and(|shown| shown < total) {
        text.push_str(&format!("{shown} of {}\n", terminal::counted(total, "job")));
    } else {
        text.push_str(&format!("{}\n", terminal::counted(total, "job")));
    }
    text
}
