//! Whether a run directory is whole and valid: every document by its schema, and everything that one document says about another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use guide_board::assessment::schema::{Schema, problems};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Every document of a run that is JSON, with its schema.
const DOCUMENTS: [(&str, Schema); 11] = [
    ("run.json", Schema::Run),
    ("plan.json", Schema::Plan),
    ("sources.lock.json", Schema::SourceLock),
    ("retention-summary.json", Schema::RetentionSummary),
    ("normalized/evidence.json", Schema::Evidence),
    ("normalized/findings.json", Schema::Findings),
    ("normalized/mappings.json", Schema::Mappings),
    ("reports/assessment-package.json", Schema::AssessmentPackage),
    ("reports/fragments.json", Schema::Fragments),
    ("reports/submission-package.json", Schema::SubmissionPackage),
    ("exports/export-manifest.json", Schema::ExportManifest),
];

/// The runs that were found whole, by device, inode and time of their summary. What a test changes afterwards is its own affair.
static SEEN: Mutex<BTreeSet<(u64, u64, i64, i64)>> = Mutex::new(BTreeSet::new());

/// Asserts that a run directory is whole and valid if it is retained. Says whether it is.
pub(crate) fn is_retained_whole(directory: &Path) -> bool {
    let summary = directory.join("retention-summary.json").symlink_metadata();
    let Some(summary) = summary.ok().filter(std::fs::Metadata::is_file) else { return false };
    let identity = (summary.dev(), summary.ino(), summary.mtime(), summary.mtime_nsec());
    if SEEN.lock().unwrap_or_else(PoisonError::into_inner).contains(&identity) {
        return true;
    }
    RunOnDisk::read(directory).check();
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(identity)
}

/// Asserts the same of every run beneath a directory that this program made.
pub(crate) fn all_beneath(directory: &Path) {
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        // What was made elsewhere, or by hand, says that it was made elsewhere.
        let record = next.join("run.json");
        let is_file = record.symlink_metadata().is_ok_and(|found| found.is_file());
        let record = is_file.then(|| std::fs::read(record).ok()).flatten();
        let record: Option<Value> = record.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let made_in = record.and_then(|record| Some(record["output_dir"].as_str()?.to_owned()));
        if made_in.is_some_and(|made_in| Path::new(&made_in).canonicalize().ok() == next.canonicalize().ok()) {
            is_retained_whole(&next);
            continue;
        }
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(entry.path());
            }
        }
    }
}

/// Asserts that a document is what its schema says.
pub(crate) fn valid(schema: Schema, document: &Value, name: &str) {
    let problems = problems(schema, document, name);
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A retained run, read.
struct RunOnDisk<'a> {
    directory: &'a Path,
    documents: HashMap<&'static str, Value>,
    /// Every regular file with its size and digest, by path.
    files: BTreeMap<String, (u64, String)>,
    /// Regular files beneath `artifacts/` that the run says it does not list.
    not_listed: HashSet<String>,
}

impl<'a> RunOnDisk<'a> {
    fn read(directory: &'a Path) -> Self {
        let mut files = BTreeMap::new();
        let mut bytes_of = HashMap::new();
        for path in super::files(directory) {
            let full = directory.join(&path);
            // It has another name in truth, which is not UTF-8.
            if path.contains('\u{fffd}') {
                continue;
            }
            if !full.symlink_metadata().expect("there").is_file() {
                continue;
            }
            let (size, digest) = digest(&full);
            if let Some((name, _)) = DOCUMENTS.iter().find(|(name, _)| *name == path) {
                bytes_of.insert(*name, std::fs::read(&full).expect("read"));
            }
            files.insert(path, (size, digest));
        }
        let documents = DOCUMENTS.map(|(name, schema)| {
            let bytes = bytes_of.remove(name).unwrap_or_else(|| panic!("{}: no {name}", directory.display()));
            let document: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            valid(schema, &document, name);
            (name, document)
        });
        let documents = HashMap::from(documents);
        let runners = &documents["reports/submission-package.json"]["reported_metadata"]["runners"];
        let not_listed = items(runners).iter().flat_map(|runner| runner["not_listed"].as_array().into_iter().flatten());
        let not_listed = not_listed.map(|thing| text(&thing["path"]).to_owned()).collect();
        Self { directory, documents, files, not_listed }
    }

