//! What to do next where clap's own words leave that open.

use clap::error::{ContextKind, ContextValue, ErrorKind};

const PROFILES: &str = "`guide-board init` writes profiles to begin with; bundled:profiles/targets/this-repository.json and \
                        bundled:profiles/assessments/repository-baseline.json are at hand without it";

/// A hint for an error of the command line.
pub(super) fn hint(error: &clap::Error) -> Option<&'static str> {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return None;
    }
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let lacks = |start: &str| missing.iter().any(|argument| argument.starts_with(start));
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
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
    if lacks("<SHELL>") {
        return Some("the shells are bash, elvish, fish, powershell and zsh");
    }
    None
}
