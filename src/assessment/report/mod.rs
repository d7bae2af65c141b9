//! The Markdown report: what a person wants to know, in the order in which they want to know it. Everything that comes from a runner or a
//! profile is escaped: it is text, never markup.

mod annexes;
mod markdown;

use std::fmt::Write as _;

use markdown::{code, escape, paragraph};

use serde_json::Value;

use super::documents::{Evidence, Finding, Fragment, ManifestEntry, Mapping, PlanDocument, PolicySummary, Step};
use crate::model::{Disposition, EvidenceResult, ResultStatus, Severity, printable};

/// So many entries of a list are shown; the JSON documents have all.
const MOST: usize = 200;

/// What the report is made from.
pub(super) struct ReportData<'a> {
    pub(super) run_id: &'a str,
    pub(super) target: &'a str,
    pub(super) assessment: &'a str,
    pub(super) result_status: ResultStatus,
    pub(super) started_at: &'a str,
    pub(super) completed_at: &'a str,
    pub(super) plan: &'a PlanDocument,
    /// What the submission package tells of each step's runner.
    pub(super) runners: &'a [Value],
    pub(super) evidence: &'a [Evidence],
    pub(super) findings: &'a [Finding],
    pub(super) policy: &'a PolicySummary,
    pub(super) mappings: &'a [Mapping],
    pub(super) fragments: &'a [Fragment],
    pub(super) artifacts: &'a [ManifestEntry],
    pub(super) source_commits: &'a std::collections::BTreeMap<String, String>,
    pub(super) known_gaps: usize,
    pub(super) certification_boundary: &'a str,
}

/// Writes the report.
pub(super) fn report(data: &ReportData<'_>) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_report(&mut out, data);
    out
}

fn write_report(out: &mut String, data: &ReportData<'_>) -> std::fmt::Result {
    writeln!(out, "# {}: {}\n", escape(data.target), headline(data.result_status))?;
    writeln!(out, "{}\n", outcome_sentence(data))?;
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| Target | `{}` |", code(data.target))?;
    writeln!(out, "| Assessment | `{}` |", code(data.assessment))?;
    writeln!(out, "| Run | `{}` |", code(data.run_id))?;
    writeln!(out, "| Began, ended | {}, {} |", data.started_at, data.completed_at)?;
    for (name, commit) in data.source_commits {
        writeln!(out, "| Commit of {} | `{}` |", escape(name), code(commit))?;
    }
    writeln!(out, "\n## Counts\n\n| result | items |\n|---|---:|")?;
    for result in EvidenceResult::ALL {
        let count = data.evidence.iter().filter(|item| item.result == *result).count();
        if count > 0 {
            writeln!(out, "| {} | {count} |", escape(result.word()))?;
        }
    }
    let counts = data.policy.counts;
    writeln!(
        out,
        "\n{}: {} unexpected, {} expected, {} waived.",
        counted(counts.total, "finding"),
        counts.unexpected,
        counts.expected,
        counts.waived
    )?;
    if data.known_gaps > 0 {
        writeln!(
            out,
            "\nThe target declares {}; what is declared is recorded and changes no finding.",
            many(data.known_gaps, "known gap")
        )?;
    }
    annexes::policy(out, data.policy)?;
    findings(out, data.findings)?;
    evidence(out, data.evidence)?;
    annexes::mappings(out, data.mappings)?;
    artifacts(out, data.artifacts)?;
    made(out, data.plan, data.runners)?;
    writeln!(out, "\n## What this does not say\n\n{}", paragraph(data.certification_boundary))?;
    // Last, since their Markdown stands as the extensions wrote it.
    annexes::fragments(out, data.fragments)
}

/// `1 check`, `2 checks`.
fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The same for a length.
fn many(count: usize, noun: &str) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), noun)
}

const fn headline(status: ResultStatus) -> &'static str {
    match status {
        ResultStatus::Completed => "completed",
        ResultStatus::Failed => "failed",
        ResultStatus::Blocked => "blocked",
        ResultStatus::InfrastructureError => "broken off by an infrastructure error",
    }
}

fn outcome_sentence(data: &ReportData<'_>) -> String {
    let count = |result| data.evidence.iter().filter(|item| item.result == result).count();
    let is_assessed =
        |item: &Evidence| matches!(item.result, EvidenceResult::Pass | EvidenceResult::Fail | EvidenceResult::Warning);
    match data.result_status {
        ResultStatus::Completed if !data.evidence.iter().any(is_assessed) => {
            "No check says that something is as it should be, or that it is not: see the counts.".to_owned()
        }
        ResultStatus::Completed if data.findings.is_empty() => "Every check ran, and nothing was found.".to_owned(),
        ResultStatus::Completed => {
            format!(
                "Every check ran and nothing unexpected failed; worth a look: {}.",
                counted(data.policy.counts.total, "finding")
            )
        }
        ResultStatus::Failed => {
            let failed = data.findings.iter().filter(|finding| {
                finding.classification == EvidenceResult::Fail && finding.disposition == Disposition::Unexpected
            });
            format!(
                "Every check ran; {} failed, unexpectedly. What failed and where stands below.",
                many(failed.count(), "item")
            )
        }
        ResultStatus::Blocked => format!(
            "{} could not start, so nothing can be said about them. What is missing stands below.",
            many(count(EvidenceResult::Blocked), "check")
        ),
        ResultStatus::InfrastructureError => format!(
            "{} broke for reasons that say nothing about the target. Repair the cause and run again.",
            many(count(EvidenceResult::InfrastructureError), "check")
        ),
    }
}

