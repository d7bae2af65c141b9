//! `runs show`, and how one run looks.

use std::collections::BTreeMap;

use clap::Args;

use super::select::{self, OneRun};
use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::model::format_timestamp;
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board runs show --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs show --directory nightly-17 --json | jq .run.labels

Exit codes:
  0 done, 2 wrong usage, 6 not found, 7 refused as unsafe or ambiguous, 8 the
  server cannot be reached or refuses";

/// Shows everything that a run's summary says
///
/// Keys of the summary that this program does not know are shown as they stand, after `also`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    run: OneRun,
}

pub(super) async fn show(args: &ShowArgs, history: &History) -> Result<u8, Failure> {
    let request =
        pb::GetRetainedRunRequest { run_id: args.run.run_id(), directory: args.run.directory(), ..Default::default() };
    let reply = call!(history, get_retained_run, request)?;
    if history.json {
        terminal::print_json(&to_json(&reply)?)?;
    } else {
        terminal::print(&render(reply.run.as_ref(), reply.summary.as_ref()))?;
    }
    Ok(exit::DONE)
}

/// A time for a table.
pub(in crate::cli) fn time(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(select::model_time).map_or_else(|| "-".to_owned(), format_timestamp)
}

/// The word of a result: the listed one, or the one that stands in the file.
pub(in crate::cli) fn result_word(status: pb::ResultStatus, word: &str) -> String {
    match status {
        pb::ResultStatus::Unspecified => "-".to_owned(),
        pb::ResultStatus::Unrecognized => word.to_owned(),
        listed => listed.as_str_name().trim_start_matches("RESULT_STATUS_").to_ascii_lowercase(),
    }
}

/// Findings for a table: how many, and how many of them unexpected.
pub(in crate::cli) fn findings(counts: &BTreeMap<String, u64>) -> String {
    match (counts.get("total"), counts.get("unexpected")) {
        (Some(total), Some(unexpected)) => format!("{total} ({unexpected} unexpected)"),
        (Some(total), None) => total.to_string(),
        _ => "-".to_owned(),
    }
}

/// The same with every other count that is not zero.
fn all_findings(counts: &BTreeMap<String, u64>) -> String {
    let others = counts.iter().filter(|(word, count)| **count > 0 && !matches!(word.as_str(), "total" | "unexpected"));
    let texts: Vec<String> = others.map(|(word, count)| format!("{count} {}", terminal::cell(word))).collect();
    if texts.is_empty() { findings(counts) } else { format!("{}, {}", findings(counts), texts.join(", ")) }
}

/// One run, a line a fact.
pub(in crate::cli) fn render(run: Option<&pb::RetainedRun>, summary: Option<&pb::RunSummary>) -> String {
    let (run, summary) = (run.cloned().unwrap_or_default(), summary.cloned().unwrap_or_default());
    let mut lines: Vec<(&str, String)> = vec![
        ("run id", terminal::cell(&run.run_id)),
        ("result", terminal::coloured(&result_word(run.result_status(), &run.result_status_word))),
        ("target", terminal::cell_or_dash(&run.target_profile_ref)),
        ("assessment", terminal::cell_or_dash(&run.assessment_profile_ref)),
        ("started", time(run.started_at.as_ref())),
        ("completed", time(run.completed_at.as_ref())),
        ("evidence", counts(&run.evidence_counts)),
        ("findings", all_findings(&run.finding_counts)),
    ];
    let mut add = |name, text: String| {
        if !text.is_empty() {
            lines.push((name, text));
        }
    };
    add("commits", pairs(&run.source_commits));
    add("labels", pairs(&run.labels));
    let width = summary.report_paths.keys().map(|kind| kind.chars().count()).max().unwrap_or(0).min(30);
    for (place, (kind, path)) in summary.report_paths.iter().enumerate() {
        let name = if place == 0 { "reports" } else { "" };
        add(name, format!("{:width$}  {}", terminal::cell(kind), terminal::cell(path)));
    }
    add("unsafe", summary.unsafe_report_paths.iter().map(|kind| terminal::cell(kind)).collect::<Vec<_>>().join(", "));
    if let Some(policy) = summary.retention_policy {
        let days = |days: Option<u64>| days.map_or_else(|| "-".to_owned(), |days| format!("{days} days"));
        add(
            "keep",
            format!("summary for {}, artifacts for {}", days(policy.summary_days), days(policy.raw_artifact_days)),
        );
    }
    add("markers", terminal::cell(&run.compatibility.join(", ")));
    add("malformed", terminal::sentence(&summary.malformed_keys.join(", ")));
    for (key, value) in &summary.unknown_keys {
        // A text in JSON has no line breaks of its own.
        let value: Vec<&str> = value.lines().map(str::trim).collect();
        add("also", format!("{} = {}", terminal::cell(key), terminal::cell(&value.join(" "))));
    }
    add("directory", terminal::cell(&run.directory));
    lines.into_iter().map(|(name, text)| format!("{name:11} {text}\n")).collect()
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "-".to_owned();
    }
    let texts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {}", terminal::cell(word))).collect();
    texts.join(", ")
}

fn pairs(pairs: &BTreeMap<String, String>) -> String {
    let texts: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", terminal::cell(key), terminal::cell(value))).collect();
    texts.join(", ")
}
