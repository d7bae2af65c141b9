//! What `run` does: from two profiles to a whole run directory.
//!
//! The rooms, in the order in which a run passes through them: [`profile`] and [`extensions`] are read and validated ([`schema`]), [`plan`] says
//! what will be done, `credentials` are resolved, `runner` runs each step (with `capture`, `result` and `normalizers`), `items` makes evidence
//! and findings of what they reported, `policy` and `mappings` are put to them and [`outcome`] judges, `fragments` adds what the extensions have
//! to say, and `writing` puts the [`documents`] (and the `report`) in place. [`progress`] tells how far it is, [`Cancellation`] ends it.
//!
//! A runner that crashes, hangs or talks nonsense never fails the run: that is evidence, too. [`AssessmentError`] is for what leaves no
//! whole run directory: wrong profiles, a full disk, Ctrl-C.
//!
//! Declared `known_gaps` are recorded with the profile and counted in the report; they change no finding's disposition.

mod cancel;
mod capture;
pub mod check;
mod credentials;
pub mod documents;
pub mod embedded;
mod endpoints;
mod error;
pub mod extensions;
mod fragments;
mod items;
mod mappings;
pub mod normalizers;
pub mod outcome;
pub mod plan;
mod policy;
pub mod profile;
pub mod progress;
mod report;
mod result;
mod runner;
pub mod runner_context;
pub mod sample_noop;
pub mod schema;
mod schema_problems;
mod writing;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

pub use cancel::Cancellation;
pub use error::{AssessmentError, ProfileProblem, TOLD_PROBLEMS};
pub use outcome::Gate;
pub use profile::ProfileSource;
pub use progress::Progress;

use crate::model::{EvidenceResult, ResultStatus, RunId, format_timestamp};
use crate::repository::record::RunRecord;
use documents::{EvidenceCounts, Finding, FindingCounts, PolicySummary, RunDocument, Tool};
use items::{Finished, Performed};
use plan::Plan;
use runner::{Bench, Preflight, WORKING_FILES};

/// What to assess, with what, and where to.
#[derive(Debug, Clone)]
pub struct ExecuteRequest {
    /// The target profile.
    pub target: ProfileSource,
    /// The assessment profile.
    pub assessment: ProfileSource,
    /// The run directory to make; it must not exist.
    pub output_dir: PathBuf,
    /// The run id; generated when there is none.
    pub run_id: Option<RunId>,
    /// Labels for the run.
    pub labels: BTreeMap<String, String>,
    /// Directories that are extensions or hold extensions.
    pub extension_dirs: Vec<PathBuf>,
    /// The directory that report fragments are told as `root`.
    pub root: PathBuf,
    /// The guide-board binary: the supervisor of runners, and what `{guide_board}` stands for.
    pub guide_board: PathBuf,
    /// The time that a runner has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The switch that ends the run.
    pub cancellation: Cancellation,
}

/// A retained run.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// The run id.
    pub run_id: RunId,
    /// The run directory, as it was asked for.
    pub output_dir: PathBuf,
    /// How the run ended.
    pub result_status: ResultStatus,
    /// Evidence items by result.
    pub evidence_counts: EvidenceCounts,
    /// Findings by disposition.
    pub finding_counts: FindingCounts,
    /// What policy did with the findings.
    pub policy: PolicySummary,
    /// The findings, in evidence order.
    pub findings: Vec<Finding>,
}

impl RunOutcome {
    /// Where one of the documents of [`crate::repository::layout`] stands, seen from where the run was asked for.
    #[must_use]
    pub fn path(&self, document: &str) -> PathBuf {
        self.output_dir.join(document)
    }
}

