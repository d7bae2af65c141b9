//! `runs findings` and `runs evidence`: a run's normalized items.

use std::collections::BTreeMap;

use clap::Args;

use super::select::OneRun;
use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::cli::values::count;
use crate::wire::{pb, to_json};

/// The largest page, which takes the fewest calls.
const PAGE: i32 = 500;
/// How many rows a table is laid out for at a time: a document may have a million items.
const TABLE_ROWS: usize = 1000;

const FINDINGS_EXAMPLES: &str = "\
Examples:
  guide-board runs findings --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs findings --directory nightly-17 --disposition unexpected
  guide-board runs findings --directory nightly-17 \\
    --severity high --severity critical
  guide-board runs findings --directory nightly-17 --json \\
    | jq -r '.findings[].title'

Exit codes:
  0 done, also when no finding matches; 2 wrong usage; 6 no such run, or no
  findings in it; 7 refused: a link, or not what the contract says; 8 the
  server cannot be reached or refuses";

const EVIDENCE_EXAMPLES: &str = "\
Examples:
  guide-board runs evidence --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs evidence --directory nightly-17 \\
    --result fail --result warning
  guide-board runs evidence --directory nightly-17 \\
    --check license-present --json

Exit codes:
  0 done, also when no item matches; 2 wrong usage; 6 no such run, or no
  evidence in it; 7 refused: a link, or not what the contract says; 8 the
  server cannot be reached or refuses";

/// Lists the findings of a run
///
/// They come in the order of normalized/findings.json, without --limit all that match. Items of it that are malformed are told below, by
/// their place, from 0. Works with --directory on runs that were broken off, too.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = FINDINGS_EXAMPLES)]
pub(super) struct FindingsArgs {
    #[command(flatten)]
    run: OneRun,
    /// Only findings of this severity: info, low, medium, high, critical, or any other word; may be repeated
    #[arg(long = "severity", value_name = "WORD")]
    severities: Vec<String>,
    /// Only findings of this disposition: unexpected, expected, waived, or any other word; may be repeated
    #[arg(long = "disposition", value_name = "WORD")]
    dispositions: Vec<String>,
    /// Only findings whose evidence has this result, for example fail; may be repeated
    #[arg(long = "classification", value_name = "WORD")]
    classifications: Vec<String>,
    /// Only findings of this check; may be repeated
    #[arg(long = "check", value_name = "ID")]
    check_ids: Vec<String>,
    /// List at most so many
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<u64>,
}

/// Lists the evidence of a run: what each check found
///
/// The items come in the order of normalized/evidence.json, without --limit all that match. Items of it that are malformed are told below,
/// by their place, from 0. Works with --directory on runs that were broken off, too.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EVIDENCE_EXAMPLES)]
pub(super) struct EvidenceArgs {
    #[command(flatten)]
    run: OneRun,
    /// Only items with this result, for example pass, fail, warning, or any other word; may be repeated
    #[arg(long = "result", value_name = "WORD")]
    results: Vec<String>,
    /// Only items of this severity, where the check gave one; may be repeated
    #[arg(long = "severity", value_name = "WORD")]
    severities: Vec<String>,
    /// Only items of this check; may be repeated
    #[arg(long = "check", value_name = "ID")]
    check_ids: Vec<String>,
    /// List at most so many
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<u64>,
}

pub(super) async fn findings(args: &FindingsArgs, history: &History) -> Result<u8, Failure> {
    let mut progress = Progress::new(args.limit);
    let mut rows = terminal::LongTable::default();
    let mut whole = pb::ListFindingsResponse::default();
    loop {
        let request = pb::ListFindingsRequest {
            run_id: args.run.run_id(),
            directory: args.run.directory(),
            severities: args.severities.clone(),
            dispositions: args.dispositions.clone(),
            classifications: args.classifications.clone(),
            check_ids: args.check_ids.clone(),
            page_size: progress.page_size(),
            page_token: whole.next_page_token.clone(),
            ..Default::default()
        };
        let mut page = call!(history, list_findings, request)?;
        let is_first = whole.next_page_token.is_empty();
        let is_done = progress.took(&mut page.findings, &mut page.next_page_token);
        if is_first {
            whole = page;
        } else {
            whole.findings.append(&mut page.findings);
            whole.next_page_token = page.next_page_token;
        }
        if !history.json && whole.findings.len() >= TABLE_ROWS {
            terminal::print(&rows.part(findings_table(&std::mem::take(&mut whole.findings))))?;
        }
        if is_done {
            break;
        }
    }
    if history.json {
        terminal::print_json(&to_json(&whole)?)?;
        return Ok(exit::DONE);
    }
    let mut text = rows.part(findings_table(&whole.findings));
    let counts = [("severity", &whole.severity_counts), ("disposition", &whole.disposition_counts)];
    text.push_str(&progress.sum(whole.total_size, "finding", &counts));
    text.push_str(&malformed(&whole.malformed_items, whole.malformed_count));
    terminal::print(&text)?;
    Ok(exit::DONE)
}