fn findings(out: &mut String, findings: &[Finding]) -> std::fmt::Result {
    writeln!(out, "\n## Findings")?;
    if findings.is_empty() {
        return writeln!(out, "\nNone.");
    }
    let mut shown = 0;
    for severity in Severity::ALL.iter().rev() {
        let mut of_severity: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == *severity).collect();
        of_severity.sort_by_key(|finding| finding.disposition);
        if of_severity.is_empty() || shown >= MOST {
            continue;
        }
        let word = severity.word();
        writeln!(out, "\n### Severity {word} ({})", of_severity.len())?;
        for finding in of_severity.into_iter().take(MOST - shown) {
            shown += 1;
            one_finding(out, finding)?;
        }
    }
    if shown < findings.len() {
        writeln!(out, "\n{} more stand in `normalized/findings.json`.", findings.len() - shown)?;
    }
    Ok(())
}

fn one_finding(out: &mut String, finding: &Finding) -> std::fmt::Result {
    writeln!(out, "\n#### {}\n", escape(&finding.title))?;
    writeln!(
        out,
        "{}, {}; check `{}` of `{}`, subject {}.",
        escape(finding.classification.word()),
        finding.disposition.word(),
        code(&finding.check_id),
        code(&finding.extension_id),
        escape(&finding.subject_ref)
    )?;
    // The title may say it all already.
    if finding.description.trim() != finding.title && !finding.description.is_empty() {
        writeln!(out, "\n{}", paragraph(&finding.description))?;
    }
    if !finding.locations.is_empty() {
        writeln!(out, "\nWhere:\n")?;
        for location in finding.locations.iter().take(20) {
            match location.line {
                Some(line) => writeln!(out, "- `{}`, line {line}", code(&location.path))?,
                None => writeln!(out, "- `{}`", code(&location.path))?,
            }
        }
        if finding.locations.len() > 20 {
            writeln!(out, "- and {} more", finding.locations.len() - 20)?;
        }
    }
    for note in &finding.policy_notes {
        writeln!(out, "\nPolicy: {}", escape(note))?;
    }
    let todo = match finding.classification {
        _ if finding.disposition == Disposition::Expected => "Nothing: it is expected.",
        _ if finding.disposition == Disposition::Waived => "Nothing as long as the waiver holds.",
        EvidenceResult::Fail => "Correct what is described, or record why it is acceptable.",
        EvidenceResult::Warning => "Judge whether the reservation matters here.",
        EvidenceResult::Blocked => "Provide what is missing and run again.",
        _ => "Repair the cause and run again; the check said nothing about the target.",
    };
    writeln!(out, "\nWhat to do: {todo}")?;
    if !finding.requirement_refs.is_empty() {
        let refs: Vec<String> = finding.requirement_refs.iter().map(|text| escape(text)).collect();
        writeln!(out, "\nRequirements: {}.", refs.join(", "))?;
    }
    Ok(())
}

fn evidence(out: &mut String, evidence: &[Evidence]) -> std::fmt::Result {
    writeln!(out, "\n## Evidence\n\n| check | subject | result | id |\n|---|---|---|---|")?;
    for item in evidence.iter().take(MOST) {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            escape(&item.check_id),
            escape(&printable(&item.subject_ref, 120)),
            escape(item.result.word()),
            escape(&item.id)
        )?;
    }
    if evidence.len() > MOST {
        writeln!(out, "\n{} more stand in `normalized/evidence.json`.", evidence.len() - MOST)?;
    }
    Ok(())
}

fn artifacts(out: &mut String, artifacts: &[ManifestEntry]) -> std::fmt::Result {
    writeln!(out, "\n## Artifacts")?;
    if artifacts.is_empty() {
        return writeln!(out, "\nNone.");
    }
    writeln!(out, "\n| path | bytes | SHA-256 |\n|---|---:|---|")?;
    for entry in artifacts.iter().take(MOST) {
        writeln!(out, "| {} | {} | `{}` |", escape(&entry.path), entry.size_bytes, entry.sha256)?;
    }
    if artifacts.len() > MOST {
        writeln!(out, "\n{} more stand in `reports/assessment-package.json`.", artifacts.len() - MOST)?;
    }
    Ok(())
}

/// How a step's runner ended, when it was not well.
fn ending(step: &Step, runners: &[Value]) -> String {
    let is_of = |runner: &&Value| {
        runner.get("extension_id").is_some_and(|it| *it == *step.extension_id)
            && runner.get("check_group").is_some_and(|it| *it == *step.check_group)
    };
    let Some(runner) = runners.iter().find(is_of) else { return String::new() };
    let number = |key: &str| runner.get(key).and_then(Value::as_i64);
    if runner.get("timed_out") == Some(&Value::Bool(true)) {
        return "; it took longer and was ended".to_owned();
    }
    match (number("signal"), number("exit_code")) {
        (Some(signal), _) => format!("; it was ended by signal {signal}"),
        (None, Some(code)) if code != 0 => format!("; it ended with exit code {code}"),
        _ => String::new(),
    }
}

fn made(out: &mut String, plan: &PlanDocument, runners: &[Value]) -> std::fmt::Result {
    writeln!(out, "\n## How this was made\n")?;
    writeln!(out, "guide-board {} ran {}:\n", env!("CARGO_PKG_VERSION"), many(plan.steps.len(), "step"))?;
    for step in &plan.steps {
        writeln!(
            out,
            "{}. `{}` of `{}`: {}, at most {} s{}",
            step.order,
            code(&step.check_group),
            code(&step.extension_id),
            many(step.checks.len(), "check"),
            step.timeout_seconds,
            ending(step, runners)
        )?;
    }
    writeln!(out, "\nThe sources are locked in `sources.lock.json`, the plan stands in `plan.json`.")?;
    if plan.runtime_policy.get("offline") == Some(&Value::Bool(true)) {
        writeln!(out, "Runners were asked to stay offline; that is not enforced.")?;
    }
    Ok(())
}
