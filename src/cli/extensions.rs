//! `guide-board extensions …`: which extensions there are, whether their manifests are right, and a new one to begin with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{self, Failure};
use super::new_extension::{self, NewArgs};
use super::{Globals, logging, terminal};
use crate::assessment::extensions::{Extension, ExtensionRoot, HOLDS_NONE, Naming, Survey};
use crate::assessment::{AssessmentError, ProfileProblem, TOLD_PROBLEMS};
use crate::repository::ambient;
use crate::services::all_extensions;
use crate::wire::to_json;

const EXAMPLES: &str = "\
Examples:
  guide-board extensions new my-harness
  guide-board extensions validate ./extensions/my-harness
  guide-board extensions list --extension-dir ./extensions
  guide-board extensions list --json | jq -r '.extensions[].id'

Exit codes:
  0 done, or valid; 2 not valid, with everything that is wrong, or wrong usage";

/// Lists, validates and begins extensions
///
/// An extension is a directory with an extension.json: which checks there are, and which programs make them. Some are carried by this program; others
/// stand in the directories that --extension-dir and GUIDE_BOARD_EXTENSION_PATHS name.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ExtensionsArgs {
    #[command(subcommand)]
    command: ExtensionsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ExtensionsCommand {
    /// Lists the extensions that an assessment profile can name, by id
    ///
    /// Those that are not valid are not listed; what is wrong with them is told beside the list, and the exit code is 2.
    #[command(after_long_help = EXAMPLES)]
    List {
        /// Print JSON: what ListExtensions answers
        #[arg(long)]
        json: bool,
    },
    /// Validates an extension, or every extension in a directory
    ///
    /// The manifest, the files it names (Python files, mapping sets, schemas, fragments), and that each of them stays inside the extension.
    #[command(after_long_help = EXAMPLES)]
    Validate {
        /// A directory that is an extension, or holds extensions
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Print JSON: valid, extensions, the first 50 problems, problem_count
        #[arg(long)]
        json: bool,
    },
    New(NewArgs),
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &ExtensionsArgs, globals: &Globals) -> ExitCode {
    logging::start(globals.log_format, "warn");
    exit::code_of(match &args.command {
        ExtensionsCommand::List { json } => list(globals, *json),
        ExtensionsCommand::Validate { directory, json } => validate(directory, *json),
        ExtensionsCommand::New(args) => new_extension::make(args, globals),
    })
}

/// The problems as a failure, if there are any.
fn told(problems: Vec<ProfileProblem>) -> Result<u8, Failure> {
    if problems.is_empty() {
        return Ok(exit::DONE);
    }
    Err(Failure::new(exit::USAGE, AssessmentError::Invalid(problems).to_string()))
}

fn list(globals: &Globals, as_json: bool) -> Result<u8, Failure> {
    let mut survey = Survey::of(&globals.extension_dirs, Naming::Paths);
    if as_json {
        terminal::print_json(&to_json(&all_extensions(&survey))?)?;
        return told(survey.problems);
    }
    survey.extensions.sort_by(|one, other| one.manifest.id.cmp(&other.manifest.id));
    let rows: Vec<Vec<String>> = survey.extensions.iter().map(row).collect();
    terminal::print(&terminal::table(&["ID", "VERSION", "CHECKS", "TITLE", "FROM"], &rows))?;
    told(survey.problems)
}

fn row(extension: &Extension) -> Vec<String> {
    let manifest = &extension.manifest;
    let place = match &extension.root {
        ExtensionRoot::Bundled => "bundled".to_owned(),
        ExtensionRoot::External(directory) => terminal::cell(&directory.to_string_lossy()),
    };
    vec![
        terminal::cell(&manifest.id),
        terminal::cell_or_dash(&manifest.version),
        extension.manifest.check_count().to_string(),
        terminal::cell_or_dash(manifest.title.as_deref().unwrap_or_default()),
        place,
    ]
}

fn validate(directory: &Path, as_json: bool) -> Result<u8, Failure> {
    if !as_json && !ambient::is_directory(directory) {
        let shown = directory.display();
        let message = format!("{shown} is no directory; name one that is an extension, or holds extensions");
        return Err(Failure::new(exit::USAGE, message));
    }
    let mut survey = Survey::of(&[directory.to_owned()], Naming::Paths);
    let is_external = |extension: &&Extension| matches!(extension.root, ExtensionRoot::External(_));
    // Whoever asks whether what stands there is valid expects something there.
    if survey.problems.is_empty() && !survey.extensions.iter().any(|extension| is_external(&extension)) {
        let (file, message) = (directory.display().to_string(), HOLDS_NONE.to_owned());
        survey.problems.push(ProfileProblem { file, pointer: String::new(), message });
    }
    let here = || survey.extensions.iter().filter(is_external);
    if as_json {
        let problem = |problem: &ProfileProblem| json!({"file": problem.file, "pointer": problem.pointer, "message": problem.message});
        terminal::print_json(&json!({
            "valid": survey.problems.is_empty(),
            "extensions": here().map(|extension| &extension.manifest.id).collect::<Vec<_>>(),
            "problems": survey.problems.iter().take(TOLD_PROBLEMS).map(problem).collect::<Vec<_>>(),
            "problem_count": survey.problems.len(),
        }))?;
    } else if survey.problems.is_empty() {
        let told = here().map(|extension| {
            let id = terminal::cell(&extension.manifest.id);
            let checks = u64::try_from(extension.manifest.check_count()).unwrap_or(u64::MAX);
            format!("{id}: valid, {}\n", terminal::counted(checks, "check"))
        });
        terminal::print(&told.collect::<String>())?;
    }
    told(survey.problems)
}
