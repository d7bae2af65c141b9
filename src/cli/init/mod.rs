//! `guide-board init`: sample profiles and a configuration file to begin with, and the commands to go on with.

mod settings_file;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::exit::{self, Failure};
use super::values::quoted_path;
use super::{Globals, terminal};
use crate::assessment::embedded;
use crate::repository::ambient::{self, AmbientError, OutputFile};

/// The configuration file.
const SETTINGS: &str = "guide-board.toml";
/// The profiles of the commands that are told.
const TARGET: &str = "profiles/targets/this-repository.json";
const ASSESSMENT: &str = "profiles/assessments/repository-baseline.json";
/// Every bundled profile that is written.
const PROFILES: [&str; 4] =
    [TARGET, "profiles/targets/sample-repository.json", ASSESSMENT, "profiles/assessments/sample-noop.json"];

/// The largest file that is compared with what would be written, in bytes.
const MAX_COMPARED_BYTES: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  guide-board init
  guide-board init ../another-checkout

Exit codes:
  0 everything is there; 1 the list cannot be printed; 2 wrong usage, or DIR
  cannot be written";

/// Writes sample profiles and a configuration file to begin with
///
/// Written into DIR: profiles/targets/this-repository.json, which is DIR itself, and profiles/assessments/repository-baseline.json, which assesses a
/// repository; profiles/targets/sample-repository.json and profiles/assessments/sample-noop.json, which look at nothing; and guide-board.toml, in which
/// every setting stands as a comment with its default.
///
/// What stands there already is never overwritten: it is listed as kept, and the rest is written. To have a file anew, move it away. The commands to go on
/// with are printed; they work as they are.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// The directory to write into; it is made if it is not there [default: <root>]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What became of a file.
enum Fate {
    Begun(OutputFile),
    /// It stands there already, and is what would be written.
    Same,
    /// It stands there already, and is something else.
    Other,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &InitArgs, globals: &Globals) -> ExitCode {
    exit::code_of(init(args.dir.as_ref().unwrap_or(&globals.root), &globals.root))
}

fn init(directory: &Path, root: &Path) -> Result<u8, Failure> {
    if ambient::is_there(directory) && !ambient::is_directory(directory) {
        let message = format!("{} is not a directory; name one to write into", directory.display());
        return Err(Failure::new(exit::USAGE, message));
    }
    let here = if directory == Path::new(".") { Path::new("") } else { directory };
    let told = here.to_str().ok_or_else(|| {
        Failure::new(exit::USAGE, "the directory's name is not UTF-8, so that no command can be told; choose another")
    })?;
    let unwritable = |error: AmbientError| {
        Failure::new(exit::USAGE, format!("{error}; name a directory that you may write, or run this in one"))
    };
    let mut files = vec![(SETTINGS, settings_file::text())];
    for path in PROFILES {
        let text = embedded::profile(path)
            .ok_or_else(|| Failure::new(exit::INTERNAL, format!("{path} is missing from this build")))?;
        files.push((path, text.to_owned()));
    }
    // All of it is on the disk before the first of it is put in its place.
    let begun: Vec<(&str, Fate)> = files
        .iter()
        .map(|(path, text)| Ok((*path, begin(&here.join(path), text)?)))
        .collect::<Result<_, AmbientError>>()
        .map_err(unwritable)?;
    let mut list = String::new();
    for (path, fate) in begun {
        let (word, remark) = match fate {
            Fate::Begun(file) => {
                file.finish().map_err(unwritable)?;
                ("written", "")
            }
            Fate::Same => ("kept", ""),
            Fate::Other => ("kept", "  (yours: it is not the sample)"),
        };
        list.push_str(&format!("{word:7}  {}{remark}\n", terminal::cell(&here.join(path).to_string_lossy())));
    }
    terminal::print(&format!("{list}\n{}", commands(here, told, root)))?;
    Ok(exit::DONE)
}

fn begin(path: &Path, text: &str) -> Result<Fate, AmbientError> {
    ambient::create_directories(path.parent().unwrap_or(Path::new("")))?;
    let mut file = match OutputFile::create(path, false) {
        Err(error) if error.is_already_there() => {
            let is_same = ambient::read_text(path, MAX_COMPARED_BYTES).is_ok_and(|there| there == text);
            return Ok(if is_same { Fate::Same } else { Fate::Other });
        }
        begun => begun?,
    };
    file.write_all(text.as_bytes())
        .map_err(|source| AmbientError::Unwritable { path: path.to_owned(), source })
        .map(|()| Fate::Begun(file))
}

/// What to do next. The commands work from where this one was given.
fn commands(here: &Path, told: &str, root: &Path) -> String {
    let path = |name: &str| quoted_path(&here.join(name).to_string_lossy());
    let program = if told.is_empty() && root == Path::new(".") {
        "guide-board".to_owned()
    } else {
        format!("guide-board --root {}", quoted_path(if told.is_empty() { "." } else { told }))
    };
    let run = (1_u64..)
        .map(|number| format!("this-repository-{number}"))
        .find(|name| !ambient::is_there(&here.join("runs").join(name)))
        .unwrap_or_default();
    let profiles = format!("--target {} \\\n    --assessment {}", path(TARGET), path(ASSESSMENT));
    format!(
        "Say what a run would do, make one, read its report; serve the runs, until Ctrl-C:\n\n  \
         {program} plan {profiles}\n  \
         {program} run {profiles} \\\n    --output-dir {}\n  \
         {program} runs report --directory {run}\n  \
         {program} --config {} serve\n\n\
         The exit code of `run` is the outcome: 0 completed, 3 failed, as it is for a repository without a licence.\n\
         The configuration file is read where --config or GUIDE_BOARD_CONFIG names it. The runs stand in {};\n\
         keep that out of version control.\n",
        path(&format!("runs/{run}")),
        path(SETTINGS),
        path("runs/"),
    )
}
