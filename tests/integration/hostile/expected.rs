//! What every call has to answer to every name: one table, by what a field is. A call or a field that is not in it fails the tests.

use guide_board::services::DOMAIN;
use prost_reflect::{FieldDescriptor, MethodDescriptor};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::calls::Answer;
use super::names::{AsDirectory, AsPath, AsRunId, Name};

/// A code, and the reason that comes with it; empty for a clean end.
pub(super) type Outcome = (Code, &'static str);

pub(super) const FINE: Outcome = (Code::Ok, "");
pub(super) const FIELD_INVALID: Outcome = (Code::InvalidArgument, "FIELD_INVALID");
pub(super) const PROFILE_INVALID: Outcome = (Code::InvalidArgument, "PROFILE_INVALID");
pub(super) const PATH_INVALID: Outcome = (Code::InvalidArgument, "PATH_INVALID");
pub(super) const ROOT_NOT_FOUND: Outcome = (Code::NotFound, "ROOT_NOT_FOUND");
pub(super) const RUN_NOT_FOUND: Outcome = (Code::NotFound, "RUN_NOT_FOUND");
pub(super) const JOB_NOT_FOUND: Outcome = (Code::NotFound, "JOB_NOT_FOUND");
pub(super) const ARTIFACT_NOT_FOUND: Outcome = (Code::NotFound, "ARTIFACT_NOT_FOUND");
pub(super) const UNSAFE_PATH: Outcome = (Code::FailedPrecondition, "UNSAFE_PATH");
pub(super) const NOT_A_FILE: Outcome = (Code::FailedPrecondition, "NOT_A_FILE");
pub(super) const GENERATION_MISMATCH: Outcome = (Code::FailedPrecondition, "GENERATION_MISMATCH");
pub(super) const OUTPUT_EXISTS: Outcome = (Code::AlreadyExists, "OUTPUT_EXISTS");

/// A request that is as it should be, and what it answers. Each of its text fields in turn is replaced by each name.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) json: Value,
    pub(super) outcome: Outcome,
    /// The only fields to replace; empty: all of them.
    pub(super) only: &'static [&'static str],
}

/// The requests to start from, by call. A new call needs an entry here.
pub(super) fn bases(method: &MethodDescriptor) -> Vec<Base> {
    let base = |json: Value, outcome| Base { json, outcome, only: &[] };
    match method.name() {
        "GetServerInfo" => vec![base(json!({}), FINE)],
        "ListRetainedRuns" | "ListProblems" | "ListRuns" => vec![base(json!({}), FINE)],
        "GetLatestRetainedRun" => vec![base(json!({"target": "a-target"}), FINE)],
        "GetRetainedRun" => vec![base(json!({"directory": "run"}), FINE)],
        "GetRetainedRunReports" => {
            vec![base(json!({"directory": "run", "report_unsafe": true, "include_contents": true}), FINE)]
        }
        "StreamArtifactManifest" => {
            vec![base(json!({"directory": "run", "include_unlisted": true, "report_unsafe": true}), FINE)]
        }
        "ReadArtifact" => vec![
            base(json!({"directory": "run", "path": "artifacts/plain.txt"}), FINE),
            Base {
                json: json!({"run_id": "run", "path": "artifacts/plain.txt", "compute_sha256": true, "offset": 1}),
                outcome: FINE,
                only: &["path"],
            },
        ],
        "ListFindings" | "ListEvidence" => vec![base(json!({"directory": "run"}), FINE)],
        "StartRun" => {
            let profiles = |target: &str| json!({"target": target, "assessment": "profiles/assessment.json"});
            let mut occupied = profiles("profiles/target.json");
            occupied["output_dir"] = json!("run");
            vec![
                // The profiles are looked at last but one, the place to write to last.
                Base {
                    json: profiles("profiles/missing.json"),
                    outcome: FIELD_INVALID,
                    only: &["runs_dir", "output_dir", "labels", "request_id"],
                },
                Base { json: occupied, outcome: OUTPUT_EXISTS, only: &["output_dir", "target", "assessment"] },
            ]
        }
        "ListExtensions" => vec![base(json!({}), FINE)],
        "ValidateProfile" => vec![
            // Not valid, and no error.
            Base {
                json: json!({"kind": "PROFILE_KIND_TARGET", "path": "profiles/target.json"}),
                outcome: FINE,
                only: &["path", "extension_dirs"],
            },
            Base {
                json: json!({"kind": "PROFILE_KIND_ASSESSMENT", "document": "{}"}),
                outcome: FINE,
                only: &["document", "extension_dirs"],
            },
        ],
        "PlanAssessment" => vec![base(
            json!({"target": "profiles/target.json", "assessment": "profiles/assessment.json"}),
            PROFILE_INVALID,
        )],
        "GetRun" | "WatchRun" | "CancelRun" | "GetRunReports" => vec![base(json!({"job_id": "job-x"}), JOB_NOT_FOUND)],
        other => panic!("{other} is new: say here what a good request of it is, and in `meaning` what its fields are"),
    }
}

