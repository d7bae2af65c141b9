//! The runner of the bundled extension `sample-noop`: `guide-board sample-noop`, hidden from the command list. It looks at nothing.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use serde_json::{Value, json};

use crate::repository::ambient;

/// Makes the sample's report: one pass, two warnings and one artifact in the working directory. `context` is the value of
/// `GUIDE_BOARD_CONTEXT`.
///
/// # Errors
/// A sentence, when the context cannot be read or something cannot be written.
pub fn run(context: Option<OsString>, mut output: impl Write) -> Result<(), String> {
    let path = context.ok_or("GUIDE_BOARD_CONTEXT is not set; `sample-noop` is run by `guide-board run`")?;
    let text = ambient::read_text(Path::new(&path), 16 * 1024 * 1024).map_err(|error| error.to_string())?;
    let context: Value = serde_json::from_str(&text).map_err(|error| format!("the context is not JSON: {error}"))?;
    let run_id = context.get("run_id").and_then(Value::as_str).unwrap_or("unknown");
    let target = context.pointer("/target_profile/id").and_then(Value::as_str).unwrap_or("unknown");
    leave("sample.txt", format!("The sample looked at nothing of {target} in {run_id}.\n").as_bytes())?;
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

fn leave(name: &str, bytes: &[u8]) -> Result<(), String> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, name, flags, Mode::from_raw_mode(0o666)).map_err(|error| error.to_string())?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = rustix::io::write(&file, rest).map_err(|error| error.to_string())?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}
