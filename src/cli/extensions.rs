//! `guide-board extensions …`: which extensions there are, and whether their manifests are right.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{self, Failure};
use super::{Globals, logging, terminal};
use crate::assessment::AssessmentError;
use crate::assessment::extensions::{Extension, ExtensionRoot, Naming, Survey};

const EXAMPLES: &str = "\
Examples:
  guide-board extensions list --extension-dir ./extensions
  guide-board extensions list --json | jq -r '.extensions[].id'
  guide-board extensions validate ./extensions/my-harness

Exit codes:
  0 done, or valid; 2 not valid, with everything that is wrong, or wrong usage";

/// Lists and validates extensions
///
/// An extension is a directory with an extension.json: which checks there are, and which programs make them. Some are carried by this program; others
/// stand in the directories that --extension-dir names.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ExtensionsArgs {
    #[command(subcommand)]
    command: ExtensionsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ExtensionsCommand {
    /// Lists the extensions that an assessment profile can name
    #[command(after_long_help = EXAMPLES)]
    List {
        /// Print JSON
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
    },
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &ExtensionsArgs, globals: &Globals) -> ExitCode {
    logging::start(globals.log_format, "warn");
    exit::code_of(match &args.command {
        ExtensionsCommand::List { json } => list(globals, *json),
        ExtensionsCommand::Validate { directory } => validate(directory.clone()),
    })
}

fn found(directories: &[PathBuf]) -> Result<Vec<Extension>, Failure> {
    Survey::of(directories, Naming::Paths).whole().map_err(|problems| Failure::new(exit::USAGE, AssessmentError::Invalid(problems).to_string()))
}

fn list(globals: &Globals, as_json: bool) -> Result<u8, Failure> {
    let extensions = found(&globals.extension_dirs)?;
    if as_json {
        let all: Vec<_> = extensions.iter().map(described).collect();
        terminal::print_json(&json!({"extensions": all}))?;
        return Ok(exit::DONE);
    }
    let rows: Vec<Vec<String>> = extensions
        .iter()
        .map(|extension| {
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
        })
        .collect();
    terminal::print(&terminal::table(&["ID", "VERSION", "CHECKS", "TITLE", "FROM"], &rows))?;
    Ok(exit::DONE)
}

fn described(extension: &Extension) -> serde_json::Value {
    let manifest = &extension.manifest;
    let groups: Vec<_> = manifest
        .check_groups
        .iter()
        .map(|group| {
            let checks: Vec<_> = group.checks.iter().map(|check| &check.id).collect();
            json!({"id": group.id, "checks": checks})
        })
        .collect();
    json!({
        "id": manifest.id,
        "version": manifest.version,
        "title": manifest.title.as_deref().unwrap_or_default(),
        "description": manifest.description.as_deref().unwrap_or_default(),
        "root": extension.root_word(),
        "supported_frameworks": extension.document.value.get("supported_frameworks").unwrap_or(&json!([])),
        "check_groups": groups,
    })
}

fn validate(directory: PathBuf) -> Result<u8, Failure> {
    let extensions = found(std::slice::from_ref(&directory))?;
    let here = || extensions.iter().filter(|extension| matches!(extension.root, ExtensionRoot::External(_)));
    let told = here().map(|extension| {
        let id = terminal::cell(&extension.manifest.id);
        let checks = u64::try_from(extension.manifest.check_count()).unwrap_or(u64::MAX);
        format!("{id}: valid, {}\n", terminal::counted(checks, "check"))
    });
    terminal::print(&told.collect::<String>())?;
    Ok(exit::DONE)
}
