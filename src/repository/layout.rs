//! Where things stand in a run directory (contract, section 1). Pure: names only.

use crate::model::RelativePath;

/// The run record.
pub const RUN: &str = "run.json";
/// What was planned.
pub const PLAN: &str = "plan.json";
/// What the run was made from.
pub const SOURCE_LOCK: &str = "sources.lock.json";
/// The compact durable summary: its presence makes the run retained.
pub const SUMMARY: &str = "retention-summary.json";
/// Evidence items.
pub const EVIDENCE: &str = "normalized/evidence.json";
/// Findings.
pub const FINDINGS: &str = "normalized/findings.json";
/// Mappings to controls.
pub const MAPPINGS: &str = "normalized/mappings.json";
/// The assessment package, with the artifact manifest.
pub const ASSESSMENT_PACKAGE: &str = "reports/assessment-package.json";
/// The report for people.
pub const REPORT: &str = "reports/report.md";
/// Report fragments.
pub const FRAGMENTS: &str = "reports/fragments.json";
/// The submission package.
pub const SUBMISSION_PACKAGE: &str = "reports/submission-package.json";
/// The export manifest.
pub const EXPORT_MANIFEST: &str = "exports/export-manifest.json";
/// Raw harness output, by extension.
pub const ARTIFACTS: &str = "artifacts";

/// The documents that stand directly in the run directory and are outputs.
const TOP_DOCUMENTS: [&str; 4] = [RUN, PLAN, SOURCE_LOCK, SUMMARY];

/// The directories whose regular files are outputs.
pub const OUTPUT_DIRECTORIES: [&str; 4] = ["normalized", "reports", "exports", ARTIFACTS];

/// The reports that are looked for in every run, by kind, whether or not its summary names them.
pub const STANDARD_REPORTS: [(&str, &str); 5] = [
    ("assessment_package", ASSESSMENT_PACKAGE),
    ("export_manifest", EXPORT_MANIFEST),
    ("fragments", FRAGMENTS),
    ("report", REPORT),
    ("submission_package", SUBMISSION_PACKAGE),
];

/// The largest summary that is read, in bytes.
pub const MAX_SUMMARY_BYTES: u64 = 1 << 20;
/// The largest run record or submission package that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 16 << 20;
/// The largest assessment package that is streamed, in bytes.
pub const MAX_PACKAGE_BYTES: u64 = 1 << 30;

/// One of this module's names as a path.
///
/// # Panics
/// Never for the names above, which a test holds.
#[must_use]
#[expect(clippy::expect_used, reason = "called with this module's constants only, each of which a test parses")]
pub fn path(name: &str) -> RelativePath {
    name.parse().expect("a layout name is a valid path")
}

/// Whether a path may be an output of a run: one of the documents, or something beneath an output directory. The four directories
/// themselves pass too, so that asking for one is answered as a directory.
#[must_use]
pub fn may_be_output(path: &RelativePath) -> bool {
    TOP_DOCUMENTS.contains(&path.as_str()) || OUTPUT_DIRECTORIES.contains(&path.first())
}

/// Whether a path is one of the output directories itself. A regular file in the place of one is no output.
#[must_use]
pub fn is_output_directory(path: &RelativePath) -> bool {
    OUTPUT_DIRECTORIES.contains(&path.as_str())
}

/// Whether a name directly beneath a runs root is passed over: hidden names and `lost+found`.
#[must_use]
pub fn is_passed_over(name: &[u8]) -> bool {
    name.first() == Some(&b'.') || name == b"lost+found"
}

/// The media type of an output, from its file name. Nothing is said of a text's encoding, which the name does not tell.
#[must_use]
pub fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("md") => "text/markdown",
        Some("log") => "text/plain",
        Some("sarif") => "application/sarif+json",
        Some("jsonl" | "ndjson") => "application/x-ndjson",
        _ => mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_name_is_a_valid_path_and_an_output() {
        let documents = [RUN, PLAN, SOURCE_LOCK, SUMMARY, EVIDENCE, FINDINGS, MAPPINGS];
        for name in documents.into_iter().chain(STANDARD_REPORTS.map(|(_, name)| name)) {
            assert!(may_be_output(&path(name)), "{name}");
        }
    }

    #[test]
    fn what_stands_beside_the_outputs_is_none() {
        for name in
            ["secret.txt", ".work/context.json", "run.json.bak", "artifactsx/a", "Reports/report.md", "run.json/x"]
        {
            assert!(!may_be_output(&path(name)), "{name}");
        }
    }

    #[test]
    fn hidden_names_and_lost_and_found_are_passed_over() {
        assert!(is_passed_over(b".git") && is_passed_over(b"lost+found"));
        assert!(!is_passed_over(b"lost+found2") && !is_passed_over(b"a.b"));
    }

    #[test]
    fn media_types_of_reports_are_what_readers_expect() {
        assert_eq!(media_type(REPORT), "text/markdown");
        assert_eq!(media_type(ASSESSMENT_PACKAGE), "application/json");
        assert_eq!(media_type("artifacts/x/no-extension"), "application/octet-stream");
    }
}
