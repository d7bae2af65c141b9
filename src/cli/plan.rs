//! `guide-board plan` and `guide-board profile …`: what `run` would do, and whether its profiles are right. Nothing is run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, Failure};
use super::{Globals, hints, logging, terminal};
use crate::assessment::check::{self, Verdict};
use crate::assessment::extensions::{Naming, Survey};
use crate::assessment::{AssessmentError, ProfileSource, TOLD_PROBLEMS, plan};
use crate::repository::ambient::{AmbientError, OutputFile};
use crate::services;
use crate::wire::to_json;

const PLAN_EXAMPLES: &str = "\
Examples:
  guide-board plan --target profiles/targets/this-repository.json \\
    --assessment profiles/assessments/repository-baseline.json | jq .steps
  guide-board plan --target bundled:profiles/targets/this-repository.json \\
    --assessment bundled:profiles/assessments/repository-baseline.json \\
    --output plan.json

Exit codes:
  0 done; 1 an internal error; 2 wrong usage, profiles or extensions, or FILE
  exists";

const PROFILE_EXAMPLES: &str = "\
Examples:
  guide-board profile validate-target profiles/targets/this-repository.json
  guide-board profile validate-assessment profiles/assessments/sample-noop.json
  guide-board profile validate-assessment profiles/assessments/my-harness.json \\
    --extension-dir ./extensions

Exit codes:
  0 valid; 2 not valid, with everything that is wrong, or wrong usage";

/// Plans an assessment and prints the plan; nothing is run
///
/// The plan is the document that a run keeps as plan.json: the extensions that take part, the steps in their order with their checks and time limits,
/// and the policy. Everything that `run` would refuse about profiles and extensions is refused here.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = PLAN_EXAMPLES)]
pub(super) struct PlanArgs {
    /// The target profile: what is assessed
    #[arg(long, value_name = "FILE")]
    target: ProfileSource,
    /// The assessment profile: what it is assessed with
    #[arg(long, value_name = "FILE")]
    assessment: ProfileSource,
    /// Write to this file, which must not exist; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Validates profiles
///
/// A profile is a JSON file, or one that this program carries, as bundled:profiles/targets/sample-repository.json.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = PROFILE_EXAMPLES)]
pub(super) struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ProfileCommand {
    /// Validates a target profile: what is assessed
    ///
    /// Its form is looked at. What the extensions of an assessment ask of it is a question to `plan`.
    #[command(after_long_help = PROFILE_EXAMPLES)]
    ValidateTarget {
        /// The profile
        #[arg(value_name = "FILE")]
        profile: ProfileSource,
        /// Print JSON: what ValidateProfile answers
        #[arg(long)]
        json: bool,
    },
    /// Validates an assessment profile: what a target is assessed with
    ///
    /// Its form, the policy sets that it names, the check groups that it names, and what the extensions that it names ask of it. An extension that
    /// is not there is noted; whether all of them are is a question to `plan`.
    #[command(after_long_help = PROFILE_EXAMPLES)]
    ValidateAssessment {
        /// The profile
        #[arg(value_name = "FILE")]
        profile: ProfileSource,
        /// Print JSON: what ValidateProfile answers
        #[arg(long)]
        json: bool,
    },
}

/// Runs `plan`.
#[must_use]
pub(super) fn plan_assessment(args: &PlanArgs, globals: &Globals) -> ExitCode {
    logging::start(globals.log_format, "warn");
    exit::code_of(planned(args, globals).map(|()| exit::DONE))
}

fn planned(args: &PlanArgs, globals: &Globals) -> Result<(), Failure> {
    globals.check_extension_dirs()?;
    let plan = plan::plan(&args.target, &args.assessment, &globals.extension_dirs)
        .map_err(|error| hints::of_profiles(refused(&error), &[&args.target, &args.assessment]))?;
    let text = plan.to_json().map_err(|error| refused(&error))?;
    let astray = plan.policy_astray();
    for told in astray.iter().take(TOLD_PROBLEMS) {
        terminal::note(told);
    }
    if let Some(more) = astray.len().checked_sub(TOLD_PROBLEMS).filter(|more| *more > 0) {
        terminal::note(&format!("and {more} more"));
    }
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => Ok(terminal::print(&text)?),
        Some(path) => {
            let unwritable = |error: AmbientError| {
                let next = if error.is_already_there() { "; name a file that does not exist" } else { "" };
                Failure::new(exit::USAGE, format!("{error}{next}"))
            };
            let mut file = OutputFile::create(path, false).map_err(unwritable)?;
            file.write_all(text.as_bytes())?;
            file.finish().map_err(unwritable)
        }
    }
}

fn refused(error: &AssessmentError) -> Failure {
    Failure::new(if error.is_usage() { exit::USAGE } else { exit::INTERNAL }, error.to_string())
}

/// Runs `profile`.
#[must_use]
pub(super) fn profile(args: &ProfileArgs, globals: &Globals) -> ExitCode {
    logging::start(globals.log_format, "warn");
    let (kind, source, verdict, json) = match &args.command {
        ProfileCommand::ValidateTarget { profile, json } => ("target", profile, check::target(profile), *json),
        ProfileCommand::ValidateAssessment { profile, json } => {
            if let Err(failure) = globals.check_extension_dirs() {
                return failure.tell();
            }
            let extensions = Survey::of(&globals.extension_dirs, Naming::Paths);
            ("assessment", profile, check::assessment(profile, extensions), *json)
        }
    };
    exit::code_of(told(kind, source, &verdict, json))
}

fn told(kind: &str, source: &ProfileSource, verdict: &Verdict, json: bool) -> Result<u8, Failure> {
    let shown = terminal::cell(&source.to_string());
    if json {
        terminal::print_json(&to_json(&services::verdict(verdict))?)?;
    } else if verdict.problems.is_empty() {
        let id = terminal::cell(verdict.id.as_deref().unwrap_or_default());
        terminal::print(&format!("{shown}: a valid {kind} profile, `{id}`\n"))?;
    }
    for id in verdict.absent_extensions.iter().take(TOLD_PROBLEMS) {
        terminal::note(&format!("there is no extension {id} here, so what it asks of the profile was not looked at"));
    }
    if let Some(more) = verdict.absent_extensions.len().checked_sub(TOLD_PROBLEMS).filter(|more| *more > 0) {
        terminal::note(&format!("and {more} more"));
    }
    if verdict.problems.is_empty() {
        return Ok(exit::DONE);
    }
    Err(hints::of_profiles(refused(&AssessmentError::Invalid(verdict.problems.clone())), &[source]))
}
