//! The package ecosystems: their manifests, their lock files, and what to do when there is none.

use super::lock_manifests::{
    Manifest, Need, bundler, cargo, cocoapods, composer, deno, dotnet, flake, go, gradle, maven, mix, node, pipfile,
    pub_dart, pyproject, swift,
};

/// A package ecosystem.
pub struct Ecosystem {
    /// Its name for people.
    pub name: &'static str,
    /// The manifest's name; one that starts with `*` is a suffix.
    pub manifests: &'static [&'static str],
    /// Whether a manifest asks for a lock file.
    pub need: fn(&Manifest<'_>) -> Need,
    /// The names of its lock files, any of which will do.
    pub locks: &'static [&'static str],
    /// Whether a lock file in a directory above counts, as in workspaces.
    pub inherits: bool,
    /// What makes the lock file.
    pub remedy: &'static str,
}

impl Ecosystem {
    /// Whether a file of this name is one of its manifests.
    pub fn owns(&self, name: &str) -> bool {
        self.manifests.iter().any(|manifest| match manifest.strip_prefix('*') {
            Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            None => name == *manifest,
        })
    }
}

/// The lock files of the Python tools.
pub const PYTHON_LOCKS: &[&str] =
    &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "pixi.lock", "conda-lock.yml"];

const fn simple(
    name: &'static str,
    manifests: &'static [&'static str],
    need: fn(&Manifest<'_>) -> Need,
    locks: &'static [&'static str],
    remedy: &'static str,
) -> Ecosystem {
    Ecosystem { name, manifests, need, locks, inherits: true, remedy }
}

/// Every ecosystem that is known.
pub const ECOSYSTEMS: &[Ecosystem] = &[
    simple("Cargo", &["Cargo.toml"], cargo, &["Cargo.lock"], "run `cargo generate-lockfile`"),
    simple(
        "npm",
        &["package.json"],
        node,
        &[
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "bun.lockb",
            "deno.lock",
        ],
        "run `npm install --package-lock-only`, or your package manager's equivalent",
    ),
    simple("Deno", &["deno.json", "deno.jsonc"], deno, &["deno.lock"], "run `deno install`"),
    simple(
        "Python",
        &["pyproject.toml"],
        pyproject,
        PYTHON_LOCKS,
        "run `uv lock`, `poetry lock` or `pdm lock`, or keep a fully pinned requirements.txt",
    ),
    simple("Pipenv", &["Pipfile"], pipfile, &["Pipfile.lock"], "run `pipenv lock`"),
    Ecosystem {
        name: "Go modules",
        manifests: &["go.mod"],
        need: go,
        locks: &["go.sum", "go.work.sum", "vendor/modules.txt"],
        inherits: false,
        remedy: "run `go mod tidy`",
    },
    simple("Bundler", &["Gemfile", "gems.rb"], bundler, &["Gemfile.lock", "gems.locked"], "run `bundle lock`"),
    simple("Composer", &["composer.json"], composer, &["composer.lock"], "run `composer update --lock`"),
    simple("Maven", &["pom.xml"], maven, &[], ""),
    simple(
        "Gradle",
        &["build.gradle", "build.gradle.kts"],
        gradle,
        &[
            "gradle.lockfile",
            "buildscript-gradle.lockfile",
            "gradle/verification-metadata.xml",
            "gradle/dependency-locks",
        ],
        "turn on dependency locking and run `gradle dependencies --write-locks`",
    ),
    simple(
        ".NET",
        &["*.csproj", "*.fsproj", "*.vbproj"],
        dotnet,
        &["packages.lock.json"],
        "set RestorePackagesWithLockFile and run `dotnet restore`",
    ),
    simple("Mix", &["mix.exs"], mix, &["mix.lock"], "run `mix deps.get`"),
    simple("Dart", &["pubspec.yaml"], pub_dart, &["pubspec.lock"], "run `dart pub get`"),
    simple("Swift", &["Package.swift"], swift, &["Package.resolved"], "run `swift package resolve`"),
    simple("CocoaPods", &["Podfile"], cocoapods, &["Podfile.lock"], "run `pod install`"),
    simple("Nix", &["flake.nix"], flake, &["flake.lock"], "run `nix flake lock`"),
];
