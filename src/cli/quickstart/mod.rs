//! `guide-board quickstart`: the whole story on a real repository, over a real socket, with a real kill and restart.

mod child;
mod story;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::exit::{self, Failure};
use super::{Globals, terminal};
use crate::assessment::embedded;
use crate::repository::ambient;

const EXAMPLES: &str = "\
Examples:
  guide-board quickstart
  guide-board quickstart --repo ../another-checkout --once

Exit codes:
  0 the story is told, whatever the assessment found; 1 it broke off; 2 wrong
  usage, or ./runs cannot be written; 8 the server did not answer";

/// Shows the whole story on a repository
///
/// Starts a server over ./runs on a free loopback port, has it assess the repository with the bundled extension repository-baseline, kills the
/// server, starts another one, finds the run again, and fetches and verifies an artifact. On a terminal it then keeps serving and shows
/// grpcurl commands to try; elsewhere, or with --once, it ends. The runs stay in ./runs; what the quickstart itself needs, the server's log
/// among it, stands in ./runs/.quickstart and can be deleted.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct QuickstartArgs {
    /// The repository to assess: a directory, a git checkout or not [default: <root>]
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    /// End when the story is told, also on a terminal
    #[arg(long)]
    once: bool,
}

/// Where the story takes place.
#[derive(Debug)]
pub(super) struct Scene {
    /// The directory of runs.
    pub(super) runs: PathBuf,
    /// What the quickstart itself needs: hidden beside the runs, so no scan sees it.
    pub(super) state: PathBuf,
    /// The id of the target profile.
    pub(super) target_id: String,
    /// The id of the assessment profile.
    pub(super) assessment_id: String,
    /// What the servers of the story share with this command.
    pub(super) globals: Globals,
    /// What tells this story's run from those of other stories.
    story: String,
    told: AtomicBool,
}

impl Scene {
    /// The label of this story's run.
    pub(super) fn label(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("quickstart".to_owned(), self.story.clone())])
    }

    /// Notes that the story is told, and only the serving goes on.
    pub(super) fn set_told(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
}

/// The names of the profiles beneath the state directory, as a request gives them.
pub(super) const TARGET: &str = "profiles/targets/repository.json";
pub(super) const ASSESSMENT: &str = "profiles/assessments/repository-baseline.json";

/// Runs the command.
#[must_use]
pub(super) fn run(args: &QuickstartArgs, globals: &Globals) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(exit::INTERNAL, format!("no runtime: {error}")).tell(),
    };
    let keep_serving = !args.once && std::io::stdout().is_terminal();
    exit::code_of(runtime.block_on(async {
        let internal =
            |error: std::io::Error| Failure::new(exit::INTERNAL, format!("signals cannot be handled: {error}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
        let scene = prepare(args, globals)?;
        // Whatever breaks the story off drops it, and with it the server that it started.
        tokio::select! {
            outcome = story::tell(&scene, keep_serving) => outcome.map(|()| exit::DONE),
            _ = terminate.recv() => Ok(exit::TERMINATED),
            // Ctrl-C is how a server that was told to keep serving ends.
            _ = interrupt.recv() => Ok(if scene.is_told() { exit::DONE } else { exit::INTERRUPTED }),
        }
    }))
}

fn prepare(args: &QuickstartArgs, globals: &Globals) -> Result<Scene, Failure> {
    let usage = |error: ambient::AmbientError| {
        let message = format!("{error}; run this in a directory that you may write, --repo names the repository");
        Failure::new(exit::USAGE, message)
    };
    let here = ambient::resolved(&globals.root);
    let asked = args.repo.as_ref().unwrap_or(&globals.root);
    let repository = ambient::resolved(asked);
    if !ambient::is_directory(&repository) {
        let message = format!("{} is not a directory; --repo names the repository to assess", asked.display());
        return Err(Failure::new(exit::USAGE, message));
    }
    let runs = here.join("runs");
    let state = runs.join(".quickstart");
    let target_id = if repository == here { "this-repository".to_owned() } else { id_of(&repository) };
    let target = json!({
        "schema_version": "1",
        "id": target_id,
        "subject_type": "repository",
        "endpoints": [{"binding": "filesystem", "url": repository}],
    });
    let assessment = embedded::profile(ASSESSMENT)
        .ok_or_else(|| Failure::new(exit::INTERNAL, "the bundled assessment profile is missing from this build"))?;
    let assessment_id = serde_json::from_str::<Value>(assessment)
        .ok()
        .and_then(|profile| Some(profile.get("id")?.as_str()?.to_owned()))
        .ok_or_else(|| Failure::new(exit::INTERNAL, "the bundled assessment profile has no id"))?;
    for (name, text) in [(TARGET, format!("{target:#}\n")), (ASSESSMENT, assessment.to_owned())] {
        let path = state.join(name);
        if let Some(directory) = path.parent() {
            ambient::create_directories(directory).map_err(usage)?;
        }
        ambient::write_atomically(&path, &text).map_err(usage)?;
    }
    let story =
        getrandom::u32().map_err(|error| Failure::new(exit::INTERNAL, format!("no random numbers: {error}")))?;
    let story = format!("{story:08x}");
    let globals = globals.clone();
    Ok(Scene { runs, state, target_id, assessment_id, globals, story, told: AtomicBool::new(false) })
}

/// A profile id from a directory's name.
fn id_of(repository: &Path) -> String {
    let name = repository.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-') { letter } else { '-' })
        .take(64)
        .collect();
    let kept = kept.trim_start_matches(['.', '-', '_']);
    if kept.is_empty() { "repository".to_owned() } else { kept.to_owned() }
}

/// Says something to whoever watches.
fn say(text: &str) -> Result<(), Failure> {
    terminal::print(&format!("{text}\n")).map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_name_becomes_an_id() {
        assert_eq!(id_of(Path::new("/a/my repo")), "my-repo");
        assert_eq!(id_of(Path::new("/a/.hidden")), "hidden");
        assert_eq!(id_of(Path::new("/")), "repository");
    }
}