pub(super) async fn evidence(args: &EvidenceArgs, history: &History) -> Result<u8, Failure> {
    let mut progress = Progress::new(args.limit);
    let mut rows = terminal::LongTable::default();
    let mut whole = pb::ListEvidenceResponse::default();
    loop {
        let request = pb::ListEvidenceRequest {
            run_id: args.run.run_id(),
            directory: args.run.directory(),
            results: args.results.clone(),
            severities: args.severities.clone(),
            check_ids: args.check_ids.clone(),
            page_size: progress.page_size(),
            page_token: whole.next_page_token.clone(),
            ..Default::default()
        };
        let mut page = call!(history, list_evidence, request)?;
        let is_first = whole.next_page_token.is_empty();
        let is_done = progress.took(&mut page.evidence, &mut page.next_page_token);
        if is_first {
            whole = page;
        } else {
            whole.evidence.append(&mut page.evidence);
            whole.next_page_token = page.next_page_token;
        }
        if !history.json && whole.evidence.len() >= TABLE_ROWS {
            terminal::print(&rows.part(evidence_table(&std::mem::take(&mut whole.evidence))))?;
        }
        if is_done {
            break;
        }
    }
    if history.json {
        terminal::print_json(&to_json(&whole)?)?;
        return Ok(exit::DONE);
    }
    let mut text = rows.part(evidence_table(&whole.evidence));
    text.push_str(&progress.sum(whole.total_size, "item", &[("result", &whole.result_counts)]));
    text.push_str(&malformed(&whole.malformed_items, whole.malformed_count));
    terminal::print(&text)?;
    Ok(exit::DONE)
}

/// How far a listing is.
struct Progress {
    limit: u64,
    shown: u64,
}

impl Progress {
    fn new(limit: Option<u64>) -> Self {
        Self { limit: limit.unwrap_or(u64::MAX), shown: 0 }
    }

    /// The least page has one item.
    fn page_size(&self) -> i32 {
        i32::try_from(self.limit.saturating_sub(self.shown)).unwrap_or(PAGE).clamp(1, PAGE)
    }

    /// Counts a page, and says whether it is the last that is wanted. Where none was wanted it is emptied, and its token, which leads beyond
    /// its item, dropped.
    fn took<M>(&mut self, items: &mut Vec<M>, next_page_token: &mut String) -> bool {
        if self.limit == 0 {
            items.clear();
            next_page_token.clear();
        }
        self.shown = self.shown.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
        self.shown >= self.limit || next_page_token.is_empty()
    }

    /// `2 of 3 findings (1 high, 2 low; 3 unexpected)`.
    fn sum(&self, total: i64, noun: &str, counts: &[(&str, &BTreeMap<String, i64>)]) -> String {
        let total = u64::try_from(total).unwrap_or_default();
        let all = terminal::counted(total, noun);
        let mut text = if self.shown < total { format!("{} of {all}", self.shown) } else { all };
        let words = |(what, counts): &(&str, &BTreeMap<String, i64>)| {
            let one = |(word, count): (&String, &i64)| match word.as_str() {
                "" => format!("{count} without {what}"),
                word => format!("{count} {}", terminal::cell(word)),
            };
            counts.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let counts: Vec<String> = counts.iter().map(words).filter(|words| !words.is_empty()).collect();
        if !counts.is_empty() {
            text.push_str(&format!(" ({})", counts.join("; ")));
        }
        text.push('\n');
        text
    }
}

fn malformed(items: &[pb::MalformedItem], count: i64) -> String {
    let mut text: String =
        items.iter().map(|item| format!("malformed: [{}], {}\n", item.index, terminal::cell(&item.message))).collect();
    let more = u64::try_from(count).unwrap_or_default().saturating_sub(u64::try_from(items.len()).unwrap_or_default());
    if more > 0 {
        text.push_str(&format!("malformed: {more} more\n"));
    }
    text
}

fn findings_table(findings: &[pb::Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let severity = word(finding.severity().as_str_name(), "SEVERITY_", &finding.severity_word);
            let disposition = word(finding.disposition().as_str_name(), "DISPOSITION_", &finding.disposition_word);
            let title = if finding.title.is_empty() { &finding.description } else { &finding.title };
            vec![
                terminal::cell_or_dash(&finding.id),
                terminal::severity(&severity),
                terminal::cell(&disposition),
                terminal::cell_or_dash(&finding.check_id),
                place(&finding.locations),
                with_note(terminal::cell_or_dash(title), finding.free_form_omitted),
            ]
        })
        .collect();
    terminal::table(&["ID", "SEVERITY", "DISPOSITION", "CHECK", "WHERE", "WHAT"], &rows)
}

fn evidence_table(items: &[pb::Evidence]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let result = word(item.result().as_str_name(), "EVIDENCE_RESULT_", &item.result_word);
            let seen = item.observations.first().map(String::as_str).unwrap_or_default();
            let seen = and_more(terminal::cell_or_dash(seen), item.observations.len());
            vec![
                terminal::cell_or_dash(&item.id),
                terminal::coloured(&result),
                terminal::cell_or_dash(&item.check_id),
                terminal::cell_or_dash(&item.subject_ref),
                with_note(seen, item.free_form_omitted),
            ]
        })
        .collect();
    terminal::table(&["ID", "RESULT", "CHECK", "SUBJECT", "WHAT"], &rows)
}

/// The word of an enum value's name: the listed one, or the one that stands in the file.
fn word(name: &str, prefix: &str, word: &str) -> String {
    match name.trim_start_matches(prefix) {
        "UNSPECIFIED" => "-".to_owned(),
        "UNRECOGNIZED" => word.to_owned(),
        listed => listed.to_ascii_lowercase(),
    }
}

fn place(locations: &[pb::Location]) -> String {
    let Some(first) = locations.first() else { return "-".to_owned() };
    let path = terminal::cell_or_dash(&first.path);
    let place = first.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
    and_more(place, locations.len())
}

/// The first of several, and how many more there are.
fn and_more(first: String, count: usize) -> String {
    if count > 1 { format!("{first} (+{})", count.saturating_sub(1)) } else { first }
}

fn with_note(text: String, is_cut: bool) -> String {
    if is_cut { format!("{text}  (above 1 MiB, parts left out)") } else { text }
}