    fn check(&self) {
        self.check_what_stands_twice();
        self.check_items();
        self.check_findings();
        self.check_mappings();
        self.check_plan();
        self.check_artifacts();
        self.check_files();
    }

    /// What several documents say is the same in all of them.
    fn check_what_stands_twice(&self) {
        let run = &self.documents["run.json"];
        let [summary, package, export, submission, lock, fragments] = [
            "retention-summary.json",
            "reports/assessment-package.json",
            "exports/export-manifest.json",
            "reports/submission-package.json",
            "sources.lock.json",
            "reports/fragments.json",
        ]
        .map(|name| &self.documents[name]);
        for document in [summary, package, submission, lock] {
            assert_eq!(document["run_id"], run["run_id"]);
        }
        for document in [summary, package] {
            for key in ["target_profile_ref", "assessment_profile_ref", "started_at", "completed_at"] {
                assert_eq!(document[key], run[key], "{key}");
            }
            assert_eq!(document["result_status"], run["status"]);
        }
        assert_eq!(summary["labels"], run["labels"]);
        assert_eq!(submission["reported_metadata"]["labels"], run["labels"]);
        assert_eq!(submission["reported_metadata"]["tool"], run["tool"]);
        assert_eq!(package["source_lock"], *lock);
        assert_eq!(submission["sources"], lock["sources"]);
        assert_eq!(package["findings"], self.documents["normalized/findings.json"]);
        for document in [package, export] {
            assert_eq!(document["report_fragments"], *fragments);
        }
        for key in ["summary", "policy_summary", "mapping_summary", "certification_boundary"] {
            assert_eq!(package[key], export[key], "{key}");
        }
        assert_eq!(submission["certification_boundary"], package["certification_boundary"]);
        let counts = json!({
            "evidence": self.items("evidence").len(), "findings": self.items("findings").len(),
            "mappings": self.items("mappings").len(), "artifacts": items(&package["artifact_manifest"]).len(),
        });
        assert_eq!(export["counts"], counts);
    }

    fn check_items(&self) {
        let evidence = self.items("evidence");
        unique(evidence.iter().map(|item| &item["id"]));
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for item in evidence {
            assert_eq!(item["run_id"], self.documents["run.json"]["run_id"]);
            assert!(text(&item["started_at"]) <= text(&item["completed_at"]));
            *counts.entry(text(&item["result"])).or_default() += 1;
        }
        assert_eq!(self.documents["retention-summary.json"]["evidence_counts"], json!(counts));
        let package = &self.documents["reports/assessment-package.json"];
        assert_eq!(package["summary"], json!(counts));
        assert!(items(&package["evidence_refs"]).iter().eq(evidence.iter().map(|item| &item["id"])));
        let any = |result: &str| counts.contains_key(result);
        let failed = |finding: &Value| finding["classification"] == "fail" && finding["disposition"] == "unexpected";
        let status = match () {
            () if any("infrastructure_error") => "infrastructure_error",
            () if any("blocked") => "blocked",
            () if self.items("findings").iter().any(failed) => "failed",
            () => "completed",
        };
        assert_eq!(self.documents["run.json"]["status"], status);
    }

