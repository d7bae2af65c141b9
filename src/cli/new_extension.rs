//! `guide-board extensions new`: a working extension to begin with, profiles for it, and the commands that try it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use include_dir::{Dir, include_dir};
use serde_json::json;

use super::exit::{self, Failure};
use super::values::quoted_path;
use super::{Globals, terminal};
use crate::assessment::embedded;
use crate::repository::ambient::{AmbientError, NewDirectory, OutputFile, create_directories};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/templates");

/// The longest id, in characters: `<id>-target` has to be an id, too.
const MAX_ID: usize = 100;

const EXAMPLES: &str = "\
Examples:
  guide-board extensions new my-harness
  guide-board extensions new my-tests --kind junit --dir ./extensions

Exit codes:
  0 done; 1 an internal error; 2 wrong usage, or something stands there already";

/// Makes a working extension to begin with
///
/// The directory DIR/ID with its extension.json, a runner and a README.md, and, unless they are there, profiles for it beneath the --root:
/// profiles/targets/ID-target.json, which is that directory, and profiles/assessments/ID.json. What stands there already is never overwritten. The
/// commands that validate, plan and run it are printed; they work as they are.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct NewArgs {
    /// The extension's id: 1 to 100 characters from A-Z a-z 0-9 . _ -, starting with a letter or digit
    #[arg(value_name = "ID", value_parser = extension_id)]
    id: String,
    /// The directory to make it in
    #[arg(long, value_name = "DIR", default_value = "extensions")]
    dir: PathBuf,
    /// What makes its checks; a manifest's own words, such as junit-xml, are taken, too
    #[arg(long, value_name = "KIND", default_value = "command")]
    kind: Kind,
}

/// What makes the checks of a new extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A program that reports evidence
    Command,
    /// A Python function that reports evidence
    #[value(alias = "python_module")]
    Python,
    /// A harness that writes JUnit XML
    #[value(alias = "junit-xml")]
    Junit,
    /// A scanner that writes SARIF 2.1.0
    #[value(alias = "sarif-2.1.0")]
    Sarif,
    /// A harness that writes TAP
    #[value(alias = "tap-14")]
    Tap,
    /// A person
    External,
}

impl Kind {
    const fn directory(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Python => "python",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Tap => "tap",
            Self::External => "external",
        }
    }
}

fn extension_id(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if !text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        || text.len() > MAX_ID
        || !text.chars().all(is_plain)
    {
        return Err(format!(
            "an id has 1 to {MAX_ID} characters from A-Z a-z 0-9 . _ -, the first of them a letter or digit"
        ));
    }
    if embedded::extensions().iter().any(|(bundled, _)| *bundled == text) {
        return Err("a bundled extension bears this id; choose another".to_owned());
    }
    Ok(text.to_owned())
}

/// Makes the extension and tells what to do next.
pub(super) fn make(args: &NewArgs, globals: &Globals) -> Result<u8, Failure> {
    let directory = args.dir.join(&args.id);
    let root = if globals.root == Path::new(".") { PathBuf::new() } else { globals.root.clone() };
    let (target, assessment) = (
        root.join(format!("profiles/targets/{}-target.json", args.id)),
        root.join(format!("profiles/assessments/{}.json", args.id)),
    );
    let text = |path: &Path| path.to_str().map(quoted_path);
    let (Some(directory_text), Some(target_text), Some(assessment_text)) =
        (text(&directory), text(&target), text(&assessment))
    else {
        let message = "the directory's name is not UTF-8, so that no command can be told; choose another";
        return Err(Failure::new(exit::USAGE, message));
    };
    let written = || -> Result<Vec<&Path>, AmbientError> {
        let new = NewDirectory::begin(&directory)?;
        let template = TEMPLATES.get_dir(args.kind.directory()).into_iter().flat_map(Dir::files);
        for file in template {
            let name = file.path().file_name().unwrap_or_default().to_string_lossy();
            let contents = file.contents_utf8().unwrap_or_default();
            new.put(&name, &contents.replace("{{id}}", &args.id).replace("{{dir}}", &directory_text))?;
        }
        let profiles = [(&target, target_profile(&args.id)), (&assessment, assessment_profile(&args.id))];
        // All of it is on the disk before the first of it is put in its place.
        let mut begun = Vec::new();
        let mut kept = Vec::new();
        for (path, profile) in &profiles {
            match profile_file(path, profile)? {
                Some(file) => begun.push(file),
                None => kept.push(path.as_path()),
            }
        }
        new.finish()?;
        begun.into_iter().try_for_each(OutputFile::finish)?;
        Ok(kept)
    };
    let kept = written().map_err(|error| {
        let next = if error.is_already_there() { "; choose another id, or move it away" } else { "" };
        Failure::new(exit::USAGE, format!("{error}{next}"))
    })?;
    for path in kept {
        terminal::note(&format!("{} stands there already and stays as it is", path.display()));
    }
    let profiles = format!("--target {target_text} \\\n    --assessment {assessment_text}");
    let output_dir = quoted_path(&root.join(format!("runs/{}-1", args.id)).to_string_lossy());
    terminal::print(&format!(
        "{directory_text} is there. Validate it, plan with it, run it:\n\n  \
         guide-board extensions validate {directory_text}\n  \
         guide-board plan --extension-dir {directory_text} \\\n    {profiles}\n  \
         guide-board run --extension-dir {directory_text} \\\n    {profiles} \\\n    --output-dir {output_dir}\n"
    ))?;
    Ok(exit::DONE)
}

/// A profile that waits to be put in its place; `None` when something stands there.
fn profile_file(path: &Path, profile: &serde_json::Value) -> Result<Option<OutputFile>, AmbientError> {
    let unwritable = |source| AmbientError::Unwritable { path: path.to_owned(), source };
    create_directories(path.parent().unwrap_or(Path::new("")))?;
    let mut file = match OutputFile::create(path, false) {
        Err(error) if error.is_already_there() => return Ok(None),
        begun => begun?,
    };
    let text = serde_json::to_string_pretty(profile).map_err(|error| unwritable(error.into()))?;
    writeln!(file, "{text}").map_err(unwritable)?;
    Ok(Some(file))
}

fn target_profile(id: &str) -> serde_json::Value {
    json!({
        "schema_version": "1",
        "id": format!("{id}-target"),
        "subject_type": "repository",
        "endpoints": [{"binding": "filesystem", "url": "../.."}],
    })
}

fn assessment_profile(id: &str) -> serde_json::Value {
    json!({
        "schema_version": "1",
        "id": id,
        "extensions": [id],
        "runtime_policy": {"offline": true, "timeout_seconds": 300},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_plain_and_no_bundled_one() {
        assert!(extension_id("my-harness_2.x").is_ok());
        let long = "x".repeat(MAX_ID + 1);
        for refused in ["", ".x", "-x", "a/b", "..", "ü", "a b", "sample-noop", &long] {
            assert!(extension_id(refused).is_err(), "{refused}");
        }
    }
}