/// What a text field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A runs root, by name or by configured path.
    Root,
    /// A run, by id.
    RunId,
    /// A run, by directory.
    Directory,
    /// An output of a run.
    Path,
    /// A directory to make in a root.
    OutputDirectory,
    /// A profile beneath the server's root.
    Profile,
    /// A directory of extensions beneath the server's root.
    ExtensionDirectory,
    /// The text of a profile.
    Document,
    /// A job of this process.
    Job,
    /// A report's kind.
    Kind,
    /// A page token.
    Token,
    /// A generation that the file must have.
    Generation,
    /// A digest that the file must have.
    Digest,
    /// One of a closed list of words.
    ListedWord,
    /// A word to compare with what runs say.
    Filter,
    /// A commit to compare with what runs say.
    Commit,
    /// Labels to compare with what runs say.
    LabelFilter,
    /// Labels for a new run.
    Labels,
    /// An id that the client made up.
    RequestId,
}

impl Meaning {
    /// Every how many-th name is tried: all where a name leads to something on a disk, fewer where it is only compared.
    pub(super) const fn step(self) -> usize {
        match self {
            Self::RunId | Self::Directory | Self::Path | Self::OutputDirectory | Self::Profile => 1,
            Self::ExtensionDirectory => 3,
            Self::Root => 7,
            _ => 15,
        }
    }
}

/// What a field of a call is. A new field needs an entry here.
pub(super) fn meaning(method: &MethodDescriptor, field: &FieldDescriptor) -> Meaning {
    match (method.name(), field.name()) {
        (_, "runs_dir") => Meaning::Root,
        (_, "run_id") => Meaning::RunId,
        (_, "directory") => Meaning::Directory,
        ("ValidateProfile", "path") => Meaning::Profile,
        ("ValidateProfile", "document") => Meaning::Document,
        (_, "extension_dirs") => Meaning::ExtensionDirectory,
        (_, "path") => Meaning::Path,
        (_, "output_dir") => Meaning::OutputDirectory,
        (_, "job_id") => Meaning::Job,
        (_, "kind") => Meaning::Kind,
        (_, "page_token") => Meaning::Token,
        (_, "expected_generation") => Meaning::Generation,
        (_, "expected_sha256") => Meaning::Digest,
        (_, "request_id") => Meaning::RequestId,
        ("StartRun" | "PlanAssessment", "target" | "assessment") => Meaning::Profile,
        ("StartRun", "labels") => Meaning::Labels,
        ("ListProblems", "reasons") | ("ListRuns", "statuses") => Meaning::ListedWord,
        (_, "labels") => Meaning::LabelFilter,
        (_, "source_commit") => Meaning::Commit,
        ("ListRetainedRuns" | "GetLatestRetainedRun", "target" | "assessment" | "statuses") => Meaning::Filter,
        (
            "ListFindings" | "ListEvidence",
            "results" | "severities" | "dispositions" | "classifications" | "check_ids",
        ) => Meaning::Filter,
        (call, field) => panic!("{call}.{field} is new: say here what it is, so that it meets the hostile names"),
    }
}