/// Makes an assessment. On success the run is retained: its summary stands, and everything is flushed.
///
/// # Errors
/// See [`AssessmentError`]. When the run directory was already made it stays, without a summary.
pub fn execute(request: &ExecuteRequest, progress: &mut dyn Progress) -> Result<RunOutcome, AssessmentError> {
    let plan = plan::plan(&request.target, &request.assessment, &request.extension_dirs)?;
    let credentials =
        credentials::resolve(plan.target.credentials_ref.as_deref(), &plan.target.document.base, |name| {
            std::env::var_os(name)
        })
        .map_err(AssessmentError::Credentials)?;
    let output_dir = std::path::absolute(&request.output_dir).unwrap_or_else(|_| request.output_dir.clone());
    let output_text = output_dir.to_str().ok_or_else(|| AssessmentError::OutputNotUtf8(output_dir.clone()))?;
    let started = Timestamp::now();
    let run_id = match &request.run_id {
        Some(run_id) => run_id.clone(),
        None => RunId::generate(started, random()?),
    };
    let started_at = format_timestamp(started);
    let source_commits: BTreeMap<String, String> = plan.target.source_commits().into_iter().collect();
    let mut run = RunDocument {
        schema_version: "1",
        run_id: run_id.as_str(),
        target_profile_ref: &plan.target.id,
        assessment_profile_ref: &plan.assessment.id,
        status: "running",
        started_at: &started_at,
        completed_at: None,
        output_dir: output_text,
        tool: Tool::THIS,
        target_profile: &plan.target.document.value,
        assessment_profile: &plan.assessment.document.value,
        labels: &request.labels,
    };
    let record = RunRecord::create(&output_dir, &writing::json(&run)?)?;
    let lock = writing::source_lock(&run_id, &plan);
    let early = writing::write_early(&record, &plan, &lock)?;
    let total = plan.document.steps.iter().map(|step| step.checks.len()).sum();
    progress.run(&run_id, &output_dir, total);

    let target_profile = plan.target.for_runners();
    let target_missing = plan.target.missing_files();
    let bench = Bench {
        record: &record,
        run_id: &run_id,
        output_dir: &output_dir,
        plan: &plan,
        target_profile: &target_profile,
        credentials: &credentials,
        guide_board: &request.guide_board,
        grace: request.grace,
        cancellation: &request.cancellation,
        target_missing: target_missing.as_deref(),
    };
    let working_files = WorkingFiles(&bench);
    bench.lay_out()?;
    let (performed, preflights) = perform(&bench, progress, total)?;
    let completed = Timestamp::now();
    let completed_at = format_timestamp(completed);
    let finished = items::finish_items(&record, &run_id, &plan, performed, preflights, completed)?;
    run.status = finished.result_status.word();
    run.completed_at = Some(&completed_at);
    let documents = writing::Documents {
        run: &run,
        plan: &plan,
        lock: &lock,
        source_commits: &source_commits,
        completed_at: &completed_at,
        finished: &finished,
    };
    let root = std::path::absolute(&request.root).unwrap_or_else(|_| request.root.clone());
    let fragments = fragments::fragments(&bench, &documents.for_fragments(&output_dir), &root)?;
    drop(working_files);
    // A function that makes a fragment may have left or changed artifacts: the manifest is of what stands there.
    let again = match fragments::has_functions(&plan) {
        true => Some(items::artifacts_again(&record, &finished.evidence)?),
        false => None,
    };
    documents.write(record, early, &fragments, again.as_deref().unwrap_or(&finished.artifacts))?;
    progress.end(finished.result_status);
    let Finished { result_status, evidence_counts, policy_summary, findings, .. } = finished;
    Ok(RunOutcome {
        run_id: run_id.clone(),
        output_dir: request.output_dir.clone(),
        result_status,
        evidence_counts,
        finding_counts: policy_summary.counts,
        policy: policy_summary,
        findings,
    })
}

/// Removes the working files of a run when they are no longer needed, however the run ends.
struct WorkingFiles<'a>(&'a Bench<'a>);

impl Drop for WorkingFiles<'_> {
    fn drop(&mut self) {
        if let Ok(path) = WORKING_FILES.parse() {
            self.0.discard(&path);
        }
    }
}

/// Runs the steps, each extension's preflight before its first. The second part is what is told of the preflights.
fn perform(
    bench: &Bench<'_>,
    progress: &mut dyn Progress,
    total: usize,
) -> Result<(Vec<Performed>, Vec<Value>), AssessmentError> {
    let mut performed = Vec::new();
    let mut preflights: BTreeMap<&str, Preflight> = BTreeMap::new();
    let mut done = 0;
    for step in &bench.plan.document.steps {
        if bench.cancellation.is_cancelled() {
            return Err(AssessmentError::Cancelled(bench.output_dir.to_owned()));
        }
        let Some(extension) = extension_of(bench.plan, &step.extension_id) else { continue };
        let preflight = match preflights.entry(&step.extension_id) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => place.insert(bench.preflight(extension)?),
        };
        if let Some(first) = step.checks.first() {
            progress.start(done, total, first);
        }
        let outcome = bench.run_step(extension, step, preflight)?;
        let mut gravest: HashMap<&str, EvidenceResult> = HashMap::new();
        for item in &outcome.items {
            let so_far = gravest.entry(&item.check_id).or_insert(item.result);
            *so_far = outcome::graver(*so_far, item.result);
        }
        for check in &step.checks {
            done += 1;
            if let Some(result) = gravest.get(check.as_str()) {
                progress.check(done, total, check, *result);
            }
        }
        performed.push(Performed { step: step.clone(), outcome });
    }
    let told = preflights.into_values().map(|preflight| preflight.told).filter(|told| !told.is_empty());
    Ok((performed, told.map(Value::Object).collect()))
}

fn extension_of<'a>(plan: &'a Plan, id: &str) -> Option<&'a extensions::Extension> {
    plan.extensions.iter().find(|extension| extension.manifest.id == id)
}

fn random() -> Result<u32, AssessmentError> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).map_err(AssessmentError::Randomness)?;
    Ok(u32::from_le_bytes(bytes))
}
