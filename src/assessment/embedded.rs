//! What the binary carries: the bundled extensions, the sample profiles and the schemas, so that no checkout is needed to run it.

use include_dir::{Dir, DirEntry, include_dir};

static EXTENSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/extensions");
static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

static SCHEMAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/schemas");

/// The JSON Schema `docs/schemas/<name>.schema.json`.
#[must_use]
pub(super) fn schema(name: &str) -> Option<&'static str> {
    SCHEMAS.get_file(format!("{name}.schema.json"))?.contents_utf8()
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

/// A file or directory of a bundled extension.
#[must_use]
pub(super) fn extension_entry(id: &str, path: &str) -> Option<&'static DirEntry<'static>> {
    EXTENSIONS.get_entry(format!("{id}/{path}"))
}

/// Every file of a bundled extension: its path in the extension and its content.
#[must_use]
pub(super) fn extension_files(id: &str) -> Vec<(String, &'static [u8])> {
    let mut files = Vec::new();
    let mut waiting: Vec<&Dir<'_>> = EXTENSIONS.get_dir(id).into_iter().collect();
    while let Some(directory) = waiting.pop() {
        waiting.extend(directory.dirs());
        files.extend(directory.files().filter_map(|file| {
            let path = file.path().strip_prefix(id).ok()?.to_str()?;
            Some((path.to_owned(), file.contents()))
        }));
    }
    files
}

/// A bundled profile, or a policy set of one, by its path in the repository, for example `profiles/targets/sample-repository.json`.
#[must_use]
pub fn profile(path: &str) -> Option<&'static str> {
    PROFILES.get_file(path.strip_prefix("profiles/")?)?.contents_utf8()
}

/// The paths of the bundled target and assessment profiles, as [`profile`] takes them; not those of the policy sets that they name.
#[must_use]
pub fn profile_paths() -> Vec<String> {
    let mut paths: Vec<String> = ["targets", "assessments"]
        .iter()
        .filter_map(|kind| PROFILES.get_dir(kind))
        .flat_map(Dir::files)
        .filter_map(|file| Some(format!("profiles/{}", file.path().to_str()?)))
        .collect();
    paths.sort_unstable();
    paths
}
