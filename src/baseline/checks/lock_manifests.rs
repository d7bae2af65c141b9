//! Reading package manifests: whether they name dependencies, and whether a lock file is due.

use serde_json::Value as Json;
use toml::Table;

use crate::baseline::documents::read_text;
use crate::repository::ambient::target_tree::TargetTree;

/// Whether a manifest asks for a lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It names no dependencies, or its workspace answers for it.
    Nothing,
    /// An application: whoever builds it should get the same dependencies.
    Application,
    /// A library, or a kind of project where a lock file is a good habit rather than the rule.
    Library,
    /// The package manager has no lock file in common use.
    NotApplicable,
    /// The manifest cannot be read as what it should be.
    Unreadable,
}

/// A manifest in its tree.
pub struct Manifest<'a> {
    /// The tree.
    pub tree: &'a TargetTree,
    /// The directory of the manifest.
    pub directory: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// A directory and all above it, the nearest first, the root (`""`) last.
pub fn upward(directory: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory), |current| match current.rsplit_once('/') {
        Some((parent, _)) => Some(parent),
        None if current.is_empty() => None,
        None => Some(""),
    })
}

/// A path in a directory.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

impl Manifest<'_> {
    /// Whether a directory above holds a file of this name whose text is accepted.
    fn above(&self, name: &str, accept: impl Fn(&str) -> bool) -> bool {
        upward(self.directory)
            .skip(1)
            .any(|directory| read_text(self.tree, &join(directory, name)).is_some_and(|text| accept(&text)))
    }

    fn holds(&self, accept: impl Fn(&str) -> bool) -> bool {
        let prefix = if self.directory.is_empty() { String::new() } else { format!("{}/", self.directory) };
        self.tree.files().iter().filter_map(|file| file.path().strip_prefix(&prefix)).any(accept)
    }
}

const fn due(application: bool) -> Need {
    if application { Need::Application } else { Need::Library }
}

/// Cargo: a workspace member leaves it to its workspace; a binary anywhere makes an application.
pub fn cargo(manifest: &Manifest<'_>) -> Need {
    let Ok(table) = manifest.text.parse::<Table>() else {
        return Need::Unreadable;
    };
    let is_root = table.contains_key("workspace");
    if !is_root
        && manifest.above("Cargo.toml", |text| text.parse::<Table>().is_ok_and(|above| above.contains_key("workspace")))
    {
        return Need::Nothing;
    }
    let mut tables: Vec<&Table> = vec![&table];
    if let Some(targets) = table.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let named = ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .flat_map(|key| tables.iter().filter_map(|table| table.get(*key)))
        .any(|value| value.as_table().is_some_and(|entries| !entries.is_empty()));
    if !named && !is_root {
        return Need::Nothing;
    }
    let binary = |path: &str| {
        let inside = !super::lock_files::is_ignored(path);
        inside && (path == "src/main.rs" || path.starts_with("src/bin/") || (is_root && path.ends_with("/src/main.rs")))
    };
    due(table.contains_key("bin") || manifest.holds(binary))
}

/// npm, Yarn, pnpm and Bun: what is published under a version is a library, the rest an application.
pub fn node(manifest: &Manifest<'_>) -> Need {
    let Ok(json) = serde_json::from_str::<Json>(manifest.text) else {
        return Need::Unreadable;
    };
    let is_root = json.get("workspaces").is_some();
    let in_workspace = manifest.above("package.json", |text| {
        serde_json::from_str::<Json>(text).is_ok_and(|above| above.get("workspaces").is_some())
    }) || manifest.above("pnpm-workspace.yaml", |_| true);
    let named = ["dependencies", "devDependencies", "optionalDependencies"]
        .iter()
        .any(|key| json.get(key).and_then(Json::as_object).is_some_and(|entries| !entries.is_empty()));
    if in_workspace || !(named || is_root) {
        return Need::Nothing;
    }
    due(json.get("private") == Some(&Json::Bool(true)) || json.get("version").is_none())
}

/// Deno: imports from a registry.
pub fn deno(manifest: &Manifest<'_>) -> Need {
    let imports = ["\"jsr:", "\"npm:", "\"https://"].iter().any(|mark| manifest.text.contains(mark));
    let refused = manifest.text.replace(' ', "").contains("\"lock\":false");
    if imports && manifest.text.contains("\"imports\"") && !refused { Need::Library } else { Need::Nothing }
}

/// `pyproject.toml`: a build system makes it a package, otherwise it is an application.
pub fn pyproject(manifest: &Manifest<'_>) -> Need {
    let Ok(table) = manifest.text.parse::<Table>() else {
        return Need::Unreadable;
    };
    let within = |path: &[&str]| {
        let mut tables = path.iter();
        let first = tables.next().and_then(|key| table.get(*key));
        tables.fold(first, |value, key| value.and_then(|value| value.get(key)))
    };
    let poetry = within(&["tool", "poetry", "dependencies"]).and_then(toml::Value::as_table);
    let named =
        within(&["project", "dependencies"]).and_then(toml::Value::as_array).is_some_and(|list| !list.is_empty())
            || within(&["dependency-groups"]).and_then(toml::Value::as_table).is_some_and(|groups| !groups.is_empty())
            || poetry.is_some_and(|entries| entries.keys().any(|key| key != "python"));
    if named { due(within(&["build-system"]).is_none()) } else { Need::Nothing }
}

