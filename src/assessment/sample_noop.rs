//! The runner of the bundled extension `sample-noop`: `guide-board sample-noop`, hidden from the command list. It looks at nothing.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::runner_context;
use crate::repository::ambient;

/// Makes the sample's report: one pass, two warnings and one artifact in the working directory. `context` is the value of
/// `GUIDE_BOARD_CONTEXT`.
///
/// # Errors
/// A sentence, when the context cannot be read or something cannot be written.
pub fn run(context: Option<OsString>, mut output: impl Write) -> Result<(), String> {
    let context = runner_context::read(context, "sample-noop")?;
    let run_id = context.get("run_id").and_then(Value::as_str).unwrap_or("unknown");
    let target = context.pointer("/target_profile/id").and_then(Value::as_str).unwrap_or("unknown");
    ambient::write_atomically(
        Path::new("sample.txt"),
        &format!("The sample looked at nothing of {target} in {run_id}.\n"),
    )
    .map_err(|error| error.to_string())?;
    let item = |check: &str, result: &str, observation: &str| {
        json!({
            "check_id": check, "subject_ref": target, "result": result, "observations": [observation], "facts": {},
            "requirement_refs": [], "artifact_refs": ["sample.txt"],
        })
    };
    let report = json!({
        "evidence": [
            item("sample-context", "pass", "The runner received its context."),
            item("sample-endpoint", "warning", "No endpoint was looked at: this is a sample."),
            item("sample-review", "warning", "Nobody has reviewed the result: this is a sample."),
        ],
        "metadata": {"sample": true},
    });
    writeln!(output, "{report}").map_err(|error| error.to_string())
}
