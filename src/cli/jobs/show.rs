//! `jobs show`.

use clap::Args;

use super::{OneJob, Server, checks, state_word};
use crate::cli::exit::{self, Failure};
use crate::cli::runs::time_cell;
use crate::cli::terminal;
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board jobs show job-20261121T082036Z-7cf72346
  guide-board jobs show job-20261121T082036Z-7cf72346 --json | jq -r .run.status

Exit codes:
  0 done, 2 wrong usage, 6 no such job, 8 the server cannot be reached
  or refuses";

/// Shows one job: how far it is, and why it failed, with the last lines of its log
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    job: OneJob,
}

pub(super) async fn show(args: &ShowArgs, server: &Server) -> Result<u8, Failure> {
    let request = pb::GetRunRequest { job_id: args.job.job_id.clone() };
    let reply = server.client.runs().get_run(request).await.map_err(|status| server.failure(status))?.into_inner();
    if server.json {
        terminal::print_json(&to_json(&reply)?)?;
    } else {
        terminal::print(&render(&reply.run.unwrap_or_default()))?;
    }
    Ok(exit::DONE)
}

/// One job, a line a fact.
fn render(job: &pb::Job) -> String {
    let mut lines: Vec<(&str, String)> = vec![
        ("job id", terminal::cell(&job.job_id)),
        ("status", terminal::coloured(&state_word(job))),
        ("target", terminal::cell_or_dash(&job.target)),
        ("assessment", terminal::cell_or_dash(&job.assessment)),
        ("runs dir", terminal::cell_or_dash(&job.runs_dir)),
        ("directory", terminal::cell_or_dash(&job.directory)),
        ("run id", terminal::cell_or_dash(&job.run_id)),
        ("created", time_cell(job.created_at.as_ref())),
        ("started", time_cell(job.started_at.as_ref())),
        ("ended", time_cell(job.ended_at.as_ref())),
        ("checks", checks(job.progress.as_ref())),
    ];
    let mut add = |name, text: String| {
        if !text.is_empty() {
            lines.push((name, text));
        }
    };
    add("check", job.progress.as_ref().map(|at| terminal::cell(&at.current_check)).unwrap_or_default());
    add("last check", job.progress.as_ref().map(|at| terminal::cell(&at.last_check)).unwrap_or_default());
    let labels = job.labels.iter().map(|(key, value)| format!("{}={}", terminal::cell(key), terminal::cell(value)));
    add("labels", labels.collect::<Vec<_>>().join(", "));
    add("cancelled", job.cancel_requested_at.as_ref().map(|at| time_cell(Some(at))).unwrap_or_default());
    add("exit code", job.exit_code.map(|code| code.to_string()).unwrap_or_default());
    add("signal", job.signal.map(|number| number.to_string()).unwrap_or_default());
    if let Some(error) = &job.error {
        add("error", terminal::sentence(&error.message));
        for (place, line) in error.log_lines.iter().enumerate() {
            // An empty line is one, too.
            lines.push((if place == 0 { "log" } else { "" }, terminal::sentence(line)));
        }
    }
    lines.into_iter().map(|(name, text)| format!("{}\n", format!("{name:11} {text}").trim_end())).collect()
}
