//! The context that a bundled runner reads: the file that `GUIDE_BOARD_CONTEXT` names.

use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use crate::repository::ambient;

/// The largest context that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Reads the context of the bundled runner `runner`. `variable` is the value of `GUIDE_BOARD_CONTEXT`.
///
/// # Errors
/// A sentence, when the variable is not set or the file is no JSON document.
pub fn read(variable: Option<OsString>, runner: &str) -> Result<Value, String> {
    let path =
        variable.ok_or_else(|| format!("GUIDE_BOARD_CONTEXT is not set; `{runner}` is run by `guide-board run`"))?;
    let text = ambient::read_text(Path::new(&path), MAX_BYTES).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("the context is not JSON: {error}"))
}
