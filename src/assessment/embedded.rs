//! What the binary carries: the bundled extensions, the sample profiles and the schemas, so that no checkout is needed to run it.

use include_dir::{Dir, include_dir};

static EXTENSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/extensions");
static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The JSON Schemas, as `docs/schemas/` has them.
pub mod schemas {
    /// `target-profile.schema.json`.
    pub const TARGET_PROFILE: &str = include_str!("../../docs/schemas/target-profile.schema.json");
    /// `assessment-profile.schema.json`.
    pub const ASSESSMENT_PROFILE: &str = include_str!("../../docs/schemas/assessment-profile.schema.json");
    /// `extension.schema.json`.
    pub const EXTENSION: &str = include_str!("../../docs/schemas/extension.schema.json");
    /// `runner-result.schema.json`.
    pub const RUNNER_RESULT: &str = include_str!("../../docs/schemas/runner-result.schema.json");
}

/// The bundled extensions: directory name and manifest text, by name in order.
#[must_use]
pub fn extensions() -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = EXTENSIONS
        .dirs()
        .filter_map(|directory| {
            let name = directory.path().to_str()?;
            let manifest = directory.get_file(directory.path().join("extension.json"))?.contents_utf8()?;
            Some((name, manifest))
        })
        .collect();
    found.sort_unstable();
    found
}

/// A bundled profile by its path in the repository, for example `profiles/targets/sample-repository.json`.
#[must_use]
pub fn profile(path: &str) -> Option<&'static str> {
    PROFILES.get_file(path.strip_prefix("profiles/")?)?.contents_utf8()
}

/// The paths of the bundled profiles, as [`profile`] takes them.
#[must_use]
pub fn profile_paths() -> Vec<String> {
    let mut paths: Vec<String> = PROFILES
        .dirs()
        .flat_map(Dir::files)
        .filter_map(|file| Some(format!("profiles/{}", file.path().to_str()?)))
        .collect();
    paths.sort_unstable();
    paths
}