/// `Pipfile`: always an application's.
pub fn pipfile(manifest: &Manifest<'_>) -> Need {
    let Ok(table) = manifest.text.parse::<Table>() else {
        return Need::Unreadable;
    };
    let named = ["packages", "dev-packages"]
        .iter()
        .any(|key| table.get(*key).and_then(toml::Value::as_table).is_some_and(|entries| !entries.is_empty()));
    if named { Need::Application } else { Need::Nothing }
}

/// Go: modules that are required and not replaced by a directory have sums.
pub fn go(manifest: &Manifest<'_>) -> Need {
    let mut block = "";
    let (mut required, mut local) = (Vec::new(), Vec::new());
    for line in manifest.text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if let Some(keyword) = line.strip_suffix('(') {
            block = keyword.trim();
            continue;
        }
        if line == ")" {
            block = "";
            continue;
        }
        let (keyword, rest) = if block.is_empty() { line.split_once(' ').unwrap_or((line, "")) } else { (block, line) };
        let module = rest.split_whitespace().next();
        match keyword {
            "require" => required.extend(module),
            "replace" if rest.split_once("=>").is_some_and(|(_, target)| target.trim().starts_with(['.', '/'])) => {
                local.extend(module);
            }
            _ => {}
        }
    }
    if required.iter().any(|module| !local.contains(module)) { Need::Application } else { Need::Nothing }
}

/// Bundler: a `gemspec` line makes it a library's.
pub fn bundler(manifest: &Manifest<'_>) -> Need {
    let starts = |mark: &str| {
        manifest
            .text
            .lines()
            .map(str::trim)
            .any(|line| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '('])))
    };
    match (starts("gemspec"), starts("gem")) {
        (true, _) => Need::Library,
        (false, true) => Need::Application,
        (false, false) => Need::Nothing,
    }
}

/// Composer: the default type is a library.
pub fn composer(manifest: &Manifest<'_>) -> Need {
    let Ok(json) = serde_json::from_str::<Json>(manifest.text) else {
        return Need::Unreadable;
    };
    let named =
        ["require", "require-dev"].iter().filter_map(|key| json.get(key).and_then(Json::as_object)).any(|entries| {
            entries.keys().any(|name| name != "php" && !name.starts_with("ext-") && !name.starts_with("lib-"))
        });
    if named { due(json.get("type").and_then(Json::as_str) == Some("project")) } else { Need::Nothing }
}

/// Maven has no lock file.
pub fn maven(_: &Manifest<'_>) -> Need {
    Need::NotApplicable
}

/// Gradle: locking is offered, and asked for once, at the build's root.
pub fn gradle(manifest: &Manifest<'_>) -> Need {
    let covered = ["settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"]
        .iter()
        .any(|name| manifest.above(name, |_| true));
    let builds = manifest.text.contains("dependencies") || manifest.text.contains("plugins");
    if builds && !covered { Need::Library } else { Need::Nothing }
}

/// .NET: locking is offered.
pub fn dotnet(manifest: &Manifest<'_>) -> Need {
    if manifest.text.contains("<PackageReference") { Need::Library } else { Need::Nothing }
}

/// Mix: a `package` function makes it a library.
pub fn mix(manifest: &Manifest<'_>) -> Need {
    let above_comment = |line: &str| line.split('#').next().unwrap_or_default().trim_start().starts_with("{:");
    if !manifest.text.lines().any(above_comment) {
        return Need::Nothing;
    }
    due(!manifest.text.contains("package"))
}

/// Dart and Flutter: only applications keep their lock file.
pub fn pub_dart(manifest: &Manifest<'_>) -> Need {
    let application = manifest.text.lines().any(|line| {
        let line = line.replace([' ', '\'', '"'], "");
        line.starts_with("publish_to:none")
    });
    if application && manifest.text.contains("\ndependencies:") { Need::Application } else { Need::Nothing }
}

/// Swift packages: only executables keep their lock file.
pub fn swift(manifest: &Manifest<'_>) -> Need {
    let application = manifest.text.contains(".executableTarget(") || manifest.text.contains(".executable(");
    if application && manifest.text.contains(".package(url") { Need::Library } else { Need::Nothing }
}

/// CocoaPods: pods in use.
pub fn cocoapods(manifest: &Manifest<'_>) -> Need {
    let uses = manifest.text.lines().map(str::trim).any(|line| line.starts_with("pod "));
    if uses { Need::Application } else { Need::Nothing }
}

/// Nix flakes: inputs are locked by the tool itself.
pub fn flake(manifest: &Manifest<'_>) -> Need {
    if manifest.text.contains("inputs") { Need::Library } else { Need::Nothing }
}

#[cfg(test)]
mod tests {
    use super::super::lock_ecosystems::ECOSYSTEMS;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_way_up_ends_at_the_root() {
        assert_eq!(upward("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upward("").collect::<Vec<_>>(), [""]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_can_be_a_manifest(text in "[a-e\\[\\]{}\"=:,(). \n]{0,120}|\\PC{0,120}") {
            let directory = tempfile::TempDir::new().unwrap();
            let tree = TargetTree::open(directory.path()).unwrap();
            for ecosystem in ECOSYSTEMS {
                let _ = (ecosystem.need)(&Manifest { tree: &tree, directory: "", text: &text });
            }
        }
    }
}