/// What a call has to answer when this field of its request is this name, and all else is as in `base`.
pub(super) fn expected(method: &MethodDescriptor, meaning: Meaning, name: &Name, base: Outcome) -> Outcome {
    let finds_none = if method.name() == "GetLatestRetainedRun" { RUN_NOT_FOUND } else { base };
    match meaning {
        Meaning::Root => ROOT_NOT_FOUND,
        Meaning::Job => JOB_NOT_FOUND,
        Meaning::Kind if base == JOB_NOT_FOUND => base,
        Meaning::Kind => ARTIFACT_NOT_FOUND,
        Meaning::Token | Meaning::Digest | Meaning::ListedWord | Meaning::Labels => FIELD_INVALID,
        Meaning::Generation => GENERATION_MISMATCH,
        Meaning::Filter if name.text.len() > 4_096 => FIELD_INVALID,
        Meaning::Commit if name.text.len() > 4_096 || name.text.len() < 7 => FIELD_INVALID,
        Meaning::Filter | Meaning::Commit | Meaning::LabelFilter => finds_none,
        Meaning::RequestId if name.text.chars().count() > 128 => FIELD_INVALID,
        Meaning::RequestId => base,
        Meaning::RunId => match name.run_id {
            AsRunId::Bad => FIELD_INVALID,
            AsRunId::Absent => RUN_NOT_FOUND,
            AsRunId::Run => base,
        },
        Meaning::Directory => match name.directory {
            AsDirectory::Bad => PATH_INVALID,
            AsDirectory::PassedOver | AsDirectory::Absent | AsDirectory::Occupied => RUN_NOT_FOUND,
            AsDirectory::Link => UNSAFE_PATH,
            AsDirectory::Run => base,
        },
        Meaning::OutputDirectory => match name.directory {
            AsDirectory::Bad | AsDirectory::PassedOver => PATH_INVALID,
            AsDirectory::Absent | AsDirectory::Occupied | AsDirectory::Link | AsDirectory::Run => base,
        },
        Meaning::Path => match name.path {
            AsPath::Bad => PATH_INVALID,
            AsPath::Absent => ARTIFACT_NOT_FOUND,
            AsPath::Unsafe => UNSAFE_PATH,
            AsPath::Directory => NOT_A_FILE,
            AsPath::Plain => base,
        },
        Meaning::Profile | Meaning::ExtensionDirectory if name.path == AsPath::Bad => PATH_INVALID,
        Meaning::Profile | Meaning::ExtensionDirectory => FIELD_INVALID,
        // What is no profile is told, and no error. An empty one is none.
        Meaning::Document if name.text.is_empty() => FIELD_INVALID,
        Meaning::Document => base,
    }
}

/// Insists on an answer's code and reason, and that a refusal is made as the contract says.
pub(super) fn assert_outcome(what: &dyn std::fmt::Debug, answer: &Answer, outcome: Outcome) {
    assert_eq!(fault(what, answer, outcome), None);
}

/// What is wrong with an answer; `None` when it has this code and reason, and a refusal is made as the contract says.
pub(super) fn fault(what: &dyn std::fmt::Debug, answer: &Answer, outcome: Outcome) -> Option<String> {
    let (code, reason) = answer.outcome();
    if (code, reason.as_str()) != outcome {
        return Some(format!("{what:?} answered {code:?} {reason}, not {outcome:?}: {:?}", answer.refusal));
    }
    let status = answer.refusal.as_ref()?;
    let details = status.get_error_details();
    let domain = details.error_info().map(|info| info.domain.as_str());
    // Of profiles every problem is named, of all else the first.
    let is_named = |count: usize| if reason == "PROFILE_INVALID" { (1..=20).contains(&count) } else { count == 1 };
    let names_a_field = details.bad_request().is_some_and(|request| is_named(request.field_violations.len()));
    let is_well_made =
        domain == Some(DOMAIN) && !status.message().is_empty() && names_a_field == (code == Code::InvalidArgument);
    (!is_well_made).then(|| format!("{what:?} was refused without its details: {status:?}"))
}
