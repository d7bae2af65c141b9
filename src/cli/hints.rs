//! What to do next where clap's own words leave that open.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::exit::Failure;
use crate::assessment::ProfileSource;
use crate::repository::ambient;

const PROFILES: &str = "`guide-board init` writes profiles to begin with; bundled:profiles/targets/this-repository.json and \
                        bundled:profiles/assessments/repository-baseline.json are at hand without it";

/// A hint for an error of the command line.
pub(super) fn hint(error: &clap::Error) -> Option<&'static str> {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument && usage.contains("<--run-id <ID>|--directory <NAME>>") {
        return Some("a run is named with --run-id ID or --directory NAME");
    }
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return None;
    }
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let lacks = |start: &str| missing.iter().any(|argument| argument.starts_with(start));
    if usage.contains(" jobs start ") {
        return Some(
            "`guide-board init` writes profiles to begin with; FILE is relative to the --root of the server, as in profiles/targets/this-repository.json",
        );
    }
    if lacks("--target <FILE>") || lacks("--assessment <FILE>") || usage.contains(" profile validate-") {
        return Some(PROFILES);
    }
    if lacks("<--run-id <ID>|") {
        return Some("`guide-board runs list` shows the runs, with their ids and directories");
    }
    if lacks("<JOB_ID>") {
        return Some("`guide-board jobs list` shows the jobs, with their ids");
    }
    if lacks("<PATH>") && usage.contains(" runs cat ") {
        return Some("`guide-board runs artifacts` lists what a run has");
    }
    if lacks("<DIR>") && usage.contains(" runs pull ") {
        return Some("DIR is the directory that the run is copied into; it is made if it is not there");
    }
    if lacks("--name <NAME>") || lacks("--scope <SCOPE>") {
        return Some("a caller's token is made like this: `guide-board tokens new --name ci --scope read`");
    }
    if lacks("<ID>") {
        return Some("an extension is made like this: `guide-board extensions new my-harness`");
    }
    if lacks("<SHELL>") {
        return Some("the shells are bash, elvish, fish, powershell and zsh");
    }
    None
}

/// A failure with where profiles come from, if one of these is a file that is not there.
pub(super) fn of_profiles(failure: Failure, sources: &[&ProfileSource]) -> Failure {
    let is_absent = |source: &&&ProfileSource| matches!(source, ProfileSource::File(path) if !ambient::is_there(path));
    if sources.iter().any(|source| is_absent(&source)) {
        return failure.around("", &format!("\n{PROFILES}"));
    }
    failure
}
