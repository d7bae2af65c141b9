//! Where a target is: its endpoints, and which of them are files of this machine.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::profile::{TargetProfile, without_dots};
use crate::repository::ambient;

impl TargetProfile {
    /// What is assessed, an open word such as `repository`.
    pub(super) fn subject_type(&self) -> Option<&str> {
        self.document.value.get("subject_type").and_then(Value::as_str)
    }

    /// The profile as runners get it: relative paths in the endpoints made absolute.
    #[must_use]
    pub fn for_runners(&self) -> Value {
        let mut value = self.document.value.clone();
        let endpoints = value.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten();
        for endpoint in endpoints {
            let Some(path) = endpoint_path(endpoint, &self.document.base) else { continue };
            let (Some(fields), Some(path)) = (endpoint.as_object_mut(), path.to_str()) else { continue };
            let key = if fields.contains_key("path") { "path" } else { "url" };
            fields.insert(key.to_owned(), Value::String(path.to_owned()));
        }
        value
    }

    /// Why there is nothing to assess, when an endpoint with the binding `filesystem` names what is not there. As the profile names it.
    pub(super) fn missing_files(&self) -> Option<String> {
        let endpoints = self.document.value.get("endpoints").and_then(Value::as_array)?;
        let (index, endpoint) = endpoints.iter().enumerate().find(|(_, endpoint)| {
            endpoint.get("binding").and_then(Value::as_str) == Some("filesystem")
                && endpoint_path(endpoint, &self.document.base).is_some_and(|path| !ambient::is_there(&path))
        })?;
        let named = endpoint.get("path").or_else(|| endpoint.get("url")).and_then(Value::as_str).unwrap_or_default();
        Some(format!("the target is not there: /endpoints/{index} names {}", crate::model::printable(named, 300)))
    }

    /// The commits that the target's filesystem endpoints are at: under the target's id when one endpoint is a checkout, under the
    /// bindings when several are.
    #[must_use]
    pub fn source_commits(&self) -> Vec<(String, String)> {
        let endpoints = self.document.value.get("endpoints").and_then(Value::as_array);
        let mut found: Vec<(String, String)> = endpoints
            .into_iter()
            .flatten()
            .filter_map(|endpoint| {
                let commit = ambient::head_commit(&endpoint_path(endpoint, &self.document.base)?)?;
                Some((endpoint.get("binding")?.as_str()?.to_owned(), commit))
            })
            .collect();
        if let [(name, _)] = found.as_mut_slice() {
            name.clone_from(&self.id);
        }
        found
    }
}

/// The path that an endpoint names, absolute; `None` when it names a URL.
///
/// A `path` is a path. A `url` is one when it looks like one (`/x`, `./x`, `../x`, `.`, `..`, `file:///x`) or the binding is
/// `filesystem` and it has no scheme; `host:8080` under another binding is none.
fn endpoint_path(endpoint: &Value, base: &Path) -> Option<PathBuf> {
    let text = |key: &str| endpoint.get(key).and_then(Value::as_str);
    let path = match (text("path"), text("url")) {
        (Some(path), _) => path,
        (None, Some(url)) => {
            let plain = url.strip_prefix("file://").unwrap_or(url);
            let looks = plain.starts_with(['/']) || matches!(plain.split('/').next(), Some("." | ".."));
            let named = text("binding") == Some("filesystem") && !plain.contains("://");
            if looks || named { plain } else { return None }
        }
        (None, None) => return None,
    };
    Some(ambient::resolved(&without_dots(&base.join(path))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn endpoints_that_are_paths_become_absolute_and_urls_stay() {
        let base = Path::new("/nowhere/profiles/targets");
        let path = |endpoint| endpoint_path(&endpoint, base).map(|path| path.display().to_string());
        assert_eq!(path(json!({"binding": "filesystem", "url": "../.."})).as_deref(), Some("/nowhere"));
        assert_eq!(
            path(json!({"binding": "filesystem", "url": "src"})).as_deref(),
            Some("/nowhere/profiles/targets/src")
        );
        assert_eq!(path(json!({"binding": "x", "path": "a"})).as_deref(), Some("/nowhere/profiles/targets/a"));
        assert_eq!(path(json!({"binding": "x", "url": "file:///srv/a"})).as_deref(), Some("/srv/a"));
        for url in ["https://example.invalid/../x", "localhost:8080", "unix:socket"] {
            assert_eq!(path(json!({"binding": "grpc", "url": url})), None, "{url}");
        }
    }
}