    /// Each item that is one gives exactly one finding, which says of it what it says itself.
    fn check_findings(&self) {
        let findings = self.items("findings");
        unique(findings.iter().map(|finding| &finding["id"]));
        let gives =
            |item: &&Value| matches!(text(&item["result"]), "fail" | "warning" | "infrastructure_error" | "blocked");
        let giving: Vec<&Value> = self.items("evidence").iter().filter(gives).collect();
        assert_eq!(findings.len(), giving.len());
        let mut counts = BTreeMap::from([("total", 0), ("unexpected", 0), ("expected", 0), ("waived", 0)]);
        let mut noted = BTreeMap::from([("challenged", 0), ("excluded", 0)]);
        for (finding, item) in findings.iter().zip(giving) {
            assert_eq!(finding["evidence_id"], item["id"]);
            assert_eq!(finding["classification"], item["result"]);
            for key in ["run_id", "extension_id", "check_id", "subject_ref", "requirement_refs", "artifact_refs"] {
                assert_eq!(finding[key], item[key], "{key}");
            }
            let usual = match text(&item["result"]) {
                "fail" => "high",
                "warning" => "low",
                _ => "medium",
            };
            assert_eq!(finding["severity"], *item.get("severity").unwrap_or(&json!(usual)));
            *counts.get_mut("total").expect("counted") += 1;
            *counts.get_mut(text(&finding["disposition"])).expect("counted") += 1;
            *noted.get_mut("challenged").expect("counted") += u64::from(!items(&finding["challenge_refs"]).is_empty());
            *noted.get_mut("excluded").expect("counted") += u64::from(!items(&finding["exclusion_refs"]).is_empty());
        }
        counts.extend(noted);
        assert_eq!(self.documents["retention-summary.json"]["finding_counts"], json!(counts));
        let policy = &self.documents["reports/assessment-package.json"]["policy_summary"];
        for (key, count) in &counts {
            assert_eq!(policy[key], json!(count), "{key}");
        }
        let known: HashSet<&str> = findings.iter().map(|finding| text(&finding["id"])).collect();
        let expired = items(&policy["expired_waivers"]).iter();
        for reference in expired.flat_map(|waiver| items(&waiver["finding_refs"])) {
            assert!(known.contains(text(reference)), "{reference}");
        }
    }

    fn check_mappings(&self) {
        let mappings = self.items("mappings");
        unique(mappings.iter().map(|mapping| &mapping["id"]));
        let evidence: HashMap<&str, &Value> =
            self.items("evidence").iter().map(|item| (text(&item["id"]), item)).collect();
        let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
        for mapping in mappings {
            *by_status.entry(text(&mapping["status"])).or_default() += 1;
            for reference in items(&mapping["evidence_refs"]) {
                let item = evidence.get(text(reference)).unwrap_or_else(|| panic!("{mapping}: no {reference}"));
                assert!(items(&item["requirement_refs"]).contains(&mapping["requirement_ref"]), "{mapping}: {item}");
            }
        }
        let summary = &self.documents["reports/assessment-package.json"]["mapping_summary"];
        assert_eq!(*summary, json!({"total": mappings.len(), "by_status": by_status}));
    }

    /// Every check of every step has an item, and every item belongs to a step.
    fn check_plan(&self) {
        let plan = &self.documents["plan.json"];
        let run = &self.documents["run.json"];
        for key in ["target_profile_ref", "assessment_profile_ref"] {
            assert_eq!(plan[key], run[key], "{key}");
        }
        unique(items(&plan["extensions"]).iter().map(|extension| &extension["id"]));
        let extensions: HashSet<&str> = items(&plan["extensions"]).iter().map(|it| text(&it["id"])).collect();
        let mut planned = HashSet::new();
        for (index, step) in items(&plan["steps"]).iter().enumerate() {
            assert_eq!(step["order"], json!(index + 1));
            assert!(extensions.contains(text(&step["extension_id"])), "{step}");
            planned.extend(items(&step["checks"]).iter().map(|check| (text(&step["extension_id"]), text(check))));
        }
        let reported: HashSet<(&str, &str)> =
            self.items("evidence").iter().map(|item| (text(&item["extension_id"]), text(&item["check_id"]))).collect();
        assert_eq!(reported, planned);
    }

