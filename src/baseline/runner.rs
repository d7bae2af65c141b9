//! The runner of the bundled extension: `guide-board repository-baseline`, hidden from the command list. It speaks the runner protocol
//! like any other runner.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::assess;
use crate::assessment::runner_context;
use crate::repository::ambient::git_history::Limits;
use crate::repository::ambient::target_tree::TargetTree;

/// Looks at the target's tree and writes the result. `context` is the value of `GUIDE_BOARD_CONTEXT`.
///
/// # Errors
/// A sentence, when the context cannot be read, names no directory to look at, or the result cannot be written.
pub fn run(context: Option<OsString>, mut output: impl Write) -> Result<(), String> {
    let context = runner_context::read(context, "repository-baseline")?;
    let path = tree_path(&context).ok_or(
        "the target profile has no endpoint with the binding `filesystem`; give one whose url is the repository's directory",
    )?;
    let target = context.pointer("/target_profile/id").and_then(Value::as_str).unwrap_or("unknown");
    let checks: Vec<String> = context
        .get("checks")
        .and_then(Value::as_array)
        .map(|checks| checks.iter().filter_map(check_id).map(str::to_owned).collect())
        .unwrap_or_default();
    let tree = TargetTree::open(Path::new(path)).map_err(|error| error.to_string())?;
    let result = assess(&tree, Limits::default(), target, &checks, &mut |_| {}).map_err(|error| error.to_string())?;
    let text = serde_json::to_string(&result).map_err(|error| error.to_string())?;
    writeln!(output, "{text}").map_err(|error| error.to_string())
}

/// The first endpoint that is a directory of this machine.
fn tree_path(context: &Value) -> Option<&str> {
    let endpoints = context.pointer("/target_profile/endpoints")?.as_array()?;
    let endpoint =
        endpoints.iter().find(|endpoint| endpoint.get("binding").and_then(Value::as_str) == Some("filesystem"))?;
    let url = endpoint.get("url").or_else(|| endpoint.get("path"))?.as_str()?;
    Some(url.strip_prefix("file://").unwrap_or(url))
}

/// A check is its id, or an object with one.
fn check_id(check: &Value) -> Option<&str> {
    check.as_str().or_else(|| check.get("id")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_filesystem_endpoint_is_the_tree() {
        let context = json!({"target_profile": {"endpoints": [
            {"binding": "https", "url": "https://example.invalid"},
            {"binding": "filesystem", "url": "file:///srv/repo"},
        ]}});
        assert_eq!(tree_path(&context), Some("/srv/repo"));
        assert_eq!(tree_path(&json!({"target_profile": {"endpoints": []}})), None);
        assert_eq!(tree_path(&json!({})), None);
    }

    #[test]
    fn without_a_context_it_says_who_runs_it() {
        let error = run(None, Vec::new()).expect_err("refused");
        assert!(error.contains("guide-board run"), "{error}");
    }
}