    /// The manifest lists exactly the regular files beneath `artifacts/`, as they are, with exactly the evidence that refers to them.
    fn check_artifacts(&self) {
        let mut referring: HashMap<&str, Vec<&Value>> = HashMap::new();
        for item in self.items("evidence") {
            for artifact in items(&item["artifact_refs"]) {
                referring.entry(text(artifact)).or_default().push(&item["id"]);
            }
        }
        let mut expected: BTreeMap<&str, &(u64, String)> =
            self.files.iter().map(|(path, file)| (path.as_str(), file)).collect();
        expected.retain(|path, _| path.starts_with("artifacts/") && !self.is_not_listed(path));
        for entry in items(&self.documents["reports/assessment-package.json"]["artifact_manifest"]) {
            let path = text(&entry["path"]);
            let (size, digest) = expected.remove(path).unwrap_or_else(|| panic!("{entry} is not there, or twice"));
            assert_eq!(
                (entry["size_bytes"].as_u64(), text(&entry["sha256"])),
                (Some(*size), digest.as_str()),
                "{path}"
            );
            assert_eq!(Some(text(&entry["extension_id"])), path.split('/').nth(1), "{path}");
            assert!(items(&entry["evidence_refs"]).iter().eq(referring.remove(path).unwrap_or_default()), "{entry}");
        }
        assert!(expected.is_empty(), "not in the manifest: {:?}", expected.keys());
        assert!(referring.is_empty(), "referred to and not in the manifest: {:?}", referring.keys());
    }

    /// Whether the run says that it does not list a file, or a directory above it.
    fn is_not_listed(&self, path: &str) -> bool {
        let covers = |known: &String| path.strip_prefix(known.as_str());
        self.not_listed.iter().filter_map(covers).any(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The submission package lists every document that was there before it, as it is. Nothing of the making is left; runners may have put things
    /// where they are no outputs.
    fn check_files(&self) {
        let mut expected: BTreeSet<&str> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
        expected.insert("reports/report.md");
        let found: BTreeSet<&str> =
            self.files.keys().map(String::as_str).filter(|path| !path.starts_with("artifacts/")).collect();
        assert!(found.is_superset(&expected), "missing: {:?}", expected.difference(&found));
        let ours = ["normalized/", "exports/", ".work/", ".run.json", ".retention-summary.json"];
        let mut extra = found.difference(&expected);
        assert!(!extra.any(|path| ours.iter().any(|place| path.starts_with(place))), "{found:?}");
        expected.remove("reports/submission-package.json");
        expected.remove("retention-summary.json");
        for document in items(&self.documents["reports/submission-package.json"]["documents"]) {
            let path = text(&document["path"]);
            assert!(expected.remove(path), "{path}");
            let (size, digest) = &self.files[path];
            assert_eq!(
                (document["size_bytes"].as_u64(), text(&document["sha256"])),
                (Some(*size), digest.as_str()),
                "{path}"
            );
        }
        assert!(expected.is_empty(), "not in the submission package: {expected:?}");
        let paths = self.documents["retention-summary.json"]["report_paths"].as_object().expect("an object");
        assert!(paths.values().all(|path| self.files.contains_key(text(path))), "{paths:?}");
        let report = std::fs::read_to_string(self.directory.join("reports/report.md")).expect("text");
        assert!(report.contains(text(&self.documents["run.json"]["run_id"])), "{report}");
    }

    fn items(&self, normalized: &str) -> &[Value] {
        items(self.documents.get(format!("normalized/{normalized}.json").as_str()).expect("a document"))
    }
}

fn digest(path: &Path) -> (u64, String) {
    let (mut digest, mut size) = (Sha256::new(), 0);
    let mut file = std::fs::File::open(path).expect("opened");
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut chunk).expect("read");
        if count == 0 {
            break;
        }
        digest.update(&chunk[..count]);
        size += count as u64;
    }
    (size, digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no array: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn unique<'a>(ids: impl Iterator<Item = &'a Value>) {
    let mut seen = HashSet::new();
    for id in ids {
        assert!(seen.insert(text(id)), "twice: {id}");
    }
}
